"""Connections to the ERP that are kept, one for each thread that calls at the moment."""

from __future__ import annotations

import http
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from requests.cookies import RequestsCookieJar

from adapters.http.ntlm import Ntlm
from adapters.http.wire import SENT, WatchedAdapter
from sidecar.model.errors import ConfigurationError

_CHUNK = 64 * 1024
#: Apache closes an idle connection after 5 s.  A request on a connection that the server is just
#: closing has an unknown outcome, so an older one is not used again.
_IDLE = 4.0
#: Seconds to connect and to read; status, headers and body.
Timeout = tuple[float, float]
Answer = tuple[int, Mapping[str, str], bytes]


class TooLarge(Exception):
    """The answer, unpacked, is larger than was asked for."""


class _KeptConnection:
    """A connection that is kept; with the cookies that the ERP gave on it only where that is meant.

    Not a `requests.Session`: merging its settings into each call takes as long as the call itself.
    Nothing of the environment is asked for either, no proxies and no .netrc: what reaches the ERP
    is what the configuration says.
    """

    def __init__(
        self,
        verify: str | bool,
        certificate: str | tuple[str, str] | None,
        ntlm: Ntlm | None,
        *,
        largest: int,
        keeps_cookies: bool,
    ) -> None:
        self._adapter = WatchedAdapter()
        self._cookies = RequestsCookieJar() if keeps_cookies else None
        self._largest = largest
        self._verify = verify
        self._certificate = certificate
        self._ntlm = ntlm
        self._authenticated = False

    def exchange(self, prepared: requests.PreparedRequest, timeout: Timeout) -> Answer:
        """One call, redirections not followed, and its whole answer."""
        if self._ntlm is None:
            return self._exchange(prepared, timeout)
        if not self._authenticated:
            self._introduce(self._ntlm, prepared, timeout)
            return self._exchange(prepared, timeout)
        answer = self._exchange(prepared, timeout)
        if answer[0] == http.HTTPStatus.UNAUTHORIZED:
            # The server closed the connection that knew us; 401 says that it did nothing.
            self._introduce(self._ntlm, prepared, timeout)
            answer = self._exchange(prepared, timeout)
        return answer

    def _introduce(self, ntlm: Ntlm, prepared: requests.PreparedRequest, timeout: Timeout) -> None:
        """Make the connection known; the answer to the challenge goes with `prepared` itself."""
        handshake = ntlm.handshake(str(prepared.url))
        hello = prepared.copy()
        hello.body = None
        hello.headers["Content-Length"] = "0"
        hello.headers["Authorization"] = handshake.first()
        try:
            _, headers, _ = self._exchange(hello, timeout)
        finally:
            # An empty request books nothing: what fails here was not sent.
            SENT.flag = False
        second = handshake.second(headers)
        self._authenticated = second is not None
        if second is not None:
            prepared.headers["Authorization"] = second

    def _exchange(self, prepared: requests.PreparedRequest, timeout: Timeout) -> Answer:
        if self._cookies:
            prepared.prepare_cookies(self._cookies)
        response = self._adapter.send(
            prepared, stream=True, timeout=timeout, verify=self._verify, cert=self._certificate
        )
        try:
            if self._cookies is not None:
                self._cookies.update(response.cookies)
            return response.status_code, response.headers, _content(response, self._largest)
        finally:
            # A connection whose answer was read to its end is back in the pool by now.
            response.close()

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        self._adapter.close()


class ConnectionPool:
    """Connections for the threads that call at the moment: no two share one."""

    def __init__(
        self, tls: Mapping[str, str], ntlm: Ntlm | None, *, largest: int, keeps_cookies: bool
    ) -> None:
        """`largest`: bytes of an unpacked answer; `keeps_cookies`: the ERP's go back to it."""
        self._ntlm = ntlm
        self._largest = largest
        self._keeps_cookies = keeps_cookies
        self._verify = _trusted(tls)
        self._certificate = _own_certificate(tls)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, _KeptConnection]] = []
        self._closed = False

    @contextmanager
    def borrowed(self) -> Iterator[_KeptConnection]:
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _take(self) -> _KeptConnection:
        with self._lock:
            since, connection = self._idle.pop() if self._idle else (0.0, None)
        if connection is None:
            return _KeptConnection(
                self._verify,
                self._certificate,
                self._ntlm,
                largest=self._largest,
                keeps_cookies=self._keeps_cookies,
            )
        if time.monotonic() - since > _IDLE:
            connection.close()
        return connection

    def _give_back(self, connection: _KeptConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()


def _content(response: requests.Response, largest: int) -> bytes:
    """The body, read piece by piece: one read would wait for all of it behind the deadline.

    Unpacked piece by piece, too (urllib3 2.6 and later): kilobytes may unpack to gigabytes.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        size += len(piece)
        if size > largest:
            raise TooLarge(f"the answer is larger than {largest // 2**20} MiB")
        pieces.append(piece)
    return b"".join(pieces)


def _trusted(tls: Mapping[str, str]) -> str | bool:
    """Certificates to trust: those configured, else the system's, else those of `requests`."""
    own = tls.get("ca_file")
    if own:
        return _existing(own, "ca_file")
    system = ssl.get_default_verify_paths().cafile
    return system if system and Path(system).is_file() else True


def _own_certificate(tls: Mapping[str, str]) -> str | tuple[str, str] | None:
    certificate, key = tls.get("client_certificate"), tls.get("client_key")
    if not certificate:
        return None
    certificate = _existing(certificate, "client_certificate")
    return (certificate, _existing(key, "client_key")) if key else certificate


def _existing(path: str, key: str) -> str:
    if not Path(path).is_file():
        raise ConfigurationError(f"erp.tls.{key}: {path} is not a file", "correct the path")
    return path
