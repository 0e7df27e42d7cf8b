//! What each fault of the provider leads to: one list for the tests and for the soak.

use crate::modules::{healthy, told};
use crate::provider::Fault;

/// What a fault leads to.
pub(crate) struct Expected {
    /// The module that it is shown to.
    pub(crate) module: &'static str,
    /// The story that it then tells.
    pub(crate) story: String,
    /// The checks of the token that fail.
    pub(crate) checks: &'static [&'static str],
}

/// A new fault does not compile until it stands here.
#[allow(clippy::match_same_arms, clippy::too_many_lines, reason = "a table: one line a fault")]
pub(crate) fn expected(fault: Fault) -> Expected {
    let of = |module, story: &str| Expected { module, story: story.to_owned(), checks: &[] };
    let flow = |story| of("flow", story);
    let asserted = |story| of("asserted", story);
    let key = |story| of("key", story);
    let jwt = |story: &str| of("jwt", story);
    let saml = |story: &str| of("saml", story);
    let sign_on = |step, tells| of("sign_on", &told("sign_on", step, tells));
    let token = |story: &str| {
        jwt(&format!("discovery ok, {story}, jwks ok, validate ok, call_api ok, refuse ok"))
    };
    let keys = |story: &str| {
        jwt(&format!("discovery ok, token ok, {story}, validate ok, call_api ok, refuse ok"))
    };
    let no_keys = |reason: &str| {
        jwt(&format!("discovery ok, token ok, jwks {reason}, validate -, call_api -, refuse -"))
    };
    let refuse = |reason: &str| {
        jwt(&format!("discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse {reason}"))
    };
    let invalid = |checks, reason: &str| {
        let story =
            format!("discovery ok, token ok, jwks ok, validate {reason}, call_api -, refuse -");
        Expected { checks, ..jwt(&story) }
    };
    let login = |step, tells| of("login", &told("login", step, tells));
    let pushed = |step, tells| of("pushed", &told("pushed", step, tells));
    let id_token = |checks, reason| Expected { checks, ..login("validate", reason) };
    match fault {
        Fault::ConnectionClosed => asserted("discovery connection_closed, token -"),

        Fault::ClockAhead => invalid(&["issued_at"], "issued_in_future [clock_skew]"),
        Fault::ClockBehind => invalid(&["expiry", "ttl"], "token_expired [clock_skew]"),

        Fault::Discovery404 => asserted("discovery http_4xx, token -"),
        Fault::DiscoveryOpenid404 => asserted("discovery ok, token ok"),
        Fault::Discovery500 => asserted("discovery http_5xx, token -"),
        Fault::DiscoveryHang => asserted("discovery timeout, token -"),
        Fault::DiscoveryHtml => asserted("discovery content_type, token -"),
        Fault::DiscoveryWrongIssuer => asserted("discovery issuer_mismatch, token -"),
        Fault::DiscoveryNoTokenEndpoint => asserted("discovery missing_endpoint, token -"),
        Fault::DiscoveryForeignTokenEndpoint => asserted("discovery ok, token endpoint_refused"),
        Fault::DiscoveryRedirectLoop => asserted("discovery too_many_redirects, token -"),
        Fault::DiscoveryEchoesSecrets => asserted("discovery issuer_mismatch, token -"),

        // The parameters of the request are secrets, as far as anybody knows.
        Fault::DiscoveryForeignAuthorization => login("authorize", "endpoint_refused"),

        Fault::AuthorizeHang => login("authorize", "timeout"),
        Fault::Authorize500 => login("authorize", "http_5xx"),
        Fault::Authorize429 => login("authorize", "rate_limited"),
        Fault::AuthorizeNoHtml => login("authorize", "content_type"),
        Fault::AuthorizeRedirectLoop => login("authorize", "too_many_redirects"),
        Fault::AuthorizeRedirectToFile => login("authorize", "redirect_refused"),
        Fault::AuthorizeForgetsClient => login("authorize", "redirect_mismatch"),
        Fault::AuthorizeLoginElsewhere => login("login", "endpoint_refused"),
        Fault::AuthorizeSignedIn => {
            let asks_nobody =
                healthy("login").replace("login ok, consent ok", "login unasked, consent unasked");
            of("login", &asks_nobody)
        }

        Fault::PushedHang => pushed("par", "timeout"),
        Fault::PushedRefused => pushed("par", "oauth_error"),
        Fault::PushedNoUri => pushed("par", "missing_claim"),
        Fault::PushedUnknown => pushed("authorize", "http_4xx"),
        Fault::PushedStatus200 => pushed("par", "ok [status_unexpected]"),

        Fault::LoginHang => login("login", "timeout"),
        Fault::Login500 => login("login", "http_5xx"),
        Fault::Login429 => login("login", "rate_limited"),
        Fault::Login401 => login("login", "login_rejected"),
        Fault::LoginFormAgain => login("login", "login_rejected"),
        Fault::LoginHugePage => login("authorize", "body_too_large"),
        Fault::LoginEndlessPage => login("authorize", "body_too_large"),
        Fault::LoginSlowPage => login("authorize", "timeout"),
        Fault::LoginTenThousandFields => login("authorize", "body_too_large"),
        Fault::LoginDeepPage => login("login", "ok"),
        Fault::LoginNestedForm => login("login", "ok"),
        Fault::LoginFormElsewhere => login("login", "endpoint_refused"),
        Fault::LoginRepeatedElsewhere => login("login", "endpoint_refused"),
        Fault::LoginJavascriptAction => login("authorize", "script_required"),
        Fault::LoginGetForm => login("login", "login_form_not_found"),
        Fault::LoginScriptOnly => login("authorize", "script_required"),
        Fault::LoginCaptcha => login("authorize", "captcha_required"),
        Fault::LoginWebauthn => login("login", "mfa_required"),
        Fault::LoginMessageCode => login("login", "mfa_required"),
        Fault::LoginChangePassword => login("login", "login_form_not_found"),
        Fault::LoginRefreshLoop => login("authorize", "too_many_redirects"),
        Fault::LoginRedirectLoop => login("login", "too_many_redirects"),
        Fault::LoginWithoutEnd => login("login", "too_many_redirects"),
        Fault::LoginEchoesSecrets => login("login", "login_form_not_found"),
        Fault::LoginRedirectEchoesSecrets => login("login", "http_4xx"),

        Fault::ConsentAgain => login("consent", "too_many_redirects"),
        Fault::ConsentButtonUnclear => login("consent", "consent_required"),

        Fault::CallbackStateChanged => login("consent", "state_mismatch"),
        Fault::CallbackStateDropped => login("consent", "state_mismatch"),
        Fault::CallbackNoIssuer => login("consent", "issuer_mismatch"),
        Fault::CallbackForeignIssuer => login("consent", "issuer_mismatch"),
        Fault::CallbackFragment => login("consent", "redirect_mismatch"),
        Fault::CallbackNoCode => login("consent", "redirect_mismatch"),
        Fault::CallbackTwoCodes => login("consent", "malformed_claim"),
        Fault::CallbackWrongCode => login("token", "invalid_grant"),
        Fault::CallbackElsewhere => login("consent", "redirect_mismatch"),
        Fault::CallbackAccessDenied => login("consent", "access_denied"),
        Fault::CallbackUnavailable => login("consent", "oauth_error"),
        Fault::CallbackUnauthorizedClient => login("consent", "unauthorized_client"),
        Fault::CallbackSessionState => login("consent", "ok"),
        Fault::CallbackEchoesSecrets => login("consent", "oauth_error"),

        Fault::IdTokenMissing => login("token", "missing_id_token"),
        Fault::IdTokenOtherIssuer => id_token(&["issuer"], "issuer_mismatch"),
        Fault::IdTokenNoIssuer => id_token(&["issuer"], "missing_claim"),
        Fault::IdTokenNoAudience => id_token(&["audience"], "missing_claim"),
        Fault::IdTokenOtherAudience => id_token(&["audience"], "audience_mismatch"),
        Fault::IdTokenMoreAudience => id_token(&["audience"], "audience_mismatch"),
        Fault::IdTokenOtherParty => id_token(&["audience"], "audience_mismatch"),
        Fault::IdTokenAudienceList => login("validate", "ok"),
        Fault::IdTokenNoIat => id_token(&["claims"], "missing_claim"),
        Fault::IdTokenNoSub => id_token(&["claims"], "missing_claim"),
        Fault::IdTokenExpired => id_token(&["expiry"], "token_expired"),
        Fault::IdTokenNoExp => id_token(&["expiry"], "missing_claim"),
        Fault::IdTokenWrongSignature => id_token(&["signature"], "signature_invalid"),
        Fault::IdTokenForeignKey => id_token(&["signature"], "signature_invalid"),
        Fault::IdTokenUnsigned => id_token(&["algorithm"], "algorithm_refused"),
        Fault::IdTokenOtherAlgorithm => id_token(&["algorithm"], "algorithm_refused"),
        Fault::IdTokenNoKid => login("validate", "ok"),
        Fault::IdTokenNoNonce => id_token(&["claims"], "nonce_mismatch"),
        Fault::IdTokenOtherNonce => id_token(&["claims"], "nonce_mismatch"),
        Fault::IdTokenWrongHash => id_token(&["claims"], "at_hash_mismatch"),
        Fault::IdTokenWrongCodeHash => id_token(&["claims"], "at_hash_mismatch"),
        Fault::IdTokenOldLogin => id_token(&["claims"], "auth_time_too_old"),
        Fault::IdTokenEchoesSecrets => {
            id_token(&["issuer", "audience", "claims"], "issuer_mismatch")
        }

        Fault::RefreshNoToken => login("refresh", "missing_refresh_token"),
        Fault::RefreshRefused => login("refresh", "invalid_grant"),
        Fault::RefreshSameToken => login("refresh", "missing_access_token"),
        Fault::RefreshOtherHash => login("refresh", "at_hash_mismatch"),
        Fault::RefreshOtherLogin => login("refresh", "claim_mismatch"),
        Fault::RefreshInFuture => login("refresh", "issued_in_future"),
        Fault::RefreshIdTokenNoText => login("refresh", "malformed_claim"),
        Fault::RefreshOtherSubject => login("refresh", "subject_mismatch"),
        Fault::RefreshOtherIssuer => login("refresh", "issuer_mismatch"),
        Fault::RefreshNoIdToken => login("refresh", "ok"),
        Fault::CodeReplayAccepted => login("refuse", "replay_accepted"),

        Fault::UserinfoHang => login("userinfo", "timeout"),
        Fault::Userinfo401 => login("userinfo", "oauth_error"),
        Fault::Userinfo401Jwt => login("userinfo", "oauth_error"),
        Fault::UserinfoSigned => login("userinfo", "ok"),
        Fault::UserinfoEncrypted => login("userinfo", "encrypted_token"),
        Fault::UserinfoExpired => login("userinfo", "token_expired"),
        Fault::UserinfoForeignKey => login("userinfo", "signature_invalid"),
        Fault::UserinfoOtherSubject => login("userinfo", "subject_mismatch"),
        Fault::UserinfoNoSubject => login("userinfo", "missing_claim"),
        Fault::UserinfoEchoesSecrets => login("userinfo", "subject_mismatch"),
        Fault::LogoutHang => login("logout", "timeout"),
        Fault::Logout500 => login("logout", "http_5xx"),
        Fault::LogoutKeepsSession => login("logout", "session_not_ended"),
        Fault::LogoutAtOnce => login("logout", "ok"),

        Fault::TokenSlow => asserted("discovery ok, token assertion_failed"),
        Fault::TokenHang => asserted("discovery ok, token timeout"),
        Fault::TokenSlowBody => asserted("discovery ok, token timeout"),
        Fault::Token429 => {
            flow("discovery ok, token rate_limited, introspect -, call_api -, refuse -, revoke -")
        }
        // Not assertion_failed: an error status says more than that 200 was asked for.
        Fault::Token500 => asserted("discovery ok, token http_5xx"),
        Fault::TokenRefusesClient => asserted("discovery ok, token invalid_client"),
        Fault::TokenErrorWith200 => {
            asserted("discovery ok, token invalid_client [status_unexpected]")
        }
        Fault::TokenMalformedJson => asserted("discovery ok, token malformed_json"),
        Fault::TokenHtml => asserted("discovery ok, token content_type"),
        Fault::TokenNoAccessToken => asserted("discovery ok, token missing_access_token"),
        Fault::TokenTypeMac => asserted("discovery ok, token token_type"),
        Fault::TokenExpiresInZero => asserted("discovery ok, token expires_in"),
        Fault::TokenExpiresInString => flow(
            "discovery ok, token ok [expires_in_type], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenNarrowScope => flow(
            "discovery ok, token ok [scope_narrowed], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenScopeList => flow(
            "discovery ok, token ok [scope_type], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenDuplicateMember => flow(
            "discovery ok, token ok [duplicate_member], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenCacheable => flow(
            "discovery ok, token ok [no_store_missing], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenStatus201 => flow(
            "discovery ok, token ok [status_unexpected], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenPlainText => flow(
            "discovery ok, token ok [content_type_unexpected], introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        Fault::TokenHugeBody => asserted("discovery ok, token body_too_large"),
        Fault::TokenEndlessBody => asserted("discovery ok, token body_too_large"),
        Fault::TokenGzipBomb => asserted("discovery ok, token body_too_large"),
        Fault::TokenTruncated => asserted("discovery ok, token connection_closed"),
        Fault::TokenRedirect => asserted("discovery ok, token redirect_refused"),
        Fault::TokenDescriptionEchoesSecret => asserted("discovery ok, token invalid_client"),
        Fault::TokenErrorEchoesSecret => asserted("discovery ok, token oauth_error"),
        Fault::TokenTypeEchoesSecret => asserted("discovery ok, token token_type"),
        Fault::TokenRedirectEchoesSecret => asserted("discovery ok, token redirect_refused"),

        Fault::TokenTypeOddCase => token("token ok"),
        Fault::TokenNoExpiresIn => token("token ok"),
        Fault::TokenUnknownMembers => token("token ok"),
        // Who has no refresh token does not see it.
        Fault::TokenRotatesRefresh => token("token ok"),

        Fault::JwtUnsigned => invalid(&["algorithm"], "algorithm_refused"),
        Fault::JwtWrongSignature => invalid(&["signature"], "signature_invalid"),
        Fault::JwtForeignKey => invalid(&["signature"], "signature_invalid"),
        Fault::JwtHeaderKey => invalid(&["signature"], "signature_invalid"),
        Fault::JwtPublicKeyAsSecret => invalid(&["algorithm"], "algorithm_refused"),
        Fault::JwtUnknownKid => invalid(&["key"], "key_not_found"),
        // With one key in the set there is no doubt.
        Fault::JwtNoKid => token("token ok"),
        Fault::JwtExpired => invalid(&["expiry", "ttl"], "token_expired"),
        Fault::JwtNotYetValid => invalid(&["not_before"], "token_not_yet_valid"),
        Fault::JwtIssuedInFuture => invalid(&["issued_at"], "issued_in_future"),
        Fault::JwtNoSub => invalid(&["claims"], "missing_claim"),
        Fault::JwtNoIat => invalid(&["claims"], "missing_claim"),
        Fault::JwtNoExp => invalid(&["expiry", "claims", "ttl"], "missing_claim"),
        Fault::JwtNoAudience => invalid(&["audience"], "missing_claim"),
        Fault::JwtNoIssuer => invalid(&["issuer"], "missing_claim"),
        Fault::JwtExpString => invalid(&["expiry"], "malformed_claim"),
        Fault::JwtNbfString => invalid(&["not_before"], "malformed_claim"),
        Fault::JwtIatString => invalid(&["issued_at"], "malformed_claim"),
        Fault::JwtFloatTimes => token("token ok"),
        Fault::JwtOtherIssuer => invalid(&["issuer"], "issuer_mismatch"),
        Fault::JwtIssuerSlash => invalid(&["issuer"], "issuer_mismatch"),
        Fault::JwtOtherAudience => invalid(&["audience"], "audience_mismatch"),
        Fault::JwtMoreAudience => token("token ok"),
        Fault::JwtAudienceString => token("token ok"),
        Fault::JwtNoScope => Expected {
            checks: &["scopes"],
            ..jwt(
                "discovery ok, token ok [scope_narrowed], jwks ok, validate scope_missing, call_api -, refuse -",
            )
        },
        Fault::JwtScopeList => token("token ok"),
        Fault::JwtShortLived => invalid(&["ttl"], "ttl_too_short"),
        Fault::JwtLongLived => invalid(&["ttl"], "ttl_too_long"),
        Fault::JwtWrongType => invalid(&["type"], "claim_mismatch"),
        Fault::JwtUnknownMembers => token("token ok"),
        Fault::JwtUnknownCritical => invalid(&["decode"], "unsupported_critical_header"),
        Fault::JwtUnencodedPayload => invalid(&["decode"], "unsupported_critical_header"),
        Fault::JwtClaimsArray => invalid(&["decode"], "malformed_jwt"),
        Fault::JwtDuplicateClaim => invalid(&["decode"], "malformed_jwt"),
        Fault::JwtDeepClaims => invalid(&["decode"], "malformed_jwt"),
        Fault::JwtHugeNumber => invalid(&["decode"], "malformed_jwt"),
        Fault::JwtOpaque => invalid(&["decode"], "opaque_token"),
        Fault::JwtEncrypted | Fault::JwtEncryptedUnsaid => invalid(&["decode"], "encrypted_token"),

        Fault::JwtClaimsEchoSecrets => {
            invalid(&["issuer", "audience", "type", "scopes"], "issuer_mismatch")
        }
        Fault::JwtAlgorithmEchoesSecrets => invalid(&["algorithm"], "algorithm_refused"),
        Fault::JwtKidEchoesSecrets => invalid(&["key"], "key_not_found"),
        Fault::JwtCriticalEchoesSecrets => invalid(&["decode"], "unsupported_critical_header"),

        Fault::Keys503 => no_keys("http_5xx"),
        Fault::KeysMalformed500 => no_keys("malformed_json"),
        Fault::KeysMalformed => no_keys("malformed_json"),
        Fault::KeysNoMember => no_keys("no_keys"),
        Fault::KeysEmpty => no_keys("no_keys"),
        Fault::KeysStale => keys("jwks ok [jwks_stale]"),
        Fault::KeysWeak => no_keys("weak_key [weak_key]"),
        Fault::KeysWeakBeside => Expected {
            checks: &["key"],
            ..jwt(
                "discovery ok, token ok, jwks ok [weak_key], validate weak_key, call_api -, refuse -",
            )
        },
        Fault::KeysPrivate => keys("jwks ok [private_key_published]"),
        Fault::KeysDuplicateKid => keys("jwks ok [duplicate_kid]"),
        Fault::KeysSeveral => keys("jwks ok"),
        Fault::KeysEncryptionFirst => keys("jwks ok"),
        Fault::KeysThousand => keys("jwks ok"),
        Fault::KeysUnknownMembers => keys("jwks ok"),
        Fault::KeysUnknownTypes => keys("jwks ok"),
        Fault::KeysNoAlg => keys("jwks ok"),
        Fault::KeysNoKid => jwt(
            "discovery ok, token ok, jwks ok, validate ok [kid_missing], call_api ok, refuse ok",
        ),
        Fault::KeysEchoSecrets => keys("jwks ok"),
        Fault::KeysRotatedJustNow => keys("jwks ok"),
        Fault::KeysRotatedBeforeRefresh => login("refresh", "ok"),
        // Who remembers no earlier token does not see it, as with earlier tokens below.
        Fault::KeysRemovedTooEarly => keys("jwks ok"),

        Fault::IntrospectionHang => {
            flow("discovery ok, token ok, introspect timeout, call_api -, refuse -, revoke -")
        }
        Fault::IntrospectionInactive => {
            flow("discovery ok, token ok, introspect inactive, call_api -, refuse -, revoke -")
        }
        Fault::RevocationHang => {
            flow("discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke timeout")
        }
        Fault::RevocationIneffective => flow(
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke bad_credential_accepted",
        ),

        Fault::ApiAcceptsAnything => flow(
            "discovery ok, token ok, introspect ok, call_api ok, refuse bad_credential_accepted, revoke -",
        ),
        Fault::Api401 => {
            flow("discovery ok, token ok, introspect ok, call_api oauth_error, refuse -, revoke -")
        }
        Fault::Api401WithoutChallenge => flow(
            "discovery ok, token ok, introspect ok, call_api http_4xx [challenge_missing], refuse -, revoke -",
        ),
        Fault::Api403Scope => flow(
            "discovery ok, token ok, introspect ok, call_api scope_missing, refuse -, revoke -",
        ),
        Fault::Api500 => {
            flow("discovery ok, token ok, introspect ok, call_api http_5xx, refuse -, revoke -")
        }
        Fault::ApiHang => {
            flow("discovery ok, token ok, introspect ok, call_api timeout, refuse -, revoke -")
        }
        Fault::ApiHangsWithoutToken => {
            flow("discovery ok, token ok, introspect ok, call_api ok, refuse timeout, revoke -")
        }
        Fault::ApiCrashesWithoutToken => {
            flow("discovery ok, token ok, introspect ok, call_api ok, refuse http_5xx, revoke -")
        }
        Fault::ApiSendsToLogin => flow(
            "discovery ok, token ok, introspect ok, call_api ok, refuse redirect_refused, revoke -",
        ),
        Fault::ApiSendsEverybodyToLogin => flow(
            "discovery ok, token ok, introspect ok, call_api redirect_refused, refuse -, revoke -",
        ),
        Fault::RevocationErrorWith200 => flow(
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke invalid_client [status_unexpected]",
        ),
        Fault::RevocationStatus204 => flow(
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke http_unexpected_status",
        ),
        Fault::ApiHidesFromBadTokens => refuse("http_4xx"),
        Fault::ApiLimitsBadTokens => refuse("rate_limited"),
        Fault::ApiAcceptsTampered => refuse("bad_credential_accepted"),
        Fault::ApiAcceptsForeignKey => refuse("bad_credential_accepted"),
        Fault::ApiAcceptsUnsigned => refuse("bad_credential_accepted"),
        Fault::ApiAcceptsUnsignedCapitals => refuse("bad_credential_accepted"),
        Fault::ApiAcceptsPublicKeyAsSecret => refuse("bad_credential_accepted"),
        Fault::ApiAcceptsExpired => refuse("ok"),
        Fault::ApiAcceptsRevoked => refuse("ok"),
        Fault::ApiRefusesEarlierTokens => refuse("ok"),
        Fault::ApiLimitsEarlierTokens => refuse("rate_limited"),
        Fault::ApiEchoesSecrets => {
            flow("discovery ok, token ok, introspect ok, call_api oauth_error, refuse -, revoke -")
        }
        Fault::ApiRedirectEchoesSecrets => {
            flow("discovery ok, token ok, introspect ok, call_api http_4xx, refuse -, revoke -")
        }

        Fault::KeyAcceptsAnything => key("request ok, refuse bad_credential_accepted, key_info ok"),
        Fault::KeyRefuses => key("request http_4xx, refuse -, key_info ok"),
        Fault::KeyAccountSuspended => key("request assertion_failed, refuse -, key_info ok"),
        Fault::KeyHang => key("request timeout, refuse -, key_info -"),
        Fault::KeyHangsWithoutKey => key("request ok, refuse timeout, key_info -"),
        Fault::KeyRedirect => key("request redirect_refused, refuse -, key_info ok"),
        Fault::KeyEchoesSecrets => key("request oauth_error, refuse -, key_info ok"),
        Fault::KeyRedirectEchoesSecrets => key("request http_4xx, refuse -, key_info ok"),
        Fault::KeyInfoHang => key("request ok, refuse ok, key_info timeout"),
        Fault::KeyInfoEchoesSecrets => key("request ok, refuse ok, key_info ok"),
        Fault::KeyInfoExpired => key("request ok, refuse ok, key_info credential_expired"),

        Fault::SamlMetadata500 => saml("metadata http_5xx, certificates -"),
        Fault::SamlMetadataHang => saml("metadata timeout, certificates -"),
        Fault::SamlMetadataHtml => saml("metadata content_type, certificates -"),
        Fault::SamlMetadataPlainText => {
            saml("metadata ok [content_type_unexpected], certificates ok")
        }
        Fault::SamlMetadataDoctype => saml("metadata malformed_xml, certificates -"),
        Fault::SamlMetadataCut => saml("metadata malformed_xml, certificates -"),
        Fault::SamlMetadataTampered => saml("metadata signature_invalid, certificates -"),
        Fault::SamlMetadataUnsigned => saml("metadata signature_missing, certificates -"),
        Fault::SamlMetadataForeignSignature => saml("metadata signature_invalid, certificates -"),
        Fault::SamlMetadataExpired => saml("metadata metadata_expired, certificates -"),
        Fault::SamlMetadataBadValidUntil => saml("metadata malformed_claim, certificates -"),
        Fault::SamlMetadataOtherEntity => saml("metadata entity_not_found, certificates -"),
        Fault::SamlMetadataEntityTwice => saml("metadata duplicate_entity, certificates -"),
        Fault::SamlMetadataNoRole => saml("metadata endpoint_not_found, certificates -"),
        Fault::SamlMetadataNoEndpoint => saml("metadata endpoint_not_found, certificates -"),
        Fault::SamlMetadataNoLocation => saml("metadata missing_claim, certificates -"),
        Fault::SamlCertificateExpired => {
            saml("metadata ok, certificates certificate_expired [key_expired]")
        }
        Fault::SamlCertificateRollover => saml("metadata ok, certificates ok [key_expired]"),
        Fault::SamlCertificateNotYetValid => {
            saml("metadata ok, certificates certificate_not_yet_valid [certificate_not_yet_valid]")
        }
        Fault::SamlCertificatePrepared => {
            saml("metadata ok, certificates ok [certificate_not_yet_valid]")
        }
        Fault::SamlCertificateExpiring => {
            saml("metadata ok, certificates ok [certificate_expiring]")
        }
        Fault::SamlCertificateReplaced => {
            of("pinned", "metadata ok, certificates fingerprint_mismatch")
        }
        Fault::SamlCertificateWeak => {
            saml("metadata ok, certificates ok [weak_key sha1_signature]")
        }
        Fault::SamlCertificateMalformed => {
            saml("metadata ok, certificates ok [certificate_malformed]")
        }
        Fault::SamlCertificateMissing => saml("metadata ok, certificates no_keys"),

        Fault::SamlSso500 => sign_on("sso", "http_5xx"),
        Fault::SamlSsoHang => sign_on("sso", "timeout"),
        Fault::SamlSsoWithoutForm => sign_on("sso", "login_form_not_found"),
        Fault::SamlResponseUnsigned => sign_on("assertion", "signature_missing"),
        Fault::SamlResponseForeignKey => sign_on("assertion", "signature_invalid"),
        Fault::SamlResponseTampered => sign_on("assertion", "signature_invalid"),
        // The signature is good, and the comment cuts nothing off.
        Fault::SamlResponseCommented => of("sign_on", healthy("sign_on")),
        Fault::SamlResponseFailed => sign_on("assertion", "response_status"),
        Fault::SamlResponseOtherIssuer => sign_on("assertion", "issuer_mismatch"),
        Fault::SamlResponseOtherAudience => sign_on("assertion", "audience_mismatch"),
        Fault::SamlResponseOtherRequest => sign_on("assertion", "assertion_invalid"),
        Fault::SamlResponseOtherRecipient => sign_on("assertion", "assertion_invalid"),
        Fault::SamlResponseElsewhere => sign_on("login", "redirect_mismatch"),
        Fault::SamlResponseExpired => sign_on("assertion", "assertion_expired"),
        Fault::SamlResponseNotYetValid => sign_on("assertion", "assertion_not_yet_valid"),
        Fault::SamlResponseIssuedInFuture => sign_on("assertion", "issued_in_future"),
        Fault::SamlResponseBlankName => sign_on("assertion", "missing_claim"),
        Fault::SamlResponseNoStatement => sign_on("assertion", "missing_claim"),
        Fault::SamlRelayStateLost => sign_on("assertion", "state_mismatch"),
        Fault::SamlAcsTakesReplay => sign_on("refuse", "replay_accepted"),
        Fault::SamlAcsUnchecked => sign_on("refuse", "bad_credential_accepted"),
        Fault::SamlAcsAlike => sign_on("acs", "assertion_failed"),
        Fault::SamlAcsNoSession => sign_on("acs", "session_missing"),
        Fault::SamlAcsShowsLogin => sign_on("acs", "session_missing"),
        Fault::SamlAcsForeignCookie => sign_on("acs", "session_missing"),
        // A session begins, and the module asserts 303.
        Fault::SamlAcsPages => sign_on("acs", "assertion_failed"),
        Fault::SamlAcs500 => sign_on("acs", "http_5xx"),

        // Whatever it says, and whether it says anything, the probe is judged by itself.
        Fault::StatusPageMinor
        | Fault::StatusPageMajor
        | Fault::StatusPageCritical
        | Fault::StatusPageMaintenance
        | Fault::StatusPageUnheardOf
        | Fault::StatusPage500
        | Fault::StatusPageHang
        | Fault::StatusPageHtml
        | Fault::StatusPageEndless
        | Fault::StatusPageRedirect
        | Fault::StatusPageEchoesSecrets => of("watched", healthy("watched")),
    }
}
