//! `validate`: verify a token as a relying party would, each check by itself.
//!
//! Decoding, algorithm, key and signature depend on each other in this order: the first that
//! fails leaves the others unsaid. Then every claim is checked, also after one that failed.

use std::sync::Arc;

use serde_json::Value;

use super::jwks;
use super::opened::{Opened, decrypt, open};
use super::provider::{CalledEndpoint, Provider};
use super::token::Token;
use crate::probe::{Context, Stopped};
use crate::protocol::claims::{self, ClaimError, Clock};
use crate::protocol::id_token;
use crate::protocol::jose::{self, Algorithm, Candidates, Decrypted, Jws, KeySet, VerifyingKey};
use crate::protocol::metadata::EndpointName;
use crate::report::{Credential, Failure, FailureReason, JwtCheck, Step, Warning};
use crate::secret::SecretText;
use crate::settings::{KeySource, Validate};

/// A token that passed every check: the proof that its key is known.
#[derive(Debug)]
pub struct Validated {
    /// The claims.
    pub(super) claims: claims::Claims,
    /// The keys that it was verified with.
    keys: Keys,
    /// The token of an earlier probe that verified too.
    pub(super) previous: Option<SecretText>,
}

/// What an ID token is held against, beside the configuration.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenRules<'a> {
    /// The client that it is for.
    pub client_id: &'a str,
    /// Others that it may be for too.
    pub trusted_audiences: &'a [String],
    /// What OpenID Connect asks of it.
    pub expected: id_token::Expected<'a>,
}

/// The keys that tokens are verified with.
#[derive(Debug, Clone)]
enum Keys {
    /// As it was fetched from this endpoint.
    Published {
        set: Arc<KeySet>,
        endpoint: CalledEndpoint,
        /// The `kid` that it was fetched for, once more where it lacked that.
        sought: Option<String>,
    },
    Set(Arc<KeySet>),
    One(Arc<VerifyingKey>),
}

impl Keys {
    fn as_protocol(&self) -> jose::Keys<'_> {
        match self {
            Self::Published { set, .. } | Self::Set(set) => jose::Keys::Set(set),
            Self::One(key) => jose::Keys::One(key),
        }
    }

    /// The same for a further token, whose key may have been published since.
    async fn with_key_of(&self, context: &Context<'_>, jws: &Jws) -> Result<Self, Failure> {
        let Self::Published { set, endpoint, sought } = self else { return Ok(self.clone()) };
        let key_id = &jws.header.key_id;
        if key_id == sought {
            return Ok(self.clone());
        }
        let set = jwks::with_key(context, endpoint, set.clone(), key_id.as_deref()).await?;
        Ok(Self::Published { set, endpoint: endpoint.clone(), sought: key_id.clone() })
    }
}

/// The steps `jwks`, where the keys are published, and `validate`.
///
/// # Errors
/// [`Stopped`] when one of them failed.
pub async fn steps(
    context: &Context<'_>,
    validate: &Validate,
    provider: &Provider,
    token: &Token,
    id_token: Option<&IdTokenRules<'_>>,
) -> Result<Validated, Stopped> {
    // What the token says decides which key is looked for; that it cannot be read is told later.
    let opened = open(context, validate, token.jwt(), token.expose()).await;
    let published = match &validate.keys {
        KeySource::Published => {
            let endpoint = provider.endpoint(context, EndpointName::Jwks);
            let sought = opened.as_ref().ok().and_then(|opened| opened.jws.header.key_id.clone());
            let fetch = jwks::run(context, &endpoint, sought.as_deref());
            let set = context.step(Step::Jwks, fetch).await?;
            Some(Keys::Published { set, endpoint, sought })
        }
        KeySource::SetFile(_) | KeySource::PublicKey(_) | KeySource::Secret(_) => None,
    };
    let issuer = validate.issuer.as_deref().or(provider.issuer());
    let work = async {
        let keys = match published {
            Some(keys) => keys,
            None => configured(context, validate).await?,
        };
        let previous = previous(context, validate).await;
        run(context, validate, issuer, keys, Subject { token, opened, id_token }, previous)
    };
    context.step(Step::Validate, work).await
}

/// The token that is checked.
struct Subject<'a> {
    token: &'a Token,
    opened: Result<Opened, Failure>,
    id_token: Option<&'a IdTokenRules<'a>>,
}

impl Validated {
    /// Verifies a further signed answer of the same issuer, with the same keys or such as it has
    /// published since.
    ///
    /// # Errors
    /// With the reason of the first check that fails: form, algorithm, key, signature.
    pub(super) async fn verify(
        &self,
        context: &Context<'_>,
        validate: &Validate,
        text: &str,
    ) -> Result<Verified, Failure> {
        let parsed = Jws::parse(text);
        let verified = async {
            let opened = open(context, validate, parsed.as_ref(), text).await?;
            self.verified(context, validate, opened).await
        };
        verified.await.map_err(|failure: Failure| super::quoting(context, failure))
    }

    /// The claims of an answer that is signed, encrypted or both (OpenID Connect Core §5.3.2).
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub(super) async fn claims_of(
        &self,
        context: &Context<'_>,
        validate: &Validate,
        text: &str,
    ) -> Result<claims::Claims, Failure> {
        let parsed = Jws::parse(text);
        let claims = async {
            let decrypted = decrypt(context, validate, parsed.as_ref(), text).await?;
            if let Some(claims) = decrypted.as_ref().and_then(Decrypted::claims) {
                return Ok(claims?);
            }
            let opened = Opened::new(parsed.as_ref(), decrypted)?;
            Ok(self.verified(context, validate, opened).await?.claims)
        };
        claims.await.map_err(|failure: Failure| super::quoting(context, failure))
    }

    async fn verified(
        &self,
        context: &Context<'_>,
        validate: &Validate,
        opened: Opened,
    ) -> Result<Verified, Failure> {
        opened.look(context);
        let jws = opened.jws;
        let keys = self.keys.with_key_of(context, &jws).await?;
        let algorithm = verifies(validate, &keys, &jws)?;
        Ok(Verified { claims: jws.claims, algorithm })
    }

    /// The key of the issuer under which a token verifies, whatever algorithms are allowed.
    ///
    /// # Errors
    /// When the keys cannot be fetched once more, or it verifies under none of them.
    pub(super) async fn key_of(
        &self,
        context: &Context<'_>,
        jws: &Jws,
    ) -> Result<VerifyingKey, Failure> {
        let keys = self.keys.with_key_of(context, jws).await?;
        let key = || {
            let algorithm = jose::algorithm(jws, Algorithm::ALL).ok()?;
            let found =
                jose::choose(keys.as_protocol(), jws, algorithm, Candidates::Several).ok()?;
            jose::verify(jws, algorithm, &found).cloned()
        };
        key().ok_or_else(|| {
            Failure::new(FailureReason::KeyNotFound, "it verifies under none of the issuer's keys")
        })
    }
}

/// Something signed whose signature verified.
pub(super) struct Verified {
    pub(super) claims: claims::Claims,
    pub(super) algorithm: Algorithm,
}

/// The checks of a plan: those that can run with this configuration.
#[must_use]
pub fn planned(validate: &Validate, discovers: bool) -> Vec<JwtCheck> {
    let asked_for = |check: JwtCheck| match check {
        JwtCheck::Issuer => validate.issuer.is_some() || discovers,
        JwtCheck::Audience => !validate.audience.is_empty(),
        JwtCheck::Type => validate.media_type.is_some(),
        JwtCheck::Scopes => !validate.scopes.is_empty(),
        JwtCheck::Ttl => validate.min_ttl.is_some() || validate.max_ttl.is_some(),
        JwtCheck::Previous => validate.previous_token,
        JwtCheck::Decode
        | JwtCheck::Algorithm
        | JwtCheck::Key
        | JwtCheck::Signature
        | JwtCheck::Expiry
        | JwtCheck::NotBefore
        | JwtCheck::IssuedAt
        | JwtCheck::Claims => true,
    };
    JwtCheck::ALL.iter().copied().filter(|check| asked_for(*check)).collect()
}

/// The same for an ID token, whose audience is always looked at.
#[must_use]
pub fn planned_of_id_token(checks: &[JwtCheck]) -> Vec<JwtCheck> {
    let wanted = |check: &&JwtCheck| **check == JwtCheck::Audience || checks.contains(check);
    JwtCheck::ALL.iter().filter(wanted).copied().collect()
}

/// A token of an earlier probe, and what was signed in it.
type Previous = (SecretText, Result<Opened, Failure>);

/// The token of an earlier probe that must still be good, where that is asked for.
async fn previous(context: &Context<'_>, validate: &Validate) -> Option<Previous> {
    let kept = validate.previous_token.then(|| context.previous_token(validate.leeway));
    let text = kept.flatten()?;
    let parsed = Jws::parse(text.expose());
    let opened = open(context, validate, parsed.as_ref(), text.expose()).await;
    Some((text, opened))
}

/// The keys of the configuration, as their files hold them now.
async fn configured(context: &Context<'_>, validate: &Validate) -> Result<Keys, Failure> {
    match &validate.keys {
        // Nobody asks for it: the step before fetched it.
        KeySource::Published => {
            Err(Failure::new(FailureReason::Internal, "the key set was not fetched"))
        }
        KeySource::SetFile(file) => {
            let set = context.parsed(file).await?;
            jwks::look(context, &set);
            Ok(Keys::Set(set))
        }
        KeySource::PublicKey(file) => context.parsed(file).await.map(Keys::One),
        KeySource::Secret(secret) => {
            let text = context.secret(secret).await?;
            Ok(Keys::One(Arc::new(VerifyingKey::secret(text.expose().as_bytes()))))
        }
    }
}

/// Makes every check, and records each.
fn run(
    context: &Context<'_>,
    validate: &Validate,
    issuer: Option<&str>,
    keys: Keys,
    Subject { token, opened, id_token }: Subject<'_>,
    previous: Option<Previous>,
) -> Result<Validated, Failure> {
    let checks = Checks { context, token: token.credential() };
    let opened = checks.needed(JwtCheck::Decode, opened)?;
    opened.look(context);
    let jws = opened.jws;
    if validate.decryption.is_some() && token.jwt().is_ok() {
        context.warn(Warning::TokenNotEncrypted);
    }
    let algorithm = jose::algorithm(&jws, &validate.algorithms).map_err(Failure::from);
    let algorithm = checks.needed(JwtCheck::Algorithm, algorithm)?;
    let found = jose::choose(keys.as_protocol(), &jws, algorithm, validate.candidates);
    let found = checks.needed(JwtCheck::Key, found.map_err(Failure::from))?;
    if found.iter().any(|key| key.is_short_for(algorithm)) {
        context.warn(Warning::WeakKey);
    }
    let named = |set: &KeySet| jws.header.key_id.as_ref().map(|id| set.has(id));
    if let jose::Keys::Set(set) = keys.as_protocol()
        && !named(set).unwrap_or(found.len() == 1)
    {
        context.warn(Warning::KidMissing);
    }
    checks.needed(JwtCheck::Signature, signed(&jws, algorithm, &found))?;
    if token.is_given() {
        context.token(token.facts(context.unix_now()));
    }
    clocks(context, validate, token);
    claims_of(&checks, validate, issuer, &jws, algorithm, id_token)?;
    let previous = match previous {
        Some((text, opened)) => {
            let verified =
                opened.and_then(|opened| verifies(validate, &keys, &opened.jws).map(drop));
            checks.needed(JwtCheck::Previous, verified.map_err(|failure| of_previous(&failure)))?;
            Some(text)
        }
        None => None,
    };
    Ok(Validated { claims: jws.claims, keys, previous })
}

fn signed(jws: &Jws, algorithm: Algorithm, keys: &[VerifyingKey]) -> Result<(), Failure> {
    jose::verify(jws, algorithm, keys).map(drop).ok_or_else(|| {
        Failure::new(
            FailureReason::SignatureInvalid,
            "the signature does not verify under the key that the token names (RFC 7515 §5.2)",
        )
    })
}

/// Says that a failure is that of the token of an earlier probe.
pub(super) fn of_previous(failure: &Failure) -> Failure {
    let detail = format!("a token of an earlier probe, which has not expired: {}", failure.detail);
    Failure { detail, ..*failure }
}

/// Whether a token verifies with these keys, and under which algorithm.
fn verifies(validate: &Validate, keys: &Keys, jws: &Jws) -> Result<Algorithm, Failure> {
    let algorithm = jose::algorithm(jws, &validate.algorithms)?;
    let found = jose::choose(keys.as_protocol(), jws, algorithm, validate.candidates)?;
    signed(jws, algorithm, &found)?;
    Ok(algorithm)
}

/// The claims, each recorded; the failure is that of the first that did not pass.
fn claims_of(
    checks: &Checks<'_, '_>,
    validate: &Validate,
    issuer: Option<&str>,
    jws: &Jws,
    algorithm: Algorithm,
    id_token: Option<&IdTokenRules<'_>>,
) -> Result<(), Failure> {
    let context = checks.context;
    let claims = &jws.claims;
    let clock = Clock { now: context.unix_now(), leeway: validate.leeway };
    if issuer.is_none() {
        context.warn(Warning::IssuerUnchecked);
    }
    let (least, most) = (validate.min_ttl, validate.max_ttl);
    let of_issuer = match issuer {
        Some(issuer) => Some(claims::issuer(claims, issuer)),
        None => id_token.and_then(|_| id_token::issuer(claims).err()).map(Err),
    };
    let of_audience = match id_token {
        Some(rules) => Some(id_token::audience(claims, rules.client_id, rules.trusted_audiences)),
        None => (!validate.audience.is_empty())
            .then(|| claims::audience(claims, &validate.audience, validate.audience_exact)),
    };
    let media_type = jws.header.media_type.as_deref();
    let of_type = validate.media_type.as_ref().map(|it| claims::media_type(media_type, it));
    let of_id_token = id_token.map(|rules| {
        id_token::check(claims, algorithm, &rules.expected, clock).map_err(Failure::from)
    });
    let asserts = !validate.required_claims.is_empty() || !validate.claims.is_empty();
    let asserted = asserts.then(|| asserted(context, validate, claims));
    let of_strings = claims::strings(claims).map_err(Failure::from);
    let of_claims = [of_id_token, asserted].into_iter().flatten().fold(of_strings, Result::and);
    let of_scopes = (!validate.scopes.is_empty()).then(|| claims::scopes(claims, &validate.scopes));
    let of_ttl = (least.is_some() || most.is_some())
        .then(|| claims::lifetime(claims, clock.now, least, most))
        .flatten();
    let failed =
        |verdict: Option<Result<(), ClaimError>>| verdict.map(|it| it.map_err(Failure::from));
    let verdicts = [
        (JwtCheck::Expiry, failed(claims::expiry(claims, clock, validate.require_exp))),
        (JwtCheck::NotBefore, failed(claims::not_before(claims, clock))),
        (JwtCheck::IssuedAt, failed(claims::issued_at(claims, clock))),
        (JwtCheck::Issuer, failed(of_issuer)),
        (JwtCheck::Audience, failed(of_audience)),
        (JwtCheck::Type, failed(of_type)),
        (JwtCheck::Claims, Some(of_claims)),
        (JwtCheck::Scopes, failed(of_scopes)),
        (JwtCheck::Ttl, failed(of_ttl)),
    ];
    let mut first = Ok(());
    for (check, verdict) in verdicts {
        let Some(verdict) = verdict else { continue };
        let verdict = checks.needed(check, verdict);
        if first.is_ok() {
            first = verdict;
        }
    }
    first
}

/// Required claims and assertions on claims.
fn asserted(
    context: &Context<'_>,
    validate: &Validate,
    claims: &claims::Claims,
) -> Result<(), Failure> {
    let mut failed = Vec::new();
    if !validate.claims.is_empty() {
        let claims = Value::Object(claims.clone());
        for (label, holds) in validate.asserted(&claims) {
            context.assertion(label, holds);
            if !holds {
                failed.push(label.to_owned());
            }
        }
    }
    claims::required(claims, &validate.required_claims)?;
    if failed.is_empty() {
        return Ok(());
    }
    let detail = format!("does not hold for the claims: {}", failed.join(", "));
    Err(Failure::new(FailureReason::ClaimMismatch, detail))
}

/// Whether the clocks are further apart than tokens are forgiven.
fn clocks(context: &Context<'_>, validate: &Validate, token: &Token) {
    // The header has whole seconds.
    if token.clock_skew().is_some_and(|skew| skew.abs() > validate.leeway + 1.0) {
        context.warn(Warning::ClockSkew);
    }
}

/// Records the checks of one token.
struct Checks<'a, 'm> {
    context: &'a Context<'m>,
    token: Credential,
}

impl Checks<'_, '_> {
    fn needed<T>(&self, check: JwtCheck, result: Result<T, Failure>) -> Result<T, Failure> {
        self.context.jwt_check(self.token, check, result.is_ok());
        result.map_err(|failure| {
            let failure = super::quoting(self.context, failure);
            self.context.note(&format!("check {check} of the {}: {}", self.token, failure.detail));
            failure
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_words_of_an_earlier_token_stay_our_own() {
        let told = of_previous(&Failure::plain(FailureReason::Http4xx, "status 401".into()));
        assert_eq!(told.detail, "a token of an earlier probe, which has not expired: status 401");
        assert!(!told.quotes);
    }
}
