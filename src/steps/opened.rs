//! Tokens that may be encrypted: what is signed in them (RFC 7519 §7.2).

use crate::probe::Context;
use crate::protocol::jose::{self, Decrypted, Jws};
use crate::report::{Failure, Warning};
use crate::settings::Validate;

/// The signed token: the token itself, or what is encrypted in it.
pub(super) struct Opened {
    pub(super) jws: Jws,
    /// It was encrypted, and its header did not say what is in it.
    unannounced: bool,
}

impl Opened {
    pub(super) fn new(
        parsed: Result<&Jws, &jose::FormatError>,
        decrypted: Option<Decrypted>,
    ) -> Result<Self, Failure> {
        match decrypted {
            Some(inner) => Ok(Self { jws: inner.signed()?, unannounced: !inner.says_jwt }),
            None => match parsed {
                Ok(jws) => Ok(Self { jws: jws.clone(), unannounced: false }),
                Err(error) => Err(error.clone().into()),
            },
        }
    }

    /// Warns of how it is made.
    pub(super) fn look(&self, context: &Context<'_>) {
        if self.unannounced {
            context.warn(Warning::CtyMissing);
        }
    }
}

/// Opens a token, which was taken apart as far as that goes without a key.
///
/// # Errors
/// When it cannot be read, or not be decrypted.
pub(super) async fn open(
    context: &Context<'_>,
    validate: &Validate,
    parsed: Result<&Jws, &jose::FormatError>,
    token: &str,
) -> Result<Opened, Failure> {
    Opened::new(parsed, decrypt(context, validate, parsed, token).await?)
}

/// What is encrypted in a token; `None` when nothing is, or there is no key to read it with.
///
/// # Errors
/// When it cannot be decrypted.
pub(super) async fn decrypt(
    context: &Context<'_>,
    validate: &Validate,
    parsed: Result<&Jws, &jose::FormatError>,
    token: &str,
) -> Result<Option<Decrypted>, Failure> {
    let (Err(jose::FormatError::Encrypted), Some(decryption)) = (parsed, &validate.decryption)
    else {
        return Ok(None);
    };
    let key = context.parsed(decryption).await?;
    let inner = key.decrypt(token)?;
    context.hide(inner.text());
    Ok(Some(inner))
}
