//! `saml`: the metadata of an entity, and the certificates in it and in files (SAML metadata).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, planned};
use crate::protocol::saml::metadata::RoleKind;
use crate::report::Step;
use crate::secret::PublicFile;
use crate::settings::{
    Assertion, AssertionSettings, CertificateFile, Error, Pins, SignatureSettings,
    compile_passing_assertions,
};
use crate::steps::metadata::Wanted;
use crate::steps::{certificates, metadata};

pub(super) const PROBER: Prober = Prober { name: "saml", load };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    role: Role,
    entity_id: Option<String>,
    signature: Option<SignatureSettings>,
    #[serde(default)]
    certificates: Vec<PublicFile>,
    #[serde(default)]
    fingerprints: Vec<String>,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Idp,
    Sp,
}

struct Saml {
    metadata: Wanted,
    files: Vec<CertificateFile>,
    pins: Pins,
}

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    if settings.entity_id.as_deref().is_some_and(|id| id.trim().is_empty()) {
        return Err(at.key("entity_id").error("is empty"));
    }
    let signature =
        settings.signature.map(|signature| signature.compile(&at.key("signature"))).transpose()?;
    let at_files = at.key("certificates");
    let files = settings.certificates.into_iter().enumerate();
    let files = files
        .map(|(index, file)| CertificateFile::compile(file, &at_files.index(index)))
        .collect::<Result<_, _>>()?;
    let probe = Saml {
        metadata: Wanted {
            entity_id: settings.entity_id.map(|id| id.trim().to_owned()),
            role: match settings.role {
                Role::Idp => RoleKind::Idp,
                Role::Sp => RoleKind::Sp,
            },
            signature,
            assertions: compile_passing_assertions(settings.assertions, &at.key("assertions"))?,
        },
        files,
        pins: Pins::compile(&settings.fingerprints, &at.key("fingerprints"))?,
    };
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers: Vec::new() })
}

impl Probe for Saml {
    fn plan(&self) -> Vec<Planned> {
        let assertions = self.metadata.assertions.iter().map(Assertion::label);
        vec![planned(Step::Metadata, assertions), planned(Step::Certificates, [])]
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            let described =
                context.step(Step::Metadata, metadata::run(context, &self.metadata)).await;
            let known = described.as_ref().ok();
            if known.is_none() && self.files.is_empty() {
                return described.map(|_| ());
            }
            // Files are looked at whatever the other side answers.
            let judged = certificates::run(context, known, &self.files, &self.pins);
            let judged = context.step(Step::Certificates, judged).await;
            described.and(judged)
        })
    }
}
