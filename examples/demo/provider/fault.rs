//! The closed list of faults, and which of them are on.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whose answers a fault changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Whatever is asked, but for the switches.
    Everything,
    /// Both metadata documents.
    Discovery,
    /// The key set.
    Keys,
    /// The token endpoint.
    Token,
    /// The authorization endpoint.
    Authorization,
    /// Requests that are pushed to it.
    Pushed,
    /// The pages of a login.
    Login,
    /// The page that asks for consent.
    Consent,
    /// The way back to the client.
    Callback,
    /// What is known of the user.
    Userinfo,
    /// The end of a session.
    Logout,
    /// Token introspection.
    Introspection,
    /// Token revocation.
    Revocation,
    /// The API that wants an access token.
    Api,
    /// The service that wants an API key.
    Account,
    /// What that service tells of the key.
    KeyInfo,
    /// The metadata of SAML.
    SamlMetadata,
    /// The endpoint that takes requests of SAML.
    SamlSso,
    /// The responses of SAML.
    SamlResponse,
    /// The service provider of SAML.
    SamlAcs,
    /// What the provider says of itself.
    StatusPage,
}

/// Declares the faults of each service, with their names and what they do.
macro_rules! faults {
    ($($service:ident { $($fault:ident $name:literal $does:literal,)+ })+) => {
        /// Something that can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($($fault,)+)+ }

        impl Fault {
            /// Every fault.
            pub(crate) const ALL: &[Self] = &[$($(Self::$fault,)+)+];

            /// Its name in `/faults/NAME`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $($(Self::$fault => $name,)+)+ }
            }

            /// What it does, in one line.
            pub(crate) const fn does(self) -> &'static str {
                match self { $($(Self::$fault => $does,)+)+ }
            }

            /// Whose answers it changes.
            pub(crate) const fn service(self) -> Service {
                match self { $($(Self::$fault => Service::$service,)+)+ }
            }
        }
    };
}

faults! {
    Everything {
        ConnectionClosed "connection_closed" "every connection is closed without an answer",
        ClockAhead "clock_ahead" "every clock of the provider is ten minutes ahead",
        ClockBehind "clock_behind" "every clock of the provider is ten minutes behind",
    }
    Discovery {
        Discovery404 "discovery_404" "there is no metadata",
        DiscoveryOpenid404 "discovery_openid_404" "there is no OpenID Connect metadata, only that of RFC 8414",
        Discovery500 "discovery_500" "the metadata endpoint answers 500",
        DiscoveryHang "discovery_hang" "the metadata endpoint never answers",
        DiscoveryHtml "discovery_html" "a login page stands where the metadata should be",
        DiscoveryWrongIssuer "discovery_wrong_issuer" "the issuer has a slash too many",
        DiscoveryNoTokenEndpoint "discovery_no_token_endpoint" "the metadata names no token endpoint",
        DiscoveryForeignAuthorization "discovery_foreign_authorization" "the metadata points to an authorization endpoint at another origin",
        DiscoveryForeignTokenEndpoint "discovery_foreign_token_endpoint" "the metadata points to a token endpoint at another origin",
        DiscoveryRedirectLoop "discovery_redirect_loop" "the metadata endpoint redirects to itself",
        DiscoveryEchoesSecrets "discovery_echoes_secrets" "the issuer is what the request's headers held",
    }
    Token {
        TokenSlow "token_slow" "the token endpoint answers after 2.5 s",
        TokenHang "token_hang" "the token endpoint never answers",
        TokenSlowBody "token_slow_body" "the token endpoint sends a body bit by bit, without end",
        Token429 "token_429" "the token endpoint answers 429 with Retry-After",
        Token500 "token_500" "the token endpoint answers 500",
        TokenRefusesClient "token_refuses_client" "the client is refused: 401 invalid_client",
        TokenErrorWith200 "token_error_with_200" "the client is refused, but with status 200",
        TokenMalformedJson "token_malformed_json" "the token response is no JSON",
        TokenHtml "token_html" "a login page stands where the token response should be",
        TokenNoAccessToken "token_no_access_token" "the token response holds no access_token",
        TokenTypeMac "token_type_mac" "the token type is mac",
        TokenExpiresInZero "token_expires_in_zero" "the token has no lifetime: expires_in is 0",
        TokenExpiresInString "token_expires_in_string" "expires_in is a string",
        TokenNarrowScope "token_narrow_scope" "less scope is granted than was asked for",
        TokenScopeList "token_scope_list" "scope is a list",
        TokenDuplicateMember "token_duplicate_member" "the token response has token_type twice",
        TokenCacheable "token_cacheable" "the token response lacks Cache-Control: no-store",
        TokenStatus201 "token_status_201" "the token response has status 201",
        TokenPlainText "token_plain_text" "the token response is declared as text",
        TokenHugeBody "token_huge_body" "the token response has 2 MiB",
        TokenEndlessBody "token_endless_body" "the token response never ends",
        TokenGzipBomb "token_gzip_bomb" "the token response is small, but 8 MiB once decompressed",
        TokenTruncated "token_truncated" "the connection is closed in the middle of the token response",
        TokenRedirect "token_redirect" "the token endpoint redirects to another origin with 307",
        TokenDescriptionEchoesSecret "token_description_echoes_secret" "the client is refused, and the description repeats its secret",
        TokenErrorEchoesSecret "token_error_echoes_secret" "the error code is the secret that was sent",
        TokenTypeEchoesSecret "token_type_echoes_secret" "the token type is the secret that was sent",
        TokenRedirectEchoesSecret "token_redirect_echoes_secret" "a redirect holds the secret that was sent, in every part",
    }
    Token {
        TokenTypeOddCase "token_type_odd_case" "the token type is bEaReR",
        TokenNoExpiresIn "token_no_expires_in" "the token response does not say how long the token lives",
        TokenUnknownMembers "token_unknown_members" "the token response has members that nobody knows",
        TokenRotatesRefresh "token_rotates_refresh" "a refresh token is good once and replaced by a new one",
    }
    Token {
        JwtUnsigned "jwt_unsigned" "the access token has alg none and no signature",
        JwtWrongSignature "jwt_wrong_signature" "one byte of the access token's signature is wrong",
        JwtForeignKey "jwt_foreign_key" "the access token is signed by another key under the right kid",
        JwtHeaderKey "jwt_header_key" "the access token is signed by a key that its own header brings along",
        JwtPublicKeyAsSecret "jwt_public_key_as_secret" "the access token is signed by HS256 with the public key as secret",
        JwtUnknownKid "jwt_unknown_kid" "the access token names a key that is not in the set",
        JwtNoKid "jwt_no_kid" "the access token does not name its key",
        JwtExpired "jwt_expired" "the access token expired a minute ago",
        JwtNotYetValid "jwt_not_yet_valid" "the access token is valid in a minute",
        JwtIssuedInFuture "jwt_issued_in_future" "the access token is issued in a minute",
        JwtNoSub "jwt_no_sub" "the access token has no sub",
        JwtNoIat "jwt_no_iat" "the access token has no iat",
        JwtNoExp "jwt_no_exp" "the access token has no exp",
        JwtNoAudience "jwt_no_audience" "the access token has no aud",
        JwtNoIssuer "jwt_no_issuer" "the access token has no iss",
        JwtExpString "jwt_exp_string" "the exp of the access token is a string",
        JwtNbfString "jwt_nbf_string" "the nbf of the access token is a string",
        JwtIatString "jwt_iat_string" "the iat of the access token is a string",
        JwtFloatTimes "jwt_float_times" "the times in the access token have fractions",
        JwtOtherIssuer "jwt_other_issuer" "the access token is by another issuer",
        JwtIssuerSlash "jwt_issuer_slash" "the iss of the access token has a slash too many",
        JwtOtherAudience "jwt_other_audience" "the access token is for another API",
        JwtMoreAudience "jwt_more_audience" "the access token is for another API, too",
        JwtAudienceString "jwt_audience_string" "the aud of the access token is a string",
        JwtNoScope "jwt_no_scope" "no scope is granted, with status 200",
        JwtScopeList "jwt_scope_list" "the access token has its scopes as a list in scp",
        JwtShortLived "jwt_short_lived" "the access token lives for five seconds",
        JwtLongLived "jwt_long_lived" "the access token lives for ten years",
        JwtWrongType "jwt_wrong_type" "the typ of the access token is that of any JWT",
        JwtUnknownMembers "jwt_unknown_members" "the access token has members that nobody knows",
        JwtUnknownCritical "jwt_unknown_critical" "the access token has a critical header that nobody knows",
        JwtUnencodedPayload "jwt_unencoded_payload" "the access token says that its payload is not encoded: b64 is false",
        JwtClaimsArray "jwt_claims_array" "the claims of the access token are an array",
        JwtDuplicateClaim "jwt_duplicate_claim" "the access token has sub twice",
        JwtDeepClaims "jwt_deep_claims" "the claims of the access token are nested 200 deep",
        JwtHugeNumber "jwt_huge_number" "the exp of the access token is 1e400",
        JwtOpaque "jwt_opaque" "the access token is no JWT",
        JwtEncrypted "jwt_encrypted" "the access token is encrypted",
        JwtEncryptedUnsaid "jwt_encrypted_unsaid" "the access token is encrypted, and its header does not say what is in it",
        JwtClaimsEchoSecrets "jwt_claims_echo_secrets" "typ and claims of the access token repeat what was sent",
        JwtAlgorithmEchoesSecrets "jwt_algorithm_echoes_secrets" "the alg of the access token is what was sent",
        JwtKidEchoesSecrets "jwt_kid_echoes_secrets" "the kid of the access token is what was sent",
        JwtCriticalEchoesSecrets "jwt_critical_echoes_secrets" "the access token names what was sent as a critical header",
    }
    Keys {
        Keys503 "keys_503" "the key set is unavailable for two minutes: 503 with Retry-After",
        KeysMalformed "keys_malformed" "the key set is no JSON",
        KeysMalformed500 "keys_malformed_500" "the key set is an error, declared as JSON and cut off",
        KeysNoMember "keys_no_member" "the key set has no member keys",
        KeysEmpty "keys_empty" "the key set is empty",
        KeysStale "keys_stale" "the key set comes from a cache that should have dropped it",
        KeysWeak "keys_weak" "the only key of the set is an RSA key of 1024 bits",
        KeysWeakBeside "keys_weak_beside" "the key of the token has 1024 bits, and another one is long enough",
        KeysPrivate "keys_private" "the key set publishes a private key",
        KeysDuplicateKid "keys_duplicate_kid" "two keys of the set have the same kid, and the first is another one",
        KeysSeveral "keys_several" "the key set holds another key of the same kind",
        KeysEncryptionFirst "keys_encryption_first" "the first key of the set is for encryption",
        KeysThousand "keys_thousand" "the key set holds 1000 keys",
        KeysUnknownMembers "keys_unknown_members" "the key set and its keys have members that nobody knows",
        KeysUnknownTypes "keys_unknown_types" "the key set holds keys of unknown types, and some that are none",
        KeysNoAlg "keys_no_alg" "the keys of the set say neither alg nor use",
        KeysNoKid "keys_no_kid" "the keys of the set have no kid",
        KeysRotatedJustNow "keys_rotated_just_now" "the key was replaced after the key set was fetched: only the second fetch shows the new one",
        KeysRotatedBeforeRefresh "keys_rotated_before_refresh" "the key was replaced between a login and its refresh: only from then on the key set shows the new one",
        KeysEchoSecrets "keys_echo_secrets" "kid, alg and use of the first key are what was sent",
        KeysRemovedTooEarly "keys_removed_too_early" "the key was replaced, and the old one is gone while its tokens live",
    }
    Authorization {
        AuthorizeHang "authorize_hang" "the authorization endpoint never answers",
        Authorize500 "authorize_500" "the authorization endpoint answers 500",
        Authorize429 "authorize_429" "the authorization endpoint answers 429",
        AuthorizeNoHtml "authorize_no_html" "JSON stands where the login page should be",
        AuthorizeRedirectLoop "authorize_redirect_loop" "the authorization endpoint redirects to itself",
        AuthorizeRedirectToFile "authorize_redirect_to_file" "the authorization endpoint redirects to a file",
        AuthorizeForgetsClient "authorize_forgets_client" "the redirect_uri is no longer registered, says a page",
        AuthorizeLoginElsewhere "authorize_login_elsewhere" "the login page redirects to another host, which shows the form for the password",
        AuthorizeSignedIn "authorize_signed_in" "the user is signed in already: the answer comes at once",
    }
    Pushed {
        PushedHang "pushed_hang" "the endpoint for pushed requests never answers",
        PushedRefused "pushed_refused" "pushed requests are refused: 400 invalid_request",
        PushedNoUri "pushed_no_uri" "the answer to a pushed request names none",
        PushedUnknown "pushed_unknown" "what was pushed is forgotten at once",
        PushedStatus200 "pushed_status_200" "the answer to a pushed request has status 200",
    }
    Login {
        LoginHang "login_hang" "the login never answers to the password",
        Login500 "login_500" "the login answers 500 to the password",
        Login429 "login_429" "the login answers 429 to the password",
        Login401 "login_401" "the login answers 401 to the password",
        LoginFormAgain "login_form_again" "the login answers the password with its form again",
        LoginHugePage "login_huge_page" "the login page has 20 MB",
        LoginEndlessPage "login_endless_page" "the login page never ends",
        LoginSlowPage "login_slow_page" "the login page comes bit by bit, without end",
        LoginTenThousandFields "login_ten_thousand_fields" "the login form has 10,000 fields",
        LoginDeepPage "login_deep_page" "the login form is in 10,000 elements",
        LoginNestedForm "login_nested_form" "a form for another host is nested in the login form, around the password",
        LoginFormElsewhere "login_form_elsewhere" "the login form goes to another host",
        LoginRepeatedElsewhere "login_repeated_elsewhere" "the login redirects the password to another host with 307",
        LoginJavascriptAction "login_javascript_action" "the action of the login form is a script",
        LoginGetForm "login_get_form" "the login form would put the password into a URL",
        LoginScriptOnly "login_script_only" "the login page is made by a script",
        LoginCaptcha "login_captcha" "the login form has a captcha",
        LoginWebauthn "login_webauthn" "after the password a security key is asked for",
        LoginMessageCode "login_message_code" "after the password a code is asked for that comes by text message",
        LoginChangePassword "login_change_password" "after the password a new one is asked for",
        LoginRefreshLoop "login_refresh_loop" "the login page leads on by itself, without end",
        LoginRedirectLoop "login_redirect_loop" "the login redirects to itself after the password",
        LoginWithoutEnd "login_without_end" "another name is asked for, and another one",
        LoginEchoesSecrets "login_echoes_secrets" "a page repeats what it was sent, in its title, its text and the names of its fields",
        LoginRedirectEchoesSecrets "login_redirect_echoes_secrets" "the login redirects to a path that holds what it was sent",
    }
    Consent {
        ConsentAgain "consent_again" "consent is asked for again and again",
        ConsentButtonUnclear "consent_button_unclear" "nobody can tell which button consents",
    }
    Callback {
        CallbackStateChanged "callback_state_changed" "the state is another one",
        CallbackStateDropped "callback_state_dropped" "the answer has no state",
        CallbackNoIssuer "callback_no_issuer" "the answer has no iss, though the metadata promises it",
        CallbackForeignIssuer "callback_foreign_issuer" "the iss of the answer is another one",
        CallbackFragment "callback_fragment" "the answer is in the fragment",
        CallbackNoCode "callback_no_code" "the answer has neither a code nor an error",
        CallbackTwoCodes "callback_two_codes" "the answer has two codes",
        CallbackWrongCode "callback_wrong_code" "the code is another one",
        CallbackElsewhere "callback_elsewhere" "the answer goes to another host",
        CallbackAccessDenied "callback_access_denied" "the answer is error=access_denied",
        CallbackUnavailable "callback_unavailable" "the answer is error=temporarily_unavailable",
        CallbackUnauthorizedClient "callback_unauthorized_client" "the answer is error=unauthorized_client",
        CallbackSessionState "callback_session_state" "the answer has a session_state, and parameters that nobody knows",
        CallbackEchoesSecrets "callback_echoes_secrets" "the answer is an error whose code and description repeat what was sent",
    }
    Token {
        CodeReplayAccepted "code_replay_accepted" "a code is good more than once",
        IdTokenMissing "id_token_missing" "the token response holds no id_token",
        IdTokenOtherIssuer "id_token_other_issuer" "the ID token is by another issuer",
        IdTokenNoIssuer "id_token_no_issuer" "the ID token has no iss",
        IdTokenNoAudience "id_token_no_audience" "the ID token has no aud",
        IdTokenOtherAudience "id_token_other_audience" "the ID token is for another client",
        IdTokenMoreAudience "id_token_more_audience" "the ID token is for another client, too, and azp says for whom",
        IdTokenOtherParty "id_token_other_party" "the azp of the ID token is another client",
        IdTokenAudienceList "id_token_audience_list" "the aud of the ID token is a list of one",
        IdTokenNoIat "id_token_no_iat" "the ID token has no iat",
        IdTokenNoSub "id_token_no_sub" "the ID token has no sub",
        IdTokenExpired "id_token_expired" "the ID token expired a minute ago",
        IdTokenNoExp "id_token_no_exp" "the ID token has no exp",
        IdTokenWrongSignature "id_token_wrong_signature" "one byte of the ID token's signature is wrong",
        IdTokenForeignKey "id_token_foreign_key" "the ID token is signed by another key under the right kid",
        IdTokenUnsigned "id_token_unsigned" "the ID token has alg none and no signature",
        IdTokenOtherAlgorithm "id_token_other_algorithm" "the ID token is signed with ES256",
        IdTokenNoKid "id_token_no_kid" "the ID token does not name its key",
        IdTokenNoNonce "id_token_no_nonce" "the ID token has no nonce",
        IdTokenOtherNonce "id_token_other_nonce" "the nonce of the ID token is another one",
        IdTokenWrongHash "id_token_wrong_hash" "the at_hash of the ID token is that of another access token",
        IdTokenWrongCodeHash "id_token_wrong_code_hash" "the c_hash of the ID token is that of another code",
        IdTokenOldLogin "id_token_old_login" "the auth_time of the ID token is a day ago",
        IdTokenEchoesSecrets "id_token_echoes_secrets" "the claims of the ID token repeat what was sent",
    }
    Token {
        RefreshNoToken "refresh_no_token" "there is no refresh token, though offline_access was asked for",
        RefreshRefused "refresh_refused" "the refresh token is refused: 400 invalid_grant",
        RefreshSameToken "refresh_same_token" "a refresh brings the old access token",
        RefreshOtherSubject "refresh_other_subject" "the ID token of a refresh is about somebody else",
        RefreshOtherIssuer "refresh_other_issuer" "the ID token of a refresh is by another issuer",
        RefreshOtherHash "refresh_other_hash" "the at_hash of a refresh is that of another token",
        RefreshOtherLogin "refresh_other_login" "the auth_time of a refresh is that of another login",
        RefreshInFuture "refresh_in_future" "the ID token of a refresh is issued in an hour",
        RefreshIdTokenNoText "refresh_id_token_no_text" "the ID token of a refresh is an object",
        RefreshNoIdToken "refresh_no_id_token" "a refresh brings no ID token",
    }
    Userinfo {
        UserinfoHang "userinfo_hang" "the userinfo endpoint never answers",
        Userinfo401 "userinfo_401" "the userinfo endpoint refuses every token",
        Userinfo401Jwt "userinfo_401_jwt" "the userinfo endpoint refuses every token, and declares a JWT that is not there",
        UserinfoSigned "userinfo_signed" "the userinfo is signed",
        UserinfoEncrypted "userinfo_encrypted" "the userinfo is encrypted, and not signed",
        UserinfoExpired "userinfo_expired" "the userinfo is signed, and has expired a day ago",
        UserinfoForeignKey "userinfo_foreign_key" "the userinfo is signed by another key under the right kid",
        UserinfoOtherSubject "userinfo_other_subject" "the userinfo is that of somebody else",
        UserinfoNoSubject "userinfo_no_subject" "the userinfo has no sub",
        UserinfoEchoesSecrets "userinfo_echoes_secrets" "the userinfo repeats what was sent",
    }
    Logout {
        LogoutHang "logout_hang" "the logout never answers",
        Logout500 "logout_500" "the logout answers 500",
        LogoutKeepsSession "logout_keeps_session" "the logout says goodbye and keeps the session",
        LogoutAtOnce "logout_at_once" "the logout asks nobody",
    }
    Introspection {
        IntrospectionHang "introspection_hang" "the introspection endpoint never answers",
        IntrospectionInactive "introspection_inactive" "every token is inactive",
    }
    Revocation {
        RevocationHang "revocation_hang" "the revocation endpoint never answers",
        RevocationIneffective "revocation_ineffective" "a revoked token stays active",
        RevocationErrorWith200 "revocation_error_with_200" "the revocation is refused, but with status 200",
        RevocationStatus204 "revocation_status_204" "the revocation endpoint answers 204",
    }
    Api {
        ApiAcceptsAnything "api_accepts_anything" "the API answers 200 to everybody",
        Api401 "api_401" "the API refuses every token: 401 invalid_token",
        Api401WithoutChallenge "api_401_without_challenge" "the API answers 401 without WWW-Authenticate",
        Api403Scope "api_403_scope" "the API wants more scope: 403 insufficient_scope",
        Api500 "api_500" "the API answers 500",
        ApiHang "api_hang" "the API never answers",
        ApiHangsWithoutToken "api_hangs_without_token" "the API never answers a request without a token",
        ApiCrashesWithoutToken "api_crashes_without_token" "the API answers 500 to a request without a token",
        ApiSendsToLogin "api_sends_to_login" "the API redirects a request without a token to a login page",
        ApiSendsEverybodyToLogin "api_sends_everybody_to_login" "the API redirects every request to a login page, which answers 200",
        ApiHidesFromBadTokens "api_hides_from_bad_tokens" "the API answers 404 where it refuses",
        ApiLimitsBadTokens "api_limits_bad_tokens" "the API answers 429 where it refuses",
        ApiAcceptsTampered "api_accepts_tampered" "the API takes a signature that is nearly right",
        ApiAcceptsForeignKey "api_accepts_foreign_key" "the API takes a signature by any key",
        ApiAcceptsUnsigned "api_accepts_unsigned" "the API takes a token with alg none in small letters",
        ApiAcceptsUnsignedCapitals "api_accepts_unsigned_capitals" "the API takes a token with alg none in any letters but small ones",
        ApiAcceptsPublicKeyAsSecret "api_accepts_public_key_as_secret" "the API takes a token signed by HS256 with the public key as secret",
        ApiAcceptsExpired "api_accepts_expired" "the API takes expired tokens",
        ApiAcceptsRevoked "api_accepts_revoked" "the API takes revoked tokens",
        ApiRefusesEarlierTokens "api_refuses_earlier_tokens" "the API takes the newest token alone",
        ApiLimitsEarlierTokens "api_limits_earlier_tokens" "the API answers 429 to all but the newest token",
        ApiEchoesSecrets "api_echoes_secrets" "the API repeats what it was sent, in its challenge and its body",
        ApiRedirectEchoesSecrets "api_redirect_echoes_secrets" "the API redirects to a path that holds what it was sent",
    }
    Account {
        KeyAcceptsAnything "key_accepts_anything" "the account service answers 200 to everybody",
        KeyRefuses "key_refuses" "the account service refuses every key",
        KeyAccountSuspended "key_account_suspended" "the account is suspended",
        KeyHang "key_hang" "the account service never answers",
        KeyHangsWithoutKey "key_hangs_without_key" "the account service never answers a request without a good key",
        KeyRedirect "key_redirect" "the account service redirects to another origin",
        KeyEchoesSecrets "key_echoes_secrets" "the account service repeats what it was sent, in its challenge and its body",
        KeyRedirectEchoesSecrets "key_redirect_echoes_secrets" "the account service redirects to a path that holds what it was sent",
    }
    KeyInfo {
        KeyInfoHang "key_info_hang" "the account service never answers what it knows of a key",
        KeyInfoEchoesSecrets "key_info_echoes_secrets" "the id of the key is what was sent",
        KeyInfoExpired "key_info_expired" "the key has expired, says the account service",
    }
    SamlMetadata {
        SamlMetadata500 "saml_metadata_500" "the SAML metadata answers 500",
        SamlMetadataHang "saml_metadata_hang" "the SAML metadata never answers",
        SamlMetadataHtml "saml_metadata_html" "a login page stands where the SAML metadata should be",
        SamlMetadataPlainText "saml_metadata_plain_text" "the SAML metadata is declared as text",
        SamlMetadataDoctype "saml_metadata_doctype" "the SAML metadata has a DOCTYPE",
        SamlMetadataCut "saml_metadata_cut" "a tag of the SAML metadata is missing",
        SamlMetadataTampered "saml_metadata_tampered" "the SAML metadata was changed after it was signed",
        SamlMetadataUnsigned "saml_metadata_unsigned" "the SAML metadata is not signed",
        SamlMetadataForeignSignature "saml_metadata_foreign_signature" "the SAML metadata is signed by somebody else",
        SamlMetadataExpired "saml_metadata_expired" "the SAML metadata expired yesterday",
        SamlMetadataBadValidUntil "saml_metadata_bad_valid_until" "validUntil of the SAML metadata is no time",
        SamlMetadataOtherEntity "saml_metadata_other_entity" "the identity provider is not in the SAML metadata",
        SamlMetadataEntityTwice "saml_metadata_entity_twice" "the identity provider is in the SAML metadata twice",
        SamlMetadataNoRole "saml_metadata_no_role" "the identity provider is one for another protocol",
        SamlMetadataNoEndpoint "saml_metadata_no_endpoint" "the identity provider has no SingleSignOnService",
        SamlMetadataNoLocation "saml_metadata_no_location" "an endpoint has no Location",
        SamlCertificateExpired "saml_certificate_expired" "the only signing certificate expired yesterday",
        SamlCertificateRollover "saml_certificate_rollover" "beside the signing certificate stands one that expired yesterday",
        SamlCertificateNotYetValid "saml_certificate_not_yet_valid" "the only signing certificate is valid from tomorrow",
        SamlCertificatePrepared "saml_certificate_prepared" "beside the signing certificate stands one that is valid from tomorrow",
        SamlCertificateExpiring "saml_certificate_expiring" "the signing certificate ends in three days",
        SamlCertificateReplaced "saml_certificate_replaced" "the signing certificate is another one than before",
        SamlCertificateWeak "saml_certificate_weak" "the signing certificate has 1024 bits and is signed with SHA-1",
        SamlCertificateMalformed "saml_certificate_malformed" "beside the signing certificate stands something that is none",
        SamlCertificateMissing "saml_certificate_missing" "there is no signing certificate",
    }
    SamlSso {
        SamlSso500 "saml_sso_500" "the SAML identity provider answers 500",
        SamlSsoHang "saml_sso_hang" "the SAML identity provider never answers",
        SamlSsoWithoutForm "saml_sso_without_form" "the SAML identity provider shows a page without a form",
    }
    SamlResponse {
        SamlResponseUnsigned "saml_response_unsigned" "the SAML response is not signed",
        SamlResponseForeignKey "saml_response_foreign_key" "the SAML response is signed with a key that is not in the metadata",
        SamlResponseTampered "saml_response_tampered" "the SAML response was changed after it was signed",
        SamlResponseCommented "saml_response_commented" "a comment stands in the SAML response, which canonical XML leaves out",
        SamlResponseFailed "saml_response_failed" "the status of the SAML response is not Success",
        SamlResponseOtherIssuer "saml_response_other_issuer" "the SAML response is from another issuer",
        SamlResponseOtherAudience "saml_response_other_audience" "the SAML response is for another audience",
        SamlResponseOtherRequest "saml_response_other_request" "the SAML response answers another request",
        SamlResponseOtherRecipient "saml_response_other_recipient" "the SAML response is for another recipient",
        SamlResponseElsewhere "saml_response_elsewhere" "the SAML response is posted to another URL",
        SamlResponseExpired "saml_response_expired" "the SAML response has expired",
        SamlResponseNotYetValid "saml_response_not_yet_valid" "the SAML response is valid in ten minutes",
        SamlResponseIssuedInFuture "saml_response_issued_in_future" "the SAML response was made in ten minutes",
        SamlResponseBlankName "saml_response_blank_name" "the NameID of the SAML response is blank",
        SamlResponseNoStatement "saml_response_no_statement" "the SAML response does not say how the user authenticated",
        SamlRelayStateLost "saml_relay_state_lost" "RelayState does not come back",
    }
    SamlAcs {
        SamlAcsTakesReplay "saml_acs_takes_replay" "the SAML service provider takes a response twice",
        SamlAcsUnchecked "saml_acs_unchecked" "the SAML service provider verifies no signature",
        SamlAcsAlike "saml_acs_alike" "the SAML service provider answers whatever it gets with the same page and a cookie",
        SamlAcsNoSession "saml_acs_no_session" "the SAML service provider begins no session",
        SamlAcsShowsLogin "saml_acs_shows_login" "the SAML service provider shows its login page, with a cookie for whoever sees it",
        SamlAcsForeignCookie "saml_acs_foreign_cookie" "the SAML service provider sets a cookie for another domain",
        SamlAcsPages "saml_acs_pages" "the SAML service provider answers with pages and 200: a welcome, and then its login, with a cookie each",
        SamlAcs500 "saml_acs_500" "the SAML service provider answers 500",
    }
    StatusPage {
        StatusPageMinor "status_page_minor" "the status page tells of a small incident",
        StatusPageMajor "status_page_major" "the status page tells of an outage",
        StatusPageCritical "status_page_critical" "the status page tells of a critical outage",
        StatusPageMaintenance "status_page_maintenance" "the status page tells of maintenance",
        StatusPageUnheardOf "status_page_unheard_of" "the status page says something that nobody knows",
        StatusPage500 "status_page_500" "the status page answers 500",
        StatusPageHang "status_page_hang" "the status page never answers",
        StatusPageHtml "status_page_html" "a login page stands where the status page should be",
        StatusPageEndless "status_page_endless" "the status page never ends",
        StatusPageRedirect "status_page_redirect" "the status page redirects to another origin",
        StatusPageEchoesSecrets "status_page_echoes_secrets" "the status page repeats what it was sent",
    }
}

impl Fault {
    /// The fault with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// The faults that are on.
#[derive(Default)]
pub(super) struct Faults(Mutex<BTreeSet<Fault>>);

impl Faults {
    fn on(&self) -> MutexGuard<'_, BTreeSet<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn switch(&self, fault: Fault, on: bool) {
        if on {
            self.on().insert(fault);
        } else {
            self.on().remove(&fault);
        }
    }

    pub(super) fn is_on(&self, fault: Fault) -> bool {
        self.on().contains(&fault)
    }

    /// The fault of a service: of several, the first of the list.
    pub(super) fn of(&self, service: Service) -> Option<Fault> {
        let applies = |fault: &&Fault| [Service::Everything, service].contains(&fault.service());
        self.on().iter().find(applies).copied()
    }
}
