//! The embedded provider: identity services on loopback that behave, and misbehave on
//! request. The demo shows it, the tests probe it.
//!
//! ```text
//! server ── one listener a site: plain http, another origin, TLS with several certificates
//! routes ── metadata       /.well-known/…, /jwks
//!        ── authorize      /authorize and /par, and the codes that it issues
//!        ── login          /login/…, by way of page, totp
//!        ── consent        /consent
//!        ── token          /token ── client   who asks, and the errors that all clients get
//!                                 ── access_token, id_token ── keys   tokens, what signs them
//!        ── introspection  /introspect, /revoke
//!        ── userinfo       /userinfo
//!        ── logout         /logout, which asks
//!        ── api            /api/me, which wants an access token
//!        ── account        /v1/account and /v1/keys/self, which want an API key
//!        ── saml           /saml/metadata, a signed aggregate
//!        ── sign_on        /saml/sso and /saml/login; /saml/acs, which takes what they send
//!        ── status_page    /status/…, what the provider says of itself
//!        ── switches       /faults
//! fault  ── the closed list ── misbehaviour   what each of them does to a good answer
//! ```
//!
//! A new service is a file and its line in `routes`. A new fault is a line in `fault` and
//! an arm in `misbehaviour`; the tests do not compile until they say what it leads to.

mod access_token;
mod account;
mod answer;
mod api;
mod authorize;
mod certificates;
mod client;
mod consent;
mod echo;
mod encryption;
mod fault;
mod id_token;
mod introspection;
mod keys;
mod login;
mod logout;
mod metadata;
mod misbehaviour;
mod page;
mod received;
mod routes;
mod saml;
mod server;
mod sign_on;
mod status_page;
mod switches;
mod token;
mod totp;
mod userinfo;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use certificates::Certificate;
pub(crate) use fault::Fault;
#[allow(
    unused_imports,
    reason = "who judges answers under a fault asks whose answers it changes"
)]
pub(crate) use fault::Service;

use access_token::Grant;
use authorize::{Codes, Pushed};
use certificates::Authority;
use consent::Consents;
use fault::Faults;
use keys::Ring;
use login::Visits;
use saml::Federation;
use token::Refreshable;

/// The confidential client that may ask for tokens.
pub(crate) const CLIENT_ID: &str = "monitor";
/// The client without a secret.
pub(crate) const PUBLIC_CLIENT_ID: &str = "monitor-public";
/// The user.
pub(crate) const USERNAME: &str = "demo-user";
/// Where both clients are. Nothing listens there.
pub(crate) const REDIRECT_URI: &str = "https://app.example.com/callback";

/// What the random values that the provider gives away begin with, so that they are recognised
/// wherever they turn up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Code,
    Cookie,
    Form,
    Pushed,
    Refresh,
}

impl Mark {
    /// Those of credentials. What a form brings along is none once it was sent.
    pub(crate) const SECRET: [Self; 4] = [Self::Code, Self::Cookie, Self::Pushed, Self::Refresh];

    /// Letters and digits that stand nowhere else.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Code => "democode4x7",
            Self::Cookie => "democookie4x7",
            Self::Form => "demoform4x7",
            Self::Pushed => "demopushed4x7",
            Self::Refresh => "demorefresh4x7",
        }
    }

    /// A new value.
    fn random(self) -> String {
        format!("{}{}", self.text(), URL_SAFE_NO_PAD.encode(random::<24>()))
    }
}

/// What the provider accepts.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// Secret of [`CLIENT_ID`].
    pub(crate) client_secret: String,
    /// Key of the account service.
    pub(crate) api_key: String,
    /// Password of [`USERNAME`].
    pub(crate) password: String,
    /// What the one-time codes of [`USERNAME`] are made of, in base32.
    pub(crate) totp_secret: String,
    /// How long each of them is good, in seconds.
    pub(crate) totp_period: u64,
}

impl Credentials {
    /// New ones, made up.
    pub(crate) fn random() -> Self {
        let text = || URL_SAFE_NO_PAD.encode(random::<24>());
        Self {
            client_secret: text(),
            api_key: text(),
            password: text(),
            totp_secret: totp::secret(random()),
            totp_period: 30,
        }
    }
}

/// A request as the provider saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Base URL of the site that it reached.
    pub(crate) site: String,
    /// Method and path with the query.
    pub(crate) line: String,
    /// Every value that it carried beside what is public, as [`echo`] finds them.
    pub(crate) secrets: Vec<String>,
}

/// What all sites share.
struct Shared {
    credentials: Credentials,
    ring: Ring,
    federation: Federation,
    /// The SAML assertions that began a session.
    spent: Mutex<BTreeSet<String>>,
    faults: Faults,
    pushed: Mutex<Pushed>,
    visits: Mutex<Visits>,
    consents: Mutex<Consents>,
    codes: Mutex<Codes>,
    /// The sessions of browsers.
    sessions: Mutex<BTreeSet<String>>,
    /// The last time step whose one-time code was accepted.
    spent_step: Mutex<u64>,
    /// What the refresh tokens are good for.
    refreshable: Mutex<BTreeMap<String, Refreshable>>,
    /// `jti` of the tokens that were revoked.
    revoked: Mutex<BTreeSet<String>>,
    /// The token issued last.
    newest: Mutex<String>,
    /// Whether that was for a refresh token.
    refreshed: AtomicBool,
    /// How often the key set was asked for since then.
    key_sets: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    /// Requests that are being answered.
    in_flight: AtomicUsize,
}

/// A listener and the issuer that it plays.
struct Site {
    /// `https://localhost:PORT`, without a slash at the end.
    base: String,
    /// Base URL of the other origin, to which some faults point.
    other: String,
    shared: Arc<Shared>,
}

/// The running provider. It stops when it is dropped.
pub(crate) struct Provider {
    shared: Arc<Shared>,
    plain: String,
    other: String,
    tls: BTreeMap<Certificate, String>,
    authority: Authority,
    serving: Vec<JoinHandle<()>>,
}

impl Provider {
    /// Starts on free ports with new credentials.
    pub(crate) async fn start() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_with(Credentials::random(), any).await.expect("loopback has free ports")
    }

    /// Starts with these credentials; plain http at this address, the rest on free ports.
    ///
    /// # Errors
    /// When an address is taken.
    pub(crate) async fn start_with(
        credentials: Credentials,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            ring: Ring::generate(&credentials.client_secret),
            federation: Federation::generate(),
            spent: Mutex::default(),
            credentials,
            faults: Faults::default(),
            pushed: Mutex::default(),
            visits: Mutex::default(),
            consents: Mutex::default(),
            codes: Mutex::default(),
            sessions: Mutex::default(),
            spent_step: Mutex::default(),
            refreshable: Mutex::default(),
            revoked: Mutex::default(),
            newest: Mutex::default(),
            refreshed: AtomicBool::new(false),
            key_sets: AtomicUsize::new(0),
            seen: Mutex::default(),
            in_flight: AtomicUsize::new(0),
        });
        let authority = Authority::generate();
        let plain = TcpListener::bind(address).await?;
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut provider = Self {
            shared,
            plain: format!("http://{}", plain.local_addr()?),
            other: format!("http://{}", other.local_addr()?),
            tls: BTreeMap::new(),
            authority,
            serving: Vec::new(),
        };
        provider.serve(plain, provider.plain.clone(), None);
        provider.serve(other, provider.other.clone(), None);
        for kind in Certificate::ALL {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base = format!("https://localhost:{}", listener.local_addr()?.port());
            provider.tls.insert(*kind, base.clone());
            let acceptor = provider.authority.acceptor(*kind);
            provider.serve(listener, base, Some(acceptor));
        }
        Ok(provider)
    }

    fn serve(
        &mut self,
        listener: TcpListener,
        base: String,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) {
        let site = Site { base, other: self.other.clone(), shared: self.shared.clone() };
        self.serving.push(tokio::spawn(server::serve(listener, tls, Arc::new(site))));
    }

    /// Issuer over plain http: `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.plain
    }

    /// The same services at another origin, to which some faults point.
    pub(crate) fn other_url(&self) -> &str {
        &self.other
    }

    /// Issuer over TLS with this kind of certificate: `https://localhost:PORT`.
    pub(crate) fn tls_url(&self, certificate: Certificate) -> &str {
        &self.tls[&certificate]
    }

    /// The CA of the certificates.
    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// What it accepts.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// A refresh token of [`USERNAME`].
    pub(crate) fn refresh_token(&self) -> String {
        token::refreshable(&self.shared, CLIENT_ID, USERNAME, token::SCOPES[0], None)
    }

    /// An assertion about [`USERNAME`] for the grant of RFC 7523 §2.1, good for an hour.
    pub(crate) fn assertion(&self) -> String {
        token::assertion(self.url())
    }

    /// An access token of [`USERNAME`] to be exchanged (RFC 8693), good for an hour.
    pub(crate) fn subject_token(&self) -> String {
        let key = self.shared.ring.of(keys::DEFAULT).expect("the default algorithm");
        let grant = Grant {
            sub: USERNAME,
            client: CLIENT_ID,
            audience: vec![self.url().to_owned()],
            scope: token::SCOPES[0],
            lifetime: 3600,
            id: &access_token::new_id(),
        };
        access_token::issue(self.url(), &key, &grant)
    }

    /// The key of the default algorithm, in PEM.
    pub(crate) fn public_key_pem(&self) -> String {
        self.shared.ring.of(keys::DEFAULT).expect("the default algorithm").public_pem()
    }

    /// The private key to which [`Fault::JwtEncrypted`] encrypts, in PEM.
    pub(crate) fn decryption_key_pem() -> String {
        keys::pem("PRIVATE KEY", &keys::encryption().0)
    }

    /// The file with the certificate that the signature of the SAML metadata is verified with.
    pub(crate) fn federation_file(&self) -> PathBuf {
        self.shared.federation.file()
    }

    /// SHA-256 of the certificate with which the SAML identity provider signs.
    pub(crate) fn saml_fingerprint(&self) -> String {
        self.shared.federation.fingerprint()
    }

    /// The file with the key with which the SAML service provider signs its requests.
    pub(crate) fn saml_sp_key_file(&self) -> PathBuf {
        self.shared.federation.sp_key_file()
    }

    /// Switches a fault on.
    pub(crate) fn switch_on(&self, fault: Fault) {
        self.shared.faults.switch(fault, true);
    }

    /// Switches a fault off.
    pub(crate) fn switch_off(&self, fault: Fault) {
        self.shared.faults.switch(fault, false);
    }

    /// The requests so far, those for the switches left out.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets those requests: who runs for hours keeps none.
    #[allow(dead_code)] // by the soak alone
    pub(crate) fn forget_seen(&self) {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many browsers are signed in.
    pub(crate) fn sessions(&self) -> usize {
        logout::count(&self.shared)
    }

    /// How many requests are being answered. One whose client went away is not.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// The variables of the demo's configuration. The CA's certificate lies in `ca_file`.
    pub(crate) fn variables(&self, ca_file: &Path) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("DEMO_PROVIDER", self.url().to_owned()),
            ("DEMO_PROVIDER_TLS", self.tls_url(Certificate::Good).to_owned()),
            ("DEMO_PROVIDER_EXPIRED", self.tls_url(Certificate::Expired).to_owned()),
            ("DEMO_CA_FILE", ca_file.display().to_string()),
            ("DEMO_CLIENT_SECRET", self.credentials().client_secret.clone()),
            ("DEMO_API_KEY", self.credentials().api_key.clone()),
            ("DEMO_PASSWORD", self.credentials().password.clone()),
        ])
    }

    /// A configuration with these variables filled in: a process cannot safely change its own
    /// environment.
    pub(crate) fn fill_in(&self, configuration: &str, ca_file: &Path) -> String {
        self.variables(ca_file).iter().fold(configuration.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        for serving in &self.serving {
            serving.abort();
        }
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("random bytes");
    bytes
}
