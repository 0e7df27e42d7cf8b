//! The session against servers on loopback that do what real ones do wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod connections;
mod failures;
mod limits;
mod networks;
mod routes;
mod secrets;
pub(crate) mod server;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use tokio::time::Instant;
use url::Url;

use super::hooks::{Lookup, system_lookup};
use super::{
    Answer, ClientIdentity, HttpSession, Networks, Origin, Request, Route, Rules, SecretTo,
    SystemRoots, TlsOptions, Transport,
};
use crate::report::{Endpoint, Exchange, Failure, FailureReason};

/// Longer than any test that does not wait for it.
const BUDGET: Duration = Duration::from_secs(20);

/// What one probe has.
struct Setup {
    options: TlsOptions,
    route: Route,
    identity: Option<Arc<ClientIdentity>>,
    rules: Rules,
    budget: Duration,
    lookup: Lookup,
}

impl Setup {
    /// A module with this target and defaults for all else.
    fn for_target(target: &str) -> Self {
        Self {
            options: TlsOptions::default(),
            route: Route::default(),
            identity: None,
            rules: Rules {
                target: Origin::of(&url(target)),
                allowed_origins: [].into(),
                allow_plain_http: false,
                body_size_limit: 100_000,
                user_agent: HeaderValue::from_static("net test"),
                target_headers: HeaderMap::new(),
            },
            budget: BUDGET,
            lookup: system_lookup,
        }
    }

    fn trusting(mut self, ca: &server::Authority) -> Self {
        self.options.ca_pem = Some(ca.pem().into_bytes());
        self
    }

    /// Nothing may be sent to these networks.
    fn blocking(mut self, networks: &[&str]) -> Self {
        let networks: Vec<_> = networks.iter().map(|network| (*network).to_owned()).collect();
        self.route.networks = Networks::parse(&networks, &[]).unwrap().map(Arc::new);
        self
    }

    fn session(&self) -> HttpSession {
        let transport = Transport::new(&self.options, &SystemRoots::none()).unwrap();
        let deadline = Instant::now() + self.budget;
        HttpSession::new(
            &transport,
            self.route.clone(),
            self.identity.clone(),
            self.rules.clone(),
            deadline,
        )
        .with_lookup(self.lookup)
    }

    /// One GET in a session of its own.
    async fn get(&self, to: &str) -> (Result<Answer, Failure>, Vec<Exchange>) {
        send(&self.session(), get(to)).await
    }

    /// One GET that must fail, and its last exchange.
    async fn fail(&self, to: &str) -> (Failure, Exchange) {
        let (answer, mut exchanges) = self.get(to).await;
        let failure = answer.unwrap_err();
        let exchange = exchanges.pop().unwrap();
        assert_eq!(exchange.failure.as_ref(), Some(&failure));
        (failure, exchange)
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn get(to: &str) -> Request {
    request(Method::GET, to, SecretTo::Nobody)
}

fn request(method: Method, to: &str, secret_to: SecretTo) -> Request {
    Request::new(Endpoint::Api, method, url(to), secret_to)
}

async fn send(session: &HttpSession, request: Request) -> (Result<Answer, Failure>, Vec<Exchange>) {
    let mut exchanges = Vec::new();
    let answer = session.send(request, &mut exchanges).await;
    for exchange in &exchanges {
        let phases = exchange.phases;
        let sum: Duration =
            [phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer]
                .into_iter()
                .flatten()
                .sum();
        assert!(sum <= exchange.duration, "{exchange:?}");
    }
    (answer, exchanges)
}

fn reason(answer: &Result<Answer, Failure>) -> Option<FailureReason> {
    answer.as_ref().err().map(|failure| failure.reason)
}
