//! `oauth_authcode`: a person's login, from the authorization request to the logout (RFC 6749
//! §4.1, OpenID Connect Core §3.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use url::Url;

use super::access;
use crate::probe::{Block, Context, Loaded, Planned, Probe, Prober, Running, Stopped, planned};
use crate::protocol::authorization::ResponseMode;
use crate::protocol::id_token::Expected;
use crate::protocol::metadata::EndpointName;
use crate::protocol::placeholders;
use crate::report::Step;
use crate::secret::{Secret, SecretFile, SecretText};
use crate::settings::{
    CallApi, CallApiSettings, Client, ClientSettings, Discovery, DiscoverySetting,
    EndpointsSettings, Error, Grant, Login, LoginSettings, MustRefuse, Parameter, Path,
    TokenParameters, Validate, ValidateSettings, ValidateSubject, one_secret, plain, scopes,
};
use crate::steps::authorize::{AuthorizationCode, AuthorizationRequest, Pkce};
use crate::steps::call::Accepted;
use crate::steps::provider::{CalledEndpoint, Provider};
use crate::steps::refresh::Before;
use crate::steps::token::{Fresh, TokenRequest, Tokens};
use crate::steps::validate::{IdTokenRules, Validated};
use crate::steps::{
    authorize, call_api, discovery, introspect, logout, refresh, replay, revoke, token, userinfo,
    validate,
};

pub(super) const PROBER: Prober = Prober { name: "oauth_authcode", load };

#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a step that the user asks for")]
struct Settings {
    client: ClientSettings,
    #[serde(default)]
    endpoints: EndpointsSettings,
    #[serde(default)]
    discovery: DiscoverySetting,
    redirect_uri: String,
    #[serde(default)]
    scopes: Vec<String>,
    pkce: Option<Pkce>,
    response_mode: Option<ResponseMode>,
    #[serde(default)]
    params: BTreeMap<String, Secret>,
    #[serde(default)]
    par: bool,
    login: Option<LoginSettings>,
    code: Option<Secret>,
    code_file: Option<SecretFile>,
    validate: Option<ValidateSettings>,
    #[serde(default)]
    userinfo: bool,
    call_api: Option<CallApiSettings>,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    replay_code: bool,
    #[serde(default)]
    introspect: bool,
    #[serde(default)]
    revoke: bool,
    #[serde(default)]
    logout: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a step that the user asks for")]
struct OauthAuthcode {
    client: Client,
    discovery: Discovery,
    code: Code,
    exchange: TokenRequest,
    redirect_uri: String,
    /// Rules for the ID token; `None` without `openid`.
    validate: Option<Validate>,
    userinfo: bool,
    call_api: Option<CallApi>,
    refresh: Option<TokenRequest>,
    replay_code: bool,
    introspect: bool,
    revoke: bool,
    logout: bool,
}

/// Where the code comes from.
enum Code {
    /// Somewhere else; it is good for one probe.
    Given(Secret),
    /// The authorization endpoint.
    Asked(Box<AuthorizationRequest>),
}

fn load(block: Block<'_>) -> Result<Loaded, Error> {
    let at = block.at;
    let mut settings: Settings = block.parse()?;
    let shown = block.show(&settings);
    let openid = settings.scopes.iter().any(|scope| scope == "openid");
    let validate = match (openid, settings.validate) {
        (true, validate) => Some(validate.unwrap_or_default().compile(
            &mut settings.endpoints,
            ValidateSubject::IdToken,
            block.transport,
            &at.key("validate"),
        )?),
        (false, None) => None,
        (false, Some(_)) => {
            return Err(at
                .key("validate")
                .error("needs openid among the scopes: it is about the ID token"));
        }
    };
    let redirect_url = redirect_url(&settings.redirect_uri, &at.key("redirect_uri"))?;
    let given = one_secret(settings.code, settings.code_file, at, "code")?;
    let client = settings.client.compile(block.transport.client_certificate, &at.key("client"))?;
    scopes(&settings.scopes, &at.key("scopes"))?;
    let code = if let Some(code) = given {
        let of_request = [
            ("pkce", settings.pkce.is_some()),
            ("response_mode", settings.response_mode.is_some()),
            ("params", !settings.params.is_empty()),
            ("par", settings.par),
            ("login", settings.login.is_some()),
            ("logout", settings.logout),
        ];
        if let Some((field, _)) = of_request.into_iter().find(|(_, given)| *given) {
            return Err(at.key(field).error("means nothing beside a code that is given"));
        }
        Code::Given(code)
    } else {
        let max_age = validate.as_ref().and_then(|validate| validate.max_age);
        let login = login(settings.login, &settings.params, block)?;
        Code::Asked(Box::new(AuthorizationRequest {
            redirect_uri: settings.redirect_uri.clone(),
            redirect_url,
            scopes: settings.scopes.clone(),
            pkce: settings.pkce.unwrap_or_default(),
            parameters: asked(settings.params, settings.response_mode, max_age, at)?,
            pushed: settings.par,
            mode: settings.response_mode.unwrap_or_default(),
            login,
            issuer: validate.as_ref().and_then(|validate| validate.issuer.clone()),
        }))
    };
    let asks = matches!(code, Code::Asked(_));
    let mut needed = vec![EndpointName::Token];
    for (name, wanted) in [
        (EndpointName::Authorization, asks),
        (EndpointName::PushedAuthorization, settings.par),
        (EndpointName::Jwks, access::needs_keys(validate.as_ref())),
        (EndpointName::Userinfo, settings.userinfo),
        (EndpointName::Introspection, settings.introspect),
        (EndpointName::Revocation, settings.revoke),
        (EndpointName::EndSession, settings.logout),
    ] {
        needed.extend(wanted.then_some(name));
    }
    let (endpoints, discovery) = (settings.endpoints, settings.discovery);
    let discovery = Discovery::compile(endpoints, discovery, &needed, at, block.transport)?;
    let call_api =
        access::compile_api(settings.call_api, validate.as_ref(), settings.revoke, block)?;
    if call_api.as_ref().is_some_and(|api| api.refuses(MustRefuse::Expired)) {
        return Err(at
            .key("call_api")
            .key("must_refuse")
            .error("expired means nothing here: no token of a login is kept for later probes"));
    }
    let mut credential_headers = access::credential_headers(Some(&client), call_api.as_ref());
    if settings.userinfo && credential_headers.is_empty() {
        credential_headers.push(AUTHORIZATION);
    }
    // Those of the session are the exporter's.
    credential_headers.extend(asks.then_some(COOKIE));
    let probe = OauthAuthcode {
        client,
        discovery,
        code,
        exchange: request(Grant::AuthorizationCode, &settings.scopes, at)?,
        redirect_uri: settings.redirect_uri,
        validate,
        userinfo: settings.userinfo,
        call_api,
        refresh: settings.refresh.then(|| request(Grant::RefreshToken, &[], at)).transpose()?,
        replay_code: settings.replay_code,
        introspect: settings.introspect,
        revoke: settings.revoke,
        logout: settings.logout,
    };
    Ok(Loaded { probe: Arc::new(probe), shown, credential_headers })
}

/// The parameters of the authorization request beside those that every one has.
fn asked(
    params: BTreeMap<String, Secret>,
    response_mode: Option<ResponseMode>,
    max_age: Option<f64>,
    at: &Path,
) -> Result<Vec<(String, Parameter)>, Error> {
    for name in params.keys() {
        let message = match name.as_str() {
            "code_challenge" | "code_challenge_method" | "nonce" | "response_type" | "state" => {
                "is made by the exporter for each request"
            }
            "max_age" => "is sent by the exporter from validate.max_age",
            "redirect_uri" | "response_mode" => "is sent by the exporter from another field",
            "request" | "request_uri" => {
                "stands for a request that was made before, and each one has a new state"
            }
            _ => continue,
        };
        return Err(at.key("params").key(name).error(message));
    }
    let given = TokenParameters { params, ..TokenParameters::default() };
    let mut parameters = given.compile(Grant::AuthorizationCode, at)?;
    // That of the token endpoint.
    parameters.retain(|(name, _)| name != "grant_type");
    if response_mode == Some(ResponseMode::FormPost) {
        parameters.push(plain("response_mode", "form_post"));
    }
    if let Some(max_age) = max_age {
        parameters.push(plain("max_age", &format!("{max_age:.0}")));
    }
    Ok(parameters)
}

/// Who logs in. Where requests do it, parameters may hold what these capture, and no other
/// placeholder.
fn login(
    settings: Option<LoginSettings>,
    params: &BTreeMap<String, Secret>,
    block: Block<'_>,
) -> Result<Option<Login>, Error> {
    let Some(settings) = settings else { return Ok(None) };
    let login = settings.compile(&block.at.key("login"), block.transport)?;
    for (name, value) in params.iter().filter(|_| !login.requests.is_empty()) {
        if let Secret::Inline(text) = value
            && !placeholders::names(text.expose()).all(|name| login.captures(name))
        {
            let at = block.at.key("params").key(name);
            return Err(
                at.error("holds a placeholder for which no request of the login captures a value")
            );
        }
    }
    Ok(Some(login))
}

/// A request to the token endpoint. The scope was asked for at the authorization endpoint.
fn request(grant: Grant, scopes: &[String], at: &Path) -> Result<TokenRequest, Error> {
    Ok(TokenRequest {
        grant,
        parameters: TokenParameters::default().compile(grant, at)?,
        scopes: scopes.to_vec(),
        headers: Vec::new(),
        assertions: Vec::new(),
    })
}

/// RFC 6749 §3.1.2: an absolute URI without fragment. It is compared and never called.
fn redirect_url(text: &str, at: &Path) -> Result<Url, Error> {
    let url = Url::parse(text)
        .ok()
        .filter(|_| !text.chars().any(|c| c.is_control() || c.is_whitespace()));
    let url = url
        .filter(|url| url.fragment().is_none())
        .ok_or_else(|| at.error("is not an absolute URI without fragment (RFC 6749 §3.1.2)"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(at.error("holds userinfo, which everybody would see"));
    }
    Ok(url)
}

impl Probe for OauthAuthcode {
    fn plan(&self) -> Vec<Planned> {
        let discovers = self.discovery.documents.is_some();
        let mut plan = Vec::new();
        let mut add = |step, wanted: bool| plan.extend(wanted.then(|| planned(step, [])));
        add(Step::Discovery, discovers);
        if let Code::Asked(request) = &self.code {
            add(Step::Par, request.pushed);
            let by_requests =
                request.login.as_ref().is_some_and(|login| !login.requests.is_empty());
            add(Step::Login, by_requests);
            add(Step::Authorize, true);
            add(Step::Login, request.login.is_some() && !by_requests);
            add(Step::Consent, request.login.is_some());
        }
        add(Step::Token, true);
        let mut checks = access::plan_validate(self.validate.as_ref(), discovers);
        for step in &mut checks {
            if step.step == Step::Validate {
                step.jwt_checks = validate::planned_of_id_token(&step.jwt_checks);
            }
        }
        plan.extend(checks);
        let mut add = |step, wanted: bool| plan.extend(wanted.then(|| planned(step, [])));
        add(Step::Userinfo, self.userinfo);
        let [call_api, refuse] = [Step::CallApi, Step::Refuse];
        let mut of_api = access::plan_api(self.call_api.as_ref());
        of_api.retain(|step| step.step == call_api);
        plan.extend(of_api);
        let mut add = |step, wanted: bool| plan.extend(wanted.then(|| planned(step, [])));
        add(Step::Refresh, self.refresh.is_some());
        add(Step::Introspect, self.introspect);
        add(refuse, self.refuses());
        add(Step::Revoke, self.revoke);
        add(Step::Logout, self.logout);
        plan
    }

    fn is_shared(&self) -> bool {
        // A login, a code that is good once, a refresh token that may be rotated.
        true
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            if let Some(expires_at) = &self.client.expires_at {
                context.credential(None, expires_at.unix_seconds());
            }
            let client = Some(&self.client);
            let provider = discovery::provider(context, &self.discovery, client).await?;
            let code = self.code(context, &provider).await?;
            self.use_code(context, &provider, &code).await
        })
    }
}

impl OauthAuthcode {
    /// Whether bad credentials are sent.
    fn refuses(&self) -> bool {
        self.replay_code || self.call_api.as_ref().is_some_and(CallApi::has_refusals)
    }

    async fn code(
        &self,
        context: &Context<'_>,
        provider: &Provider,
    ) -> Result<AuthorizationCode, Stopped> {
        match &self.code {
            Code::Asked(request) => {
                authorize::steps(context, provider, &self.client, request).await
            }
            Code::Given(secret) => match context.secret(secret).await {
                Ok(code) => {
                    Ok(AuthorizationCode { code, verifier: None, nonce: None, by_cookies: false })
                }
                Err(failure) => context.step(Step::Token, async { Err(failure) }).await,
            },
        }
    }

    /// Everything from the code on.
    async fn use_code(
        &self,
        context: &Context<'_>,
        provider: &Provider,
        code: &AuthorizationCode,
    ) -> Result<(), Stopped> {
        let token_endpoint = provider.endpoint(context, EndpointName::Token);
        let mut fresh: Vec<Fresh<'_>> =
            vec![("code", code.code.clone()), ("redirect_uri", self.redirect_uri.clone().into())];
        fresh.extend(code.verifier.clone().map(|verifier| ("code_verifier", verifier)));
        let client = &self.client;
        let exchange = async {
            let tokens =
                token::run(context, &token_endpoint, &self.exchange, Some(client), &fresh).await?;
            token::has_id_token(&tokens, self.validate.is_some())?;
            Ok(tokens)
        };
        let first = context.step(Step::Token, exchange).await?;
        let rules = IdTokenRules {
            client_id: &client.id,
            trusted_audiences: self
                .validate
                .as_ref()
                .map_or(&[], |validate| &validate.trusted_audiences),
            expected: Expected {
                nonce: code.nonce.as_deref(),
                access_token: Some(first.access.expose()),
                code: Some(code.code.expose()),
                max_age: self.validate.as_ref().and_then(|validate| validate.max_age),
                earlier: None,
            },
        };
        let validated = match (&self.validate, &first.id) {
            (Some(validate), Some(id)) => {
                Some(validate::steps(context, validate, provider, id, Some(&rules)).await?)
            }
            _ => None,
        };
        let of_login = self.validate.as_ref().zip(validated.as_ref());
        if self.userinfo {
            let endpoint = provider.endpoint(context, EndpointName::Userinfo);
            let userinfo = userinfo::run(context, &endpoint, &first.access, client, of_login);
            context.step(Step::Userinfo, userinfo).await?;
        }
        let api = self.call_api.as_ref();
        let accepted = access::call(context, api, &first.access, None).await?;
        let refreshed = match &self.refresh {
            Some(request) => {
                let before =
                    of_login.map(|(validate, validated)| Before { validate, validated, rules });
                let before = (&first.access, first.refresh.as_ref(), before);
                let refresh = refresh::run(context, &token_endpoint, request, client, before, api);
                Some(context.step(Step::Refresh, refresh).await?)
            }
            None => None,
        };
        let by_cookies = code.by_cookies;
        let had = Had { token_endpoint, fresh, first, refreshed, validated, accepted, by_cookies };
        self.end(context, provider, &had).await
    }

    /// What comes after everything worked: what must be refused, and the end of the session.
    async fn end(
        &self,
        context: &Context<'_>,
        provider: &Provider,
        had: &Had<'_>,
    ) -> Result<(), Stopped> {
        let (client, token_endpoint) = (&self.client, &had.token_endpoint);
        let api = self.call_api.as_ref().zip(had.accepted.as_ref());
        let access_token = &had.latest().access;
        if self.introspect {
            let validate = self.validate.as_ref();
            let introspect = introspect::run(context, provider, client, access_token, validate);
            context.step(Step::Introspect, introspect).await?;
        }
        if self.refuses() {
            let refuse = async {
                if let Some((api, accepted)) = api {
                    let validated = had.validated.as_ref();
                    call_api::refuse(context, api, accepted, access_token, validated).await?;
                }
                // Last, since a provider may revoke what it issued for the code.
                if self.replay_code {
                    let (exchange, fresh) = (&self.exchange, &had.fresh);
                    replay::run(context, token_endpoint, exchange, client, fresh).await?;
                }
                Ok(())
            };
            context.step(Step::Refuse, refuse).await?;
        }
        if self.revoke {
            let tokens = (access_token, had.refresh_token());
            let revoke = revoke::run(context, provider, client, tokens, self.introspect, api);
            context.step(Step::Revoke, revoke).await?;
        }
        if let (true, Code::Asked(login)) = (self.logout, &self.code) {
            let logout = logout::run(context, provider, client, login, had.by_cookies);
            context.step(Step::Logout, logout).await?;
        }
        Ok(())
    }
}

/// What a login has brought.
struct Had<'a> {
    token_endpoint: CalledEndpoint,
    /// What the code was exchanged with.
    fresh: Vec<Fresh<'a>>,
    first: Tokens,
    refreshed: Option<Tokens>,
    validated: Option<Validated>,
    accepted: Option<Accepted>,
    /// Whether cookies alone keep the user logged in.
    by_cookies: bool,
}

impl Had<'_> {
    /// The tokens that are good now.
    fn latest(&self) -> &Tokens {
        self.refreshed.as_ref().unwrap_or(&self.first)
    }

    fn refresh_token(&self) -> Option<&SecretText> {
        self.latest().refresh.as_ref().or(self.first.refresh.as_ref())
    }
}
