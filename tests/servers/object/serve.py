"""Starts moto on a free port of 127.0.0.1, which works on one request after the other.

moto looks whether an object is there, and then writes it. Its threads interleave these two steps, so that several
conditional writes of one name may succeed. No store that keeps conditions does that.
"""

import io
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """Calls an application for one request after the other. A body that comes slowly holds up no other request."""

    def __init__(self, application):
        self.application = application
        self.turn = threading.Lock()

    def __call__(self, environ, start_response):
        length = environ.get("CONTENT_LENGTH")
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if length or is_chunked:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length) if length else -1))
        with self.turn:
            return self.application(environ, start_response)


run_simple(
    "127.0.0.1",
    0,
    OneAtATime(DomainDispatcherApplication(create_backend_app)),
    threaded=True,
    request_handler=MotoRequestHandler,
)
