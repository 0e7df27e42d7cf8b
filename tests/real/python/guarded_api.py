"""An API that judges JWT access tokens with Authlib (RFC 9068), on a port of loopback that
the system chooses.

The settings are one JSON text in the first argument: the issuer, and the audience that the
API is. The first line on standard output tells the origin. Everything ends when standard
input is closed, so that nothing outlives the test that started it.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

from authlib.oauth2 import OAuth2Error, ResourceProtector
from authlib.oauth2.rfc6749 import JsonRequest
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

wanted = json.loads(sys.argv[1])


class Validator(JWTBearerTokenValidator):
    """Takes the keys as they are now."""

    def get_jwks(self):
        with urlopen(f"{self.issuer}/jwks", timeout=10) as answer:
            return json.load(answer)


protector = ResourceProtector()
protector.register_token_validator(Validator(wanted["issuer"], wanted["audience"], realm="api"))


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
