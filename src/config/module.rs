//! One module: from its YAML to what runs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use serde_yaml::{Mapping, Value};

use super::digest::digest;
use super::environment::{self, Expanded};
use super::targets::{self, TargetSettings};
use super::{ReadModule, Source, Surroundings};
use crate::net::{Family, Origin, Proxy, Route, TlsOptions, Transport, TransportError};
use crate::probe::{self, Block, ClientCertificateError, Module, Planned, Prober, Targets};
use crate::report::{Step, Thresholds};
use crate::secret::{self, PLACEHOLDER, Redactor, SHORTEST_FOUND_IN_TEXT, Secret};
use crate::settings::{
    self, Error, Http, HttpSettings, IpProtocol, Path, PromDuration, Segment, StatusPageSettings,
};

/// What a module says beside the block of its prober.
#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleSettings {
    prober: String,
    timeout: Option<PromDuration>,
    min_interval: Option<PromDuration>,
    #[serde(default)]
    targets: Vec<TargetSettings>,
    #[serde(default)]
    allowed_targets: Vec<String>,
    provider: Option<String>,
    status_page: Option<StatusPageSettings>,
    #[serde(default)]
    thresholds: BTreeMap<String, Value>,
    #[serde(default)]
    http: HttpSettings,
}

/// A module that was read.
struct LoadedModule {
    module: Module,
    shown: Value,
    warnings: Vec<String>,
}

/// Reads modules; what several of them share is built once.
pub(super) struct Loader<'a> {
    surroundings: &'a Surroundings<'a>,
    transports: HashMap<TlsOptions, Transport>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Self { surroundings, transports: HashMap::new() }
    }

    pub(super) fn load(
        &mut self,
        name: &str,
        at: &Path,
        mut value: Value,
        known: impl FnOnce(&Source) -> Option<(Arc<Module>, Arc<ReadModule>)>,
    ) -> Result<(Arc<Module>, Arc<ReadModule>), Error> {
        let written = digest(&value);
        let replaced = environment::expand(&mut value, at, self.surroundings.environment)?;
        let expanded = replaced.expanded;
        let source = [written, if replaced.any { digest(&value) } else { written }];
        if let Some(known) = known(&source) {
            return Ok(known);
        }
        // What came from the environment is not repeated, as in the name of a missing file.
        let hidden = Redactor::new(values(&expanded).chain(parts(&expanded)));
        let (loaded, reads_files) =
            secret::reads_files(|| self.read(name, at, value, &expanded, source[1]));
        let loaded =
            loaded.map_err(|error| Error { message: hidden.redact(&error.message), ..error })?;
        let read = ReadModule {
            shown: serde_json::to_string(&loaded.shown).unwrap_or_default().into(),
            warnings: loaded.warnings,
            source: (!reads_files).then_some(source),
        };
        Ok((Arc::new(loaded.module), Arc::new(read)))
    }

    fn read(
        &mut self,
        name: &str,
        at: &Path,
        value: Value,
        expanded: &[Expanded],
        configuration: [u8; 32],
    ) -> Result<LoadedModule, Error> {
        let Value::Mapping(mut fields) = value else {
            return Err(at.error("must be a mapping"));
        };
        let prober = self.prober(&fields, at)?;
        let block = fields
            .remove(prober.name)
            .ok_or_else(|| at.error(format!("needs the block `{}`", prober.name)))?;
        let fields = Value::Mapping(fields);

        let at_user_agent = at.key("http").key("user_agent");
        if expanded.iter().any(|expanded| expanded.at == at_user_agent) {
            return Err(at_user_agent.error(
                "is sent to every origin and cannot come from the environment: \
                 what is secret belongs into http.headers",
            ));
        }
        let (parsed, mut secrets) =
            secret::collect(|| settings::parse::<ModuleSettings>(&fields, at));
        let settings = parsed?;
        let transport = settings.http.transport();
        let at_block = at.key(prober.name);
        let (loaded, of_block) =
            secret::collect(|| (prober.load)(Block { value: &block, at: &at_block, transport }));
        let loaded = loaded?;
        secrets.extend(of_block);
        let known = readable(&secrets, at, |file| {
            place_of(&block, file, &at_block).or_else(|| place_of(&fields, file, at))
        })?;
        // What was read takes no memory beside what is built from it.
        drop((fields, block));
        let mut shown = serde_yaml::to_value(&settings).unwrap_or_default();
        let http = settings.http.compile(&at.key("http"), &loaded.credential_headers)?;

        let mut warnings = Vec::new();
        let (listed, allowed) = (settings.targets, &settings.allowed_targets);
        let targets = targets::compile(listed, allowed, at, &mut warnings)?;
        if !secrets.is_empty() || !expanded.is_empty() {
            targets::guard(&targets, at, transport)?;
            for (index, origin) in http.allowed_origins.iter().enumerate() {
                transport.check(origin, &at.key("http").key("allowed_origins").index(index))?;
            }
        }
        if let Value::Mapping(shown) = &mut shown {
            shown.insert(prober.name.into(), loaded.shown);
        }
        hide(&mut shown, at, expanded);
        let redactor = redactor(name, &known, expanded, &targets, &mut warnings);
        let mut secret_files: Vec<PathBuf> = Vec::new();
        for secret in secrets {
            if let Secret::File(path) = secret
                && !secret_files.contains(&path)
            {
                secret_files.push(path);
            }
        }
        let module = Module {
            name: name.to_owned(),
            prober: prober.name,
            provider: provider(settings.provider, &at.key("provider"))?,
            timeout: timeout(settings.timeout, &at.key("timeout"))?,
            status_page: settings
                .status_page
                .map(|page| {
                    let at = at.key("status_page");
                    let is_secret = expanded.iter().any(|one| one.at == at.key("url"));
                    page.compile(&at, transport, is_secret)
                })
                .transpose()?,
            min_interval: settings.min_interval.map_or(Duration::ZERO, |interval| interval.0),
            targets,
            thresholds: thresholds(
                &settings.thresholds,
                &loaded.probe.plan(),
                &at.key("thresholds"),
            )?,
            http: self.http(http, &at.key("http"))?,
            redactor,
            secret_files: secret_files.into(),
            configuration,
            probe: loaded.probe,
        };
        remove_empty(&mut shown);
        Ok(LoadedModule { module, shown, warnings })
    }

    fn prober(&self, fields: &Mapping, at: &Path) -> Result<Prober, Error> {
        let probers = self.surroundings.probers;
        let name = fields.get("prober").ok_or_else(|| at.error("missing field `prober`"))?;
        probers.iter().find(|prober| Some(prober.name) == name.as_str()).copied().ok_or_else(|| {
            let names: Vec<_> = probers.iter().map(|prober| prober.name).collect();
            at.key("prober").error(format!("unknown prober, expected one of: {}", names.join(", ")))
        })
    }

    fn http(&mut self, http: Http, at: &Path) -> Result<probe::Http, Error> {
        let at_tls = at.key("tls_config");
        let options = tls_options(&http.tls, &at_tls)?;
        let transport = if let Some(transport) = self.transports.get(&options) {
            transport.clone()
        } else {
            let transport = Transport::new(&options, self.surroundings.roots).map_err(|error| {
                let message = error.to_string();
                match error {
                    TransportError::NoCertificate | TransportError::BadCertificate => {
                        at_tls.key("ca_file").error(message)
                    }
                    TransportError::Rustls(_) => at_tls.error(message),
                }
            })?;
            self.transports.insert(options, transport.clone());
            transport
        };
        let client_certificate = http
            .client_certificate
            .map(|(cert, key)| {
                let at_cert = at_tls.key("cert_file");
                if cert.as_os_str().is_empty() {
                    return Err(at_cert.error("is empty"));
                }
                let files = probe::ClientCertificate::new(cert, key);
                match files.read_blocking() {
                    Ok(_) => Ok(files),
                    // The key's file was read before, with all secrets.
                    Err(ClientCertificateError::Unavailable(error)) => {
                        Err(at_cert.error(error.to_string()))
                    }
                    Err(ClientCertificateError::Identity(error)) => {
                        Err(at_tls.error(error.to_string()))
                    }
                }
            })
            .transpose()?;
        let proxy = http
            .proxy
            .map(|(url, no_proxy)| {
                Proxy::new(url, &no_proxy).ok_or_else(|| at.key("proxy_url").error("is no proxy"))
            })
            .transpose()?;
        let family = match http.ip_protocol {
            None => Family::System,
            Some((IpProtocol::Ip4, fallback)) => Family::Ipv4 { fallback },
            Some((IpProtocol::Ip6, fallback)) => Family::Ipv6 { fallback },
        };
        Ok(probe::Http {
            transport,
            route: Route {
                proxy,
                server_name: http.tls.server_name,
                family,
                networks: self.surroundings.networks.cloned(),
            },
            client_certificate,
            headers: http.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body_size_limit: http.body_size_limit,
            user_agent: http
                .user_agent
                .unwrap_or_else(|| HeaderValue::from_static(probe::USER_AGENT)),
            allowed_origins: http.allowed_origins.iter().map(Origin::of).collect(),
            allow_plain_http: http.allow_plain_http,
        })
    }
}

fn tls_options(tls: &settings::Tls, at: &Path) -> Result<TlsOptions, Error> {
    let ca_pem = match &tls.ca_file {
        None => None,
        Some(path) if path.as_os_str().is_empty() => {
            return Err(at.key("ca_file").error("is empty"));
        }
        Some(path) => Some(
            secret::read_bounded(path)
                .map_err(|error| at.key("ca_file").error(error.to_string()))?,
        ),
    };
    Ok(TlsOptions {
        ca_pem,
        insecure_skip_verify: tls.insecure_skip_verify,
        http1_only: tls.http1_only,
        tls13_only: tls.tls13_only,
    })
}

fn timeout(timeout: Option<PromDuration>, at: &Path) -> Result<Option<Duration>, Error> {
    match timeout {
        Some(PromDuration(Duration::ZERO)) => Err(at.error("must be more than 0")),
        timeout => Ok(timeout.map(|timeout| timeout.0)),
    }
}

fn provider(provider: Option<String>, at: &Path) -> Result<String, Error> {
    match provider {
        Some(provider) if provider.is_empty() => Err(at.error("is empty")),
        provider => Ok(provider.unwrap_or_default()),
    }
}

/// The limits, for steps that the module takes.
fn thresholds(
    settings: &BTreeMap<String, Value>,
    plan: &[Planned],
    at: &Path,
) -> Result<Thresholds, Error> {
    let mut thresholds = Thresholds::default();
    for (name, value) in settings {
        let at = at.key(name);
        if name == "auth_share" {
            let share = value
                .as_f64()
                .filter(|share| *share > 0.0 && *share <= 1.0)
                .ok_or_else(|| at.error("must be a number above 0 and up to 1"))?;
            thresholds.auth_share = Some(share);
            continue;
        }
        let PromDuration(limit) = settings::parse(value, &at)?;
        if limit.is_zero() {
            return Err(at.error("must be more than 0"));
        }
        if name == "total" {
            thresholds.total = Some(limit);
            continue;
        }
        let step = Step::from_name(name)
            .filter(|step| plan.iter().any(|planned| planned.step == *step))
            .ok_or_else(|| {
                let steps: Vec<_> = plan.iter().map(|planned| planned.step.as_str()).collect();
                at.error(format!(
                    "is no step of this module, expected one of: {}, total, auth_share",
                    steps.join(", ")
                ))
            })?;
        thresholds.steps.push((step, limit));
    }
    Ok(thresholds)
}

/// Reads every secret once, so that a missing file is found at load.
fn readable(
    secrets: &[Secret],
    at: &Path,
    place_of: impl Fn(&PathBuf) -> Option<Path>,
) -> Result<Vec<String>, Error> {
    let mut known = Vec::with_capacity(secrets.len());
    for secret in secrets {
        match secret.read_blocking() {
            Ok(text) => known.push(text.expose().to_owned()),
            Err(error) => {
                let place = match secret {
                    Secret::File(file) => place_of(file),
                    Secret::Inline(_) => None,
                };
                return Err(place.unwrap_or_else(|| at.clone()).error(error.to_string()));
            }
        }
    }
    Ok(known)
}

/// Where the configuration names this file.
fn place_of(value: &Value, file: &PathBuf, at: &Path) -> Option<Path> {
    match value {
        Value::String(text) => (file.as_os_str() == text.as_str()).then(|| at.clone()),
        Value::Sequence(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| place_of(item, file, &at.index(index))),
        Value::Mapping(members) => {
            members.iter().find_map(|(key, member)| place_of(member, file, &at.key(key.as_str()?)))
        }
        _ => None,
    }
}

fn redactor(
    name: &str,
    known: &[String],
    expanded: &[Expanded],
    targets: &Targets,
    warnings: &mut Vec<String>,
) -> Redactor {
    let mut places = expanded.iter().filter(|one| values(std::slice::from_ref(one)).any(is_short));
    let place = places.next().map_or_else(String::new, |one| format!(" ({})", one.at));
    let parts = parts(expanded).filter(|part| !targets.show(part));
    let known = known.iter().map(String::as_str);
    let redactor = Redactor::new(known.chain(values(expanded)).chain(parts));
    if redactor.has_short() {
        warnings.push(format!(
            "modules.{name}: holds a secret shorter than {SHORTEST_FOUND_IN_TEXT} bytes{place}, which is hidden by its place alone: texts of servers are withheld"
        ));
    }
    redactor
}

fn is_short(value: &str) -> bool {
    value.len() < SHORTEST_FOUND_IN_TEXT
}

/// What came from the environment, as a whole and each variable by itself.
fn values(expanded: &[Expanded]) -> impl Iterator<Item = &str> {
    expanded
        .iter()
        .flat_map(|expanded| {
            let all = std::iter::once(&expanded.value).chain(&expanded.variables);
            all.filter(|value| expanded.withholds || value.len() >= SHORTEST_FOUND_IN_TEXT)
        })
        .map(String::as_str)
}

/// What servers that are asked for a variable repeat of it.
fn parts(expanded: &[Expanded]) -> impl Iterator<Item = &str> {
    let variables = expanded.iter().filter(|one| one.withholds).flat_map(|one| &one.variables);
    variables.flat_map(|variable| secret::parts_of_url(variable))
}

/// Puts the placeholder where a value came from the environment.
fn hide(shown: &mut Value, at: &Path, expanded: &[Expanded]) {
    for expanded in expanded {
        let segments = expanded.at.segments();
        let mut place = Some(&mut *shown);
        for segment in segments.into_iter().skip(at.segments().len()) {
            place = match segment {
                Segment::Key(key) => place.and_then(|value| value.get_mut(key.as_str())),
                Segment::Index(index) => place.and_then(|value| value.get_mut(*index)),
            };
        }
        if let Some(place) = place {
            *place = PLACEHOLDER.into();
        }
    }
}

/// What the user did not write is not shown.
fn remove_empty(value: &mut Value) {
    match value {
        Value::Mapping(members) => members.retain(|_, member| {
            remove_empty(member);
            match member {
                Value::Null => false,
                Value::Mapping(members) => !members.is_empty(),
                Value::Sequence(items) => !items.is_empty(),
                _ => true,
            }
        }),
        Value::Sequence(items) => items.iter_mut().for_each(remove_empty),
        _ => {}
    }
}
