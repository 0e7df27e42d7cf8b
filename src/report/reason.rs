//! The closed lists of failure reasons and warnings: part of the interface.
//!
//! Each entry has its label, what it means and what to do about it. The README's
//! tables are tested against these lists; the terminal prints the advice.

/// Declares an enum of label values with a meaning and an advice each.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $text:literal $meaning:literal => $advice:literal,)+ }) => {
        super::step::names! {
            $(#[$meta])*
            $name { $(#[doc = $meaning] $variant => $text,)+ }
        }

        impl $name {
            /// What it means, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// What to do about it, in one sentence.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

reasons! {
    /// Why a step failed. When several apply, the first of: transport, size or
    /// format, rate limit, the protocol's own error, protocol rules, HTTP status, assertions.
    FailureReason {
        Timeout "timeout" "The budget of the probe was used up in this step."
            => "Look at the step's phases: connect points to the network, processing to the server; then compare the scrape timeout with the module's `timeout`.",
        Dns "dns" "The name of the host could not be resolved."
            => "Resolve the name on the exporter's host (`getent hosts NAME`); check the record and the resolver.",
        ConnectionRefused "connection_refused" "The host refused the TCP connection."
            => "Nothing listens on that port, or a firewall rejects it: check the service and its port.",
        ConnectionClosed "connection_closed" "The peer closed or reset the connection before a complete answer."
            => "Look for crashes, restarts or a proxy's limits on the server's side.",
        NetworkUnreachable "network_unreachable" "There is no route to the host, or the operating system gave up connecting."
            => "Check routes, firewalls and address families between exporter and target.",
        NetworkBlocked "network_blocked" "The host has no address outside of the networks that `--probe.block-networks` keeps the exporter from; nothing was sent."
            => "If this host is meant, except its network with `--probe.allow-networks`; if not, look at who points there: the target, the metadata, a redirect or the DNS record.",
        ProxyRefused "proxy_refused" "The proxy did not open the way to the host: it refused, wants other credentials, or cannot reach it."
            => "Check `http.proxy_url` and its credentials, then the proxy's own log.",
        TlsHandshake "tls_handshake" "The TLS handshake failed for another reason than the server's certificate."
            => "Try `openssl s_client -connect HOST:PORT`: protocol versions, cipher suites, or a client certificate that is asked for.",
        CertificateExpired "certificate_expired" "A certificate has expired: of the chain that a server presents, the last one with which a SAML entity signs, or one in a file."
            => "Renew the certificate; `probe_ssl_earliest_cert_expiry` or `probe_auth_certificate_days_remaining` says since when.",
        CertificateNotYetValid "certificate_not_yet_valid" "A certificate is not valid yet: of the chain that a server presents, or all with which a SAML entity signs."
            => "Check the clocks of exporter and server, then the certificate's notBefore.",
        CertificateUntrusted "certificate_untrusted" "The chain does not lead to a trusted root, or only to one of the same name with another key."
            => "Serve the complete chain, or name the issuing CA in `http.tls_config.ca_file`.",
        CertificateNameMismatch "certificate_name_mismatch" "The certificate is not for this host name."
            => "Check the host in the URL against the subjectAltName of the certificate.",
        CertificateInvalid "certificate_invalid" "The certificate was refused for another reason: malformed, revoked, wrong purpose, or a handshake that is signed with another key or too short a one; or a file holds none."
            => "Read the detail on the debug page and inspect the chain with `openssl s_client -showcerts`, a file with `openssl x509`.",
        Http4xx "http_4xx" "The status was 4xx and the body held no error of the protocol."
            => "Read the status: 401 and 403 point to the credential or its rights, 404 to the URL.",
        Http5xx "http_5xx" "The server answered with 5xx."
            => "The server or something in front of it is failing: look at its logs.",
        HttpUnexpectedStatus "http_unexpected_status" "The status is no error and not what the step needs, as 304, 3xx without a usable Location, or 204 to a revocation."
            => "Call the URL by hand and compare with what the provider documents.",
        RateLimited "rate_limited" "The server answered 429: this exporter asks too often, or shares a limit with others."
            => "Lengthen the scrape interval of this target or raise the quota of the monitoring client.",
        TooManyRedirects "too_many_redirects" "More redirects in a row than are followed, or a login of more pages than `login.max_pages`."
            => "Follow the redirects by hand: two URLs probably point to each other. Where a login has that many pages, raise `max_pages`.",
        RedirectRefused "redirect_refused" "A redirect was refused: a credential or a POST would have gone elsewhere or to plain http, or it leads to a login, so that the credential was not taken."
            => "Follow it by hand: behind a login, look at the credential; otherwise configure the final URL.",
        BodyTooLarge "body_too_large" "The decoded body was larger than `http.body_size_limit`, or a page has more on it than any login needs."
            => "Check what the URL serves; raise the limit only when that size is right.",
        MalformedHttp "malformed_http" "The answer was not valid HTTP."
            => "Check that the port speaks HTTP, and that scheme and port belong together.",
        ContentType "content_type" "The body is not what the step needs and is not declared as such: no JSON, of SAML no XML, often an error or login page; in a login, no HTML."
            => "Look at what the URL serves; a proxy or portal may answer instead of the provider.",
        MalformedJson "malformed_json" "The body should be a JSON object and does not parse as one."
            => "Fetch the URL by hand; a truncated or mixed body points to a proxy or a bug of the server.",
        MalformedXml "malformed_xml" "The body should be XML and is refused: not well-formed, larger than its bounds, or with a DOCTYPE, which is not read."
            => "The debug page says what and where; look at the document with `xmllint --noout`.",
        AssertionFailed "assertion_failed" "An assertion of the configuration did not hold."
            => "`probe_auth_assertion_success` says which; compare with the answer.",
        InvalidClient "invalid_client" "The provider refused the client's credential (RFC 6749 §5.2)."
            => "Check client id, secret and `client.auth`; the secret may have been rotated or expired.",
        InvalidGrant "invalid_grant" "The provider refused the grant (RFC 6749 §5.2)."
            => "The code, password, assertion or refresh token is wrong, spent or expired.",
        InvalidScope "invalid_scope" "The provider refused the requested scope (RFC 6749 §5.2)."
            => "Compare `scopes` with what the client is allowed.",
        UnauthorizedClient "unauthorized_client" "The client may not use this grant (RFC 6749 §5.2)."
            => "Enable the grant for the client at the provider.",
        UnsupportedGrantType "unsupported_grant_type" "The provider does not know this grant (RFC 6749 §5.2)."
            => "Enable the grant at the provider, or check that the URL is the token endpoint.",
        AccessDenied "access_denied" "The provider denied the request."
            => "Look at the provider's policies and its log for this client.",
        OauthError "oauth_error" "The answer carried another error code of OAuth."
            => "The debug page shows the code and the provider's description.",
        IssuerMismatch "issuer_mismatch" "The issuer in the metadata is not the target, or that of the token not the expected one, character by character (OpenID Connect Discovery §4.3, RFC 8414 §3.3, RFC 9068 §4)."
            => "Set the target to the exact issuer, trailing slash included; otherwise the metadata or the token is another provider's.",
        MissingEndpoint "missing_endpoint" "The metadata names no usable URL for an endpoint that the flow needs."
            => "Compare the metadata with the provider's documentation, or configure `endpoints`.",
        EndpointRefused "endpoint_refused" "The metadata points a credential to an origin that the configuration does not allow, or a login form the password; it was not sent."
            => "If that origin is right, add it to `http.allowed_origins`, configure the endpoint, or add the host of the form to `login.allowed_hosts`.",
        InsecureTransport "insecure_transport" "A credential or a key set would have gone over plain http to a host that is not loopback; nothing was sent."
            => "Use https, or say `http: {allow_plain_http: true}` where the network is trusted.",
        MissingAccessToken "missing_access_token" "The successful answer holds no access token (RFC 6749 §5.1), or a refresh brought the old one."
            => "Check that the URL is the token endpoint and the provider's log.",
        TokenType "token_type" "The token type is missing or not Bearer (RFC 6749 §5.1, §7.1)."
            => "Check the client's settings at the provider for sender-constrained tokens.",
        ExpiresIn "expires_in" "The lifetime is zero, negative or no number, so the token cannot be used (RFC 6749 §5.1)."
            => "Check the token lifetime configured at the provider.",
        RefreshTokenRotated "refresh_token_rotated" "The provider replaced the refresh token of the configuration; the new one is kept nowhere, and the old one may be spent (RFC 6749 §6)."
            => "Issue this client refresh tokens that are not rotated, or use another grant.",
        OpaqueToken "opaque_token" "The token is no JWT, so it cannot be verified; RFC 6749 §1.4 allows that."
            => "Configure the provider to issue JWTs for this audience, or leave `validate` out and use `introspect`.",
        EncryptedToken "encrypted_token" "The token is encrypted (RFC 7516), and no key to decrypt it is configured."
            => "Set `validate.decryption_key_file`, or ask the provider for signed tokens; in step `refuse`, list no checks that forge a token: that cannot be done with an encrypted one.",
        DecryptionFailed "decryption_failed" "The encrypted token or SAML assertion could not be decrypted with the configured key (RFC 7516 §5.2)."
            => "Compare the key in `decryption_key_file` with the one that the provider encrypts to.",
        MalformedJwt "malformed_jwt" "The token has the form of a JWT and cannot be read as one (RFC 7519 §7.2)."
            => "The debug page says which part; no client can use it: mend the provider.",
        UnsupportedCriticalHeader "unsupported_critical_header" "The token demands an extension that is not understood (RFC 7515 §4.1.11, RFC 7516 §4.1.13)."
            => "Ask the provider for tokens without `crit`; clients must refuse those.",
        AlgorithmRefused "algorithm_refused" "The algorithm of the token or signature is not an allowed one."
            => "If the provider changed its algorithm on purpose, add it to `validate.algorithms`, for SHA-1 in SAML say `allow_sha1: true`; `none` and HMAC under a public key are attacks.",
        NoKeys "no_keys" "The key set or the metadata holds no key that could verify a signature (RFC 7517 §5, SAML metadata §2.4.1.1)."
            => "Whoever relies on it refuses every token or response now: look at the provider's keys and at caches in front of it.",
        KeyNotFound "key_not_found" "No key of the set may verify the token, also after the set was fetched once more; or a SAML document is signed with a key that is neither configured nor published."
            => "The signing key is not published, a cache serves an old set, or a key was removed too early: compare the token's `kid` with the set, or the certificate in the document with those that are known.",
        SignatureInvalid "signature_invalid" "The signature does not verify: of a token under the key that it names (RFC 7515 §5.2), of a SAML document under the configured or published certificates, or it does not cover what is read."
            => "Of a token, two keys share a `kid` or another issuer signs; of metadata, compare `signature.certificate_file` with the federation's certificate. Otherwise treat it as tampering.",
        TokenExpired "token_expired" "The token has expired (RFC 7519 §4.1.4)."
            => "Compare the clocks; a fresh token that is expired comes from a cache or a node whose clock is behind.",
        TokenNotYetValid "token_not_yet_valid" "The token is not valid yet (RFC 7519 §4.1.5)."
            => "Compare the clocks: `probe_auth_clock_skew_seconds` says how far they are apart.",
        IssuedInFuture "issued_in_future" "The token or SAML response was issued in the future, or tells of a login in the future (RFC 7519 §4.1.6, SAML core §2.3.3, §2.7.2)."
            => "Compare the clocks: `probe_auth_clock_skew_seconds` says how far they are apart.",
        AudienceMismatch "audience_mismatch" "The token is not for the configured audience (RFC 7519 §4.1.3)."
            => "Compare `validate.audience` with the `audience` or `resource` that is asked for.",
        ClaimMismatch "claim_mismatch" "A claim or the type of the token is not what the configuration asks for."
            => "`probe_auth_assertion_success` and the debug page say which.",
        NonceMismatch "nonce_mismatch" "The ID token does not carry the nonce of this login (OpenID Connect Core §3.1.3.7)."
            => "The provider drops or mixes up nonces: clients refuse the token as replayed.",
        AtHashMismatch "at_hash_mismatch" "`at_hash` or `c_hash` of the ID token is not the hash of the access token or code that came with it (OpenID Connect Core §3.1.3.6, §3.3.2.11)."
            => "Tokens of two logins were mixed, or the hash is made with another algorithm than the signature.",
        SubjectMismatch "subject_mismatch" "Userinfo or a refreshed token is about another subject than the ID token (OpenID Connect Core §5.3.2, §12.2)."
            => "Treat it as a security incident: sessions or caches of the provider mix users up.",
        AuthTimeTooOld "auth_time_too_old" "The login is older than `max_age` allows (OpenID Connect Core §3.1.3.7)."
            => "The provider kept an old session although a fresh login was asked for.",
        StateMismatch "state_mismatch" "The answer does not carry the `state` (RFC 6749 §10.12) or `RelayState` (SAML bindings §3.5.3) of the request."
            => "The provider or something on the way changes or drops `state`: clients refuse the answer.",
        RedirectMismatch "redirect_mismatch" "The authorization response did not come to `redirect_uri` as it was asked for, or that of SAML to `acs_url`; or the provider refused that URI (RFC 6749 §3.1.2.4, SAML bindings §3.5.4)."
            => "Compare `redirect_uri` and `response_mode` with what is registered for the client, character by character.",
        MissingIdToken "missing_id_token" "The token response holds no ID token, though `openid` was asked for (OpenID Connect Core §3.1.3.3)."
            => "Check that the client may use OpenID Connect and that `openid` is among its scopes.",
        MissingRefreshToken "missing_refresh_token" "No refresh token was issued."
            => "Ask for `offline_access`, or enable refresh tokens for the client.",
        LoginFormNotFound "login_form_not_found" "The page holds no form that could be filled in, or a login is asked for and none is configured."
            => "The debug page lists the forms that were found; name the fields in `login.fields`, or look whether the provider shows an error page.",
        LoginRejected "login_rejected" "The provider asked for the same again or refused: user name, password or code is wrong, or the account is locked."
            => "Log in by hand with the same credential. The exporter waits before it tries again, so as not to lock the account.",
        ScriptRequired "script_required" "The page works only with scripts, which are not run here."
            => "Configure `login.requests`, if the provider has an API for logins, or a plain login page for the probe's client.",
        ConsentRequired "consent_required" "The provider asks for consent, and `login.consent` does not allow to give it."
            => "Say `login: {consent: accept}`, or grant the consent of the probe's user at the provider.",
        MfaRequired "mfa_required" "A second factor is asked for that is not configured or cannot be given here."
            => "Give the probe's user a TOTP secret (`login.totp_secret`), or exempt it.",
        CaptchaRequired "captcha_required" "The page wants to tell people from programs."
            => "Exempt the exporter's address or the probe's user from the captcha.",
        SessionNotEnded "session_not_ended" "After the logout, the session of the login still brings a code (OpenID Connect RP-Initiated Logout 1.0 §2)."
            => "Whoever sits down next is logged in: look for a session that `end_session_endpoint` does not end, as that of an identity provider behind this one.",
        ReplayAccepted "replay_accepted" "A code or SAML response that was spent was accepted once more (RFC 6749 §4.1.2, SAML profiles §4.1.4.5)."
            => "Treat it as a security incident: codes and responses must be good for one use.",
        TtlTooShort "ttl_too_short" "Less time is left of the token than `validate.min_ttl`."
            => "Check the lifetime configured at the provider, or replace the token that is given.",
        TtlTooLong "ttl_too_long" "The token lives longer than `validate.max_ttl`."
            => "Check the lifetime configured at the provider.",
        WeakKey "weak_key" "The key that verifies the token is too short to be accepted (RFC 7518 §3.3)."
            => "Rotate to an RSA key of at least 2048 bits.",
        Inactive "inactive" "The provider says of the token that it just issued that it is not active (RFC 7662 §2.2)."
            => "Check that the client may introspect this token, and the provider's token store and clock.",
        MissingClaim "missing_claim" "A member or claim that the specification or the configuration asks for is not there, or a SAML `NameID` is blank (SAML core §1.3.1)."
            => "The debug page names it; compare the answer with the provider's documentation.",
        MalformedClaim "malformed_claim" "A member or claim has another type than the specification gives it, or a parameter of an authorization response occurs more than once (RFC 6749 §3.1)."
            => "The debug page names it; strict clients refuse it: mend the provider.",
        CredentialExpired "credential_expired" "The service says that the credential has expired."
            => "Issue a new credential and roll it out.",
        ScopeMissing "scope_missing" "The token lacks a scope: the API says so (RFC 6750 §3.1), or `validate.scopes` asks for it."
            => "Compare `scopes` with what the API asks for.",
        MetadataExpired "metadata_expired" "The SAML metadata is past its `validUntil`, or that of an aggregate around it (SAML metadata §2.3)."
            => "Partners refuse the entity now: publish fresh metadata, and look why the job that does it has stopped.",
        SignatureMissing "signature_missing" "The SAML document has no signature where one is asked for."
            => "Fetch the signed document, or look why it is published without; say `signature: {required: false}` only where nobody could change it on the way.",
        EntityNotFound "entity_not_found" "The metadata does not hold the entity `entity_id`, or several while none is named."
            => "Compare `entity_id` with the `entityID` attributes of the document, character by character.",
        DuplicateEntity "duplicate_entity" "The entity stands in the metadata more than once, and nobody can tell which one counts (SAML metadata §2.3.2)."
            => "Ask the publisher of the aggregate to remove the old one.",
        EndpointNotFound "endpoint_not_found" "The entity has not the role or no endpoint for it: `SingleSignOnService` of an idp, `AssertionConsumerService` of an sp (SAML metadata §2.4)."
            => "Compare `role` with the document: the debug page says what is missing.",
        FingerprintMismatch "fingerprint_mismatch" "The entity signs with a certificate that is not among `fingerprints`."
            => "If the certificate was changed on purpose, roll it out to the partners that pinned the old one, and then here.",
        ResponseStatus "response_status" "The SAML identity provider answered that it failed (SAML core §3.2.2.2)."
            => "The debug page shows the code: mostly the service provider is not known there, or the request was not signed.",
        AssertionInvalid "assertion_invalid" "The SAML response breaks a rule that no other reason is about: destination, `InResponseTo`, recipient, confirmation, number of assertions, a part that is there twice, elements in place of a text, an end before the beginning (SAML core §2, SAML profiles §4.1.4)."
            => "The debug page names the rule; compare `sso.acs_url` and `sso.sp_entity_id` with what is registered at the identity provider.",
        AssertionExpired "assertion_expired" "The SAML assertion is no longer valid (SAML core §2.5.1.2)."
            => "Compare the clocks: `probe_auth_clock_skew_seconds` says how far they are apart; then the lifetime at the identity provider.",
        AssertionNotYetValid "assertion_not_yet_valid" "The SAML assertion is not valid yet (SAML core §2.5.1.2)."
            => "Compare the clocks: `probe_auth_clock_skew_seconds` says how far they are apart.",
        SessionMissing "session_missing" "The service provider took the SAML response and began no session: it set no cookie that a browser keeps, leads to a login, or answers a forged response in the same way."
            => "Look at the service provider's log: it refuses the response, or does not take one that it did not ask for.",
        BadCredentialAccepted "bad_credential_accepted" "A missing or wrong credential was accepted: authentication is not enforced."
            => "Treat it as a security incident: call the URL without a credential and see what it gives away.",
        SecretUnavailable "secret_unavailable" "The file of a secret or certificate could not be read, or is empty or too large."
            => "Check the path, its permissions and the process that rotates it.",
        Overloaded "overloaded" "So many probes run at once that this one had no turn: nothing was sent."
            => "Scrape less often, run a second exporter, or raise `--probe.max-in-flight` where there are memory and descriptors for it.",
        Internal "internal" "The exporter failed; the target is not to blame."
            => "Where it says that too many files are open, raise `LimitNOFILE` or lower `--probe.max-in-flight`; otherwise report it with the debug page.",
    }
}

reasons! {
    /// What works, but breaks a specification or is about to fail.
    Warning {
        NoStoreMissing "no_store_missing" "The token response lacks `Cache-Control: no-store` (RFC 6749 §5.1)."
            => "A cache on the way may keep tokens: add the header at the provider or its proxy.",
        ExpiresInType "expires_in_type" "`expires_in` is not a JSON integer (RFC 6749 appendix A.14), or that of a pushed request not a positive one (RFC 9126 §2.2)."
            => "Strict clients refuse it: mend the provider.",
        ScopeType "scope_type" "`scope` is not a string (RFC 6749 §3.3)."
            => "Strict clients refuse it: mend the provider.",
        ScopeNarrowed "scope_narrowed" "Less scope was granted than was asked for (RFC 6749 §3.3)."
            => "Compare `scopes` with what the client is allowed.",
        IssuedTokenTypeMissing "issued_token_type_missing" "The answer to a token exchange lacks `issued_token_type` (RFC 8693 §2.2.1)."
            => "Clients that look for the kind of the token refuse it: mend the provider.",
        TokenNotEncrypted "token_not_encrypted" "`decryption_key_file` is configured, and the token was not encrypted (RFC 7516)."
            => "Everyone on the way can read it: see whether the provider has lost the client's encryption key.",
        CtyMissing "cty_missing" "The token is encrypted around a signed one, and its header does not say so, with `cty: JWT` (RFC 7519 §5.2)."
            => "Libraries that go by the header take what is in it for claims, and refuse it: mend the provider.",
        StatusUnexpected "status_unexpected" "The status is not the one that the specification asks for with this answer."
            => "Clients that judge by the status are misled: mend the provider.",
        ContentTypeUnexpected "content_type_unexpected" "The body is JSON or XML, but is not declared as such."
            => "Strict clients refuse it: mend the Content-Type.",
        DuplicateMember "duplicate_member" "A member occurs twice in the JSON object; parsers differ in which one they take (RFC 8259 §4)."
            => "Mend the provider: clients may disagree on the answer.",
        ChallengeMissing "challenge_missing" "A 401 came without `WWW-Authenticate` (RFC 9110 §11.6.1)."
            => "Clients that wait for a challenge cannot authenticate: add the header.",
        ClientCertificateUnused "client_certificate_unused" "The client proves itself by its certificate (`tls_client_auth`), but the server did not ask for it (RFC 8705 §2)."
            => "Call the endpoint that asks for it (`mtls_endpoint_aliases`), and see whether a proxy ends TLS before the provider: what answers without a certificate may not check it.",
        WeakKey "weak_key" "A key, of a certificate too, is shorter than its algorithm asks for (RFC 7518 §3.2, §3.3)."
            => "Issue a longer secret or key: HMAC wants at least as many bytes as its hash has, RSA 2048 bits.",
        IssuerUnchecked "issuer_unchecked" "The issuer of the token was not checked: none was discovered and none is configured."
            => "Set `validate.issuer`.",
        ClockSkew "clock_skew" "The provider's clock, by its `Date` header, differs from ours by more than `validate.leeway`."
            => "Compare the clocks of both sides with a time server: tokens will be refused next.",
        JwksStale "jwks_stale" "A cache serves the key set for longer than it may: `Age` is beyond its lifetime (RFC 9111 §4.2) and `stale-while-revalidate` (RFC 5861 §3)."
            => "Purge the cache in front of the provider: relying parties may miss a new key.",
        DuplicateKid "duplicate_kid" "Two keys of one type share a `kid` (RFC 7517 §4.5)."
            => "Give each key its own `kid`: clients try one of them and may fail.",
        KidMissing "kid_missing" "The key of the token cannot be told by a `kid`: that of the token is none of the set, whose keys that fit have none, or the token has none and several fit (RFC 7515 §4.1.4, RFC 7517 §4.5)."
            => "Give the key its `kid`: several libraries refuse such a token.",
        PrivateKeyPublished "private_key_published" "The key set holds private members or a secret (RFC 7517 §4, RFC 7518 §6)."
            => "Treat it as a security incident: anyone can sign tokens. Rotate the key now.",
        KeyExpired "key_expired" "The certificate of a published key (`x5c`, or a signing key of SAML metadata beside a valid one) has expired."
            => "Renew or remove it: relying parties that check the certificate refuse the key.",
        X5cMismatch "x5c_mismatch" "The certificate beside a published key is not that of the key: `x5c` holds that of another key or something that is none, or `x5t` or `x5t#S256` is not its hash (RFC 7517 §4.7 to §4.9)."
            => "Publish the certificate of the key, or none: relying parties that take keys out of certificates refuse its tokens.",
        CertificateNotYetValid "certificate_not_yet_valid" "A signing certificate of SAML metadata, or one in a file, is not valid yet."
            => "Nothing, when a replacement is prepared; otherwise compare its notBefore with the clock.",
        CertificateExpiring "certificate_expiring" "The last valid signing certificate of SAML metadata, or one in a file, ends within 14 days."
            => "Replace it, and tell the partners before: `probe_auth_certificate_days_remaining` says how long it lasts.",
        CertificateMalformed "certificate_malformed" "A `KeyDescriptor` of SAML metadata holds something that is no certificate in base64, or one between the lines of PEM (XML-DSig §4.5.4)."
            => "Strict partners refuse the whole entity: mend or remove it.",
        RequestUnsigned "request_unsigned" "The SAML identity provider wants signed requests (`WantAuthnRequestsSigned`), and no `sso.signing_key_file` is configured."
            => "Configure the key that is registered there for the service provider.",
        Sha1Signature "sha1_signature" "A certificate or a SAML document is signed with SHA-1 or MD5, which are broken."
            => "Sign with SHA-256; `signature.allow_sha1` is for the time until then.",
        PlainHttp "plain_http" "A credential went over plain http to a host that is not loopback, as `allow_plain_http` permits."
            => "Anyone on the path can read it: move the endpoint to https.",
    }
}
