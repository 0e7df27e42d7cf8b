"""Serves the project on a port of loopback that the system chooses, and with a certificate
in the settings on a second one, over TLS.

The settings are one JSON text in the first argument. The first line on standard output tells
the origins. Every request goes into the log, headers and all, before it is answered.
Everything ends when standard input is closed, so that nothing outlives the test that
started it.

With a key in the settings access tokens are JWTs that oauthlib signs, and the key is
published. They have no `kid`.
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
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "authorization_server",
        "oauth2_provider",
    ],
    # The tables are made from the models, without the history of their changes.
    MIGRATION_MODULES={app: None for app in ("auth", "contenttypes", "oauth2_provider")},
    # Knows the length of answers, so that connections are kept open.
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    OAUTH2_PROVIDER={
        "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
        "DEFAULT_SCOPES": [],
        "SCOPES": {
            "introspection": "Ask about tokens",
            "monitoring:health": "Be monitored",
            "monitoring:other": "Something else",
        },
        **(jwts if "signing_key" in wanted else {}),
        **wanted.get("toolkit", {}),
    },
    OAUTH2_PROVIDER_APPLICATION_MODEL="authorization_server.Client",
    # Secrets are stored as hashes; a slow hash is for those that people choose.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="authorization_server.urls",
    SECRET_KEY="nothing is signed here",
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

application = get_wsgi_application()
log = open(os.path.join(wanted["folder"], "requests"), "a", buffering=1, encoding="utf-8")


def logged(environ, start_response):
    """The application, with each request in the log first."""
    headers = {
        name.removeprefix("HTTP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    site = environ["wsgi.url_scheme"]
    log.write(json.dumps({"site": site, "request": request, "headers": headers}) + "\n")
    return application(environ, start_response)


def serve(scheme):
    """Serves over http or https, and returns the origin."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(logged)
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
