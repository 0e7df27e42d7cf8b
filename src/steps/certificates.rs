//! `certificates`: those with which a SAML entity signs, and those in files on this side.

use super::metadata::Described;
use crate::probe::Context;
use crate::protocol::certificate::{Certificate, Validity};
use crate::protocol::saml::metadata::{Entity, Role, RoleKind};
use crate::report::{CertificateSource, Failure, FailureReason, Warning, WatchedCertificate};
use crate::settings::{CertificateFile, CertificateFileError, Pins};

/// Certificates of an entity, and of a file, that are shown.
const MOST_SHOWN: usize = 20;
/// What ends within so many seconds is worth a warning: two weeks.
const SOON: i64 = 14 * 86_400;

/// Judges the certificates of an entity, as far as its metadata was had, and of files.
///
/// # Errors
/// When a file cannot be used or holds an expired certificate, when the role has no signing
/// certificate in force, or one that is not pinned.
pub async fn run(
    context: &Context<'_>,
    described: Option<&Described>,
    files: &[CertificateFile],
    pins: &Pins,
) -> Result<(), Failure> {
    let now = seconds(context.unix_now());
    // All of them are looked at, so that each is shown; the first failure counts.
    let mut verdict = Ok(());
    for file in files {
        let judged = match file.read().await {
            Ok(found) => {
                watch_file(context, file, &found);
                judge_file(context, file, &found, now)
            }
            Err(error) => Err(unreadable(&error)),
        };
        verdict = verdict.and(judged);
    }
    match described {
        Some(described) => verdict.and(judge_role(context, &described.role, pins, now)),
        None => verdict,
    }
}

/// Unix seconds as dates of certificates have them.
#[allow(clippy::cast_possible_truncation)] // of a clock, far within
pub(super) fn seconds(now: f64) -> i64 {
    now.floor() as i64
}

/// Shows the certificates of every role.
pub(super) fn watch_entity(context: &Context<'_>, entity: &Entity) {
    let name = context.foreign(&entity.entity_id);
    let keys = entity.roles.iter().flat_map(|role| role.keys.iter().map(move |key| (role, key)));
    let certificates = keys.flat_map(|(role, key)| {
        key.certificates.iter().flatten().map(move |certificate| (role, key, certificate))
    });
    for (role, key, certificate) in certificates.take(MOST_SHOWN) {
        context.certificate(WatchedCertificate {
            source: CertificateSource::Saml,
            name: name.clone(),
            role: role.kind.as_str(),
            usage: key.key_use.as_str().to_owned(),
            certificate: certificate.clone().into(),
        });
    }
}

/// Shows the certificates of a file, and warns of weak ones.
pub(super) fn watch_file(context: &Context<'_>, file: &CertificateFile, found: &[Certificate]) {
    warn_of_weakness(context, found.iter());
    for certificate in found.iter().take(MOST_SHOWN) {
        context.certificate(WatchedCertificate {
            source: CertificateSource::File,
            name: file.name(),
            role: "",
            usage: String::new(),
            certificate: certificate.clone().into(),
        });
    }
}

/// The failure of a file that cannot be used.
pub(super) fn unreadable(error: &CertificateFileError) -> Failure {
    let reason = match error {
        CertificateFileError::Unavailable(_) => FailureReason::SecretUnavailable,
        CertificateFileError::Content { .. } => FailureReason::CertificateInvalid,
    };
    Failure::new(reason, error.to_string())
}

fn judge_file(
    context: &Context<'_>,
    file: &CertificateFile,
    found: &[Certificate],
    now: i64,
) -> Result<(), Failure> {
    for certificate in found {
        match certificate.validity(now) {
            Validity::NotYetValid => context.warn(Warning::CertificateNotYetValid),
            Validity::Valid if certificate.not_after - now < SOON => {
                context.warn(Warning::CertificateExpiring);
            }
            Validity::Valid | Validity::Expired => {}
        }
    }
    let expired = found.iter().find(|c| c.validity(now) == Validity::Expired);
    match expired {
        None => Ok(()),
        Some(certificate) => Err(Failure::new(
            FailureReason::CertificateExpired,
            format!(
                "{} in {} expired {} s ago",
                certificate.subject,
                file.name(),
                now - certificate.not_after
            ),
        )),
    }
}

fn warn_of_weakness<'a>(
    context: &Context<'_>,
    certificates: impl Iterator<Item = &'a Certificate>,
) {
    for certificate in certificates {
        if certificate.key.is_weak() {
            context.warn(Warning::WeakKey);
        }
        if certificate.has_broken_signature() {
            context.warn(Warning::Sha1Signature);
        }
    }
}

fn judge_role(context: &Context<'_>, role: &Role, pins: &Pins, now: i64) -> Result<(), Failure> {
    let all = role.keys.iter().flat_map(|key| &key.certificates);
    if all.clone().any(Result::is_err) || role.keys.iter().any(|key| key.armoured) {
        context.warn(Warning::CertificateMalformed);
    }
    warn_of_weakness(context, all.flatten());
    let bare = role.signing_bare_keys().count();
    if role.keys.iter().flat_map(|key| &key.bare).any(|key| key.kind().is_weak()) {
        context.warn(Warning::WeakKey);
    }
    let count = role.count_signing_certificates(now);
    // Only of a replacement that is prepared or done is there more than one.
    if count.expired > 0 {
        context.warn(Warning::KeyExpired);
    }
    if count.not_yet_valid > 0 {
        context.warn(Warning::CertificateNotYetValid);
    }
    // A key without certificate is in force as long as it stands there.
    let in_force = role.signing_certificates().filter(|c| c.validity(now) == Validity::Valid);
    if let Some(last) = in_force.map(|certificate| certificate.not_after).max()
        && last - now < SOON
        && bare == 0
    {
        context.warn(Warning::CertificateExpiring);
    }
    let signs = role.kind == RoleKind::Idp || role.authn_requests_signed || !pins.is_empty();
    let total = count.valid + count.expired + count.not_yet_valid;
    let reason = match (count.valid + bare, count.expired) {
        (1.., _) => None,
        _ if total == 0 => signs.then_some(FailureReason::NoKeys),
        (0, 0) => Some(FailureReason::CertificateNotYetValid),
        (0, _) => Some(FailureReason::CertificateExpired),
    };
    if let Some(reason) = reason {
        let detail = format!(
            "none of the {total} signing certificates of {} is in force: {} expired, {} not yet valid",
            role.kind.element(),
            count.expired,
            count.not_yet_valid
        );
        return Err(Failure::new(reason, detail));
    }
    if pins.is_empty() {
        return Ok(());
    }
    let certificates = role.signing_certificates().filter(|certificate| !pins.has(certificate));
    let foreign: Vec<&str> = certificates
        .map(|certificate| certificate.fingerprint_sha256.as_str())
        .chain(role.signing_bare_keys().map(|_| "a key without certificate"))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        FailureReason::FingerprintMismatch,
        format!("not among the configured fingerprints: {}", foreign.join(", ")),
    ))
}
