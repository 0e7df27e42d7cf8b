//! `jwks`: fetch the keys of the issuer, and look at what it publishes (RFC 7517 §5).

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::answer::{Body, Judgement};
use super::provider::CalledEndpoint;
use crate::probe::Context;
use crate::protocol::certificate::Certificate;
use crate::protocol::jose::{Jwk, KeySet, KeySetError, Unusable};
use crate::protocol::json::JsonError;
use crate::report::{
    CertificateSource, Endpoint, Failure, FailureReason, KeyFacts, KeySetFacts, Warning,
    WatchedCertificate,
};

/// Certificates of a set that are looked at, to show those that end first.
const MOST_READ: usize = 100;

/// Fetches the key set. When it lacks the key that a token names, it is fetched once more, as a
/// relying party does whose copy is older than the token.
///
/// # Errors
/// When there is no set, or no key in it that could verify anything.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    key_id: Option<&str>,
) -> Result<Arc<KeySet>, Failure> {
    let set = fetch(context, endpoint).await?;
    let set = with_key(context, endpoint, set, key_id).await?;
    if !can_verify(&set) {
        let found = set.keys().len();
        let weak = set.keys().iter().any(|key| key.usability() == Err(Unusable::Weak));
        return Err(Failure::plain(
            if weak { FailureReason::WeakKey } else { FailureReason::NoKeys },
            format!("none of the {found} keys in the set can verify a signature (RFC 7517 §5)"),
        ));
    }
    Ok(set)
}

/// Whether it holds a key that can be made. Of a point, whether it lies on its curve is calculated
/// where it matters: as long as none was found that does.
fn can_verify(set: &KeySet) -> bool {
    set.keys().iter().any(|key| key.verifying_key().is_ok())
}

/// The set, fetched once more when it lacks the key that a token names (OpenID Connect Core §10.1.1).
pub(super) async fn with_key(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    set: Arc<KeySet>,
    key_id: Option<&str>,
) -> Result<Arc<KeySet>, Failure> {
    if key_id.is_none_or(|id| set.has(id)) {
        return Ok(set);
    }
    context.note("the set has no key with the kid of the token, fetching it once more");
    fetch(context, endpoint).await
}

async fn fetch(context: &Context<'_>, endpoint: &CalledEndpoint) -> Result<Arc<KeySet>, Failure> {
    let mut request = endpoint.request(Endpoint::Jwks, Method::GET, false);
    request.authentic = true;
    let answer = context.send(request).await?;
    // A set may be large: it is read once, and not as a tree of values.
    let judgement = Judgement::new(context, &answer, &[], Body::Any);
    let set = read(&answer.body);
    if let Err(KeySetError::NotJson(error @ JsonError::Syntax { .. })) = &set {
        judgement.format_of(error)?;
    }
    judgement.rate_limit()?;
    judgement.status()?;
    let set = set.map_err(|error| match error {
        KeySetError::NotJson(error) => super::answer::not_json(&answer, &error),
        KeySetError::NoKeys => error.into(),
    })?;
    if answer.status != StatusCode::OK {
        context.warn(Warning::StatusUnexpected);
    }
    if !super::answer::declared_json(&answer) {
        context.warn(Warning::ContentTypeUnexpected);
    }
    if is_stale(&answer.headers) {
        context.warn(Warning::JwksStale);
    }
    look(context, &set);
    Ok(set)
}

/// A smaller set is read sooner than it is found, and a larger one is none that an issuer needs.
const LARGE: RangeInclusive<usize> = 64 * 1024..=1024 * 1024;
/// As many keys take about a megabyte, too.
const MOST_KEYS: usize = 5_000;
/// Large sets that are kept.
const MOST_KEPT: usize = 8;

/// The set that this body holds. To read a thousand keys takes longer than all else in a probe,
/// and a probe is given those of the one before it: the large sets that were new last are kept,
/// and found by their text.
fn read(body: &Bytes) -> Result<Arc<KeySet>, KeySetError> {
    static KEPT: Mutex<VecDeque<Arc<KeySet>>> = Mutex::new(VecDeque::new());
    if !LARGE.contains(&body.len()) {
        return KeySet::parse(body).map(Arc::new);
    }
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept().iter().find(|set| set.body() == body).cloned();
    if let Some(set) = known {
        return Ok(set);
    }
    let set = Arc::new(KeySet::parse(body)?);
    if set.keys().len() <= MOST_KEYS {
        let mut kept = kept();
        kept.truncate(MOST_KEPT - 1);
        kept.push_front(set.clone());
    }
    Ok(set)
}

/// What the set shows of its issuer.
pub(super) fn look(context: &Context<'_>, set: &KeySet) {
    for (found, warning) in [
        (set.duplicate_member, Warning::DuplicateMember),
        (set.duplicate_key_id, Warning::DuplicateKid),
        (set.keys().iter().any(Jwk::is_private), Warning::PrivateKeyPublished),
        (set.keys().iter().any(|key| key.usability() == Err(Unusable::Weak)), Warning::WeakKey),
    ] {
        if found {
            context.warn(warning);
        }
    }
    let mut keys: Vec<KeyFacts> = Vec::new();
    for key in set.keys() {
        if keys.len() == KeySetFacts::MOST_KEYS {
            break;
        }
        let facts = KeyFacts {
            key_id: context.foreign(key.key_id().unwrap_or_default()),
            key_type: context.foreign(key.key_type()),
            algorithm: context.foreign(key.algorithm()),
            usage: context.foreign(key.usage()),
        };
        if !keys.contains(&facts) {
            keys.push(facts);
        }
    }
    context.key_set(KeySetFacts { usable: set.usable, hash: set.hash, keys });
    let (certified, all_fit) = ending_first(set);
    if !all_fit {
        context.warn(Warning::X5cMismatch);
    }
    for (key, certificate) in certified {
        #[allow(clippy::cast_precision_loss)] // dates of certificates are exact as floats
        if (certificate.not_after as f64) < context.unix_now() {
            context.warn(Warning::KeyExpired);
        }
        context.certificate(WatchedCertificate {
            source: CertificateSource::Jwks,
            name: context.foreign(key.key_id().unwrap_or_default()),
            role: "",
            usage: context.foreign(key.usage()),
            certificate: certificate.into(),
        });
    }
}

/// The certificates that are shown: those that end first are to be renewed first. And whether all
/// that were read belong to the key beside them.
fn ending_first(set: &KeySet) -> (Vec<(&Jwk, Certificate)>, bool) {
    let mut all_fit = true;
    let mut certified = Vec::new();
    for key in set.keys().iter().filter(|key| key.has_x5c()).take(MOST_READ) {
        let certificate = key.certificate();
        all_fit &= certificate.as_ref().is_some_and(|it| key.has_thumbprints_of(it.der()));
        certified.extend(certificate.map(|certificate| (key, certificate)));
    }
    certified.sort_by_key(|(_, certificate): &(_, Certificate)| certificate.not_after);
    certified.truncate(KeySetFacts::MOST_CERTIFICATES);
    (certified, all_fit)
}

/// Whether a cache on the way has kept the answer for longer than it may (RFC 9111 §4.2).
fn is_stale(headers: &HeaderMap) -> bool {
    let seconds = |name: HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let date = |name: HeaderName| {
        headers.get(name)?.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok())
    };
    let expires = || {
        let sent = date(DATE).unwrap_or(SystemTime::UNIX_EPOCH);
        let lifetime = date(EXPIRES).and_then(|end| end.duration_since(sent).ok());
        // What expired before it was sent, or at what is no date (§5.3), is stale at once.
        headers.contains_key(EXPIRES).then(|| lifetime.map_or(0, |lifetime| lifetime.as_secs()))
    };
    let Some(age) = seconds(AGE) else { return false };
    // Whoever sends an age is a shared cache, for which s-maxage is (§4.2.1, §5.2.2.10).
    let lifetime = directive(headers, "s-maxage").or_else(|| directive(headers, "max-age"));
    // And it may serve while it asks for a new one (RFC 5861 §3).
    let more = directive(headers, "stale-while-revalidate").unwrap_or_default();
    let lifetime = lifetime.or_else(expires);
    lifetime.is_some_and(|lifetime| age > lifetime.saturating_add(more))
}

/// The seconds of a directive of `Cache-Control` (RFC 9111 §5.2).
fn directive(headers: &HeaderMap, wanted: &str) -> Option<u64> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| value.trim().trim_matches('"').parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_set_is_read_once_and_not_taken_for_another() {
        let set = |kid: &str, keys: usize| {
            let key = format!(r#"{{"kty": "OKP", "crv": "Ed25519", "kid": "{kid}", "x": "AAAA"}}"#);
            read(&format!(r#"{{"keys": [{}]}}"#, vec![key; keys].join(", ")).into()).expect("a set")
        };
        assert!(Arc::ptr_eq(&set("a", 2000), &set("a", 2000)));
        assert!(set("b", 2000).has("b"));
        assert!(set("a", 2000).has("a"));
        for keys in [2, MOST_KEYS + 1, 20_000] {
            assert!(!Arc::ptr_eq(&set("a", keys), &set("a", keys)), "{keys}");
        }
        let kept = set("first", 2000);
        for number in 0..MOST_KEPT {
            set(&number.to_string(), 2000);
        }
        assert_eq!(Arc::strong_count(&kept), 1);
        assert!(read(&format!("{{{}", " ".repeat(*LARGE.start())).into()).is_err());
    }

    #[test]
    fn a_set_of_points_off_their_curve_verifies_nothing() {
        let key = |y: &str| {
            let x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
            format!(r#"{{"kty": "EC", "crv": "P-256", "x": "{x}", "y": "{y}"}}"#)
        };
        // RFC 7517 appendix A.1
        let good = key("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
        let off = key("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyA");
        for (keys, expected) in [
            (format!("{off}, {good}"), true),
            (format!("{off}, {off}"), false),
            (String::new(), false),
        ] {
            let set = KeySet::parse(&format!(r#"{{"keys": [{keys}]}}"#).into()).expect("a set");
            assert_eq!(can_verify(&set), expected, "{keys}");
        }
    }

    #[test]
    fn of_many_certificates_those_that_end_first_are_shown() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let own = rcgen::KeyPair::generate().expect("a key");
        let keys: Vec<String> = [2040, 2031, 2033, 2050, 2032, 2041]
            .iter()
            .map(|year| {
                let mut params = rcgen::CertificateParams::default();
                params.not_after = rcgen::date_time_ymd(*year, 1, 1);
                let certificate = params.self_signed(&own).expect("a certificate");
                let der = STANDARD.encode(certificate.der());
                format!(r#"{{"kid": "{year}", "x5c": ["{der}"]}}"#)
            })
            .collect();
        let text = format!(r#"{{"keys": [{{"x5c": ["AAAA"]}}, {}]}}"#, keys.join(", "));
        let set = KeySet::parse(&text.into()).expect("a set");
        let (shown, all_fit) = ending_first(&set);
        assert!(!all_fit);
        let shown: Vec<_> = shown.into_iter().map(|(key, _)| key.key_id()).collect();
        assert_eq!(shown, [Some("2031"), Some("2032"), Some("2033")]);
    }

    #[test]
    fn an_answer_is_stale_beyond_its_lifetime() {
        let date = "Thu, 26 Nov 2026 10:00:00 GMT";
        for (headers, stale) in [
            (vec![], false),
            (vec![("age", "100")], false),
            (vec![("cache-control", "max-age=60")], false),
            (vec![("age", "60"), ("cache-control", "public, max-age=60")], false),
            (vec![("age", "61"), ("cache-control", "public, Max-Age=\"60\"")], true),
            (vec![("age", "x"), ("cache-control", "max-age=60")], false),
            (vec![("age", "100"), ("cache-control", "max-age=0, s-maxage=3600")], false),
            (vec![("age", "10"), ("cache-control", "max-age=100, S-MaxAge=5")], true),
            (
                vec![("age", "69"), ("cache-control", "s-maxage=9, stale-while-revalidate=60")],
                false,
            ),
            (vec![("age", "70"), ("cache-control", "s-maxage=9, stale-while-revalidate=60")], true),
            (vec![("age", "70"), ("cache-control", "stale-while-revalidate=60")], false),
            (
                vec![("age", "61"), ("date", date), ("expires", "Thu, 26 Nov 2026 10:01:00 GMT")],
                true,
            ),
            (
                vec![("age", "60"), ("date", date), ("expires", "Thu, 26 Nov 2026 10:01:00 GMT")],
                false,
            ),
            (
                vec![("age", "1"), ("date", date), ("expires", "Thu, 26 Nov 2026 09:00:00 GMT")],
                true,
            ),
            (vec![("age", "5"), ("expires", "0")], true),
            (vec![("age", "5"), ("expires", "0"), ("cache-control", "max-age=60")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().expect("a value"));
            }
            assert_eq!(is_stale(&map), stale, "{headers:?}");
        }
    }
}
