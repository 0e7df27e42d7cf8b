//! What a page asks of a person who logs in.
//!
//! First what the configuration names; then detection: a form with a password, one for a code,
//! one for a name, one that a script would send by itself, one that asks for consent, a refresh.
//! When there is none of them, why not.

use super::buttons::{choose_submit, consent};
use super::purpose::{Purpose, Role, role};
use super::words::{contains_any, has_word};
use super::{Control, Form, Kind, Method, Page, Target};

/// A refresh that comes later than this, in seconds, is for people who went away.
const LONGEST_REFRESH: u64 = 20;

/// What the configuration says of pages that detection gets wrong. Each applies on the pages
/// where it matches something.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The form; others are not looked at, where it is on the page.
    pub form: Option<Target>,
    /// The field of the name.
    pub username: Option<Target>,
    /// The field of the password.
    pub password: Option<Target>,
    /// The field of the code.
    pub totp: Option<Target>,
    /// The button that sends name, password or code.
    pub submit: Option<Target>,
    /// The button that consents.
    pub accept: Option<Target>,
}

/// A form to fill in. Controls are indexes into [`Form::controls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginForm {
    /// Index into [`Page::forms`].
    pub form: usize,
    /// Where the name goes.
    pub identifier: Option<usize>,
    /// Where the password goes.
    pub password: Option<usize>,
    /// Where the code goes. Beside a password only when the page requires it: a field that one
    /// may leave empty stays empty.
    pub code: Option<usize>,
    /// The button to push; without one the form is sent as `Enter` sends it.
    pub submit: Option<usize>,
}

/// A form that asks whether an application may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentForm {
    /// Index into [`Page::forms`].
    pub form: usize,
    /// The button that accepts; `None` when it cannot be told from the one that refuses.
    pub accept: Option<usize>,
    /// Boxes for what is granted, which are to be ticked.
    pub grants: Vec<usize>,
}

/// What a page asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A name, a password, or both: [`LoginForm`] says which.
    Login(LoginForm),
    /// The code of a second factor.
    OneTimeCode(LoginForm),
    /// Consent.
    Consent(ConsentForm),
    /// Nothing: a script would send this form (SAML POST binding, `response_mode=form_post`).
    /// It is sent without a button.
    AutoPost {
        /// Index into [`Page::forms`].
        form: usize,
    },
    /// Nothing: it leads to [`Page::refresh`].
    Refresh,
    /// What only a script could do.
    ScriptRequired,
    /// To tell people from programs.
    CaptchaRequired,
    /// A second factor that is no code of a clock.
    MfaRequired,
    /// Nothing that is known here.
    LoginFormNotFound,
}

/// What a page asks for.
#[must_use]
pub fn classify(page: &Page, overrides: &Overrides) -> Found {
    let forms = candidates(page, overrides);
    let found = overridden(page, &forms, overrides)
        .or_else(|| password_form(page, &forms, Sight::Seen))
        .or_else(|| code_form(page, &forms))
        .or_else(|| identifier_form(page, &forms, 30))
        .or_else(|| second_factor(page, &forms))
        .or_else(|| auto_post(&forms, Evidence::Form))
        .or_else(|| consent(&forms, overrides.accept.as_ref()).map(Found::Consent))
        .or_else(|| auto_post(&forms, Evidence::Script(page.scripts.submit)))
        .or_else(|| refresh(page))
        .or_else(|| identifier_form(page, &forms, 1))
        // A script would bring it into sight.
        .or_else(|| password_form(page, &forms, Sight::Concealed))
        .unwrap_or_else(|| why_not(page));
    possible(page, with_submit(page, found, overrides))
}

type Candidates<'a> = Vec<(usize, &'a Form)>;

fn candidates<'a>(page: &'a Page, overrides: &Overrides) -> Candidates<'a> {
    let all = || page.forms.iter().enumerate();
    let named: Candidates<'a> = overrides
        .form
        .as_ref()
        .map_or_else(Vec::new, |target| all().filter(|(_, form)| target.is_form(form)).collect());
    if named.is_empty() { all().collect() } else { named }
}

/// Whether controls count that are out of sight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Seen,
    Concealed,
}

impl Sight {
    fn sees(self, form: &Form, control: &Control) -> bool {
        // In a form that is out of sight as a whole no field is a trap of its own.
        control.is_open() && (!control.concealed || form.concealed || self == Self::Concealed)
    }
}

/// The controls of a form that one could type into, with what for.
fn typed(form: &Form, sight: Sight) -> Vec<(usize, Role)> {
    let controls = form.controls.iter().enumerate();
    controls
        .filter(|(_, control)| control.kind.is_typed() && sight.sees(form, control))
        .map(|(index, control)| (index, role(control)))
        .collect()
}

/// The field for the name: the surest; of several, the last before the password.
fn identifier(fields: &[(usize, Role)], password: Option<usize>) -> Option<(usize, u8)> {
    let mut best: Option<(usize, u8)> = None;
    for (index, role) in fields {
        let Role::Identifier(weight) = *role else { continue };
        let before_password = password.is_none_or(|password| *index < password);
        if best.is_none_or(|(_, of_best)| {
            weight > of_best || (weight == of_best && before_password && password.is_some())
        }) {
            best = Some((*index, weight));
        }
    }
    best
}

fn overridden(page: &Page, forms: &Candidates<'_>, overrides: &Overrides) -> Option<Found> {
    let first = |target: &Option<Target>, form: &Form| {
        let found = target.as_ref()?.controls(form).into_iter();
        found.map(|index| (index, form.controls.get(index))).find_map(|(index, control)| {
            control.is_some_and(|control| control.kind != Kind::Hidden).then_some(index)
        })
    };
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let named = (
            first(&overrides.username, form),
            first(&overrides.password, form),
            first(&overrides.totp, form),
        );
        let detected_password =
            || fields.iter().find(|(_, role)| *role == Role::Password).map(|(index, _)| *index);
        let login = |identifier, password, code| LoginForm {
            form: *index,
            identifier,
            password,
            code,
            submit: None,
        };
        match named {
            (None, None, None) => {}
            (None, None, code) => {
                // A code beside a password that is asked for, too, is what a login needs.
                let password = detected_password().filter(|password| Some(*password) != code);
                let name = identifier(&fields, password).map(|(index, _)| index);
                return Some(match password {
                    Some(_) => Found::Login(login(name, password, code)),
                    None => Found::OneTimeCode(login(None, None, code)),
                });
            }
            (name, password, code) => {
                let password = password.or_else(detected_password);
                let free = |index: &usize| Some(*index) != password && Some(*index) != code;
                let name = name
                    .or_else(|| identifier(&fields, password).map(|(index, _)| index).filter(free));
                let code = code.or_else(|| required_code(form, &fields));
                return Some(Found::Login(login(name, password, code)));
            }
        }
    }
    let accept = overrides.accept.as_ref()?;
    forms
        .iter()
        .any(|(_, form)| !accept.controls(form).is_empty())
        .then(|| consent(forms, Some(accept)).map_or_else(|| why_not(page), Found::Consent))
}

fn required_code(form: &Form, fields: &[(usize, Role)]) -> Option<usize> {
    fields
        .iter()
        .filter(|(_, role)| *role == Role::Code)
        .find(|(index, _)| form.controls.get(*index).is_some_and(|control| control.required))
        .map(|(index, _)| *index)
}

/// The likeliest form with one password that is not new.
fn password_form(page: &Page, forms: &Candidates<'_>, sight: Sight) -> Option<Found> {
    if sight == Sight::Concealed && !page.scripts.present {
        return None;
    }
    let mut best: Option<(i32, LoginForm)> = None;
    for (index, form) in forms {
        let fields = typed(form, sight);
        let passwords: Vec<usize> =
            fields.iter().filter(|(_, role)| *role == Role::Password).map(|(i, _)| *i).collect();
        // Two are for choosing a password, or changing it.
        let [password] = passwords.as_slice() else { continue };
        if fields.iter().any(|(_, role)| *role == Role::NewPassword) {
            continue;
        }
        let name = identifier(&fields, Some(*password)).or_else(|| unnamed(&fields, *password));
        let others = fields.iter().filter(|(index, role)| {
            matches!(role, Role::Other | Role::Identifier(_))
                && Some(*index) != name.map(|(index, _)| index)
        });
        let purpose = Purpose::of(form);
        let score = 100
            + i32::from(name.map_or(0, |(_, weight)| weight)) / 2
            + if purpose.is_login() { 15 } else { 0 }
            - if purpose.is_registration() { 60 } else { 0 }
            - if purpose.is_recovery() { 60 } else { 0 }
            - if purpose.is_aside(form) { 30 } else { 0 }
            - i32::try_from(others.count()).unwrap_or(i32::MAX / 100).min(10) * 25
            - if form.concealed { 40 } else { 0 }
            + if form.controls.iter().any(|control| control.attributes.has("autofocus")) {
                3
            } else {
                0
            };
        if score > 0 && best.as_ref().is_none_or(|(of_best, _)| score > *of_best) {
            let login = LoginForm {
                form: *index,
                identifier: name.map(|(index, _)| index),
                password: Some(*password),
                code: required_code(form, &fields),
                submit: None,
            };
            best = Some((score, login));
        }
    }
    best.map(|(_, login)| Found::Login(login))
}

/// Names that say nothing: then the last field before the password.
fn unnamed(fields: &[(usize, Role)], password: usize) -> Option<(usize, u8)> {
    let before = fields.iter().filter(|(index, role)| *role == Role::Other && *index < password);
    before.last().map(|(index, _)| (*index, 0))
}

/// A form that asks for a code, and for no password beside it.
fn code_form(page: &Page, forms: &Candidates<'_>) -> Option<Found> {
    let mut by_message = false;
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let sure = fields.iter().find(|(_, role)| *role == Role::Code);
        // What is named a code only, where it is all that is asked for.
        let alone = match fields.as_slice() {
            [field @ (_, Role::MaybeCode)] => Some(field),
            _ => None,
        };
        let Some((code, _)) = sure.or(alone) else { continue };
        if fields.iter().any(|(_, role)| matches!(role, Role::Password | Role::NewPassword)) {
            continue;
        }
        if is_sent_by_message(page, form, *code) {
            by_message = true;
            continue;
        }
        return Some(Found::OneTimeCode(LoginForm {
            form: *index,
            identifier: None,
            password: None,
            code: Some(*code),
            submit: None,
        }));
    }
    by_message.then_some(Found::MfaRequired)
}

/// Whether the code comes to a telephone or mailbox, and not from a clock.
fn is_sent_by_message(page: &Page, form: &Form, code: usize) -> bool {
    let names: String = form
        .controls
        .get(code)
        .map(Control::names)
        .into_iter()
        .chain(["id", "name", "class"].map(|name| form.attributes.text(name).to_owned()))
        .chain(form.action.as_ref().map(|url| url.path().to_owned()))
        .collect::<Vec<_>>()
        .join(" ");
    let wording = form.controls.get(code).map(Control::wording).unwrap_or_default();
    let app = ["authenticator", "totp"];
    if contains_any(&names, &app) || contains_any(&wording, &app) {
        return false;
    }
    has_word(&names, &["sms", "phone", "mobile", "email", "mail", "voice"])
        || says_message(&wording)
        || (says_message(&page.text) && !contains_any(&page.text, &app))
}

fn says_message(text: &str) -> bool {
    has_word(text, &["sms"])
        || contains_any(text, &["textmessage", "emailedyou", "sentanemail", "checkyouremail"])
}

/// The likeliest form that asks for a name to begin with.
fn identifier_form(_page: &Page, forms: &Candidates<'_>, at_least: i32) -> Option<Found> {
    let mut best: Option<(i32, LoginForm)> = None;
    for (index, form) in forms {
        let fields = typed(form, Sight::Seen);
        let [(name, Role::Identifier(weight))] = fields.as_slice() else { continue };
        let purpose = Purpose::of(form);
        if purpose.is_aside(form) || purpose.is_registration() || purpose.is_recovery() {
            continue;
        }
        let score = purpose.identifier_first(form, *weight);
        if score >= at_least && best.as_ref().is_none_or(|(of_best, _)| score > *of_best) {
            let login = LoginForm {
                form: *index,
                identifier: Some(*name),
                password: None,
                code: None,
                submit: None,
            };
            best = Some((score, login));
        }
    }
    best.map(|(_, login)| Found::Login(login))
}

/// Forms whose fields a device or an application would fill, by way of a script.
fn second_factor(page: &Page, forms: &Candidates<'_>) -> Option<Found> {
    let is_for_device = |control: &Control| {
        contains_any(
            &control.names(),
            &[
                "webauthn",
                "authenticatordata",
                "clientdatajson",
                "credentialid",
                "passkey",
                "u2f",
                "sigresponse",
            ],
        )
    };
    let found = forms.iter().any(|(_, form)| {
        form.controls.iter().any(is_for_device)
            || (page.hints_at_second_factor
                && !form.controls.is_empty()
                && form.controls.iter().all(|control| control.kind == Kind::Hidden))
    });
    found.then_some(Found::MfaRequired)
}

/// What makes a form one that sends itself.
#[derive(Clone, Copy)]
enum Evidence {
    /// The names of its fields, or that its only button is for people without scripts.
    Form,
    /// Whether a script on the page sends forms.
    Script(bool),
}

fn auto_post(forms: &Candidates<'_>, evidence: Evidence) -> Option<Found> {
    let sends_itself = |form: &Form| {
        let named = |name: &str| form.controls.iter().any(|control| control.name == name);
        let mut buttons = form.controls.iter().filter(|control| control.kind.submits()).peekable();
        match evidence {
            Evidence::Script(sends) => sends,
            Evidence::Form => {
                let for_scriptless = buttons.peek().is_some();
                ["SAMLResponse", "SAMLRequest", "wresult"].into_iter().any(named)
                    || (named("state")
                        && ["code", "id_token", "access_token", "error", "response"]
                            .into_iter()
                            .any(named))
                    || (named("response") && form.controls.len() <= 2)
                    || (for_scriptless && buttons.all(|button| button.in_noscript))
            }
        }
    };
    let only_hidden = |form: &Form| {
        let rest = |control: &Control| !(control.kind.submits() || control.kind == Kind::Button);
        form.controls.iter().any(|control| control.kind == Kind::Hidden && !control.name.is_empty())
            && form.controls.iter().filter(|control| rest(control)).all(|c| c.kind == Kind::Hidden)
    };
    forms
        .iter()
        .find(|(_, form)| {
            form.method == Method::Post
                && only_hidden(form)
                && !Purpose::of(form).is_aside(form)
                && sends_itself(form)
        })
        .map(|(form, _)| Found::AutoPost { form: *form })
}

fn refresh(page: &Page) -> Option<Found> {
    let refresh = page.refresh.as_ref()?;
    if refresh.delay > LONGEST_REFRESH || refresh.url == page.url {
        return None;
    }
    // The page that says so is no page to ask for.
    let target = format!("{} {}", refresh.url.path(), refresh.url.query().unwrap_or_default());
    let to_complaint = refresh.in_noscript
        && contains_any(&target, &["jsdisabled", "nojs", "nojavascript", "enablejs", "javascript"]);
    Some(if to_complaint { Found::ScriptRequired } else { Found::Refresh })
}

/// What keeps a page from being a login that works here.
fn why_not(page: &Page) -> Found {
    let stray_password = page.strays.iter().any(|c| c.kind == Kind::Password && c.is_open());
    if stray_password {
        return Found::ScriptRequired;
    }
    if page.has_captcha || page.forms.iter().any(|form| form.has_captcha) {
        return Found::CaptchaRequired;
    }
    if page.hints_at_second_factor {
        return Found::MfaRequired;
    }
    let shows_form = page.forms.iter().any(|form| !typed(form, Sight::Seen).is_empty());
    let says_so = contains_any(&page.text, &["javascript"]);
    let is_shell = page.scripts.present
        && !shows_form
        && (page.scripts.empty_container && page.text.len() < 400 || page.text.len() < 40);
    if page.scripts.demanded && page.scripts.present || says_so && !shows_form || is_shell {
        Found::ScriptRequired
    } else {
        Found::LoginFormNotFound
    }
}

fn with_submit(page: &Page, found: Found, overrides: &Overrides) -> Found {
    let choose = |mut login: LoginForm| {
        let form = page.forms.get(login.form);
        login.submit = form.and_then(|form| choose_submit(form, overrides.submit.as_ref()));
        login
    };
    match found {
        Found::Login(login) => Found::Login(choose(login)),
        Found::OneTimeCode(login) => Found::OneTimeCode(choose(login)),
        found => found,
    }
}

/// What was found, unless it cannot be sent as it is.
fn possible(page: &Page, found: Found) -> Found {
    let (Found::Login(login) | Found::OneTimeCode(login)) = &found else { return found };
    let Some(form) = page.forms.get(login.form) else { return found };
    let has_captcha_field = form.controls.iter().any(|control| {
        role(control) == Role::Captcha && (control.kind == Kind::Hidden || control.is_open())
    });
    if form.has_captcha || has_captcha_field {
        return Found::CaptchaRequired;
    }
    let submit = login.submit.and_then(|index| form.controls.get(index));
    let leads_somewhere =
        page.action_by(form, submit).is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    let fields = [login.identifier, login.password, login.code];
    let unnamed = fields.into_iter().flatten().filter_map(|index| form.controls.get(index));
    let nameless = unnamed.clone().any(|control| control.name.is_empty());
    // Without a method the password would stand in the URL: such a form is read by a script.
    let method = form.method_by(submit);
    let not_sent = (login.password.is_some() || login.code.is_some())
        && method == Method::Get
        && page.scripts.present
        || method == Method::Dialog;
    if !leads_somewhere || nameless || not_sent { Found::ScriptRequired } else { found }
}
