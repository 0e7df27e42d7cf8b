//! `apikey`: call the URL that an API key protects, with the key and with wrong ones.

use std::sync::Arc;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, Stopped, planned};
use crate::report::{RefusalCheck, Step};
use crate::secret::{Secret, SecretFile};
use crate::settings::{
    Assertion, AssertionSettings, Error, ExpiresAt, HeadersSettings, KeyInfo, KeyInfoSettings,
    Location, Path, RefuseStatus, check_header_value, compile_assertions, header_name, method,
    one_secret,
};
use crate::steps::request::{Carrier, KeyedCall};
use crate::steps::{key_info, refuse, request};

pub(super) const PROBER: Prober = Prober { name: "apikey", load };

#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    key: Option<Secret>,
    key_file: Option<SecretFile>,
    #[serde(default)]
    r#in: Place,
    name: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    request: RequestSettings,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
    #[serde(default)]
    must_refuse: Vec<MustRefuse>,
    refuse_status: Option<Vec<u16>>,
    key_info: Option<KeyInfoSettings>,
    expires_at: Option<ExpiresAt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    #[default]
    Header,
    Query,
    Cookie,
    Basic,
    Bearer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MustRefuse {
    NoKey,
    WrongKey,
}

#[skip_serializing_none]
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RequestSettings {
    method: Option<String>,
    path: Option<Location>,
    headers: HeadersSettings,
    body: Option<Secret>,
}

struct ApiKey {
    call: KeyedCall,
    path: Option<Location>,
    refuse_status: RefuseStatus,
    key_info: Option<KeyInfo>,
    expires_at: Option<ExpiresAt>,
}

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let key = one_secret(settings.key, settings.key_file, at, "key")?
        .ok_or_else(|| at.error("needs key or key_file"))?;
    let carrier = carrier(settings.r#in, settings.name, settings.prefix, at)?;
    if let Secret::Inline(key) = &key {
        check_key(key.expose(), &carrier, &at.key("key"))?;
    }
    let taken = match &carrier {
        Carrier::Header { name, .. } => vec![name.clone()],
        Carrier::Query { .. } => Vec::new(),
        Carrier::Cookie { .. } => vec![COOKIE],
        Carrier::Basic { .. } | Carrier::Bearer => vec![AUTHORIZATION],
    };
    let request = settings.request;
    let at_request = at.key("request");
    if let Some(path) = &request.path {
        path.check(&at_request.key("path"), block.transport)?;
    }
    if settings.refuse_status.is_some() && settings.must_refuse.is_empty() {
        return Err(at.key("refuse_status").error("means nothing without must_refuse"));
    }
    let mut must_refuse: Vec<RefusalCheck> = settings
        .must_refuse
        .iter()
        .map(|check| match check {
            MustRefuse::NoKey => RefusalCheck::NoKey,
            MustRefuse::WrongKey => RefusalCheck::WrongKey,
        })
        .collect();
    must_refuse.sort_unstable();
    must_refuse.dedup();
    let probe = ApiKey {
        call: KeyedCall {
            key,
            carrier,
            method: method(request.method.as_deref(), &at_request.key("method"))?,
            headers: request.headers.compile(&at_request.key("headers"), &taken)?,
            body: request.body,
            assertions: compile_assertions(settings.assertions, &at.key("assertions"))?,
            must_refuse,
        },
        path: request.path,
        refuse_status: RefuseStatus::compile(settings.refuse_status, &at.key("refuse_status"))?,
        key_info: settings
            .key_info
            .map(|info| info.compile(&at.key("key_info"), block.transport))
            .transpose()?,
        expires_at: settings.expires_at,
    };
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers: taken })
}

/// How the key is carried, when name and prefix fit.
fn carrier(
    place: Place,
    name: Option<String>,
    prefix: Option<String>,
    at: &Path,
) -> Result<Carrier, Error> {
    let at_name = at.key("name");
    if matches!(place, Place::Basic | Place::Bearer) && prefix.is_some() {
        return Err(at.key("prefix").error("means nothing for basic and bearer"));
    }
    let prefix = prefix.unwrap_or_default();
    let needed = |name: Option<String>| {
        name.filter(|name| !name.is_empty()).ok_or_else(|| {
            at.error("needs name: that of the header, the query parameter or the cookie")
        })
    };
    Ok(match place {
        Place::Header => {
            let name = needed(name)?;
            let name = header_name(&name, &at_name)?;
            check_header_value(&prefix, &at.key("prefix"))?;
            Carrier::Header { name, prefix }
        }
        Place::Query => Carrier::Query { name: needed(name)?, prefix },
        Place::Cookie => {
            let name = needed(name)?;
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(at_name.error("is not a cookie name (RFC 6265 §4.1.1)"));
            }
            if !request::is_cookie_value(&prefix) {
                return Err(at.key("prefix").error(NO_COOKIE));
            }
            Carrier::Cookie { name, prefix }
        }
        Place::Basic if name.as_deref() == Some("") => return Err(at_name.error("is empty")),
        Place::Basic => {
            if name.as_ref().is_some_and(|user| user.contains(':')) {
                return Err(
                    at_name.error("holds a colon, which no user of Basic may (RFC 7617 §2)")
                );
            }
            Carrier::Basic { user: name }
        }
        Place::Bearer if name.is_some() => {
            return Err(at_name.error("means nothing for bearer"));
        }
        Place::Bearer => Carrier::Bearer,
    })
}

const NO_COOKIE: &str = "holds a character that no cookie may have (RFC 6265 §4.1.1)";

/// A key of the configuration itself is checked at load; one in a file may change at any time.
fn check_key(key: &str, carrier: &Carrier, at: &Path) -> Result<(), Error> {
    match carrier {
        Carrier::Header { .. } | Carrier::Bearer => check_header_value(key, at),
        Carrier::Cookie { .. } if !request::is_cookie_value(key) => Err(at.error(NO_COOKIE)),
        Carrier::Cookie { .. } | Carrier::Query { .. } | Carrier::Basic { .. } => Ok(()),
    }
}

impl Probe for ApiKey {
    fn plan(&self) -> Vec<Planned> {
        let labels = self.call.assertions.iter().map(Assertion::label);
        let mut plan = vec![planned(Step::Request, labels)];
        if !self.call.must_refuse.is_empty() {
            plan.push(planned(Step::Refuse, []));
        }
        if self.key_info.is_some() {
            plan.push(planned(Step::KeyInfo, []));
        }
        plan
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            if let Some(expires_at) = &self.expires_at {
                context.credential(None, expires_at.unix_seconds());
            }
            let used = self.use_key(context).await;
            // A key that is refused may have ended: its own credential lets this step tell.
            if let Some(info) = &self.key_info {
                let key_info = key_info::run(context, info, &self.call.key);
                context.step(Step::KeyInfo, key_info).await?;
            }
            used
        })
    }
}

impl ApiKey {
    async fn use_key(&self, context: &Context<'_>) -> Result<(), Stopped> {
        let target = context.target().url();
        let url = self
            .path
            .as_ref()
            .and_then(|path| path.resolve(target))
            .unwrap_or_else(|| target.clone());
        let accepted = context.step(Step::Request, request::run(context, &self.call, url)).await?;
        if !self.call.must_refuse.is_empty() {
            let refuse = async {
                let attempts = request::attempts(context, &self.call, &accepted).await?;
                refuse::run(context, attempts, &self.refuse_status).await
            };
            context.step(Step::Refuse, refuse).await?;
        }
        Ok(())
    }
}
