//! How a client proves itself to an endpoint of its provider: one method a request (RFC 6749 §2.3).

use aws_lc_rs::rand::SystemRandom;
use http::header::AUTHORIZATION;

use super::provider::CalledEndpoint;
use crate::net::Request;
use crate::probe::{Context, header_value};
use crate::protocol::{client_assertion, oauth};
use crate::report::{Failure, FailureReason, Warning};
use crate::secret::SecretText;
use crate::settings::{Audience, Authentication, Client, ClientAssertion};

/// A form that is sent as a body.
pub(super) type Form<'a> = Vec<(&'a str, SecretText)>;

/// Adds the client's authentication to the form, where there is a client, and the form to the
/// request. `token_endpoint` is the audience of assertions unless another one is configured.
///
/// # Errors
/// `secret_unavailable` when the credential cannot be read or does not fit.
pub(super) async fn authenticate(
    context: &Context<'_>,
    client: Option<&Client>,
    token_endpoint: &CalledEndpoint,
    mut form: Form<'_>,
    request: &mut Request,
) -> Result<(), Failure> {
    if let Some(client) = client {
        add_client(context, client, token_endpoint, &mut form, request).await?;
    }
    let pairs: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (*name, value.expose())).collect();
    request.carry_form(oauth::form(&pairs));
    Ok(())
}

async fn add_client(
    context: &Context<'_>,
    client: &Client,
    token_endpoint: &CalledEndpoint,
    form: &mut Form<'_>,
    request: &mut Request,
) -> Result<(), Failure> {
    match &client.authentication {
        Authentication::Basic(secret) => {
            let secret = context.secret(secret).await?;
            let credential = oauth::basic_credential(&client.id, secret.expose());
            context.hide(&credential);
            request.headers.insert(AUTHORIZATION, header_value(&credential)?);
        }
        Authentication::Post(secret) => {
            form.push(("client_id", client.id.clone().into()));
            form.push(("client_secret", context.secret(secret).await?));
        }
        Authentication::Assertion(assertion) => {
            let signed = sign(context, client, assertion, token_endpoint).await?;
            context.hide(&signed);
            form.push(("client_id", client.id.clone().into()));
            form.push((
                "client_assertion_type",
                client_assertion::ASSERTION_TYPE.to_owned().into(),
            ));
            form.push(("client_assertion", signed.into()));
        }
        Authentication::Certificate => {
            form.push(("client_id", client.id.clone().into()));
            request.client_certificate = true;
        }
        Authentication::Public => form.push(("client_id", client.id.clone().into())),
    }
    Ok(())
}

async fn sign(
    context: &Context<'_>,
    client: &Client,
    assertion: &ClientAssertion,
    token_endpoint: &CalledEndpoint,
) -> Result<String, Failure> {
    let text = context.secret(assertion.key.source()).await?;
    let key = context.parsed(&assertion.key).await?;
    if key.is_shared() && text.expose().len() < key.algorithm().shortest_secret() {
        context.warn(Warning::WeakKey);
    }
    let audience = match &assertion.audience {
        Audience::TokenEndpoint => &token_endpoint.written,
        Audience::Issuer => context.target().as_str(),
        Audience::Other(text) => text,
    };
    // Seconds since 1970 are positive and far below 2^64.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let now = context.unix_now() as u64;
    client_assertion::client_assertion(
        &key,
        assertion.key_id.as_deref(),
        &client.id,
        audience,
        now,
        context.random::<16>()?,
        &SystemRandom::new(),
    )
    .map_err(|error| Failure::new(FailureReason::Internal, error.to_string()))
}
