"""A port of loopback that the system chooses, for a WSGI application that is made once its
origin is known. It ends when standard input is closed, so that nothing outlives the test that
started it.
"""

import json
import os
import sys
import threading

from werkzeug.serving import make_server

from request_log import logged


def serve(folder, make_application):
    """Makes an application for an origin and serves it, with its requests in a log of the folder.
    The first line on standard output tells the origin."""
    server = make_server("127.0.0.1", 0, None, threaded=True)
    origin = f"http://127.0.0.1:{server.port}"
    server.app = logged(make_application(origin), folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"http": origin}), flush=True)
    sys.stdin.read()
    # Connections may still be open.
    os._exit(0)
