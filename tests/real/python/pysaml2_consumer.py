"""A service provider of pysaml2 on a port of loopback, which begins a session for every response
that the library accepts.

The settings are one JSON text in the first argument: `folder`, `entity_id`, `pair` (a `key` and a
`certificate`) and `provider` (`entity_id` and a pair).
"""

import json
import secrets
import sys

from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import SPConfig
from werkzeug.wrappers import Request, Response

from loopback import serve
from pysaml2_settings import SHA256, common, files_of, provider_metadata, signed_metadata

wanted = json.loads(sys.argv[1])
folder = wanted["folder"]


def make_application(origin):
    provider = wanted["provider"]
    known = files_of(folder, "provider", provider["pair"])
    others = [provider_metadata(provider["entity_id"], "http://127.0.0.1/sso", known)]
    files = files_of(folder, "consumer", wanted["pair"])
    settings = common(wanted["entity_id"], files, others)
    pair = {"key_file": files["key"], "cert_file": files["certificate"]}
    settings["encryption_keypairs"] = [pair]
    settings["service"] = {
        "sp": {
            "endpoints": {"assertion_consumer_service": [(f"{origin}/acs", BINDING_HTTP_POST)]},
            # Somebody else made the request.
            "allow_unsolicited": True,
            "want_response_signed": False,
            "want_assertions_signed": True,
        }
    }
    config = SPConfig().load(settings)
    client = Saml2Client(config=config)
    metadata = signed_metadata(config, SHA256)

    @Request.application
    def answer(request):
        if request.path == "/metadata":
            return Response(metadata, content_type="application/samlmetadata+xml")
        if request.path != "/acs":
            return Response(status=404)
        try:
            client.parse_authn_request_response(request.form["SAMLResponse"], BINDING_HTTP_POST)
        except Exception as error:  # Whatever it is, nobody comes in.
            print(repr(error), flush=True)
            return Response("refused", status=403)
        response = Response(status=303, headers={"Location": "/home"})
        response.set_cookie("session", secrets.token_urlsafe(), httponly=True)
        return response

    return answer


serve(folder, make_application)
