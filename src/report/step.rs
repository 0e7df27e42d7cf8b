//! Steps of a flow and what each of them found.

use std::borrow::Cow;
use std::time::Duration;

use super::{Exchange, FailureReason, Warning};

/// Declares an enum whose variants each have one fixed name, listed in `ALL`.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])+ $variant:ident => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])+ $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in labels and texts.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use names;

names! {
    /// The values of the `step` label.
    Step {
        /// Fetch and check the provider's metadata document.
        Discovery => "discovery",
        /// Push the authorization request (RFC 9126).
        Par => "par",
        /// Send the authorization request, as a browser would.
        Authorize => "authorize",
        /// Fill in the login pages.
        Login => "login",
        /// Answer the question for consent.
        Consent => "consent",
        /// Request a token.
        Token => "token",
        /// Fetch the keys that tokens are verified with.
        Jwks => "jwks",
        /// Verify the token and its claims.
        Validate => "validate",
        /// Ask the provider about the user.
        Userinfo => "userinfo",
        /// Ask the provider whether the token is active.
        Introspect => "introspect",
        /// Use the token at an API.
        CallApi => "call_api",
        /// Have another access token for the refresh token.
        Refresh => "refresh",
        /// Send bad credentials, which must be refused.
        Refuse => "refuse",
        /// Revoke the token.
        Revoke => "revoke",
        /// End the session at the provider.
        Logout => "logout",
        /// Call the API that an API key protects.
        Request => "request",
        /// Ask the service when the API key ends.
        KeyInfo => "key_info",
        /// Fetch the metadata of a SAML entity and check it.
        Metadata => "metadata",
        /// Look at the certificates of the metadata and of files.
        Certificates => "certificates",
        /// Ask a SAML identity provider to authenticate a user.
        Sso => "sso",
        /// Judge its response.
        Assertion => "assertion",
        /// Let the service provider have the response.
        Acs => "acs",
    }
}

names! {
    /// The values of the `endpoint` label.
    Endpoint {
        /// The token endpoint.
        Token => "token",
        /// The authorization endpoint, with the pages that it leads to.
        Authorization => "authorization",
        /// The metadata document.
        Discovery => "discovery",
        /// The key set.
        Jwks => "jwks",
        /// The userinfo endpoint.
        Userinfo => "userinfo",
        /// The introspection endpoint.
        Introspection => "introspection",
        /// The revocation endpoint.
        Revocation => "revocation",
        /// The protected API.
        Api => "api",
        /// The metadata of a SAML entity.
        Metadata => "metadata",
        /// The endpoint of a SAML identity provider, with the pages that it leads to.
        Sso => "sso",
        /// The endpoint of a SAML service provider.
        Acs => "acs",
        /// The provider's status page, which no step calls.
        StatusPage => "status_page",
    }
}

names! {
    /// What a status page says of its provider: the values of the `indicator` label.
    StatusIndicator {
        /// All is well.
        None => "none",
        /// Something works badly.
        Minor => "minor",
        /// Something does not work.
        Major => "major",
        /// Nothing works.
        Critical => "critical",
        /// Something is worked on.
        Maintenance => "maintenance",
        /// It says something else.
        Unknown => "unknown",
    }
}

names! {
    /// Bad credentials that a service must refuse: the values of the `check` label.
    RefusalCheck {
        /// `call_api` without any credential.
        NoCredential => "no_credential",
        /// The token with another signature.
        TamperedSignature => "tampered_signature",
        /// The token without a signature, under `alg: none`.
        AlgNone => "alg_none",
        /// The token signed with another key under the same `kid`.
        ForeignKey => "foreign_key",
        /// The token under an HMAC whose secret is the public key.
        Hs256PublicKey => "hs256_public_key",
        /// A token that expired a while ago.
        Expired => "expired",
        /// A token that was revoked.
        Revoked => "revoked",
        /// A code that was spent.
        ReplayedCode => "replayed_code",
        /// A SAML response with another signature.
        ForgedResponse => "forged_response",
        /// A SAML response that was spent.
        ReplayedResponse => "replayed_response",
        /// An API key service called without a key.
        NoKey => "no_key",
        /// An API key service called with a random key of the same shape.
        WrongKey => "wrong_key",
    }
}

names! {
    /// Tokens whose lifetime is exported: the values of the `token` label.
    Credential {
        /// The access token of RFC 6749 §1.4.
        AccessToken => "access_token",
        /// The ID token of OpenID Connect Core §2.
        IdToken => "id_token",
        /// The refresh token of RFC 6749 §1.5.
        RefreshToken => "refresh_token",
    }
}

names! {
    /// What is checked of a JWT, in this order: the values of the `check` label.
    JwtCheck {
        /// It has the form of a JWT that can be understood.
        Decode => "decode",
        /// Its algorithm is an allowed one.
        Algorithm => "algorithm",
        /// There is a key to verify it with.
        Key => "key",
        /// The signature is that of the key.
        Signature => "signature",
        /// `exp`
        Expiry => "expiry",
        /// `nbf`
        NotBefore => "not_before",
        /// `iat`
        IssuedAt => "issued_at",
        /// `iss`
        Issuer => "issuer",
        /// `aud`
        Audience => "audience",
        /// `typ` of the header.
        Type => "type",
        /// Required claims and assertions on claims.
        Claims => "claims",
        /// `scope` and `scp`.
        Scopes => "scopes",
        /// The lifetime.
        Ttl => "ttl",
        /// A token of an earlier probe still verifies and is accepted.
        Previous => "previous",
    }
}

names! {
    /// What the provider's clock was read from: the values of the `source` label.
    ClockSource {
        /// The `Date` header (RFC 9110 §6.6.1), which has whole seconds.
        Date => "date",
        /// `iat` of a fresh token.
        Iat => "iat",
        /// `nbf` of a fresh token.
        Nbf => "nbf",
        /// `IssueInstant` of a SAML response.
        IssueInstant => "issue_instant",
    }
}

names! {
    /// Where a certificate comes from: the values of the `source` label.
    CertificateSource {
        /// Presented in a TLS handshake.
        Tls => "tls",
        /// Presented by the exporter.
        Client => "client",
        /// In the key set (`x5c`).
        Jwks => "jwks",
        /// In the metadata of a SAML entity.
        Saml => "saml",
        /// In a file on the exporter's side.
        File => "file",
    }
}

impl Step {
    /// Whether the step's answers prove that the flow works, so that the
    /// unlabelled `probe_http_*` metrics may describe them.
    #[must_use]
    pub const fn proves_flow(self) -> bool {
        match self {
            Self::Discovery
            | Self::Par
            | Self::Authorize
            | Self::Login
            | Self::Consent
            | Self::Userinfo
            | Self::Refresh
            | Self::Token
            | Self::Jwks
            | Self::Validate
            | Self::Introspect
            | Self::CallApi
            | Self::Request
            | Self::Metadata
            | Self::Certificates
            | Self::Sso
            | Self::Assertion
            | Self::Acs => true,
            Self::Refuse | Self::Revoke | Self::Logout | Self::KeyInfo => false,
        }
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason, one of a closed list.
    pub reason: FailureReason,
    /// What was expected and what was found, for a person. Redacted when it enters a record.
    pub detail: String,
    /// Whether the detail may quote a server or the configuration.
    pub quotes: bool,
}

impl Failure {
    /// A failure with its reason and detail. What is no literal may quote somebody.
    pub fn new(reason: FailureReason, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { reason, quotes: matches!(detail, Cow::Owned(_)), detail: detail.into_owned() }
    }

    /// A failure whose detail is made of our own words and of numbers alone.
    pub fn plain(reason: FailureReason, detail: String) -> Self {
        Self { reason, detail, quotes: false }
    }
}

/// How a planned step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// An earlier failure stopped the flow before it.
    NotReached,
    /// It succeeded.
    Passed,
    /// The provider did not ask for it.
    NotNeeded,
    /// It failed.
    Failed(Failure),
}

/// The result of one configured assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionResult {
    /// Its label.
    pub label: String,
    /// Whether it held; an assertion that could not be evaluated did not hold.
    pub success: bool,
}

/// What is known of a token without verifying it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenFacts {
    /// Which token.
    pub token: Credential,
    /// Seconds until it expires, at the time it was received.
    pub ttl: Option<f64>,
    /// When it expires, Unix seconds.
    pub expires_at: Option<f64>,
    /// When it was issued (`iat`), Unix seconds.
    pub issued_at: Option<f64>,
}

/// What one planned step found.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// Which step.
    pub step: Step,
    /// How it ended.
    pub outcome: StepOutcome,
    /// When it began, from the start of the probe; `None` when it was not reached.
    pub began: Option<Duration>,
    /// How long it ran; `None` when it was not reached.
    pub duration: Option<Duration>,
    /// Its HTTP exchanges, in order.
    pub exchanges: Vec<Exchange>,
    /// Every assertion configured for it.
    pub assertions: Vec<AssertionResult>,
    /// What works but breaks a specification or is about to fail.
    pub warnings: Vec<Warning>,
    /// The bad credentials sent, and whether each was refused.
    pub refused: Vec<(RefusalCheck, bool)>,
    /// Tokens received.
    pub tokens: Vec<TokenFacts>,
    /// The checks of tokens that ran, and whether each passed.
    pub jwt_checks: Vec<(Credential, JwtCheck, bool)>,
}

impl StepReport {
    /// A step that has not run, with its assertions not held.
    #[must_use]
    pub fn planned(step: Step, assertions: &[String]) -> Self {
        Self {
            step,
            outcome: StepOutcome::NotReached,
            began: None,
            duration: None,
            exchanges: Vec::new(),
            assertions: assertions
                .iter()
                .map(|label| AssertionResult { label: label.clone(), success: false })
                .collect(),
            warnings: Vec::new(),
            refused: Vec::new(),
            tokens: Vec::new(),
            jwt_checks: Vec::new(),
        }
    }

    /// Whether the step succeeded.
    #[must_use]
    pub fn success(&self) -> bool {
        matches!(self.outcome, StepOutcome::Passed | StepOutcome::NotNeeded)
    }

    /// Whether the step began.
    #[must_use]
    pub fn reached(&self) -> bool {
        !matches!(self.outcome, StepOutcome::NotReached | StepOutcome::NotNeeded)
    }

    /// The failure of a failed step.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            StepOutcome::Failed(failure) => Some(failure),
            StepOutcome::NotReached | StepOutcome::Passed | StepOutcome::NotNeeded => None,
        }
    }

    /// Status of the last answer of the step.
    #[must_use]
    pub fn last_status(&self) -> Option<u16> {
        self.exchanges.iter().rev().find_map(|exchange| exchange.status)
    }
}
