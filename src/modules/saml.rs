//! `saml`: the metadata of an entity, the certificates in it and in files, and a sign-on at an
//! identity provider (SAML metadata, SAML profiles §4.1).

use std::sync::Arc;

use http::header::COOKIE;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, Stopped, planned};
use crate::protocol::saml::metadata::RoleKind;
use crate::report::Step;
use crate::secret::PublicFile;
use crate::settings::{
    Assertion, AssertionSettings, CertificateFile, Error, Pins, SignatureSettings, Sso,
    SsoSettings, compile_passing_assertions,
};
use crate::steps::metadata::{Described, Wanted};
use crate::steps::{acs, assertion, certificates, metadata, sso};

pub(super) const PROBER: Prober = Prober { name: "saml", load };

#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    role: RoleKind,
    entity_id: Option<String>,
    signature: Option<SignatureSettings>,
    #[serde(default)]
    certificates: Vec<PublicFile>,
    #[serde(default)]
    fingerprints: Vec<String>,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
    sso: Option<SsoSettings>,
}

struct Saml {
    metadata: Wanted,
    files: Vec<CertificateFile>,
    pins: Pins,
    sso: Option<Sso>,
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
    let sso = settings
        .sso
        .map(|sso| match settings.role {
            RoleKind::Idp => sso.compile(&at.key("sso"), block.transport),
            RoleKind::Sp => Err(at.key("sso").error("needs role: idp, who authenticates users")),
        })
        .transpose()?;
    let signed = signature.as_ref().is_some_and(|signature| signature.required);
    let probe = Saml {
        metadata: Wanted {
            entity_id: settings.entity_id.map(|id| id.trim().to_owned()),
            role: settings.role,
            signature,
            assertions: compile_passing_assertions(settings.assertions, &at.key("assertions"))?,
            authentic: sso.is_some() && !signed,
        },
        files,
        pins: Pins::compile(&settings.fingerprints, &at.key("fingerprints"))?,
        sso,
    };
    // Those of the session are the exporter's.
    let credential_headers = probe.sso.iter().map(|_| COOKIE).collect();
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers })
}

impl Probe for Saml {
    fn plan(&self) -> Vec<Planned> {
        let assertions = self.metadata.assertions.iter().map(Assertion::label);
        let mut plan = vec![planned(Step::Metadata, assertions), planned(Step::Certificates, [])];
        let Some(sso) = &self.sso else { return plan };
        let by_requests = sso.login.as_ref().is_some_and(|login| !login.requests.is_empty());
        plan.extend(by_requests.then(|| planned(Step::Login, [])));
        plan.push(planned(Step::Sso, []));
        if sso.login.is_some() {
            plan.extend((!by_requests).then(|| planned(Step::Login, [])));
            plan.push(planned(Step::Consent, []));
            let assertions = sso.response.assertions.iter().map(Assertion::label);
            plan.push(planned(Step::Assertion, assertions));
        }
        if let Some(consumer) = &sso.consumer {
            plan.push(planned(Step::Acs, consumer.assertions.iter().map(Assertion::label)));
            let refuses = consumer.forged || consumer.replay;
            plan.extend(refuses.then(|| planned(Step::Refuse, [])));
        }
        plan
    }

    fn is_shared(&self) -> bool {
        // A login is not made twice at the same moment.
        self.sso.as_ref().is_some_and(|sso| sso.login.is_some())
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
            let described = described?;
            judged?;
            match &self.sso {
                Some(sso) => sign_on(context, &described, sso).await,
                None => Ok(()),
            }
        })
    }
}

async fn sign_on(context: &Context<'_>, described: &Described, sso: &Sso) -> Result<(), Stopped> {
    let Some(posted) = sso::steps(context, described, sso).await? else { return Ok(()) };
    let judged = assertion::run(context, described, sso, &posted);
    let good = context.step(Step::Assertion, judged).await?;
    if let Some(consumer) = &sso.consumer {
        let consumed = acs::run(context, sso, consumer, &posted, &good);
        let spent = context.step(Step::Acs, consumed).await?;
        if consumer.forged || consumer.replay {
            let refuse = acs::refuse(context, sso, consumer, &posted, &spent);
            context.step(Step::Refuse, refuse).await?;
        }
    }
    Ok(())
}
