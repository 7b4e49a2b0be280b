"""A server that answers byte for byte what a test tells it to, for what no decent ERP would do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    """One request: `head` is its first line and headers, `connection` counts connections from 1."""

    head: str
    body: bytes
    connection: int

    @property
    def target(self) -> str:
        return self.head.split(" ")[1]

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


Script = Callable[[Received], Iterable[bytes] | None]
"""The pieces of the answer; None closes the connection without one, CLOSE behind them closes it."""

CLOSE = b""


@dataclass
class ScriptedServer:
    url: str
    requests: list[Received] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def dribble(self, content: bytes, gap: float) -> Iterator[bytes]:
        """One byte after the other, until the test is over."""
        for byte in content:
            yield bytes([byte])
            if self.stopping.wait(gap):
                return


def answer(status: int, body: str | bytes = "", **headers: str) -> list[bytes]:
    """A decent answer in one piece; `_` in a header's name is `-`."""
    content = body.encode() if isinstance(body, str) else body
    given = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in given.items())]
    return ["\r\n".join([*lines, "", ""]).encode() + content]


@contextmanager
def scripted_server(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Serve until the block ends; each connection has a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    scheme = "https" if tls else "http"
    server = ScriptedServer(f"{scheme}://localhost:{listener.getsockname()[1]}/api")
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            thread = threading.Thread(target=serve, args=(connection, len(connections)))
            threads.append(thread)
            thread.start()

    def serve(connection: socket.socket, number: int) -> None:
        try:
            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                while received := _receive(stream, number):
                    server.requests.append(received)
                    pieces = script(received)
                    if pieces is None:
                        return
                    for piece in pieces:
                        if piece == CLOSE:
                            return
                        stream.sendall(piece)
        except OSError:
            return  # the client has gone, as some tests want it
        finally:
            connection.close()
            server.closed.set()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        server.stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for connection in connections:
            _shut(connection)
        for thread in threads:
            thread.join()


def _receive(stream: socket.socket, number: int) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = stream.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    received = Received(head.decode("latin-1"), body, number)
    expected = int(received.header("Content-Length") or 0)
    while len(received.body) < expected:
        received.body += stream.recv(65536)
    return received


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
