//! The `login` block: who logs in, and what is known of pages that detection gets wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::login_request::{self, LoginRequest, LoginRequestSettings};
use super::{Error, Path, Transport, one_secret};
use crate::protocol::html::{Overrides, Target};
use crate::protocol::totp::Totp;
use crate::secret::{Parsed, Secret, SecretFile};

/// Pages that a login may take when nothing is configured.
const MAX_PAGES: usize = 10;
/// The most that can be configured.
const MOST_PAGES: usize = 50;

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSettings {
    username: String,
    password: Option<Secret>,
    password_file: Option<SecretFile>,
    totp_secret: Option<Secret>,
    totp_secret_file: Option<SecretFile>,
    #[serde(default)]
    fields: BTreeMap<String, Secret>,
    #[serde(default)]
    consent: Consent,
    max_pages: Option<usize>,
    #[serde(default)]
    allowed_hosts: Vec<String>,
    #[serde(default)]
    requests: Vec<LoginRequestSettings>,
}

/// What is done where the provider asks for consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Give it.
    Accept,
    /// Fail.
    #[default]
    RefuseToContinue,
}

/// The block, checked.
#[derive(Debug)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// What one-time codes are made of.
    pub totp: Option<Parsed<Totp>>,
    /// Where detection is told what is what.
    pub overrides: Overrides,
    /// What else is filled in.
    pub further: Vec<(Target, Secret)>,
    /// What is done where the provider asks for consent.
    pub consent: Consent,
    /// Pages that may be sent.
    pub max_pages: usize,
    /// Hosts that may get the password and codes, beside the allowed origins.
    pub allowed_hosts: Vec<String>,
    /// The requests of an API that logs in; empty where pages do.
    pub requests: Vec<LoginRequest>,
}

impl Login {
    /// Whether a request of the login captures a value of this name.
    #[must_use]
    pub fn captures(&self, name: &str) -> bool {
        let mut captured = self.requests.iter().flat_map(|request| &request.capture);
        captured.any(|(known, _)| known == name)
    }
}

impl LoginSettings {
    /// The checked block.
    ///
    /// # Errors
    /// For a missing password, a secret that makes no codes, and fields, hosts or numbers that
    /// cannot be.
    pub fn compile(self, at: &Path, transport: Transport) -> Result<Login, Error> {
        if self.username.is_empty() {
            return Err(at.key("username").error("is empty"));
        }
        let password = one_secret(self.password, self.password_file, at, "password")?
            .ok_or_else(|| at.error("needs password or password_file"))?;
        let totp = one_secret(self.totp_secret, self.totp_secret_file, at, "totp_secret")?;
        let totp = totp.map(|source| Parsed::secret(source, Totp::parse));
        if let Some(totp) = &totp {
            let at = at.key(match totp.source() {
                Secret::Inline(_) => "totp_secret",
                Secret::File(_) => "totp_secret_file",
            });
            totp.read_blocking().map_err(|error| at.error(error))?;
        }
        let max_pages = self.max_pages.unwrap_or(MAX_PAGES);
        if max_pages == 0 || max_pages > MOST_PAGES {
            return Err(at.key("max_pages").error(format!("must be 1 to {MOST_PAGES}")));
        }
        for (index, host) in self.allowed_hosts.iter().enumerate() {
            check_host(host, &at.key("allowed_hosts").index(index))?;
        }
        let (overrides, further) = fields(self.fields, totp.is_some(), &at.key("fields"))?;
        let at = at.key("requests");
        let requests = login_request::compile(self.requests, totp.is_some(), &at, transport)?;
        Ok(Login {
            username: self.username,
            password,
            totp,
            overrides,
            further,
            consent: self.consent,
            max_pages,
            allowed_hosts: self.allowed_hosts,
            requests,
        })
    }
}

/// A host as the URL of a form has it: on any port, and without patterns.
fn check_host(host: &str, at: &Path) -> Result<(), Error> {
    let canonical = url::Host::parse(host).ok().filter(|_| !host.contains('*'));
    let canonical = canonical
        .ok_or_else(|| at.error("is not a host name: no scheme, port, path or * belongs to it"))?;
    if canonical.to_string() != host {
        return Err(at.error(format!("is not a host as URLs have it: write {canonical}")));
    }
    Ok(())
}

/// What `fields` says of pages: which control is what, and what else is filled in.
fn fields(
    fields: BTreeMap<String, Secret>,
    has_totp: bool,
    at: &Path,
) -> Result<(Overrides, Vec<(Target, Secret)>), Error> {
    let mut overrides = Overrides::default();
    let mut further = Vec::new();
    for (field, value) in fields {
        let at = at.key(&field);
        let target = Target::parse(&field).map_err(|error| at.error(error.to_string()))?;
        let placeholder = match &value {
            Secret::Inline(text) => placeholder(text.expose()),
            Secret::File(_) => None,
        };
        let Some(placeholder) = placeholder else {
            further.push((target, value));
            continue;
        };
        let place = match placeholder {
            "form" => &mut overrides.form,
            "username" => &mut overrides.username,
            "password" => &mut overrides.password,
            "totp" if !has_totp => {
                return Err(at.error("{totp} needs totp_secret or totp_secret_file"));
            }
            "totp" => &mut overrides.totp,
            "submit" => &mut overrides.submit,
            "accept" => &mut overrides.accept,
            _ => {
                return Err(at.error(
                    "is no placeholder, expected one of: {form}, {username}, {password}, {totp}, {submit}, {accept}",
                ));
            }
        };
        if place.replace(target).is_some() {
            return Err(at.error(format!("is the second field for {{{placeholder}}}: name one")));
        }
    }
    Ok((overrides, further))
}

/// The word in `{word}`. What is written so is never a text for the page: a placeholder with a
/// slip in it would be typed into a form.
fn placeholder(text: &str) -> Option<&str> {
    let word = text.strip_prefix('{')?.strip_suffix('}')?;
    word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_').then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSPORT: Transport = Transport { allow_plain_http: false, client_certificate: false };

    fn compile(yaml: &str) -> Login {
        let settings: LoginSettings = serde_yaml::from_str(yaml).expect("test YAML");
        settings.compile(&Path::default(), TRANSPORT).expect("a login")
    }

    #[test]
    fn fields_say_what_is_what() {
        let login = compile(
            r#"
            username: ada
            password: s3cret-password
            totp_secret: NBSWY3DPEHPK3PXP
            fields:
              form#login: "{form}"
              user[login]: "{username}"
              pw: "{password}"
              "input[name=code]": "{totp}"
              button.primary: "{submit}"
              allow: "{accept}"
              note: "{form} {"
              tenant: acme
              realm: {file: /run/secrets/realm}
            "#,
        );
        let target = |text: &str| Target::parse(text).expect("a target");
        let Overrides { form, username, password, totp, submit, accept } = login.overrides;
        assert_eq!(
            [form, username, password, totp, submit, accept],
            ["form#login", "user[login]", "pw", "input[name=code]", "button.primary", "allow"]
                .map(|text| Some(target(text)))
        );
        let inline = |text: &str| Secret::Inline(text.to_owned().into());
        let further = [
            (target("note"), inline("{form} {")),
            (target("realm"), Secret::File("/run/secrets/realm".into())),
            (target("tenant"), inline("acme")),
        ];
        assert!(login.further == further, "{:?}", login.further);
    }

    #[test]
    fn nothing_is_accepted_or_allowed_that_is_not_said() {
        let login = compile("{username: ada, password: s3cret-password}");
        assert_eq!(login.consent, Consent::RefuseToContinue);
        assert_eq!(login.max_pages, 10);
        assert_eq!(login.allowed_hosts, Vec::<String>::new());
        assert!(login.totp.is_none() && login.further.is_empty() && login.requests.is_empty());
    }

    #[test]
    fn placeholders_are_told_from_texts() {
        for (text, expected) in [
            ("{username}", Some("username")),
            ("{USER_name}", Some("USER_name")),
            ("{}", Some("")),
            ("{user name}", None),
            ("{username", None),
            ("username}", None),
            (" {username}", None),
            ("{{username}}", None),
            ("{\"user\":1}", None),
            ("", None),
        ] {
            assert_eq!(placeholder(text), expected, "{text}");
        }
    }

    #[test]
    fn hosts_are_written_as_urls_have_them() {
        for (host, fault) in [
            ("login.example.com", None),
            ("localhost", None),
            ("192.0.2.1", None),
            ("[2001:db8::1]", None),
            ("2001:db8::1", Some("is not a host name: no scheme, port, path or * belongs to it")),
            ("[2001:0db8::1]", Some("is not a host as URLs have it: write [2001:db8::1]")),
            ("0x7f.1", Some("is not a host as URLs have it: write 127.0.0.1")),
            ("LOGIN.example.com", Some("is not a host as URLs have it: write login.example.com")),
            ("*.example.com", Some("is not a host name: no scheme, port, path or * belongs to it")),
            ("a/b", Some("is not a host name: no scheme, port, path or * belongs to it")),
            ("ada@a.example", Some("is not a host name: no scheme, port, path or * belongs to it")),
            ("", Some("is not a host name: no scheme, port, path or * belongs to it")),
        ] {
            let found = check_host(host, &Path::default()).err().map(|error| error.message);
            assert_eq!(found.as_deref(), fault, "{host}");
        }
    }
}
