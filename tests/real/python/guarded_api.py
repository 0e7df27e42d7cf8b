"""An API guarded by Authlib, on a port of loopback that the system chooses.

The settings are one JSON text in the first argument. With an issuer and the audience that
the API is, it judges JWT access tokens by itself (RFC 9068); with an introspection endpoint
and a client's credential it asks about each token (RFC 7662). The first line on standard output tells the origin. Everything ends when standard
input is closed, so that nothing outlives the test that started it.
"""

import base64
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from authlib.oauth2 import OAuth2Error, ResourceProtector
from authlib.oauth2.rfc6749 import JsonRequest
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

wanted = json.loads(sys.argv[1])


class Verifier(JWTBearerTokenValidator):
    """Takes the keys as they are now."""

    def get_jwks(self):
        with urlopen(f"{self.issuer}/jwks", timeout=10) as answer:
            return json.load(answer)


class Asker(IntrospectTokenValidator):
    """Remembers nothing."""

    def introspect_token(self, token_string):
        credential = base64.b64encode(":".join(wanted["credential"]).encode()).decode()
        question = Request(
            wanted["introspection_endpoint"],
            urlencode({"token": token_string}).encode(),
            {"Authorization": f"Basic {credential}"},
        )
        with urlopen(question, timeout=10) as answer:
            return json.load(answer)


protector = ResourceProtector()
if "introspection_endpoint" in wanted:
    protector.register_token_validator(Asker(realm="api"))
else:
    verifier = Verifier(wanted["issuer"], wanted["audience"], realm="api")
    protector.register_token_validator(verifier)


class Handler(BaseHTTPRequestHandler):
    """Answers those who may read."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body, headers = 200, {"status": "ok"}, [("Content-Type", "application/json")]
        try:
            request = JsonRequest("GET", self.path, self.headers)
            protector.validate_request(["monitoring:health"], request)
        except OAuth2Error as error:
            status, body, headers = error()
            body = dict(body)
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps(f"http://127.0.0.1:{server.server_port}"), flush=True)
sys.stdin.read()
# Connections may still be open.
os._exit(0)
