"""Writes down every request, headers and body and all, before it is answered."""

import io
import json
import os


def logged(application, folder):
    """The application, with each request in the log of a folder first."""
    log = open(os.path.join(folder, "requests"), "a", buffering=1, encoding="utf-8")

    def log_and_answer(environ, start_response):
        headers = {
            name.removeprefix("HTTP_").lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        line = {
            "site": environ["wsgi.url_scheme"],
            "request": f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
            "headers": headers,
            "body": body.decode(errors="replace"),
        }
        log.write(json.dumps(line) + "\n")
        return application(environ, start_response)

    return log_and_answer
