"""Serves the project on a port of loopback.

The settings are one JSON text in the first argument: `folder`, `signing_key`, `clients`, and
`people`, each with a secret of one-time codes.
"""

import json
import os
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from loopback import serve

wanted = json.loads(sys.argv[1])

APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.idp.oidc",
]

settings.configure(
    # There is nothing else to see here.
    ACCOUNT_LOGOUT_REDIRECT_URL="/accounts/login/",
    ACCOUNT_EMAIL_VERIFICATION="none",
    ALLOWED_HOSTS=["127.0.0.1"],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(wanted["folder"], "database"),
            "OPTIONS": {"timeout": 30},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN=300,
    IDP_OIDC_INTROSPECTION_ENABLED=True,
    IDP_OIDC_PRIVATE_KEY=wanted["signing_key"],
    INSTALLED_APPS=APPS,
    MFA_SUPPORTED_TYPES=["totp"],
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    # The tables are made from the models, without the history of their changes.
    MIGRATION_MODULES={
        app: None
        for app in ("auth", "contenttypes", "sessions", "account", "mfa", "allauth_idp_oidc")
    },
    # A slow hash is for passwords that people choose.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="allauth_provider.urls",
    SECRET_KEY="a key that signs the requests for consent",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

# Models can be read once Django is set up.
from allauth.idp.oidc.models import Client  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402

for client in wanted["clients"]:
    secret = client.pop("secret")
    made = Client(**client)
    made.set_secret(secret)
    made.save()
for person in wanted["people"]:
    totp = person.pop("totp_secret", None)
    made = User.objects.create_user(**person)
    if totp:
        TOTP.activate(made, totp)

serve(wanted["folder"], lambda origin: get_wsgi_application())
