//! The provider as a flow knows it: endpoints from the configuration, and from the metadata
//! where the configuration names none.

use http::Method;
use url::Url;

use crate::net::{Request, SecretTo};
use crate::probe::Context;
use crate::protocol::metadata::{EndpointName, Metadata};
use crate::report::{Endpoint, Failure};
use crate::settings::{Discovery, Location};

/// An endpoint, and who named it.
#[derive(Debug, Clone)]
pub struct CalledEndpoint {
    /// Where it is.
    pub url: Url,
    /// The same as whoever named it wrote it: what is compared with it is compared letter by letter
    /// (RFC 7523 §3).
    pub written: String,
    /// Whether a metadata document named it, and not the configuration.
    pub discovered: bool,
}

/// A provider whose endpoints are known: the proof that discovery was done where it is planned.
#[derive(Debug)]
pub struct Provider {
    endpoints: Vec<(EndpointName, CalledEndpoint)>,
    issuer: Option<String>,
    issuer_in_response: bool,
}

impl Provider {
    /// From the configuration alone: the target itself is a token endpoint that is not configured.
    pub(super) fn configured(context: &Context<'_>, discovery: &Discovery) -> Self {
        let endpoints = discovery.endpoints.iter().map(|(name, location)| {
            (*name, CalledEndpoint::configured(context, location.as_ref()))
        });
        Self { endpoints: endpoints.collect(), issuer: None, issuer_in_response: false }
    }

    /// From the metadata, where the configuration does not name an endpoint.
    ///
    /// # Errors
    /// `missing_endpoint` when the metadata does not name one either, or none that can be called.
    pub(super) fn discovered(
        context: &Context<'_>,
        discovery: &Discovery,
        metadata: &Metadata,
        mutual_tls: bool,
    ) -> Result<Self, Failure> {
        let mut endpoints = Vec::with_capacity(discovery.endpoints.len());
        for (name, location) in &discovery.endpoints {
            let endpoint = if location.is_some() {
                CalledEndpoint::configured(context, location.as_ref())
            } else {
                let (url, written) = metadata.endpoint(*name, mutual_tls)?;
                CalledEndpoint { url, written: written.to_owned(), discovered: true }
            };
            endpoints.push((*name, endpoint));
        }
        // The document was checked to be that of the target.
        let issuer = Some(context.target().as_str().to_owned());
        let issuer_in_response =
            metadata.promises("authorization_response_iss_parameter_supported");
        Ok(Self { endpoints, issuer, issuer_in_response })
    }

    /// Whether the metadata promises `iss` in authorization responses (RFC 9207 §3).
    #[must_use]
    pub const fn promises_issuer(&self) -> bool {
        self.issuer_in_response
    }

    /// The issuer, where its metadata was read.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// An endpoint of the flow; the target for one that the flow did not ask for.
    #[must_use]
    pub fn endpoint(&self, context: &Context<'_>, name: EndpointName) -> CalledEndpoint {
        let found = self.endpoints.iter().find(|(known, _)| *known == name);
        found.map_or_else(
            || CalledEndpoint::configured(context, None),
            |(_, endpoint)| endpoint.clone(),
        )
    }
}

impl CalledEndpoint {
    /// As the configuration has it: the target itself without a location.
    fn configured(context: &Context<'_>, location: Option<&Location>) -> Self {
        let target = context.target();
        let found = location.and_then(|location| Some((location.resolve(target.url())?, location)));
        match found {
            Some((url, location)) => {
                let written = location.absolute().unwrap_or(url.as_str()).to_owned();
                Self { url, written, discovered: false }
            }
            None => Self {
                url: target.url().clone(),
                written: target.as_str().to_owned(),
                discovered: false,
            },
        }
    }

    /// Whether a secret may go there, where a request carries one.
    pub(super) const fn secret_to(&self, carries_secret: bool) -> SecretTo {
        match (carries_secret, self.discovered) {
            (false, _) => SecretTo::Nobody,
            (true, true) => SecretTo::Discovered,
            (true, false) => SecretTo::Configured,
        }
    }

    /// A request to it that is to be answered with JSON.
    pub(super) fn request(
        &self,
        endpoint: Endpoint,
        method: Method,
        carries_secret: bool,
    ) -> Request {
        let secret_to = self.secret_to(carries_secret);
        let mut request = Request::new(endpoint, method, self.url.clone(), secret_to);
        request.accept_json();
        request
    }

    /// The same with the method POST.
    pub(super) fn post(&self, endpoint: Endpoint, carries_secret: bool) -> Request {
        self.request(endpoint, Method::POST, carries_secret)
    }
}
