//! The digest of a root element that passes by.

use aws_lc_rs::digest;

use super::SignatureError;
use super::shape::Signature;
use crate::protocol::xml::canonical::{self, Canonicalizer};
use crate::protocol::xml::{Document, Element, Event};

/// Digests a root element while it passes by.
pub(crate) struct Digester {
    signature: Signature,
    canonicalizer: Canonicalizer,
    digest: digest::Context,
    written: Vec<u8>,
}

/// The digest takes its bytes in pieces of this size.
const PIECE: usize = 16 << 10;

impl Digester {
    /// `head` is a document of which the beginning was read, up to the end of `signature`.
    pub(crate) fn new(
        head: &Document,
        element: Element<'_>,
        signature: Signature,
    ) -> Result<Self, SignatureError> {
        let mut canonicalizer = Canonicalizer::new(signature.canonicalization.clone());
        let written = canonical::canonicalize_head(&mut canonicalizer, head, element)?;
        let digest = digest::Context::new(signature.digest.algorithm());
        Ok(Self { signature, canonicalizer, digest, written })
    }

    pub(crate) fn add(&mut self, event: &Event<'_>) -> Result<(), SignatureError> {
        match event {
            Event::Start(start) => self.canonicalizer.start(start, &mut self.written)?,
            Event::End(name) => self.canonicalizer.end(name, &mut self.written),
            Event::Text(text) => Canonicalizer::text(text, &mut self.written),
            Event::Comment(text) => self.canonicalizer.comment(text, &mut self.written),
            Event::Instruction { target, data } => {
                Canonicalizer::instruction(target, data, &mut self.written);
            }
        }
        if self.written.len() >= PIECE {
            self.digest.update(&self.written);
            self.written.clear();
        }
        Ok(())
    }

    /// The root has ended; `whole` says that no instruction stood beside it.
    pub(crate) fn finish(mut self, whole: bool) -> Result<Signature, SignatureError> {
        if self.signature.reference.is_empty() && !whole {
            let (expected, found) = (String::new(), String::new());
            return Err(SignatureError::Reference { expected, found });
        }
        self.digest.update(&self.written);
        self.signature.verify_digest(&self.digest.finish())?;
        Ok(self.signature)
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester")
    }
}
