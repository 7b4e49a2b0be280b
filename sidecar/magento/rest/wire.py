"""One HTTP exchange with the shop, answered whole and in time, or not believed.

Each call has a connection of its own.  On one that is kept, a request that meets the server's
closing it has an unknown outcome, and for a writing call a question costs more than a handshake
does beside Magento's 30 to 100 ms.  `http.client` because it does nothing by itself: no proxy from
the environment, no redirection, no second try, and `connect` stands apart from sending, which is
the line between *not done* and *unknown*.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sidecar.magento.rest.errors import MagentoUnknown
from sidecar.model.errors import ConfigurationError, NotReached

#: Bytes of an answer; Magento's largest page of orders is a few megabytes.
LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`target`: path and query below the shop's address; `name`: what messages call it."""

    method: str
    target: str
    name: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of any status."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """Exchanges with one address, from any number of threads."""

    def __init__(self, url: str, *, connect: float, read: float, ca_file: Path | None) -> None:
        """Raises ConfigurationError for certificates that cannot be read."""
        self._parts = urlsplit(url)
        self._connect = connect
        self._read = read
        self._tls = _trusting(ca_file) if self._parts.scheme == "https" else None

    def exchange(self, request: Request) -> Answer:
        """Send it once.  Raises NotReached or MagentoUnknown."""
        with closing(self._connection()) as connection:
            self._reach(connection, request)
            try:
                return self._asked(connection, request)
            except (OSError, http.client.HTTPException) as error:
                raise MagentoUnknown(f"{request.name}: {self._lost(error)}") from error

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._connect)
        return http.client.HTTPSConnection(host, port, timeout=self._connect, context=self._tls)

    def _reach(self, connection: http.client.HTTPConnection, request: Request) -> None:
        try:
            connection.connect()
        except OSError as error:
            # Nothing of the request has left this machine.
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            raise NotReached(
                f"{request.name}: the shop is not reached at {self._place}: {_told(error)}",
                "see shop.api.url" + (" and shop.api.tls.ca_file" if untrusted else ""),
                lasting=untrusted,
            ) from error

    def _asked(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        until = time.monotonic() + self._read
        connection.sock.settimeout(self._read)
        connection.response_class = partial(_TimelyAnswer, until)  # type: ignore[assignment]
        connection.request(request.method, request.target, request.body, request.headers)
        with closing(connection.getresponse()) as response:
            content = response.read(LARGEST_ANSWER + 1)
            if len(content) > LARGEST_ANSWER:
                raise _TooLarge
            if response.length:  # http.client does not tell, when only a part is read
                raise http.client.IncompleteRead(b"", response.length)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, content)

    def _lost(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no complete answer within {self._read:g} s"
        if isinstance(error, _TooLarge):
            return f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB"
        return f"the connection broke before the answer was complete ({_told(error)})"

    @property
    def _place(self) -> str:
        return f"{self._parts.scheme}://{self._parts.netloc}"


class _TooLarge(http.client.HTTPException):
    pass


class _Deadline(io.RawIOBase):
    """The receiving side of a socket: a server that dribbles gets no new time for each byte."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimelyAnswer(http.client.HTTPResponse):
    def __init__(self, until: float, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Deadline(sock, until))


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"shop.api.tls.ca_file: {ca_file} holds no certificates that can be read",
            "name a PEM file",
        ) from error


def _told(error: Exception) -> str:
    """The system's own words, else the class alone: a library's may hold what it choked on."""
    return (
        f"{type(error).__name__}: {error}"[:200]
        if isinstance(error, OSError)
        else (type(error).__name__)
    )
