"""Serves Canaille, an identity server that asks for the name, the password and a one-time code
on a page each, on a port of loopback.

The settings are one JSON text in the first argument: `folder`, `signing_key`, `factors`,
`clients`, and `people`, each with a secret of one-time codes.
"""

import datetime
import json
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey

from loopback import serve

wanted = json.loads(sys.argv[1])
signing_key = RSAKey.import_key(wanted["signing_key"]).as_dict(private=True)


def make_application(origin):
    app = create_app(
        {
            "SECRET_KEY": "a key that signs sessions",
            "SERVER_NAME": origin.removeprefix("http://"),
            "PREFERRED_URL_SCHEME": "http",
            "CACHE_TYPE": "SimpleCache",
            "CANAILLE": {
                "DATABASE": "memory",
                "AUTHENTICATION_FACTORS": wanted["factors"],
                "SMTP": None,
            },
            "CANAILLE_OIDC": {
                "ACTIVE_JWKS": [signing_key],
                # Otherwise no client of loopback has to ask for consent.
                "TRUSTED_DOMAINS": [],
            },
        }
    )
    with app.app_context(), Backend.instance.session():
        for person in wanted["people"]:
            person = models.User(
                **person, last_otp_login=datetime.datetime.now(datetime.timezone.utc)
            )
            Backend.instance.save(person)
        for client in wanted["clients"]:
            client = models.Client(**client)
            Backend.instance.save(client)
            client.audience = [client]
            Backend.instance.save(client)
    return app


serve(wanted["folder"], make_application)
