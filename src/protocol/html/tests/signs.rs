//! Decoys, and pages that cannot be logged in to.

use super::*;

#[test]
fn decoys_alone_are_no_login() {
    for html in [
        "<form role=search><input name=term></form>",
        "<form action=/search><input name=q type=search><button>Go</button></form>",
        "<form action=/lang method=post><select name=lang><option>en</select><button>OK</button></form>",
        "<form action=/newsletter method=post><input type=email name=email><button>Join</button></form>",
        "<form method=post class=footer-subscribe><input type=email name=email><button>Go</button></form>",
        "<form action=/users method=post id=register><input name=user><input name=email><input type=password name=pw autocomplete=new-password></form>",
        "<form action=/signup method=post><input name=email type=email><button>Sign up</button></form>",
        "<form action=/password/reset method=post><input name=email type=email><button>Send</button></form>",
        "<form method=post><input name=email type=email><button>Reset password</button></form>",
        "<form method=post action=/contact><input name=email type=email><textarea name=text></textarea><button>Send</button></form>",
        "<form method=post action=/logout><input type=hidden name=csrf value=1><button>Log out</button></form>",
        "<form method=post><input name=promo_code><button>Redeem</button></form>",
        "<form method=post><input name=user_code maxlength=8><button>Next</button></form>",
        "<form method=post><input type=password name=new><input type=password name=confirm><button>Save</button></form>",
        "<form method=post><input type=password name=a><input type=password name=b><button>Save</button></form>",
        "<p>Nothing here.</p>",
        "",
    ] {
        assert_eq!(summary_of(html), "LoginFormNotFound", "{html}");
    }
}

#[test]
fn decoys_before_and_after_do_not_win() {
    let login =
        "<form method=post><input name=x><input type=password name=y><button>Go</button></form>";
    for decoy in [
        "<form><input name=q><button>Go</button></form>",
        "<form method=post action=/register><input name=email><input type=password name=pw><button>Register</button></form>",
        "<form method=post action=/forgot><input name=email type=email autocomplete=username><button>Send</button></form>",
        "<form method=post hidden><input name=user autocomplete=username><input type=password name=p autocomplete=current-password></form>",
        "<form method=post action=/otp style='display:none'><input name=otp></form>",
        "<form method=post action=/lang><select name=lang><option>en</select></form>",
    ] {
        assert_eq!(
            summary_of(&format!("{decoy}{login}")),
            "login in form 1: x y - by Go",
            "{decoy}"
        );
        assert_eq!(
            summary_of(&format!("{login}{decoy}")),
            "login in form 0: x y - by Go",
            "{decoy}"
        );
    }
}

#[test]
fn the_name_is_told_from_fields_beside_it() {
    for (fields, name) in [
        ("<input name=realm><input name=user><input type=password name=p>", "user"),
        ("<input name=user><input name=domain><input type=password name=p>", "user"),
        ("<input name=a autocomplete=username><input name=email><input type=password name=p>", "a"),
        ("<input name=x1 type=email><input name=x2><input type=password name=p>", "x1"),
        (
            "<label>Benutzername <input name=x1></label><input name=x2><input type=password name=p>",
            "x1",
        ),
        ("<input name=x1><input name=x2><input type=password name=p>", "x2"),
        ("<input type=password name=p><input name=user>", "user"),
        (
            "<input name=trap style=display:none><input name=user><input type=password name=p>",
            "user",
        ),
        ("<input name=user><input name=trap tabindex=-1><input type=password name=p>", "user"),
        ("<input name=x1><input name=x2 tabindex=-1><input type=password name=p>", "x1"),
        ("<input name=user tabindex=-1 required><input type=password name=p>", "user"),
        ("<input name=user value=ada readonly><input type=password name=p>", "-"),
        (
            "<input name=user readonly onfocus=\"this.removeAttribute('readonly')\"><input type=password name=p>",
            "user",
        ),
        ("<input type=hidden name=user value=ada><input type=password name=p>", "-"),
    ] {
        let html = format!("<form method=post>{fields}<button>Go</button></form>");
        assert_eq!(summary_of(&html), format!("login in form 0: {name} p - by Go"), "{fields}");
    }
}

#[test]
fn a_code_beside_the_password_is_filled_in_only_when_required() {
    let form = |attribute: &str| {
        format!(
            "<form method=post><input name=user><input type=password name=pw>
             <input name=otp {attribute}><button>Go</button></form>"
        )
    };
    assert_eq!(summary_of(&form("")), "login in form 0: user pw - by Go");
    assert_eq!(summary_of(&form("required")), "login in form 0: user pw otp by Go");
}

#[test]
fn pages_that_ask_for_a_code() {
    for (field, expected) in [
        ("<input name=x autocomplete='one-time-code'>", "code in form 0: - - x by Go"),
        ("<input name=totp>", "code in form 0: - - totp by Go"),
        ("<input type=password name=passcode>", "code in form 0: - - passcode by Go"),
        ("<input name=code inputmode=numeric>", "code in form 0: - - code by Go"),
        ("<input name=token-otp_token type=number>", "code in form 0: - - token-otp_token by Go"),
        ("<input name=code>", "code in form 0: - - code by Go"),
        (
            "<label>From the authenticator on your phone <input name=code></label>",
            "code in form 0: - - code by Go",
        ),
        ("<input name=sms_code>", "MfaRequired"),
        ("<input name=phone_code inputmode=numeric>", "MfaRequired"),
        ("<label>Code of the SMS <input name=code></label>", "MfaRequired"),
        ("<p>A code has been sent to your mailbox.</p><input name=code>", "MfaRequired"),
        // A digit each: a script puts them together.
        ("<input name=d1 maxlength=1><input name=d2 maxlength=1>", "LoginFormNotFound"),
        ("<input name=backup_code>", "MfaRequired"),
        // Not shown while one types it.
        ("<input name=token type=password>", "code in form 0: - - token by Go"),
        (
            "<label>Password <input name=token type=password></label>",
            "login in form 0: - token - by Go",
        ),
        (
            "<input name=user><input name=token type=password>",
            "login in form 0: user token - by Go",
        ),
        // The secret is a new one.
        ("<input name=totp><input type=hidden name=totpSecret value=x>", "MfaRequired"),
    ] {
        let html = format!("<form method=post>{field}<button>Go</button></form>");
        assert_eq!(summary_of(&html), expected, "{field}");
    }
}

#[test]
fn a_choice_of_second_factors_asks_for_one() {
    for buttons in [
        "<button name=sf value=totp>A</button><button name=sf value=webauthn>B</button>",
        "<button name=e value=1>Authenticator Application</button><button name=e value=2>SMS</button>",
    ] {
        let html = format!("<form method=post>{buttons}</form>");
        assert_eq!(summary_of(&html), "MfaRequired", "{buttons}");
    }
}

#[test]
fn an_offer_to_send_a_code_is_not_one_that_was_sent() {
    let offer = "<button name=device value=1>Send text message to *01</button>";
    for (text, expected) in [
        ("Enter the token of your token generator.", "code in form 0: - - otp by Next"),
        ("Get the code from your authentication app.", "code in form 0: - - otp by Next"),
        ("We sent you a text message. Or use your authentication app.", "MfaRequired"),
        ("Enter the code.", "MfaRequired"),
    ] {
        let html = format!(
            "<p>{text}</p><form method=post><input name=otp>{offer}<button>Next</button></form>"
        );
        assert_eq!(summary_of(&html), expected, "{text}");
    }
}

#[test]
fn a_name_without_a_password_is_a_first_page() {
    for (form, expected) in [
        (
            "<form method=post action=/login><input name=email type=email><button>Next</button></form>",
            "login in form 0: email - - by Next",
        ),
        (
            "<form method=post><input name=identifier><button>Next</button></form>",
            "login in form 0: identifier - - by Next",
        ),
        (
            "<form method=post><input name=a autocomplete=username><button>Weiter</button></form>",
            "login in form 0: a - - by Weiter",
        ),
        (
            "<form action=/signin><input name=user><button>Next</button></form>",
            "login in form 0: user - - by Next",
        ),
        (
            "<form method=post><input name=trap tabindex=-1><input name=email><button>Next</button></form>",
            "login in form 0: email - - by Next",
        ),
        // Two fields are something else.
        (
            "<form method=post><input name=email><input name=city><button>Next</button></form>",
            "LoginFormNotFound",
        ),
    ] {
        assert_eq!(summary_of(form), expected, "{form}");
    }
}

#[test]
fn a_second_button_makes_a_login_no_registration_and_is_not_pushed() {
    for (buttons, expected) in [
        (
            "<button name=register value=true formnovalidate>Register</button><button>Next</button>",
            "Next",
        ),
        ("<button name=r value=1>Sign up</button><button>Continue</button>", "Continue"),
        ("<button>Next</button><button name=r formaction=/reset>Reset password</button>", "Next"),
        ("<button>Create an account</button><button>Go</button>", "Go"),
        ("<button>Forgot your password?</button><button>Go</button>", "Go"),
        ("<button>Registrieren</button><button>Weiter</button>", "Weiter"),
        // In words that are not known here.
        ("<button name=register>Zarejestruj</button><button>Dalej</button>", "Dalej"),
        ("<button formaction='/signup?next=/'>Zarejestruj</button><button>Dalej</button>", "Dalej"),
        ("<button formnovalidate>Zarejestruj</button><button>Dalej</button>", "Dalej"),
        ("<button>Log in or sign up</button><button>Cancel</button>", "Log in or sign up"),
    ] {
        for (fields, found) in [("", "x -"), ("<input type=password name=y>", "x y")] {
            let html = format!(
                "<form method=post><input name=x autocomplete=username>{fields}{buttons}</form>"
            );
            assert_eq!(
                summary_of(&html),
                format!("login in form 0: {found} - by {expected}"),
                "{html}"
            );
        }
    }
    for button in [
        "Register",
        "Create my new account",
        "Konto erstellen",
        "Reset password",
        "Passwort vergessen",
    ] {
        let html = format!(
            "<form method=post><input name=x autocomplete=username><button>Cancel</button>
             <button>{button}</button></form>"
        );
        assert_eq!(summary_of(&html), "LoginFormNotFound", "{html}");
    }
}

#[test]
fn the_login_button_is_told_from_others() {
    for (buttons, expected) in [
        ("<button name=c>Cancel</button><button name=l>Log in</button>", "l"),
        ("<button name=t aria-label='Show password'></button><input type=submit name=l>", "l"),
        (
            "<button name=g value=google>Continue with Google</button><button name=l>Continue</button>",
            "l",
        ),
        ("<button name=l disabled>Log in</button>", "-"),
        // A way that one would choose instead of the password, and a plain one.
        ("<button name=c>Send sign in code</button><button name=l>Sign in</button>", "l"),
        (
            "<button name=c>Sign in with code</button><button name=l>Sign in with password</button>",
            "l",
        ),
        ("<button name=c>Email me a login link</button><button name=l>Log in</button>", "l"),
        ("<button name=c>Log in with SSO</button><button name=l>Log in</button>", "l"),
        ("<button name=provider value=corp>Log in</button><button name=l>Log in</button>", "l"),
        ("<button name=l>Continue with email</button>", "l"),
        ("<button name=a>Entrar</button><button name=b>Ajuda</button>", "a"),
        ("<button name=f formaction=/forgot>Forgot it</button><button name=l>Ok</button>", "l"),
        ("<button type=button name=l>Log in</button>", "-"),
        ("", "-"),
    ] {
        let html = format!(
            "<form method=post><input name=user><input type=password name=pw>{buttons}</form>"
        );
        assert_eq!(
            summary_of(&html),
            format!("login in form 0: user pw - by {expected}"),
            "{buttons}"
        );
    }
}

#[test]
fn a_login_that_only_a_script_could_send_needs_scripts() {
    let script = "<script src=/app.js></script>";
    for form in [
        "<form action='javascript:void(0)' method=post><input name=user><input type=password name=pw></form>",
        "<form method=post><input name=user><input type=password id=pw></form>",
        "<form method=post><input id=user><input type=password name=pw></form>",
        "<form><input name=user><input type=password name=pw></form>",
        "<form><input name=user autocomplete=username><button>Continue</button></form>",
        "<form method=dialog><input name=user><input type=password name=pw></form>",
        "<div><input name=user><input type=password name=pw><button>Log in</button></div>",
        "<main><form method=post action='https://['><input name=user><input type=password name=pw></form></main>",
    ] {
        assert_eq!(summary_of(&format!("{script}{form}")), "ScriptRequired", "{form}");
    }
}

#[test]
fn a_login_that_a_script_would_bring_into_sight_is_used() {
    let form = "<form method=post><div style='display:none'><input name=user><input type=password name=pw></div><button>Go</button></form>";
    assert_eq!(summary_of(&format!("{form}<script></script>")), "login in form 0: user pw - by Go");
    assert_eq!(summary_of(form), "LoginFormNotFound");
}

#[test]
fn scripts_alone_do_not_make_a_page_need_them() {
    for (html, expected) in [
        (
            "<script src=a.js></script><p>The client is not known here, or its address is wrong. Ask who runs it.</p>",
            "LoginFormNotFound",
        ),
        ("<script type=application/json>{}</script><div id=root></div>", "LoginFormNotFound"),
        ("<script src=a.js></script><div id=root></div>", "ScriptRequired"),
        ("<script src=a.js></script><my-login></my-login>", "ScriptRequired"),
        ("<script src=a.js></script><p>Loading</p>", "ScriptRequired"),
        ("<p>Please switch JavaScript on.</p>", "ScriptRequired"),
        (
            "<script></script><noscript>Needs JavaScript</noscript><h1>A</h1><p>A long text that stands there for everybody to read.</p>",
            "ScriptRequired",
        ),
        (
            "<script></script><noscript><img src=/pixel></noscript><h1>A</h1><p>A long text that stands there for everybody to read.</p>",
            "LoginFormNotFound",
        ),
    ] {
        assert_eq!(summary_of(html), expected, "{html}");
    }
}

#[test]
fn refreshes_lead_on_unless_there_is_something_to_fill_in() {
    let login = "<form method=post><input name=user><input type=password name=pw></form>";
    for (html, expected) in [
        ("<meta http-equiv=Refresh content='0;url=/next'>", "Refresh"),
        ("<meta http-equiv=refresh content='3; URL=/next'><script></script>", "Refresh"),
        (
            "<noscript><meta http-equiv=refresh content='0;url=/basic'></noscript><script></script>",
            "Refresh",
        ),
        (
            "<noscript><meta http-equiv=refresh content='0;url=/jsdisabled'></noscript><script></script>",
            "ScriptRequired",
        ),
        // For people who went away.
        ("<meta http-equiv=refresh content='1800;url=/expired'>", "LoginFormNotFound"),
        // The page that is there already.
        ("<meta http-equiv=refresh content=5>", "LoginFormNotFound"),
        ("<meta http-equiv=refresh content='0;url=javascript:x()'>", "LoginFormNotFound"),
        (
            "<template><meta http-equiv=refresh content='0;url=/next'></template>",
            "LoginFormNotFound",
        ),
        (
            &format!("<meta http-equiv=refresh content='0;url=/next'>{login}"),
            "login in form 0: user pw - by -",
        ),
    ] {
        assert_eq!(summary_of(html), expected, "{html}");
    }
}

#[test]
fn forms_that_send_themselves() {
    for (html, expected) in [
        (
            "<body onload='document.forms[0].submit()'><form method=post action=/n><input type=hidden name=x value=1></form>",
            "auto post of form 0",
        ),
        (
            "<form method=post action=/n><input type=hidden name=x value=1><button>Go</button></form><script>document.forms[0].submit()</script>",
            "auto post of form 0",
        ),
        (
            "<form method=post action=/n><input type=hidden name=SAMLRequest value=1><button>Go</button></form>",
            "auto post of form 0",
        ),
        (
            "<form method=post action=/n><input type=hidden name=state value=1><input type=hidden name=error value=access_denied></form>",
            "auto post of form 0",
        ),
        (
            "<form method=post action=/n><input type=hidden name=x value=1><noscript><button>Go</button></noscript></form>",
            "auto post of form 0",
        ),
        (
            "<form method=post action=/n><input type=hidden name=x value=1></form>",
            "LoginFormNotFound",
        ),
        // A text to fill in is for people.
        (
            "<body onload='f.submit()'><form method=post><input type=hidden name=x><input name=city></form><p>Where is it that you live, and since when?</p>",
            "LoginFormNotFound",
        ),
    ] {
        assert_eq!(summary_of(html), expected, "{html}");
    }
}

#[test]
fn the_accepting_button_is_chosen() {
    for (html, expected) in [
        (
            "<form method=post action=/consent><button name=d value=deny>Nie</button><button name=d value=allow>Tak</button></form>",
            "consent in form 0: d []",
        ),
        (
            "<form method=post><button name=no>No, cancel</button></form><form method=post><button name=yes>Yes, continue</button></form>",
            "consent in form 1: yes []",
        ),
        (
            "<form method=post id=consent><button>Do not allow</button><button>Allow</button></form>",
            "consent in form 0: Allow []",
        ),
        (
            "<form method=post id=consent><input type=submit value=Ablehnen><input type=submit value=Zustimmen></form>",
            "consent in form 0: Zustimmen []",
        ),
        (
            "<form method=post id=consent><button>Nie</button><button>Tak</button></form>",
            "consent in form 0: - []",
        ),
        (
            "<form method=post><input type=hidden name=prompt value=consent><button>Hai</button></form>",
            "consent in form 0: Hai []",
        ),
        (
            "<form method=post action=/oauth/authorize><button>Allow Google</button></form>",
            "consent in form 0: Allow Google []",
        ),
        // Nothing but the button says it.
        ("<form method=post><button>Allow</button></form>", "consent in form 0: Allow []"),
        ("<form method=post><button>Allow all cookies</button></form>", "LoginFormNotFound"),
        // A token holds any word by chance.
        (
            "<form method=post id=consent><button name=yes value='x-no-x-deny-0123456789-0123456789-0123456789-0123456789-0123456789'>1</button></form>",
            "consent in form 0: yes []",
        ),
        // Without the box the form would not be sent.
        (
            "<form method=post id=consent><input type=checkbox name=t value=terms required><button>No</button><button>Yes</button></form>",
            "consent in form 0: Yes [\"terms\"]",
        ),
        // Room for a remark, and what is no remark.
        (
            "<form method=post id=consent><textarea name=t></textarea><button>No</button><button>Yes</button></form>",
            "consent in form 0: Yes []",
        ),
        (
            "<form method=post id=consent><input name=t required><button>No</button><button>Yes</button></form>",
            "LoginFormNotFound",
        ),
        (
            "<form method=post id=consent><input name=t><button>Yes</button></form>",
            "LoginFormNotFound",
        ),
        (
            "<form method=post><input name=nickname><button>No</button><button>Yes</button></form>",
            "LoginFormNotFound",
        ),
        // No question, only a way to log in elsewhere.
        (
            "<form method=post action=/oauth/authorize><button>Continue with Google</button></form>",
            "LoginFormNotFound",
        ),
        (
            "<form method=post action=/accounts/google/login><button>Continue with Google</button></form>",
            "LoginFormNotFound",
        ),
    ] {
        assert_eq!(summary_of(html), expected, "{html}");
    }
}

#[test]
fn captchas_stop_a_login_where_they_stand() {
    let form = |inside: &str, outside: &str| {
        summary_of(&format!(
            "<form method=post><input name=user><input type=password name=pw>{inside}<button>Go</button></form>{outside}"
        ))
    };
    for inside in [
        "<div class=h-captcha data-sitekey=k></div>",
        "<div class=cf-turnstile></div>",
        "<img src=/captcha.png><input name=answer>",
        "<input name=captcha>",
        "<input type=hidden name=recaptcha_token>",
    ] {
        assert_eq!(form(inside, ""), "CaptchaRequired", "{inside}");
    }
    let later = "<div id=captcha style='display:none'><div class=g-recaptcha></div></div>";
    assert_eq!(form(later, ""), "login in form 0: user pw - by Go");
    for outside in [
        "<script src=https://www.google.com/recaptcha/api.js></script>",
        "<form method=post action=/register><input name=email><div class=g-recaptcha></div></form>",
        "<form method=post><input name=captcha style=display:none></form>",
    ] {
        assert_eq!(form("", outside), "login in form 0: user pw - by Go", "{outside}");
    }
    assert_eq!(
        summary_of(
            "<h1>One moment</h1><div class=cf-turnstile data-sitekey=k></div><script src=/c.js></script>"
        ),
        "CaptchaRequired"
    );
}

#[test]
fn a_short_word_in_a_token_is_no_hint_at_a_second_factor() {
    let named = |id: &str| {
        let page = page(&format!("<h1>Hello</h1><div id='{id}'></div>"));
        classify(&page, &Overrides::default())
    };
    assert_eq!(named("kc-webauthn"), Found::MfaRequired);
    let token = format!("{}xDuoY{}", "a1".repeat(30), "b2".repeat(30));
    assert_eq!(named(&token), Found::LoginFormNotFound);
    assert_eq!(named("q7XDuoZ9aQ-Wb7Tr_Lm2NsK4vPe8RtY1u"), Found::LoginFormNotFound);
}
