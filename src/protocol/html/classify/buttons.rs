//! Which of several buttons to push.

use super::ConsentForm;
use super::fields::{Sight, typed};
use super::purpose::{RECOVERY, Role, button_wording, is_registration};
use crate::protocol::html::words::{contains_any, has_word, words};
use crate::protocol::html::{Control, Form, Kind, Target};

/// The longest value of a button that says what it is for.
const LONGEST_VALUE: usize = 64;

/// Words of buttons that send a login. In a language that is not here the first button is taken.
const LOGIN: [&str; 12] = [
    "login",
    "logon",
    "signin",
    "continue",
    "next",
    "submit",
    "verify",
    "anmelden",
    "connexion",
    "weiter",
    "acceder",
    "accedi",
];

/// Words of buttons that stand beside it and lead elsewhere, besides to a registration or to a new
/// password.
const ELSEWHERE: [&str; 13] = [
    "cancel",
    "back",
    "resend",
    "another",
    "passkey",
    "show",
    "toggle",
    "reveal",
    "abbrechen",
    "annuler",
    "cancelar",
    "annulla",
    "zurück",
];

/// Words of buttons that log in somewhere else: "Continue with …".
const OTHER_PROVIDERS: [&str; 7] =
    ["google", "facebook", "apple", "microsoft", "github", "linkedin", "twitter"];

/// Words of buttons for those who log in in another way than by a password: a message, or somebody
/// else's word.
const ANOTHER_WAY: [&str; 6] = ["send", "link", "sso", "saml", "oidc", "provider"];

/// Words before the name of a way, which may be that of the password.
const BY: [&str; 5] = ["with", "via", "using", "mit", "avec"];

/// Words of buttons that refuse. They outweigh those that accept: "do not allow".
pub(super) const REFUSE: [&str; 30] = [
    "cancel",
    "deny",
    "denied",
    "decline",
    "refuse",
    "reject",
    "rejected",
    "disallow",
    "disagree",
    "no",
    "not",
    "abort",
    "back",
    "delete",
    "logout",
    "nein",
    "ablehnen",
    "abbrechen",
    "verweigern",
    "non",
    "refuser",
    "annuler",
    "rechazar",
    "denegar",
    "cancelar",
    "rifiuta",
    "nega",
    "annulla",
    "weigeren",
    "annuleren",
];

/// Words of buttons that accept.
pub(super) const ACCEPT: [&str; 33] = [
    "allow",
    "accept",
    "authorize",
    "authorise",
    "approve",
    "approved",
    "grant",
    "agree",
    "consent",
    "yes",
    "confirm",
    "continue",
    "ok",
    "true",
    "ja",
    "erlauben",
    "zulassen",
    "zustimmen",
    "akzeptieren",
    "genehmigen",
    "bestätigen",
    "weiter",
    "oui",
    "autoriser",
    "accepter",
    "permitir",
    "aceptar",
    "autorizar",
    "consenti",
    "accetta",
    "autorizza",
    "toestaan",
    "accepteren",
];

/// What forms that ask for consent are named after.
const CONSENT: [&str; 13] = [
    "consent",
    "authorize",
    "authorization",
    "scope",
    "scopes",
    "grant",
    "approval",
    "approve",
    "permission",
    "permissions",
    "allow",
    "oauth",
    "oauth2",
];

/// What a button says that asks for consent wherever it stands, and is no "yes" to anything.
const GIVES_ACCESS: [&str; 12] = [
    "allow",
    "authorize",
    "authorise",
    "approve",
    "grant",
    "erlauben",
    "zulassen",
    "autoriser",
    "permitir",
    "autorizar",
    "autorizza",
    "toestaan",
];

/// What boxes for a grant are named after.
const GRANTS: [&str; 5] = ["scope", "scopes", "grant", "permission", "claim"];

/// The button of a login form.
pub(super) fn choose_submit(form: &Form, target: Option<&Target>) -> Option<usize> {
    let can_push =
        |index: &usize| form.controls.get(*index).is_some_and(|c| c.kind.submits() && !c.disabled);
    let named = target.map(|target| target.controls(form)).unwrap_or_default();
    if let Some(index) = named.into_iter().find(can_push) {
        return Some(index);
    }
    let mut best: Option<(u8, usize)> = None;
    for (index, control) in form.controls.iter().enumerate().filter(|(i, _)| can_push(i)) {
        if leads_elsewhere(control) {
            continue;
        }
        let text = said(control);
        // What is sent unchecked is mostly given up.
        let score = 8 * u8::from(contains_any(&text, &LOGIN))
            + 4 * u8::from(!names_another_way(&text))
            + 2 * u8::from(!control.concealed)
            + u8::from(!control.attributes.has("formnovalidate"));
        if best.is_none_or(|(of_best, _)| score > of_best) {
            best = Some((score, index));
        }
    }
    best.map(|(_, index)| index)
}

/// Whether a button does not send what is typed into its form, but goes back, to a registration, to
/// a new password or to another provider.
pub(super) fn leads_elsewhere(button: &Control) -> bool {
    let action = button.attributes.text("formaction");
    let path = action.split(['?', '#']).next().unwrap_or_default();
    let leads = |word: &str| {
        [&ELSEWHERE[..], &OTHER_PROVIDERS, &RECOVERY].iter().any(|words| words.contains(&word))
    };
    words(&said(button)).any(|word| leads(&word))
        || has_word(path, &RECOVERY)
        || [&button.names(), short_value(button), &button_wording(button), path]
            .into_iter()
            .any(is_registration)
}

/// "Send a code", "Log in with SSO": what a button says beside which there may be a plain "Log in".
fn names_another_way(text: &str) -> bool {
    has_word(text, &ANOTHER_WAY)
        || (has_word(text, &BY) && !has_word(text, &["password", "passwort", "email"]))
}

/// All that a button says: to people, and to the server.
pub(super) fn said(button: &Control) -> String {
    format!("{} {} {}", button.names(), short_value(button), button_wording(button))
}

/// The value of a button, where it is no token: in those any short word stands by chance.
fn short_value(button: &Control) -> &str {
    if button.value.len() <= LONGEST_VALUE { &button.value } else { "" }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accepts,
    Refuses,
    Unknown,
}

/// What pushing a button says: by its own words, then by the hidden fields that go with it.
fn answer(button: &Control, hidden_refuse: bool) -> Answer {
    let text = said(button);
    let action = button.attributes.text("formaction");
    if hidden_refuse || has_word(&text, &REFUSE) || has_word(action, &REFUSE) {
        Answer::Refuses
    } else if has_word(&text, &ACCEPT) {
        Answer::Accepts
    } else {
        Answer::Unknown
    }
}

/// Whether the hidden fields of a form refuse, whatever is pushed.
fn hidden_refuse(form: &Form) -> bool {
    // Not any field: tokens and scopes may hold every word.
    let decides = |control: &Control| {
        control.name == "_method"
            || has_word(
                &control.name,
                &["approval", "consent", "decision", "action", "answer", "allow", "authorize"],
            )
    };
    let mut hidden = form.controls.iter().filter(|control| control.kind == Kind::Hidden);
    hidden.any(|control| {
        decides(control) && (has_word(&control.value, &REFUSE) || control.value == "false")
    })
}

/// The form and button that consent, over all forms that one could send as they are.
pub(super) fn consent(forms: &[(usize, &Form)], target: Option<&Target>) -> Option<ConsentForm> {
    for (index, form) in forms {
        let named = target.map(|target| target.controls(form)).unwrap_or_default();
        if let Some(button) = named.first() {
            return Some(consent_form(*index, form, Some(*button)));
        }
    }
    let mut buttons = Vec::new();
    let mut is_consent = false;
    for (index, form) in forms {
        if asks_for_text(form) || leads_away(form) {
            continue;
        }
        is_consent |= speaks_of_consent(form);
        let hidden_refuse = hidden_refuse(form);
        for (at, control) in form.controls.iter().enumerate() {
            let can_push = control.kind.submits() && !control.disabled && !control.concealed;
            if can_push && !logs_in_elsewhere(control) {
                buttons.push((*index, *form, at, answer(control, hidden_refuse)));
            }
        }
    }
    let those = |wanted: Answer| buttons.iter().filter(move |(.., answer)| *answer == wanted);
    let has_both = those(Answer::Accepts).count() > 0 && those(Answer::Refuses).count() > 0;
    if !is_consent && !has_both {
        return None;
    }
    // In words that are not known here, it is the one that does not refuse.
    let chosen = those(Answer::Accepts).next().or_else(|| {
        let mut unknown = those(Answer::Unknown);
        unknown.next().filter(|_| unknown.next().is_none())
    });
    match chosen {
        Some((index, form, button, _)) => Some(consent_form(*index, form, Some(*button))),
        None => buttons.first().map(|(index, form, ..)| consent_form(*index, form, None)),
    }
}

/// Whether there is something to type that is not left empty. Beside a question for consent, with
/// its yes and no, there may be room for a remark.
fn asks_for_text(form: &Form) -> bool {
    let fields = typed(form, Sight::Seen);
    let is_remark = |(index, role): &(usize, Role)| {
        *role == Role::Other && form.controls.get(*index).is_some_and(|control| !control.required)
    };
    let has = |wanted: Answer| {
        let mut buttons = form.controls.iter().filter(|control| control.kind.submits());
        buttons.any(|button| answer(button, false) == wanted)
    };
    let is_question = || speaks_of_consent(form) && has(Answer::Accepts) && has(Answer::Refuses);
    !fields.iter().all(is_remark) || (!fields.is_empty() && !is_question())
}

fn consent_form(index: usize, form: &Form, accept: Option<usize>) -> ConsentForm {
    let is_grant = |control: &Control| {
        control.kind == Kind::Checkbox
            && !control.disabled
            && !control.checked
            && (control.required || has_word(&control.names(), &GRANTS))
            && !has_word(&control.names(), &["remember"])
    };
    let controls = form.controls.iter().enumerate();
    let grants = controls.filter(|(_, control)| is_grant(control)).map(|(at, _)| at).collect();
    ConsentForm { form: index, accept, grants }
}

fn speaks_of_consent(form: &Form) -> bool {
    let attributes = ["id", "name", "class"].map(|name| form.attributes.text(name)).join(" ");
    let path = form.action.as_ref().map_or("", |url| url.path());
    let named = |control: &Control| {
        has_word(&control.names(), &CONSENT)
            || (control.name == "prompt" && control.value == "consent")
    };
    let mut buttons = form.controls.iter().filter(|control| control.kind.submits()).peekable();
    let gives_access = |button: &Control| {
        let wording = button_wording(button);
        has_word(&wording, &GIVES_ACCESS) && !contains_any(&wording, &["cookie"])
    };
    buttons.peek().is_some()
        && (buttons.any(gives_access)
            || has_word(&attributes, &CONSENT)
            || has_word(path, &CONSENT)
            || form.controls.iter().any(named))
}

/// "Continue with Google", and not "Allow Google".
fn logs_in_elsewhere(button: &Control) -> bool {
    let text = said(button);
    has_word(&text, &OTHER_PROVIDERS)
        && !words(&text).any(|word| word != "continue" && ACCEPT.contains(&word.as_str()))
}

/// Forms beside the question: to log out, to choose a language, to log in elsewhere.
fn leads_away(form: &Form) -> bool {
    let attributes = ["id", "name", "class"].map(|name| form.attributes.text(name)).join(" ");
    let path = form.action.as_ref().map_or("", |url| url.path());
    let text = format!("{attributes} {path}");
    has_word(&text, &["language", "lang", "locale", "i18n", "search"])
        || contains_any(&text, &["logout", "signout", "logoff"])
        || form
            .controls
            .iter()
            .any(|c| c.kind == Kind::Select && has_word(&c.name, &["language", "lang", "locale"]))
}
