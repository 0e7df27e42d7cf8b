//! What a control or a form is for: by `autocomplete` and type, which say it; otherwise by the
//! words of its names and labels, which only hint at it.

use super::buttons::leads_elsewhere;
use crate::protocol::html::words::{contains_any, has_word, joined};
use crate::protocol::html::{Control, Form, Kind, Method};

/// What a registration is called, written together.
const REGISTRATION: [&str; 9] = [
    "register",
    "registration",
    "signup",
    "createaccount",
    "registrieren",
    "registreren",
    "registrarse",
    "registrati",
    "inscrire",
];

/// What the way is called for those who forgot their password.
pub(super) const RECOVERY: [&str; 11] = [
    "forgot",
    "forgotten",
    "reset",
    "recover",
    "lost",
    "remind",
    "reminder",
    "vergessen",
    "vergeten",
    "oublié",
    "olvidado",
];

/// What one types into a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// With a weight: how sure it is.
    Identifier(u8),
    Password,
    NewPassword,
    /// A code of a second factor.
    Code,
    /// Perhaps a code, where nothing else is asked for.
    MaybeCode,
    Captcha,
    Search,
    Other,
}

pub(super) fn role(control: &Control) -> Role {
    let names = control.names();
    if contains_any(&names, &["captcha", "turnstile"]) {
        return Role::Captcha;
    }
    if !control.kind.is_typed() || control.kind == Kind::Textarea {
        return Role::Other;
    }
    // What the page says outright.
    if control.autocompletes("one-time-code") && !is_single_digit(control) {
        return Role::Code;
    }
    if control.autocompletes("new-password") {
        return Role::NewPassword;
    }
    if control.autocompletes("current-password") {
        return Role::Password;
    }
    if control.autocompletes("username") {
        return Role::Identifier(50);
    }
    if control.kind == Kind::Search || has_word(&names, &["q", "query", "search", "keywords"]) {
        return Role::Search;
    }
    let code = code_role(control, &names);
    if control.kind == Kind::Password {
        return match code {
            Some(Role::Code) => Role::Code,
            Some(Role::MaybeCode) if is_called_code(control, &names) => Role::MaybeCode,
            _ if is_new_password(control, &names) => Role::NewPassword,
            _ => Role::Password,
        };
    }
    code.unwrap_or_else(|| match identifier_weight(control, &names) {
        0 => Role::Other,
        weight => Role::Identifier(weight),
    })
}

fn code_role(control: &Control, names: &str) -> Option<Role> {
    let other = [
        "promo",
        "coupon",
        "invite",
        "invitation",
        "postal",
        "zip",
        "country",
        "area",
        "gift",
        "referral",
        "device",
        "user",
        "backup",
        "recovery",
    ];
    if is_single_digit(control) || has_word(names, &["csrf"]) {
        return Some(Role::Other);
    }
    let sure =
        has_word(names, &["otp", "totp", "hotp", "mfa", "2fa", "tfa", "passcode", "authcode"])
            || contains_any(
                names,
                &[
                    "onetime",
                    "twofactor",
                    "2factor",
                    "verificationcode",
                    "securitycode",
                    "otpcode",
                    "totpcode",
                ],
            );
    let code = has_word(names, &["code", "token", "challenge", "pin"]);
    // A code that is for something else, as `user_code` of the device flow.
    if code && has_word(names, &other) && !has_word(names, &["otp", "totp"]) {
        return Some(Role::Other);
    }
    if sure || (code && is_numeric(control)) {
        return Some(Role::Code);
    }
    code.then_some(Role::MaybeCode)
}

/// Whether what is not shown while one types it is called a code, and nowhere a password.
fn is_called_code(control: &Control, names: &str) -> bool {
    has_word(names, &["code", "token"])
        && ![names, &control.wording()].iter().any(|text| contains_any(text, &["passw"]))
}

/// One of several boxes for a digit each, which a script puts together.
fn is_single_digit(control: &Control) -> bool {
    control.attributes.is("maxlength", "1")
}

fn is_numeric(control: &Control) -> bool {
    let pattern = control.attributes.text("pattern");
    control.kind == Kind::Number
        || control.attributes.is("inputmode", "numeric")
        || pattern.contains("[0-9]")
        || pattern.contains("\\d")
        || matches!(control.attributes.text("maxlength"), "6" | "7" | "8")
}

fn is_new_password(control: &Control, names: &str) -> bool {
    has_word(names, &["new", "confirm", "confirmation", "repeat", "again", "retype", "verify"])
        && !has_word(names, &["user", "login", "session"])
        || contains_any(&control.wording(), &["newpassword", "confirmpassword", "repeatpassword"])
}

fn identifier_weight(control: &Control, names: &str) -> u8 {
    let by_name =
        contains_any(names, &["user", "login", "email", "identif", "account", "signin", "logon"])
            || has_word(names, &["uid", "upn", "mail"]);
    // English and its neighbours; elsewhere type and name must do.
    let by_wording = contains_any(
        &control.wording(),
        &[
            "user",
            "email",
            "login",
            "benutzer",
            "kennung",
            "utilisateur",
            "identifiant",
            "courriel",
            "usuario",
            "correo",
            "utente",
            "gebruiker",
        ],
    );
    let weight = if control.autocompletes("email") {
        30
    } else if by_name {
        25
    } else if control.kind == Kind::Email {
        20
    } else if by_wording {
        15
    } else if control.kind == Kind::Tel {
        5
    } else {
        0
    };
    // Where a person belongs, beside who it is.
    if has_word(names, &["domain", "realm", "tenant", "company", "organization", "org", "customer"])
    {
        weight / 10
    } else {
        weight
    }
}

/// What a form says of itself: its ID, name and class, its label, the path that it goes to (not
/// the query, where other pages are named), and what its buttons say.
pub(super) struct Purpose {
    /// All of it but the buttons.
    names: String,
    /// Of the buttons those that send it. Others lead elsewhere, as to a registration, and tell of
    /// the form only where it has none but them.
    buttons: String,
}

impl Purpose {
    pub(super) fn of(form: &Form) -> Self {
        let attributes =
            ["id", "name", "class", "aria-label"].map(|name| form.attributes.text(name));
        let path = form.action.as_ref().map_or("", |url| url.path());
        let buttons = form.controls.iter().filter(|control| control.kind.submits());
        let (others, own): (Vec<_>, Vec<_>) = buttons.partition(|button| leads_elsewhere(button));
        let telling = if own.is_empty() { others } else { own };
        Self {
            names: format!("{} {path}", attributes.join(" ")),
            buttons: telling.into_iter().map(button_wording).collect::<Vec<_>>().join(" | "),
        }
    }

    fn says(&self, words: &[&str], parts: &[&str]) -> bool {
        [&self.names, &self.buttons]
            .iter()
            .any(|text| has_word(text, words) || contains_any(text, parts))
    }

    pub(super) fn is_login(&self) -> bool {
        self.says(
            &["auth", "session", "sessions"],
            &["login", "signin", "logon", "authenticate", "identifier"],
        )
    }

    pub(super) fn is_registration(&self) -> bool {
        has_word(&self.names, &["join", "enroll", "enrol"])
            || contains_any(&self.names, &REGISTRATION)
            || is_registration(&self.buttons)
    }

    /// For those who forgot their password.
    pub(super) fn is_recovery(&self) -> bool {
        is_recovery(&self.names)
            || contains_any(&self.names, &["forgotpassword", "lostpassword", "resetpassword"])
            || is_recovery(&self.buttons)
    }

    /// Not about the person at all.
    pub(super) fn is_aside(&self, form: &Form) -> bool {
        let words = [
            "search",
            "newsletter",
            "subscribe",
            "subscription",
            "mailing",
            "language",
            "lang",
            "locale",
            "feedback",
            "contact",
            "comment",
        ];
        let typed = form.controls.iter().filter(|control| control.kind.is_typed());
        form.attributes.is("role", "search")
            || self.says(
                &words,
                &["newsletter", "subscribe", "searchform", "logout", "signout", "logoff"],
            )
            || typed.clone().any(|control| control.kind == Kind::Textarea)
            || (typed.clone().count() > 0 && typed.clone().all(|c| role(c) == Role::Search))
    }

    /// How surely a form without a password asks for a name, to go on with the password.
    pub(super) fn identifier_first(&self, form: &Form, weight: u8) -> i32 {
        let continues = has_word(&self.buttons, &["next", "continue", "weiter", "suivant"]);
        i32::from(weight) + if self.is_login() { 30 } else { 0 } + if continues { 10 } else { 0 }
            - if form.method == Method::Get { 40 } else { 0 }
    }
}

/// Whether words lead to a registration, and not to a login as well.
pub(super) fn is_registration(text: &str) -> bool {
    let text = joined(text);
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let creates_account = || {
        says(&["create", "erstellen", "créer", "crear"])
            && says(&["account", "konto", "compte", "cuenta"])
    };
    (says(&REGISTRATION) || creates_account()) && !says(&["login", "signin"])
}

/// Whether words lead to a new password.
fn is_recovery(text: &str) -> bool {
    has_word(text, &RECOVERY)
}

/// What stands on a button.
pub(super) fn button_wording(button: &Control) -> String {
    let value = if button.element == "input" { button.value.as_str() } else { "" };
    let alt = button.attributes.text("alt");
    format!("{} {value} {alt}", button.wording())
}
