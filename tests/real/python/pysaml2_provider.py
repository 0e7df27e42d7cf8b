"""An identity provider of pysaml2 on a port of loopback, with a login page of our own.

The settings are one JSON text in the first argument: `folder`, `entity_id`, `signing` (a `key` and
a `certificate`), `people`, `consumer` (`entity_id`, `acs_url`, and a pair that is encrypted for),
and how the response is to be: `sign_response`, `sign_assertion`, `encrypt`, and the `audience`
where that is not the consumer. `sha1` leaves the library its own algorithms.
"""

import json
import secrets
import sys

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_TRANSIENT
from saml2.server import Server
from werkzeug.wrappers import Request, Response

from loopback import serve
from pysaml2_settings import SHA256, common, consumer_metadata, files_of, signed_metadata

wanted = json.loads(sys.argv[1])
folder = wanted["folder"]

PAGE = """<!DOCTYPE html><html lang="en"><title>Sign in</title><body><h1>Sign in</h1><p>{error}</p>
<form method="post" action="/login">
  <input type="hidden" name="asked" value="{asked}">
  <label>Name <input name="name" required></label>
  <label>Password <input type="password" name="password" required></label>
  <button>Sign in</button>
</form></body></html>"""


def make_application(origin):
    consumer = wanted["consumer"]
    consumers = [(consumer["entity_id"], consumer["acs_url"])]
    if wanted.get("audience"):
        consumers.append((wanted["audience"], consumer["acs_url"] + "/other"))
    encryption = files_of(folder, "consumer", consumer["pair"])
    others = [consumer_metadata(entity_id, url, encryption) for entity_id, url in consumers]
    settings = common(wanted["entity_id"], files_of(folder, "provider", wanted["signing"]), others)
    bindings = [(f"{origin}/sso", BINDING_HTTP_REDIRECT), (f"{origin}/sso", BINDING_HTTP_POST)]
    settings["service"] = {
        "idp": {
            "endpoints": {"single_sign_on_service": bindings},
            "want_authn_requests_signed": wanted.get("want_signed_requests", False),
            "sign_response": wanted.get("sign_response", False),
            "sign_assertion": wanted.get("sign_assertion", True),
            "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
            "name_id_format": [NAMEID_FORMAT_TRANSIENT],
        }
    }
    config = IdPConfig().load(settings)
    server = Server(config=config)
    algorithms = {} if wanted.get("sha1") else SHA256
    metadata = signed_metadata(config, algorithms)
    asked = {}

    def page(key, error=""):
        return Response(PAGE.format(asked=key, error=error), content_type="text/html; charset=utf-8")

    def begin(values, binding):
        signature = {"sigalg": values.get("SigAlg"), "signature": values.get("Signature")}
        request = server.parse_authn_request(
            values["SAMLRequest"], binding, relay_state=values.get("RelayState"), **signature
        )
        key = secrets.token_urlsafe()
        asked[key] = (request.message, values.get("RelayState", ""))
        return page(key)

    def log_in(form):
        known = {person["username"]: person["password"] for person in wanted["people"]}
        if known.get(form["name"]) != form["password"]:
            return page(form["asked"], "Name or password is wrong.")
        message, relay_state = asked.pop(form["asked"])
        arguments = server.response_args(message)
        arguments["sp_entity_id"] = wanted.get("audience") or arguments["sp_entity_id"]
        response = server.create_authn_response(
            {"uid": form["name"], "mail": f"{form['name']}@app.example"},
            userid=form["name"],
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": wanted["entity_id"]},
            encrypt_assertion=wanted.get("encrypt", False),
            **algorithms,
            **{name: arguments[name] for name in ("in_response_to", "destination", "sp_entity_id")},
        )
        back = server.apply_binding(
            BINDING_HTTP_POST,
            f"{response}",
            arguments["destination"],
            relay_state,
            response=True,
        )
        return Response(back["data"], content_type="text/html; charset=utf-8")

    @Request.application
    def answer(request):
        if request.path == "/metadata":
            return Response(metadata, content_type="application/samlmetadata+xml")
        if request.path == "/sso" and request.method == "GET":
            return begin(request.args, BINDING_HTTP_REDIRECT)
        if request.path == "/sso":
            return begin(request.form, BINDING_HTTP_POST)
        if request.path == "/login":
            return log_in(request.form)
        return Response(status=404)

    return answer


serve(folder, make_application)
