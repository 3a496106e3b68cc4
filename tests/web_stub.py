"""A server on the loopback that answers as it is told, also in ways that no server should."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """What stands at each path, and who asked for what."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.server = server
        self.root = f"http://127.0.0.1:{server.server_address[1]}"
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.stopping = threading.Event()

    def put(
        self, path: str, body: str | bytes, media_type: str = "text/html", status: int = 200, **headers: str
    ) -> str:
        """An answer; returns its address."""
        data = body.encode() if isinstance(body, str) else body

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            request.send_header("Content-Type", media_type)
            request.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            request.end_headers()
            request.wfile.write(data)

        self.answers[path] = answer
        return self.root + path

    def on(self, path: str, answer: Answer) -> str:
        """An answer by hand; returns its address."""
        self.answers[path] = answer
        return self.root + path

    def redirect(self, path: str, to: str) -> str:
        """A redirect; returns its address."""
        return self.put(path, "", status=302, Location=to)


@contextmanager
def site(host: str = "127.0.0.1") -> Iterator[Site]:
    """A site on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked.append(self.path)
            here.headers.append(dict(self.headers.items()))
            answer = here.answers.get(self.path)
            try:
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)
            except OSError:  # the other side had enough
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    here = Site(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        here.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
