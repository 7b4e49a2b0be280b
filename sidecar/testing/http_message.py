"""HTTP/1.1 messages as they stand on the wire: byte for byte, only framed.

For a proxy, which must hand on what it does not understand.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer; `closes`: its end is the end of the connection."""

    head: bytes
    body: bytes
    closes: bool = False

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def truncated(self) -> Message:
        """Half of the body under a head that is right about it."""
        body = self.body[: len(self.body) // 2]
        kept = [
            line
            for line in self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
            if not line.lower().startswith((b"content-length:", b"transfer-encoding:"))
        ]
        head = b"\r\n".join([*kept, b"Content-Length: %d" % len(body), b"", b""])
        return Message(head, body)


class MessageReader:
    """Messages out of a connection, framed by count, by chunks or by the connection's end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def request(self) -> Message | None:
        """The next request; None when the connection ended before it was whole."""
        head = self._head()
        if head is None:
            return None
        body = self._counted(head)
        return None if body is None else Message(head, body)

    def answer(self, method: str) -> Message | None:
        """The answer to a request of `method`; None when it is not whole."""
        head = self._head()
        if head is None:
            return None
        status = int(head.split(b" ", 2)[1])
        if method == "HEAD" or status in (204, 304):
            return Message(head, b"")
        framed = _header(head, b"content-length") or _header(head, b"transfer-encoding")
        body = self._counted(head) if framed else self._rest()
        closes = not framed or (_header(head, b"connection") or b"").lower() == b"close"
        return None if body is None else Message(head, body, closes)

    def _head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._data:
            if not self._more():
                return None
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def _counted(self, head: bytes) -> bytes | None:
        if (_header(head, b"transfer-encoding") or b"").lower() == b"chunked":
            return self._chunks()
        return self._take(int(_header(head, b"content-length") or 0))

    def _chunks(self) -> bytes | None:
        """The body in its chunks, as it came."""
        body = b""
        while True:
            line = self._line()
            if line is None:
                return None
            size = int(line.partition(b";")[0], 16)
            chunk = self._take(size + 2) if size else self._trailer()
            if chunk is None:
                return None
            body += line + chunk
            if not size:
                return body

    def _trailer(self) -> bytes | None:
        trailer = b""
        while (line := self._line()) is not None:
            trailer += line
            if line == b"\r\n":
                return trailer
        return None

    def _line(self) -> bytes | None:
        while b"\r\n" not in self._data:
            if not self._more():
                return None
        line, _, self._data = self._data.partition(b"\r\n")
        return line + b"\r\n"

    def _take(self, count: int) -> bytes | None:
        while len(self._data) < count:
            if not self._more():
                return None
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def _rest(self) -> bytes:
        while self._more():
            pass
        return self._data

    def _more(self) -> bool:
        received = self._connection.recv(_CHUNK)
        self._data += received
        return bool(received)


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None
