//! The `validate` block: what a token must be, and with which keys that is verified.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::assertion::ClaimAssertionSettings;
use super::{
    Assertion, EndpointsSettings, Error, Location, OneOrMany, Path, PromDuration, Transport,
    compile_assertions, one_secret, token_parameters,
};
use crate::protocol::jose::{Algorithm, Candidates, DecryptionKey, KeyKind, KeySet, VerifyingKey};
use crate::secret::{Parsed, PublicFile, Secret, SecretFile};

/// The leeway that clocks are given when none is configured, in seconds.
pub const DEFAULT_LEEWAY: f64 = 60.0;

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateSettings {
    jwks: Option<Location>,
    jwks_file: Option<PublicFile>,
    public_key_file: Option<PublicFile>,
    secret: Option<Secret>,
    secret_file: Option<SecretFile>,
    algorithms: Option<Vec<String>>,
    issuer: Option<String>,
    audience: Option<OneOrMany>,
    audience_exact: bool,
    typ: Option<String>,
    required_claims: Vec<String>,
    claims: Vec<ClaimAssertionSettings>,
    scopes: Vec<String>,
    leeway: Option<PromDuration>,
    require_exp: Option<bool>,
    min_ttl: Option<PromDuration>,
    max_ttl: Option<PromDuration>,
    max_age: Option<PromDuration>,
    trusted_audiences: Vec<String>,
    previous_token: bool,
    decryption_key_file: Option<SecretFile>,
}

/// The block, checked. Times are in seconds.
#[derive(Debug)]
pub struct Validate {
    /// Where the keys come from.
    pub keys: KeySource,
    /// The algorithms that are allowed.
    pub algorithms: Vec<Algorithm>,
    /// The keys that are tried of a token that names none.
    pub candidates: Candidates,
    /// The issuer, when it is configured.
    pub issuer: Option<String>,
    /// Audiences of which the token must name one.
    pub audience: Vec<String>,
    /// Whether it may name no other.
    pub audience_exact: bool,
    /// `typ` of the header.
    pub media_type: Option<String>,
    /// Claims that must be there.
    pub required_claims: Vec<String>,
    /// Assertions on claims.
    pub claims: Vec<Assertion>,
    /// Scopes that must be granted.
    pub scopes: Vec<String>,
    /// What the clocks may differ by.
    pub leeway: f64,
    /// Whether `exp` must be there.
    pub require_exp: bool,
    /// The least that must be left of the lifetime.
    pub min_ttl: Option<f64>,
    /// The longest lifetime.
    pub max_ttl: Option<f64>,
    /// The longest time since the login of an ID token.
    pub max_age: Option<f64>,
    /// Others that an ID token may be for beside the client.
    pub trusted_audiences: Vec<String>,
    /// Whether a token of an earlier probe must still be good.
    pub previous_token: bool,
    /// What encrypted tokens are decrypted with.
    pub decryption: Option<Parsed<DecryptionKey>>,
}

/// Which token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An access token.
    AccessToken,
    /// An ID token, whose audience is the client.
    IdToken,
}

/// Where the keys come from that signatures are verified with.
#[derive(Debug)]
pub enum KeySource {
    /// The key set that the provider publishes, at a configured or discovered URL.
    Published,
    /// A key set in a file.
    SetFile(Parsed<KeySet>),
    /// A public key or certificate in a file.
    PublicKey(Parsed<VerifyingKey>),
    /// A secret that both sides hold, for HMAC.
    Secret(Secret),
}

impl ValidateSettings {
    /// The checked block. The URL of a key set goes where the other endpoints are.
    ///
    /// # Errors
    /// For keys that are named twice or cannot be used, algorithms that do not fit them, and
    /// empty or impossible values.
    pub fn compile(
        self,
        endpoints: &mut EndpointsSettings,
        subject: Subject,
        transport: Transport,
        at: &Path,
    ) -> Result<Validate, Error> {
        self.check_subject(subject, at)?;
        let source = KeysGiven {
            jwks: self.jwks,
            jwks_file: self.jwks_file,
            public_key_file: self.public_key_file,
            secret: one_secret(self.secret, self.secret_file, at, "secret")?,
        };
        let (keys, in_file) = source.compile(endpoints, transport, at)?;
        let algorithms = algorithms(self.algorithms, &keys, &at.key("algorithms"))?;
        if let Some(fit) = in_file
            && !algorithms.iter().any(|algorithm| fit.contains(algorithm))
        {
            let fit: Vec<_> = fit.iter().map(|algorithm| algorithm.as_str()).collect();
            return Err(at.key("algorithms").error(format!(
                "none of them fits a key in the file, which has keys for: {}",
                fit.join(", ")
            )));
        }
        not_empty(self.issuer.as_deref(), &at.key("issuer"))?;
        not_empty(self.typ.as_deref(), &at.key("typ"))?;
        let audience = self.audience.map(|many| many.0);
        if self.audience_exact && audience.is_none() {
            return Err(at.key("audience_exact").error("means nothing without audience"));
        }
        if audience.as_ref().is_some_and(Vec::is_empty) {
            return Err(at.key("audience").error("is empty: no token could be for it"));
        }
        for (field, texts) in [
            ("audience", audience.as_deref().unwrap_or_default()),
            ("required_claims", &self.required_claims),
        ] {
            for (index, text) in texts.iter().enumerate() {
                not_empty(Some(text), &at.key(field).index(index))?;
            }
        }
        token_parameters::scopes(&self.scopes, &at.key("scopes"))?;
        let seconds = |duration: Option<PromDuration>| duration.map(|time| time.0.as_secs_f64());
        let (min_ttl, max_ttl) = (seconds(self.min_ttl), seconds(self.max_ttl));
        if let (Some(least), Some(most)) = (min_ttl, max_ttl)
            && least > most
        {
            return Err(at.key("min_ttl").error("is more than max_ttl: no token could pass"));
        }
        let decryption =
            self.decryption_key_file.map(|file| Parsed::secret(file, DecryptionKey::from_pem));
        if let Some(key) = &decryption {
            let read = key.read_blocking();
            read.map_err(|error| at.key("decryption_key_file").error(error))?;
        }
        Ok(Validate {
            keys,
            algorithms,
            candidates: match subject {
                Subject::AccessToken => Candidates::Several,
                Subject::IdToken => Candidates::One,
            },
            issuer: self.issuer,
            audience: audience.unwrap_or_default(),
            audience_exact: self.audience_exact,
            media_type: self.typ,
            required_claims: self.required_claims,
            claims: compile_assertions(
                self.claims.into_iter().map(Into::into).collect(),
                &at.key("claims"),
            )?,
            scopes: self.scopes,
            leeway: seconds(self.leeway).unwrap_or(DEFAULT_LEEWAY),
            require_exp: self.require_exp.unwrap_or(true),
            min_ttl,
            max_ttl,
            max_age: seconds(self.max_age),
            trusted_audiences: self.trusted_audiences,
            previous_token: self.previous_token,
            decryption,
        })
    }
}

impl ValidateSettings {
    /// Refuses fields that mean nothing for this token.
    fn check_subject(&self, subject: Subject, at: &Path) -> Result<(), Error> {
        let of_id_token = "is for ID tokens, and here an access token is verified";
        let of_access_token = "is for access tokens, and here the ID token is verified";
        let of_client = "means nothing for an ID token, whose audience is the client";
        let fields = match subject {
            Subject::AccessToken => vec![
                ("max_age", self.max_age.is_some(), of_id_token),
                ("trusted_audiences", !self.trusted_audiences.is_empty(), of_id_token),
            ],
            Subject::IdToken => vec![
                ("audience", self.audience.is_some(), of_client),
                ("audience_exact", self.audience_exact, of_client),
                ("scopes", !self.scopes.is_empty(), of_access_token),
                ("previous_token", self.previous_token, of_access_token),
            ],
        };
        match fields.into_iter().find(|(_, given, _)| *given) {
            Some((field, _, message)) => Err(at.key(field).error(message)),
            None => Ok(()),
        }
    }
}

/// The fields that say where the keys come from.
struct KeysGiven {
    jwks: Option<Location>,
    jwks_file: Option<PublicFile>,
    public_key_file: Option<PublicFile>,
    secret: Option<Secret>,
}

impl KeysGiven {
    /// The one that is given, and the algorithms that its file has keys for now.
    fn compile(
        self,
        endpoints: &mut EndpointsSettings,
        transport: Transport,
        at: &Path,
    ) -> Result<(KeySource, Option<Vec<Algorithm>>), Error> {
        let given = [
            self.jwks.is_some(),
            self.jwks_file.is_some(),
            self.public_key_file.is_some(),
            self.secret.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(at.error(
                "jwks, jwks_file, public_key_file and secret exclude each other: give one",
            ));
        }
        // What the keys of a file can verify now; another key may come into it later.
        let mut in_file: Option<Vec<Algorithm>> = None;
        let keys = if let Some(file) = self.jwks_file {
            let at = at.key("jwks_file");
            let file = Parsed::public(file, |text| {
                KeySet::parse(&Bytes::copy_from_slice(text.as_bytes()))
            });
            let set = file.read_blocking().map_err(|error| at.error(error))?;
            let fit = all(|algorithm| set.keys().iter().any(|key| key.fits(algorithm)));
            if fit.is_empty() {
                return Err(at.error("holds no key that can verify a signature (RFC 7517 §5)"));
            }
            in_file = Some(fit);
            KeySource::SetFile(file)
        } else if let Some(file) = self.public_key_file {
            let file = Parsed::public(file, VerifyingKey::from_pem);
            let key = file.read_blocking();
            let key = key.map_err(|error| at.key("public_key_file").error(error))?;
            in_file = Some(all(|algorithm| key.fits(algorithm)));
            KeySource::PublicKey(file)
        } else if let Some(secret) = self.secret {
            KeySource::Secret(secret)
        } else {
            if let Some(jwks) = self.jwks {
                let at = at.key("jwks");
                // Under the name that it has here: among the endpoints it has another.
                jwks.check_carrying("a key set", &at, transport)?;
                if endpoints.jwks.replace(jwks).is_some() {
                    return Err(at.error("is given as endpoints.jwks too: give one"));
                }
            }
            KeySource::Published
        };
        Ok((keys, in_file))
    }
}

impl Validate {
    /// Whether the assertions on claims hold; each with its label.
    pub fn asserted<'a>(&'a self, claims: &'a Value) -> impl Iterator<Item = (&'a str, bool)> {
        self.claims.iter().map(|assertion| (assertion.label(), assertion.holds_for(claims)))
    }
}

fn not_empty(text: Option<&str>, at: &Path) -> Result<(), Error> {
    match text {
        Some("") => Err(at.error("is empty")),
        _ => Ok(()),
    }
}

/// Every algorithm of which this holds.
fn all(holds: impl Fn(Algorithm) -> bool) -> Vec<Algorithm> {
    Algorithm::ALL.iter().copied().filter(|algorithm| holds(*algorithm)).collect()
}

/// The allowed algorithms: those configured, or all that fit the kind of keys. HMAC never
/// verifies with a public key, and nothing else with a secret.
fn algorithms(
    names: Option<Vec<String>>,
    keys: &KeySource,
    at: &Path,
) -> Result<Vec<Algorithm>, Error> {
    let shared = matches!(keys, KeySource::Secret(_));
    let fits = |algorithm: Algorithm| (algorithm.key_kind() == KeyKind::Secret) == shared;
    let Some(names) = names else { return Ok(all(fits)) };
    if names.is_empty() {
        return Err(at.error("is empty: no token could pass"));
    }
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let at = at.index(index);
            if name.eq_ignore_ascii_case("none") {
                return Err(at.error("none is no signature: whoever allows it lets everybody in"));
            }
            let algorithm = super::client::algorithm(name, &at)?;
            match (fits(algorithm), shared) {
                (true, _) => Ok(algorithm),
                (false, true) => {
                    Err(at.error("is verified with a public key, and a secret is given"))
                }
                (false, false) => Err(at.error(
                    "is verified with a secret: give secret or secret_file, never a public key",
                )),
            }
        })
        .collect()
}
