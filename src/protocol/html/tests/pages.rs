//! Login pages of well-known makes: their structure, in our own words.

use super::*;

macro_rules! pages {
    ($($name:ident $file:literal => $expected:literal,)+) => {
        $(#[test] fn $name() {
            assert_eq!(summary_of(include_str!(concat!("pages/", $file, ".html"))), $expected);
        })+
    };
}

pages! {
    keycloak "keycloak" => "login in form 0: username password - by login",
    keycloak_code "keycloak-otp" => "code in form 0: - - otp by login",
    keycloak_security_key "keycloak-webauthn" => "MfaRequired",
    keycloak_consent "keycloak-consent" => "consent in form 0: accept []",
    keycloak_form_post "keycloak-form-post" => "auto post of form 0",
    identifier_first "identifier-first" => "login in form 1: username - - by action",
    identifier_first_password "identifier-first-password" => "login in form 0: - password - by action",
    widget_of_a_script "okta-like" => "ScriptRequired",
    configuration_for_a_script "azure-like" => "ScriptRequired",
    shell_that_says_so "spa-shell" => "ScriptRequired",
    shell_that_says_nothing "spa-bare" => "ScriptRequired",
    portal_of_a_script "authelia-like" => "ScriptRequired",
    adfs_without_a_button "adfs" => "login in form 0: UserName Password - by -",
    saml_post_binding "saml-post" => "auto post of form 0",
    django_admin "django-admin" => "login in form 0: username password - by Log in",
    django_allauth_among_decoys "allauth" => "login in form 3: login password - by Sign In",
    django_oauth_toolkit_refuses_first "django-oauth-toolkit" => "consent in form 0: allow []",
    gitlab "gitlab" => "login in form 1: user[login] user[password] - by Sign in",
    gitlab_code "gitlab-otp" => "code in form 0: - - user[otp_attempt] by commit",
    doorkeeper_refuses_in_another_form "doorkeeper" => "consent in form 2: Let it in []",
    oidc_provider_login "oidc-provider-login" => "login in form 0: login password - by Sign-in",
    oidc_provider_consent "oidc-provider-consent" => "consent in form 0: Continue []",
    dex "dex" => "login in form 0: login password - by Login",
    dex_approval_in_words_unknown_here "dex-approval" => "consent in form 1: Dalej []",
    hydra_login_with_a_refusal "hydra-login" => "login in form 0: email password - by submit",
    hydra_consent_with_scopes "hydra-consent" => "consent in form 0: submit [\"openid\", \"offline\"]",
    identityserver_consent_with_a_remark "identityserver-consent" => "consent in form 0: Input.Button []",
    phpbb_among_decoys "phpbb" => "login in form 1: username password - by login",
    portal_with_registration "portal-with-registration" => "login in form 1: email password - by Go",
    optional_code_stays_empty "optional-otp" => "login in form 0: u p - by Log in",
    code_by_message "sms" => "MfaRequired",
    captcha_in_the_form "captcha" => "CaptchaRequired",
    choice_of_second_factors "two-factor-choice" => "MfaRequired",
    error_page_with_a_script "error" => "LoginFormNotFound",
    change_of_password "change-password" => "LoginFormNotFound",
}

#[test]
fn the_login_button_of_hydra_is_not_the_one_that_denies() {
    let page = page(include_str!("pages/hydra-login.html"));
    let Found::Login(login) = found(&page) else { unreachable!() };
    assert_eq!(page.forms[0].controls[login.submit.unwrap()].value, "Log in");
}

#[test]
fn the_consent_of_hydra_ticks_the_scopes_and_does_not_remember() {
    let page = page(include_str!("pages/hydra-consent.html"));
    let Found::Consent(consent) = found(&page) else { unreachable!() };
    let mut filling = Filling::new().submitter(consent.accept);
    for grant in consent.grants {
        filling = filling.check(grant);
    }
    let sent = page.submission(0, &filling, "").unwrap();
    assert_eq!(
        sent.body.unwrap(),
        "challenge=ch-1&_csrf=c&grant_scope=openid&grant_scope=offline&submit=Allow+access"
    );
}

#[test]
fn the_remark_beside_a_consent_stays_empty() {
    let page = page(include_str!("pages/identityserver-consent.html"));
    let Found::Consent(consent) = found(&page) else { unreachable!() };
    let sent = page.submission(0, &Filling::new().submitter(consent.accept), "").unwrap();
    assert_eq!(
        sent.body.unwrap(),
        "Input.ReturnUrl=%2Fconnect%2Fauthorize%2Fcallback&Input.ScopesConsented=openid\
         &Input.ScopesConsented=berths&Input.Description=&Input.RememberConsent=true\
         &Input.Button=yes&__RequestVerificationToken=t"
    );
}

#[test]
fn a_form_post_is_sent_without_the_button_for_scriptless_people() {
    let page = page(include_str!("pages/keycloak-form-post.html"));
    let sent = page.submission(0, &Filling::new(), "").unwrap();
    assert_eq!(sent.url.as_str(), "https://app.example/callback");
    assert_eq!(
        sent.body.unwrap(),
        "code=c-1&state=s%261&iss=https%3A%2F%2Fsso.example%2Frealms%2Fharbour"
    );
}

#[test]
fn a_saml_response_goes_where_its_escaped_action_says() {
    let page = page(include_str!("pages/saml-post.html"));
    let sent = page.submission(0, &Filling::new(), "").unwrap();
    assert_eq!(sent.url.as_str(), "https://sp.example/acs");
    assert_eq!(sent.body.unwrap(), "SAMLResponse=PHNhbWxwOlJlc3BvbnNlLz4%3D&RelayState=r%221");
}

#[test]
fn a_filled_login_sends_hidden_fields_and_leaves_boxes_as_they_are() {
    let page = page(include_str!("pages/gitlab.html"));
    let Found::Login(login) = found(&page) else { unreachable!() };
    let filling = Filling::new()
        .text(login.identifier.unwrap(), "ada")
        .secret(login.password.unwrap(), "p w")
        .submitter(login.submit);
    let sent = page.submission(login.form, &filling, "").unwrap();
    assert_eq!(sent.url.as_str(), "https://auth.example/users/sign_in");
    assert_eq!(
        sent.body.unwrap(),
        "authenticity_token=t1&user%5Blogin%5D=ada&user%5Bpassword%5D=p+w&user%5Bremember_me%5D=0"
    );
}
