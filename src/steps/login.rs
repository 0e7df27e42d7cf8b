//! `login` and `consent`: fill in what the pages ask for, once.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::answer::{Body, Judgement, status_failure};
use super::browser::{
    Arrival, Browser, Goal, Shown, WordOnLogin, redirect_uri_refused, refused_at_authorization,
};
use super::call;
use crate::net::Origin;
use crate::probe::{Account, Context, LoginAttempt, Stopped};
use crate::protocol::html::{Asked, Filling, Found, LoginForm};
use crate::protocol::placeholders::{fill, in_json};
use crate::report::{Endpoint, Failure, FailureReason, Step};
use crate::secret::SecretText;
use crate::settings::{Consent, Login};

/// The steps `login` and `consent`, where a page asks for them, to the answer. `judge` judges it in
/// the step that reached it.
///
/// # Errors
/// [`Stopped`] when one of them failed.
pub(super) async fn through<G: Goal, T>(
    context: &Context<'_>,
    browser: &Browser<'_, '_, G>,
    who: Option<&Login>,
    way: Arrival<T>,
    judge: impl Fn(G::Answer) -> Result<T, Failure>,
) -> Result<T, Stopped> {
    let mut way = way;
    if let Some(who) = who.filter(|who| who.requests.is_empty()) {
        way = match way {
            Arrival::Page(shown) if asks_for_login(&shown) => {
                let work = async {
                    match log_in(context, browser, who, shown).await? {
                        Arrival::Page(shown) if asks_for_login(&shown) => Err(stuck(&shown)),
                        Arrival::Page(shown) => Ok(Arrival::Page(shown)),
                        Arrival::Callback(answer) => judge(answer).map(Arrival::Callback),
                    }
                };
                context.step(Step::Login, work).await?
            }
            way => {
                context.not_needed(Step::Login);
                way
            }
        };
    }
    match (way, who) {
        (Arrival::Callback(answer), who) => {
            if who.is_some() {
                context.not_needed(Step::Consent);
            }
            Ok(answer)
        }
        (Arrival::Page(shown), Some(who)) => {
            let work = async {
                match consent(browser, who.consent, shown).await? {
                    Arrival::Page(shown) => Err(stuck(&shown)),
                    Arrival::Callback(answer) => judge(answer),
                }
            };
            context.step(Step::Consent, work).await
        }
        // Without a login, no page is waited for.
        (Arrival::Page(_), None) => Err(Stopped),
    }
}

/// Whether an error of this status may be about user and password, and not about the request or
/// the place: only then does the account have to be spared.
pub(super) fn may_judge_user(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 403 | 422 | 423)
}

/// Whether a page asks who the user is, and not whether the client may know.
pub(super) const fn asks_for_login(shown: &Shown) -> bool {
    !matches!(shown.found, Found::Consent(_))
}

/// Fills in login pages until there is none more.
///
/// # Errors
/// `login_rejected` when the provider asks for the same again, and with the reason for which a
/// page could not be filled in.
pub(super) async fn log_in<G: Goal>(
    context: &Context<'_>,
    browser: &Browser<'_, '_, G>,
    login: &Login,
    shown: Box<Shown>,
) -> Result<Arrival<G::Answer>, Failure> {
    let password = context.secret(&login.password).await?;
    let origin = shown.page.url.origin().ascii_serialization();
    let mut attempt = context.logs_in(Account::new(&origin, &login.username, password.expose()))?;
    let mut shown = shown;
    // Who got the password. It goes nowhere twice.
    let mut received: Vec<Origin> = Vec::new();
    loop {
        let form = match &shown.found {
            Found::Login(form) | Found::OneTimeCode(form) => form.clone(),
            _ => return Ok(Arrival::Page(shown)),
        };
        let asked = Asked::of(&shown.page, &form);
        let arrival =
            fill_in(context, browser, login, &password, &mut attempt, &shown, &form).await;
        let receivers = browser.take_received();
        if form.password.is_some() {
            received.extend(receivers);
        }
        let rejected = match &arrival {
            Ok(Arrival::Page(next)) => {
                next.status == StatusCode::UNAUTHORIZED
                    || asked.is_some_and(|asked| asked.is_again(&next.page, &next.found))
                    || password_goes_to(next).is_some_and(|origin| received.contains(&origin))
            }
            // Without a page, the status alone tells.
            Err(failure) => {
                failure.reason == FailureReason::Http4xx
                    && browser.last_status() == StatusCode::UNAUTHORIZED
            }
            Ok(Arrival::Callback(_)) => false,
        };
        if rejected {
            attempt.rejected(FailureReason::LoginRejected);
            return Err(Failure::new(
                FailureReason::LoginRejected,
                "the provider asks for the same again",
            ));
        }
        match arrival {
            Ok(Arrival::Page(next))
                if matches!(next.found, Found::Login(_) | Found::OneTimeCode(_)) =>
            {
                shown = next;
            }
            Ok(arrival) => {
                judge_attempt(&mut attempt, browser, &arrival);
                return Ok(arrival);
            }
            Err(failure) => {
                let status = StatusCode::from_u16(browser.last_status());
                if failure.reason == FailureReason::Http4xx && status.is_ok_and(may_judge_user)
                    || !received.is_empty() && leads_nowhere(failure.reason)
                {
                    attempt.rejected(failure.reason);
                } else if received.is_empty() {
                    attempt.sent_nothing();
                }
                return Err(failure);
            }
        }
    }
}

/// Where the password would go that a page asks for.
fn password_goes_to(shown: &Shown) -> Option<Origin> {
    let Found::Login(login) = &shown.found else { return None };
    let form = shown.page.forms.get(login.form).filter(|_| login.password.is_some())?;
    let submit = login.submit.and_then(|index| form.controls.get(index));
    shown.page.action_by(form, submit).map(|url| Origin::of(&url))
}

/// Whether a login that ended so was answered, and in a way that tells nothing of the password:
/// to go on as before might lock the account. An outage judges nobody, and where a setting here
/// is in the way, the login need not wait for more than its being mended.
const fn leads_nowhere(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::TooManyRedirects
            | FailureReason::RedirectRefused
            | FailureReason::ContentType
            | FailureReason::BodyTooLarge
            | FailureReason::LoginFormNotFound
    )
}

async fn fill_in<G: Goal>(
    context: &Context<'_>,
    browser: &Browser<'_, '_, G>,
    login: &Login,
    password: &SecretText,
    attempt: &mut LoginAttempt<'_>,
    shown: &Shown,
    form: &LoginForm,
) -> Result<Arrival<G::Answer>, Failure> {
    let mut further = Vec::new();
    let controls = shown.page.forms.get(form.form);
    for (target, value) in &login.further {
        if let Some(control) = controls.and_then(|form| target.controls(form).into_iter().next()) {
            further.push((control, context.secret(value).await?));
        }
    }
    let code = match form.code {
        Some(_) => Some(one_time_code(context, login).await?),
        None => None,
    };
    let mut filling = Filling::new().submitter(form.submit);
    for (control, value) in &further {
        filling = filling.secret(*control, value.expose());
    }
    if let Some(control) = form.identifier {
        filling = filling.text(control, &login.username);
    }
    if let Some(control) = form.password {
        filling = filling.secret(control, password.expose());
        // A name that pages repeat is no secret of theirs.
        if password.expose() != login.username {
            browser.fills_in(password.expose());
        }
    }
    if let (Some(control), Some(code)) = (form.code, &code) {
        filling = filling.secret(control, code);
        browser.fills_in(code);
    }
    context.commit().await;
    if form.password.is_some() {
        attempt.sends_password();
    }
    // The name too goes only where secrets may: it may come from the environment.
    browser.send(&shown.page, form.form, &filling, true).await
}

/// The code of now, and never one that was sent before: then the next one is waited for.
async fn one_time_code(context: &Context<'_>, login: &Login) -> Result<String, Failure> {
    let secret = login.totp.as_ref().ok_or_else(|| {
        Failure::new(
            FailureReason::MfaRequired,
            "the page asks for a one-time code, and login.totp_secret is not configured",
        )
    })?;
    let totp = context.parsed(secret).await?;
    loop {
        // Seconds since 1970 are positive and far below 2^64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now = context.unix_now() as u64;
        let code = totp.code(now);
        let until = totp.begins(code.step + 1);
        if context.spend_code(totp.identity(), code.step, until, now) {
            context.hide_code(&code.digits);
            return Ok(code.digits);
        }
        context.note("the code of now was sent before, waiting for the next one");
        let wait = until.saturating_sub(now).max(1);
        tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    }
}

/// Logs in by the requests of the configuration, and returns what was captured of the answers.
///
/// # Errors
/// `login_rejected` when an answer is 401 or 403, and what else is wrong with one.
pub(super) async fn by_requests<'c>(
    context: &'c Context<'_>,
    login: &Login,
) -> Result<(Vec<(String, SecretText)>, LoginAttempt<'c>), Failure> {
    let password = context.secret(&login.password).await?;
    let first = login.requests.first().and_then(|first| first.url.resolve(context.target().url()));
    let origin = first.map_or_else(String::new, |url| url.origin().ascii_serialization());
    let mut attempt = context.logs_in(Account::new(&origin, &login.username, password.expose()))?;
    let mut last = StatusCode::OK;
    let captured = send_requests(context, login, password, &mut attempt, &mut last).await;
    if let Err(failure) = &captured
        && refuses_login(failure.reason, last)
    {
        attempt.rejected(failure.reason);
    }
    let captured = captured?;
    // What was captured was given to somebody who had logged in.
    if !captured.is_empty() {
        attempt.accepted();
    }
    Ok((captured, attempt))
}

/// What became of a login tells whether its password was good.
fn judge_attempt<G: Goal>(
    attempt: &mut LoginAttempt<'_>,
    browser: &Browser<'_, '_, G>,
    arrival: &Arrival<G::Answer>,
) {
    match arrival {
        Arrival::Callback(answer) => match browser.word_on_login(answer) {
            WordOnLogin::Accepted => attempt.accepted(),
            WordOnLogin::Rejected(reason) => attempt.rejected(reason),
            WordOnLogin::None => {}
        },
        Arrival::Page(shown) => match shown.found {
            // Whoever is asked for more than the login has come through it.
            Found::Consent(_) | Found::MfaRequired | Found::OneTimeCode(_) => attempt.accepted(),
            Found::Login(_) => attempt.rejected(FailureReason::LoginRejected),
            // A word on a locked account looks like this too: not the same again at once.
            Found::AutoPost { .. }
            | Found::Refresh
            | Found::ScriptRequired
            | Found::CaptchaRequired
            | Found::LoginFormNotFound => attempt.rejected(stuck(shown).reason),
        },
    }
}

/// The same after a login by requests, of which, unless something was captured, nothing but the way
/// ahead tells.
///
/// # Errors
/// `login_rejected` when that leads to the next login.
pub(super) fn judge_requests<G: Goal>(
    attempt: &mut LoginAttempt<'_>,
    browser: &Browser<'_, '_, G>,
    arrival: &Arrival<G::Answer>,
) -> Result<(), Failure> {
    if !attempt.is_unjudged() {
        return Ok(());
    }
    match arrival {
        Arrival::Page(shown) if matches!(shown.found, Found::Login(_)) => {
            attempt.rejected(FailureReason::LoginRejected);
            return Err(Failure::new(
                FailureReason::LoginRejected,
                "the provider asks for a login after that of the configuration",
            ));
        }
        // It refuses the client, and says nothing of the user (RFC 6749 §4.1.2.1).
        Arrival::Page(shown) if !shown.status.is_success() => {}
        arrival => judge_attempt(attempt, browser, arrival),
    }
    Ok(())
}

/// Whether a failure may be a word on the password, as a 400 or a 200 without a token may.
fn refuses_login(reason: FailureReason, status: StatusCode) -> bool {
    match reason {
        FailureReason::LoginRejected | FailureReason::MissingClaim => true,
        FailureReason::Http4xx => may_judge_user(status),
        _ => false,
    }
}

async fn send_requests(
    context: &Context<'_>,
    login: &Login,
    password: SecretText,
    attempt: &mut LoginAttempt<'_>,
    last: &mut StatusCode,
) -> Result<Vec<(String, SecretText)>, Failure> {
    let mut values: Vec<(String, SecretText)> = vec![("password".to_owned(), password)];
    for request in &login.requests {
        let url = request.url.resolve(context.target().url()).ok_or_else(|| {
            Failure::new(FailureReason::Internal, "the URL of the login does not resolve")
        })?;
        let headers = &request.headers;
        let mut sent = call::build(context, url, &request.method, headers, None).await?;
        sent.endpoint = Endpoint::Authorization;
        if let Some(body) = &request.body {
            let text = context.secret(body).await?;
            if text.expose().contains("{totp}") {
                let code = one_time_code(context, login).await?;
                values.retain(|(name, _)| name != "totp");
                values.push(("totp".to_owned(), code.into()));
            }
            let body = fill(text.expose(), |name| value(login, &values, name));
            sent.body = Some(body.into());
            let json = HeaderValue::from_static("application/json");
            sent.headers.insert(CONTENT_TYPE, json);
        }
        sent.accept_json();
        sent.cookies = true;
        context.commit().await;
        attempt.sends_password();
        let answer = context.send(sent).await?;
        *last = answer.status;
        // Nothing is asked of a body that nothing is taken from: a session may be a cookie alone.
        let body = if request.capture.is_empty() { Body::Any } else { Body::Json };
        let judgement = Judgement::new(context, &answer, &[], body);
        judgement.rate_limit()?;
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let detail = format!("status {}", answer.status.as_u16());
            return Err(Failure::new(FailureReason::LoginRejected, detail));
        }
        judgement.format()?;
        judgement.status()?;
        if request.capture.is_empty() {
            continue;
        }
        let document = judgement.json()?;
        for (name, path) in &request.capture {
            let node = path.query(&document.value).exactly_one().ok().and_then(Value::as_str);
            let captured = node.filter(|text| !text.is_empty()).ok_or_else(|| {
                Failure::new(
                    FailureReason::MissingClaim,
                    format!("the answer has no text at the path of capture.{name}"),
                )
            })?;
            context.hide(captured);
            values.push((name.clone(), captured.to_owned().into()));
        }
    }
    // What is captured may be sent on, in a URL too; what it was had for may not.
    values.retain(|(name, _)| login.captures(name));
    Ok(values)
}

/// The value of a placeholder, as it stands in JSON.
fn value<'a>(
    login: &Login,
    values: &[(String, SecretText)],
    name: &str,
) -> Option<std::borrow::Cow<'a, str>> {
    if name == "username" {
        return Some(in_json(&login.username).into());
    }
    let known = values.iter().find(|(known, _)| known == name);
    known.map(|(_, value)| in_json(value.expose()).into())
}

/// Gives consent, where that is allowed.
///
/// # Errors
/// `consent_required` when it is not, or when the accepting button cannot be told.
pub(super) async fn consent<G: Goal>(
    browser: &Browser<'_, '_, G>,
    consent: Consent,
    shown: Box<Shown>,
) -> Result<Arrival<G::Answer>, Failure> {
    let mut shown = shown;
    loop {
        let Found::Consent(form) = &shown.found else {
            return Ok(Arrival::Page(shown));
        };
        let required = |why: &'static str| Err(Failure::new(FailureReason::ConsentRequired, why));
        if consent != Consent::Accept {
            return required("the provider asks for consent, and login.consent does not accept it");
        }
        let Some(accept) = form.accept else {
            return required("the button that accepts cannot be told: name it in login.fields");
        };
        let filling = form
            .grants
            .iter()
            .fold(Filling::new().submitter(Some(accept)), |filling, grant| filling.check(*grant));
        match browser.send(&shown.page, form.form, &filling, false).await? {
            Arrival::Page(next) => shown = next,
            back @ Arrival::Callback(_) => return Ok(back),
        }
    }
}

/// Why a page is the end of the way.
pub(super) fn stuck(shown: &Shown) -> Failure {
    let reason = match shown.found {
        Found::Consent(_) => FailureReason::ConsentRequired,
        Found::ScriptRequired => FailureReason::ScriptRequired,
        Found::CaptchaRequired => FailureReason::CaptchaRequired,
        Found::MfaRequired | Found::OneTimeCode(_) => FailureReason::MfaRequired,
        Found::Login(_) | Found::AutoPost { .. } | Found::Refresh | Found::LoginFormNotFound => {
            FailureReason::LoginFormNotFound
        }
    };
    // An error page full of scripts is an error all the same; what asks a program to prove that it
    // is a browser comes with a 403.
    let is_error = shown.status.is_client_error() && shown.status != StatusCode::FORBIDDEN;
    if reason == FailureReason::LoginFormNotFound && shown.status.is_client_error()
        || reason == FailureReason::ScriptRequired && is_error
    {
        return refused_at_authorization(shown.status, &shown.page.text);
    }
    if !shown.status.is_success() && reason == FailureReason::LoginFormNotFound {
        return status_failure(shown.status);
    }
    // Some show the error as a page like any other (django-allauth).
    if reason == FailureReason::LoginFormNotFound
        && shown.page.forms.is_empty()
        && let Some(failure) = redirect_uri_refused(shown.status, &shown.page.text)
    {
        return failure;
    }
    let what = match shown.found {
        Found::Login(_) => "the provider asks for a login, and none is configured for a page",
        _ => "the page asks for something that cannot be given",
    };
    Failure::new(reason, format!("{what}, at {}", shown.page.url.path()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use url::Url;

    use super::*;
    use crate::protocol::html::{Overrides, classify, parse};

    fn reason(status: u16, html: &str) -> FailureReason {
        let url = Url::parse("https://auth.example/authorize").unwrap();
        let page = parse(html.as_bytes(), &url).unwrap();
        let found = classify(&page, &Overrides::default());
        let status = StatusCode::from_u16(status).unwrap();
        stuck(&Shown { page, found, status }).reason
    }

    #[test]
    fn an_error_page_is_told_from_a_page_that_is_not_understood() {
        let shell = "<script src=app.js></script><div id=app></div>";
        for (status, html, expected) in [
            (200, "<p>Mismatching redirect URI.</p>", FailureReason::RedirectMismatch),
            (400, "<p>invalid redirect_uri</p>", FailureReason::RedirectMismatch),
            (400, "<p>Bad request</p>", FailureReason::Http4xx),
            (400, shell, FailureReason::Http4xx),
            (403, shell, FailureReason::ScriptRequired),
            (200, shell, FailureReason::ScriptRequired),
            (200, "<p>Welcome</p>", FailureReason::LoginFormNotFound),
            (
                200,
                "<form><input name=x></form>Set a redirect URI",
                FailureReason::LoginFormNotFound,
            ),
        ] {
            assert_eq!(reason(status, html), expected, "{status} {html}");
        }
    }
}
