"""HTTP connections whose answer has a deadline, and that know whether anything was sent.

A read time-out of the socket only bounds the gap between two bytes: an ERP that dribbles one byte
a second holds a thread for ever.  Here the whole answer, status line and headers included, must
be there within the read time-out.

Each call of the system hands the interpreter to another thread and waits to get it back, which with
eight threads costs more than the call itself.  So a request goes out in one piece, and a socket's
time-out is set anew only when it has become much shorter.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Sent(threading.local):
    """Whether a byte of this thread's current request may have left."""

    flag = False


SENT = Sent()
#: A time-out that is no more than that share too long may stand.
_LENIENT = 0.05


class _Deadline(io.RawIOBase):
    """The receiving side of a socket; every read gets only the time that is left."""

    def __init__(self, connection: socket.socket, seconds: float | None) -> None:
        self._connection = connection
        # Through makefile, so that the socket lives until the answer was read.
        self._raw = connection.makefile("rb", buffering=0)
        self._until = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer was not complete in time")
            if left < (self._connection.gettimeout() or 0) * (1 - _LENIENT):
                self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Receiver:
    """What http.client asks of a socket in order to read an answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        # urllib3 has just set the read time-out on the socket: it becomes the deadline of all.
        return io.BufferedReader(_Deadline(self._connection, self._connection.gettimeout()))


class _WholeHead:
    """The lines of a head, none of which is the beginning of one.

    For http.client a head ends where the connection does.  Of an answer without a body nobody would
    see that it was cut, and a Location would lead to another document.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._began = False

    def readline(self, limit: int) -> bytes:
        line: bytes = self._stream.readline(limit)
        if (line or self._began) and not line.endswith(b"\n") and len(line) < limit:
            raise ConnectionResetError("the connection ended within the head of the answer")
        self._began = True
        return line

    def close(self) -> None:
        self._stream.close()


class _TimelyAnswer(HTTPResponse):
    fp: Any

    def __init__(self, connection: socket.socket, *arguments: Any, **options: Any) -> None:
        receiver: Any = _Receiver(connection)
        super().__init__(receiver, *arguments, **options)

    def begin(self) -> None:
        stream = self.fp
        self.fp = _WholeHead(stream)
        try:
            super().begin()
        finally:
            # Closing an answer that never began needs all that a stream can do.
            if self.fp is not None:
                self.fp = stream


# At run time the mixin stands before urllib3's own classes; for the type checker it is one of them.
if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _Watched(_Connection):
    response_class = _TimelyAnswer
    _pieces: list[bytes] | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        """Let `send` gather headers and body, then send them in one piece."""
        self._pieces = []
        try:
            super().request(*arguments, **options)
            whole = b"".join(self._pieces)
        finally:
            self._pieces = None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._pieces is not None:
            self._pieces.append(data)
            return
        if self.sock is None:
            self.connect()
        # From here on the ERP may have the request, whatever happens to its answer.
        SENT.flag = True
        super().send(data)


class _PlainConnection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class WatchedAdapter(HTTPAdapter):
    """A `requests` adapter over such connections; never sends anything twice by itself."""

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Called by `requests`, once when made."""
        super().init_poolmanager(*arguments, **options)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
