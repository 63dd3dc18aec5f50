"""A small server for the h5web page: the page itself, whole files, and parts of files (h5grove)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class _Refused(Exception):  # noqa: N818  what h5grove raises for what is not there
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(SimpleHTTPRequestHandler):
    """Serves `directory` (the page), ``/files/`` and ``/grove/`` from the folder of the data."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012
        ".html": "text/html",
        ".js": "text/javascript",
        ".css": "text/css",
        "": "application/octet-stream",
    }

    def __init__(self, *args: Any, data: Path, **more: Any) -> None:
        self.data = data
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path.startswith("/files/"):
            self._send(200, (self.data / unquote(place.path[7:])).read_bytes())
        elif place.path.startswith("/grove/"):
            query = {name: values[-1] for name, values in parse_qs(place.query).items()}
            keys = parse_qs(place.query).get("attr_keys")
            try:
                self._send(200, *self._grove(place.path[7:].strip("/"), query, keys))
            except _Refused as refused:
                self._send(refused.status, str(refused).encode())
        else:
            super().do_GET()

    def _grove(
        self, what: str, query: dict[str, str], keys: list[str] | None
    ) -> tuple[bytes, dict[str, str]]:
        from h5grove.content import get_content_from_file
        from h5grove.encoders import encode

        path = str(self.data / query["file"])
        links = query.get("resolve_links", "only_valid")
        with get_content_from_file(path, query.get("path", "/"), _Refused, links) as content:
            if what == "attr":
                answer = encode(content.attributes(keys))
            elif what == "data":
                flat = query.get("flatten", "").lower() == "true"
                data = content.data(query.get("selection"), flat, query.get("dtype", "origin"))
                answer = encode(data, query.get("format", "json"))
            elif what == "meta":
                answer = encode(content.metadata())
            else:
                raise _Refused(404, f"no {what} here")
        chunks = answer.content
        body = chunks if isinstance(chunks, bytes) else b"".join(chunks)
        return body, dict(answer.headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


@contextmanager
def serving(page: Path, data: Path) -> Iterator[str]:
    """Serve a built page and the files of a folder on loopback; give the address."""
    handler = functools.partial(_Handler, directory=str(page), data=data)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
