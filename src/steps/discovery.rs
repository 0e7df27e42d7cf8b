//! `discovery`: fetch the provider's metadata and check whose it is
//! (OpenID Connect Discovery §4, RFC 8414 §3).

use http::{Method, StatusCode};
use url::Url;

use super::answer::{Body, Judgement};
use super::provider::Provider;
use crate::net::{Answer, Request, SecretTo};
use crate::probe::{Context, Stopped};
use crate::protocol::metadata::{self, Metadata};
use crate::report::{Endpoint, Failure, Step, Warning};
use crate::settings::{Authentication, Client, Discovery, Documents};

/// The provider of a flow, after the discovery step where one is planned.
///
/// # Errors
/// [`Stopped`] when that step failed.
pub async fn provider(
    context: &Context<'_>,
    discovery: &Discovery,
    client: Option<&Client>,
) -> Result<Provider, Stopped> {
    let mutual_tls =
        client.is_some_and(|client| matches!(client.authentication, Authentication::Certificate));
    let Some(documents) = &discovery.documents else {
        return Ok(Provider::configured(context, discovery));
    };
    let find = async {
        let metadata = run(context, documents).await?;
        Provider::discovered(context, discovery, &metadata, mutual_tls)
    };
    context.step(Step::Discovery, find).await
}

/// Fetches the metadata of the issuer that the target is.
///
/// # Errors
/// When no document can be had, or it is not the issuer's own.
async fn run(context: &Context<'_>, documents: &Documents) -> Result<Metadata, Failure> {
    let issuer = context.target().url();
    let answer = match documents {
        Documents::Oidc => fetch(context, metadata::openid_configuration_url(issuer)).await?,
        Documents::Oauth => fetch(context, metadata::oauth_server_url(issuer)).await?,
        Documents::At(url) => fetch(context, url.clone()).await?,
        Documents::Auto => {
            let openid = fetch(context, metadata::openid_configuration_url(issuer)).await?;
            if openid.status == StatusCode::NOT_FOUND {
                context.note("no OpenID Connect metadata, asking for that of RFC 8414");
                fetch(context, metadata::oauth_server_url(issuer)).await?
            } else {
                openid
            }
        }
    };
    let judgement = Judgement::new(context, &answer, &[], Body::Json);
    judgement.format()?;
    judgement.rate_limit()?;
    judgement.own_error(context)?;
    judgement.status()?;
    // Both specifications ask for 200.
    if answer.status != StatusCode::OK {
        context.warn(Warning::StatusUnexpected);
    }
    Metadata::read(judgement.json()?, context.target().as_str())
        .map_err(|error| super::quoting(context, error))
}

async fn fetch(context: &Context<'_>, url: Url) -> Result<Answer, Failure> {
    let mut request = Request::new(Endpoint::Discovery, Method::GET, url, SecretTo::Nobody);
    request.accept_json();
    request.authentic = true;
    context.send(request).await
}
