"""HTTP/1.1 as far as the simulator needs it, on real sockets, with deliveries that go wrong.

`http.server` sends head and body in two packets, which costs 40 ms an answer between Nagle and
delayed ACK, and it parses heads through the e-mail package.  Here a whole answer is one send.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, unquote

HOST = "127.0.0.1"
_MOST_LINE = 65_536
_MOST_BODY = 64 * 1024 * 1024
_DRIBBLES = 20
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class MalformedRequest(Exception):
    """The peer does not speak HTTP/1.1 with a counted body."""


@dataclass(frozen=True)
class Request:
    """One request; header names are lower case, `query` holds the last value of each name."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


class Delivery(Enum):
    """How an answer travels."""

    WHOLE = "whole"
    NONE = "none"  # the connection is closed without a byte
    TRUNCATED = "truncated"  # the head promises more than is sent, then the connection is closed
    DRIBBLING = "dribbling"  # the body comes in small pieces over `seconds`


@dataclass(frozen=True)
class Response:
    """An answer and how it travels."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0

    def head(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


Face = Callable[[Request], Response]
"""Anything that answers requests below a path prefix."""


class Server(socketserver.ThreadingTCPServer):
    """A thread per connection; `faces` maps path prefixes to faces, the first that fits answers."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, faces: Mapping[str, Face], stopping: threading.Event) -> None:
        self._faces = faces
        self.stopping = stopping
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__((HOST, port), _Connection)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def answer(self, request: Request) -> Response:
        for prefix, face in self._faces.items():
            if request.path.startswith(prefix):
                return face(request)
        return Response(404, b'{"error":{"code":"no_such_path","message":"no such path"}}')

    def stop(self) -> None:
        """End every connection and every wait; returns when all threads have ended."""
        self.stopping.set()
        self.shutdown()
        with self._connections_lock:
            for connection in self._connections:
                # A peer may have closed first; then there is nothing left to shut down.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    @contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Keep the connection in reach of `stop` while it is served."""
        with self._connections_lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._connections_lock:
                self._connections.discard(connection)


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        server = cast(Server, self.server)
        with server.connected(self.connection):
            try:
                while not server.stopping.is_set() and self._exchange(server):
                    pass
            except ConnectionError:
                # The client gave up (its read time-out, its death): what was booked stays booked.
                return

    def _exchange(self, server: Server) -> bool:
        """Answer one request; False when the connection ends with it."""
        try:
            request = read_request(self.rfile)
        except MalformedRequest as malformed:
            body = f'{{"error":{{"code":"malformed","message":"{malformed}"}}}}'
            self._deliver(Response(400, body.encode()), server.stopping)
            return False
        if request is None:
            return False
        response = server.answer(request)
        self._deliver(response, server.stopping)
        return request.keep_alive and response.delivery in (Delivery.WHOLE, Delivery.DRIBBLING)

    def _deliver(self, response: Response, stopping: threading.Event) -> None:
        send = self.connection.sendall
        if response.delivery is Delivery.WHOLE:
            send(response.head() + response.body)
        elif response.delivery is Delivery.TRUNCATED:
            send(response.head() + response.body[: len(response.body) // 2])
        elif response.delivery is Delivery.DRIBBLING:
            send(response.head())
            size = -(-len(response.body) // _DRIBBLES) or 1
            for start in range(0, len(response.body), size):
                if stopping.wait(response.seconds / _DRIBBLES):
                    return
                send(response.body[start : start + size])


def read_request(stream: BinaryIO | Any) -> Request | None:
    """The next request, or None when the peer has closed.  Raises MalformedRequest."""
    first = stream.readline(_MOST_LINE)
    if not first:
        return None
    try:
        method, target, version = first.decode("latin-1").split()
    except ValueError:
        raise MalformedRequest("the request line is not HTTP/1.1") from None
    headers = _read_headers(stream)
    if "transfer-encoding" in headers:
        raise MalformedRequest("send a Content-Length, not a Transfer-Encoding")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _MOST_BODY:
        raise MalformedRequest("the Content-Length is no length")
    body = stream.read(int(length))
    if len(body) < int(length):
        return None
    path, _, query = target.partition("?")
    connection = headers.get("connection", "keep-alive" if version == "HTTP/1.1" else "close")
    return Request(
        method=method,
        target=target,
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        headers=headers,
        body=body,
        keep_alive=connection.lower() != "close",
    )


def _read_headers(stream: BinaryIO | Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = stream.readline(_MOST_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line:
            raise ConnectionAbortedError("the peer closed in the middle of a head")
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise MalformedRequest("a header line has no colon")
        headers[name.strip().lower()] = value.strip()
