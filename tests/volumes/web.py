"""A web server on this machine, for tests of what is far away."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple


class Server(NamedTuple):
    """A server that is running."""

    address: str
    asked: list[str]
    """Paths that were asked for."""

    refused: dict[str, int]
    """Part of a path -> status that is answered instead of a file."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Gives files, or what `Server.refused` says, and logs nothing."""

    def __init__(self, *args: object, server_of: list[Server], **options: object) -> None:
        self.ours = server_of
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        [server] = self.ours
        server.asked.append(self.path)
        status = next((s for part, s in server.refused.items() if part in self.path), None)
        if status is None:
            super().do_GET()
        else:
            self.send_error(status)

    def send_head(self) -> object:
        path = Path(self.translate_path(self.path))
        if path.is_dir():  # as a bucket, which has no folders
            self.send_error(404)
            return None
        if "Range" in self.headers and path.is_file():
            return self.send_part(path)
        return super().send_head()

    def send_part(self, path: Path) -> None:
        """Answer a request for some bytes of a file."""
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        data = path.read_bytes()
        start = int(first) if first else max(0, len(data) - int(last))
        stop = int(last) + 1 if first and last else len(data)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.wfile.write(data[start:stop])

    def end_headers(self) -> None:
        self.send_header("ETag", '"1"')  # S3 has one for everything
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Patient(http.server.ThreadingHTTPServer):
    """Keeps many callers waiting: one that is turned away calls again only after a second."""

    request_queue_size = 256


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve a folder until the body ends."""
    known: list[Server] = []
    handler = partial(Quiet, directory=str(folder), server_of=known)
    with Patient(("127.0.0.1", 0), handler) as server:
        known.append(Server(f"http://127.0.0.1:{server.server_port}", [], {}))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield known[0]
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> str:
    """Return the address of a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Give the address of a server that takes requests and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
