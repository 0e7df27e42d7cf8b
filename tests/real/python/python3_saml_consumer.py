"""A service provider of python3-saml on a port of loopback, which remembers the assertions that it
took, as the documentation of the library asks for.

The settings are one JSON text in the first argument: `folder`, `entity_id`, `pair` (a `key` and a
`certificate`) and `provider` (`entity_id` and a pair).
"""

import json
import secrets
import sys

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from werkzeug.wrappers import Request, Response

from loopback import serve

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"

wanted = json.loads(sys.argv[1])


def make_application(origin):
    provider = wanted["provider"]
    settings = {
        "strict": True,
        "sp": {
            "entityId": wanted["entity_id"],
            "assertionConsumerService": {"url": f"{origin}/acs", "binding": POST},
            "x509cert": wanted["pair"]["certificate"],
            "privateKey": wanted["pair"]["key"],
        },
        "idp": {
            "entityId": provider["entity_id"],
            "singleSignOnService": {"url": "http://127.0.0.1/sso", "binding": REDIRECT},
            "x509cert": provider["pair"]["certificate"],
        },
        "security": {
            "wantAssertionsSigned": True,
            "signMetadata": True,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "wantNameId": True,
        },
    }
    checked = OneLogin_Saml2_Settings(settings, custom_base_path=wanted["folder"])
    metadata = checked.get_sp_metadata()
    taken = set()

    @Request.application
    def answer(request):
        if request.path == "/metadata":
            return Response(metadata, content_type="application/samlmetadata+xml")
        if request.path != "/acs":
            return Response(status=404)
        seen = {
            "https": "off",
            "http_host": origin.removeprefix("http://"),
            "script_name": request.path,
            "get_data": request.args.to_dict(),
            "post_data": request.form.to_dict(),
        }
        auth = OneLogin_Saml2_Auth(seen, old_settings=checked)
        auth.process_response()
        if not auth.is_authenticated() or auth.get_last_assertion_id() in taken:
            print(auth.get_last_error_reason(), flush=True)
            return Response("refused", status=403)
        taken.add(auth.get_last_assertion_id())
        response = Response(status=303, headers={"Location": "/home"})
        response.set_cookie("session", secrets.token_urlsafe(), httponly=True)
        return response

    return answer


serve(wanted["folder"], make_application)
