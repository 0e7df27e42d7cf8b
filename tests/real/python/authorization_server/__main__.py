"""Serves the project on a port of loopback that the system chooses, and with a certificate
in the settings on a second one, over TLS.

The settings are one JSON text in the first argument. The first line on standard output tells
the origins. Every request goes into the log, headers and all, before it is answered.
Everything ends when standard input is closed, so that nothing outlives the test that
started it.

With a key in the settings access tokens are JWTs that oauthlib signs, and the key is
published. They have no `kid`. With a key for OpenID people log in on the page of Django's
administration, and get ID tokens.
"""

import json
import os
import ssl
import sys
import threading
import time
import uuid
from datetime import timedelta

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from oauthlib.oauth2.rfc6749.tokens import signed_token_generator

from request_log import logged

wanted = json.loads(sys.argv[1])
origins = {}


def signed(request):
    """A JWT for a request, with what tells it from others of the same second."""
    claims = {
        "iss": origins["http"],
        "aud": "https://api.example",
        "sub": request.user.get_username() if request.user else request.client.client_id,
        "iat": int(time.time()),
        "jti": str(uuid.uuid4()),
    }
    return signed_token_generator(wanted["signing_key"], **claims)(request)


jwts = {
    "ACCESS_TOKEN_GENERATOR": signed,
    # The one of OpenID Connect takes a JWT at an API for an id_token.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.Server",
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": wanted.get("signing_key"),
}

openid = {
    "OIDC_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": wanted.get("openid_key"),
}

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(wanted["folder"], "database"),
            "OPTIONS": {"timeout": 30},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "authorization_server",
        "oauth2_provider",
    ],
    # The tables are made from the models, without the history of their changes.
    MIGRATION_MODULES={
        app: None for app in ("admin", "auth", "contenttypes", "oauth2_provider", "sessions")
    },
    LOGIN_URL="/admin/login/",
    MIDDLEWARE=[
        # Knows the length of answers, so that connections are kept open.
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    OAUTH2_PROVIDER={
        "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
        "DEFAULT_SCOPES": [],
        "SCOPES": {
            "introspection": "Ask about tokens",
            "monitoring:health": "Be monitored",
            "monitoring:other": "Something else",
            "openid": "Tell who you are",
        },
        **(openid if "openid_key" in wanted else {}),
        **(jwts if "signing_key" in wanted else {}),
        **wanted.get("toolkit", {}),
    },
    OAUTH2_PROVIDER_APPLICATION_MODEL="authorization_server.Client",
    # Secrets are stored as hashes; a slow hash is for those that people choose.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="authorization_server.urls",
    SECRET_KEY="a key that signs sessions",
    STATIC_URL="/static/",
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
from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken  # noqa: E402

from authorization_server.models import Client  # noqa: E402

for client in wanted.get("clients", []):
    Client.objects.create(**client)
Client.objects.filter(client_id__in=wanted.get("deleted", [])).delete()
for person in wanted.get("people", []):
    User.objects.create_user(**person)
for token in wanted.get("tokens", []):
    AccessToken.objects.create(expires=timezone.now() + timedelta(hours=1), **token)

application = logged(get_wsgi_application(), wanted["folder"])


def serve(scheme):
    """Serves over http or https, and returns the origin."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(application)
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(wanted["certificate"]["chain"], wanted["certificate"]["key"])
        # The handshake belongs into the thread of the connection.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.base_environ["HTTPS"] = "on"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{scheme}://127.0.0.1:{server.server_port}"


origins["http"] = serve("http")
if "certificate" in wanted:
    origins["https"] = serve("https")
print(json.dumps(origins), flush=True)
sys.stdin.read()
# Connections may still be open.
os._exit(0)
