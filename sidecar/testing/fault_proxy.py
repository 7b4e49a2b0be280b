r"""A proxy that loses, cuts, delays and doubles what passes: the wire between sidecar and ERP.

The simulator (`sidecar.testing.erpsim`) is an ERP that misbehaves; this is a network that does.  It
stands before any ERP that speaks plain HTTP/1.1 on this machine:

    with ErpSim.start() as erp, FaultProxy(erp.url, seed=7) as proxy:
        proxy.rule("cut_after", path="*/sales-orders", times=1)
        adapter = create(connection(proxy.url))
        ...
        proxy.down()                    # connections are refused, as by an ERP that is not there
        proxy.up()

    fault           what happens to a request                       the ERP        the client sees
    cut_before      read whole, not handed on                       gets nothing   no answer
    cut_request     bytes=N of it are handed on (default: half)     a torso        no answer
    cut_after       handed on, its answer swallowed                 has done it    no answer
    cut_answer      bytes=N of the answer get through (half)        has done it    a torso
    truncate        half of the answer's body, well counted         has done it    a whole answer
    delay_request   handed on after seconds=N                       gets it late   a late answer
    delay_answer    the answer waits for seconds=N                  has done it    a late answer
    dribble         the answer in small pieces over seconds=N       has done it    a slow answer
    duplicate       handed on twice, one after the other            gets it twice  the last answer

The cuts close the connection in order (FIN); with reset=True they break it (RST).  A rule
strikes the requests that match its method= and path= (shell patterns), only the nth= of them, at
most times= times, each with probability= (by the proxy's seed, so that a run repeats as long as
requests come in the same order).  The first rule that strikes wins.  Rules may come and go while
traffic flows; what a rule has begun it ends.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from sidecar.model.errors import UsageError
from sidecar.testing.http_message import Message, MessageReader

HOST = "127.0.0.1"
_DRIBBLES = 20
_RESET = struct.pack("ii", 1, 0)  # linger for no time: close() sends RST


class WireFault(StrEnum):
    """The closed set; what each does: module docstring."""

    CUT_BEFORE = "cut_before"
    CUT_REQUEST = "cut_request"
    CUT_AFTER = "cut_after"
    CUT_ANSWER = "cut_answer"
    TRUNCATE = "truncate"
    DELAY_REQUEST = "delay_request"
    DELAY_ANSWER = "delay_answer"
    DRIBBLE = "dribble"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Rule:
    """One standing fault; `bytes` None is half, `nth` and `times` 0 are no bound."""

    fault: WireFault
    bytes: int | None = None
    seconds: float = 1.0
    reset: bool = False
    method: str = "*"
    path: str = "*"
    nth: int = 0
    times: int = 0
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One request that came by: `path` as the client sent it, `fault` None when it passed whole."""

    method: str
    path: str
    fault: WireFault | None


@dataclass(slots=True)
class _RuleInForce:
    """A rule with its memory."""

    rule: Rule
    matched: int = 0
    struck: int = 0


class FaultProxy:
    """Listens on a free port of the loopback from construction; use it as a context manager."""

    def __init__(self, url: str, *, seed: int = 0) -> None:
        """`url` is the ERP's address; `self.url` the same address by way of the proxy."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise UsageError(f"{url}: the proxy reads plain HTTP only", "http://127.0.0.1:PORT/…")
        self._erp = (parts.hostname, parts.port or 80)
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._rules: list[_RuleInForce] = []
        self._passages: list[Passage] = []
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self.port = self._listen(0)
        self.url = urlunsplit(parts._replace(netloc=f"{HOST}:{self.port}"))

    def rule(self, fault: str, **settings: Any) -> None:
        """Let a fault strike from now on; `settings` are fields of Rule.  Raises UsageError."""
        try:
            rule = Rule(WireFault(fault), **settings)
        except (TypeError, ValueError) as error:
            known = ", ".join((*WireFault, *Rule.__slots__))
            raise UsageError(f"the rule {fault!r} {settings}: {error}", f"known: {known}") from None
        with self._lock:
            self._rules.append(_RuleInForce(rule))

    def clear(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._rules.clear()

    def passages(self) -> list[Passage]:
        """What came by, oldest first."""
        with self._lock:
            return list(self._passages)

    def down(self) -> None:
        """As if the ERP's machine were gone: what is open breaks, new connections are refused."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            _shut(listener)
            listener.close()
        self.cut()

    def up(self) -> None:
        """Listen again, on the same port."""
        if self._listener is None:
            self._listen(self.port)

    def cut(self) -> None:
        """Break every connection that is open now, on both sides."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self.down()
        while self._threads:
            self._threads.pop().join()

    def _listen(self, port: int) -> int:
        listener = socket.create_server((HOST, port))
        with self._lock:
            self._listener = listener
        self._start(self._accept, listener)
        return int(listener.getsockname()[1])

    def _start(self, work: Any, connection: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(connection,), name="fault-proxy")
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # down() has closed it
            self._watch(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One connection of the client, request after request."""
        reader = MessageReader(client)
        # The other side may break the connection at any moment, as it may on any wire.
        with suppress(OSError):
            while (request := reader.request()) and self._pass(client, request):
                pass
        self._close(client)

    def _pass(self, client: socket.socket, request: Message) -> bool:
        """Hand one request on as the rules have it; False when the connection is over."""
        rule = self._strike(request)
        fault = rule.fault if rule else None
        with self._lock:
            self._passages.append(Passage(request.method, request.path, fault))
        if rule is None:
            return self._answer(client, self._ask(request))
        match rule.fault:
            case WireFault.CUT_BEFORE:
                return self._cut(client, rule)
            case WireFault.CUT_REQUEST:
                self._tell(_part(request.raw, rule))
                return self._cut(client, rule)
            case WireFault.DELAY_REQUEST:
                self._stopping.wait(rule.seconds)
                return self._answer(client, self._ask(request))
            case WireFault.DUPLICATE:
                self._ask(request)
                return self._answer(client, self._ask(request))
        return self._spoil(client, self._ask(request), rule)

    def _spoil(self, client: socket.socket, answer: Message | None, rule: Rule) -> bool:
        """What goes wrong once the ERP has answered."""
        if answer is None or rule.fault is WireFault.CUT_AFTER:
            return self._cut(client, rule)
        if rule.fault is WireFault.CUT_ANSWER:
            client.sendall(_part(answer.raw, rule))
            return self._cut(client, rule)
        if rule.fault is WireFault.TRUNCATE:
            return self._answer(client, answer.truncated())
        if rule.fault is WireFault.DELAY_ANSWER:
            self._stopping.wait(rule.seconds)
            return self._answer(client, answer)
        for piece in _pieces(answer.raw):
            client.sendall(piece)
            self._stopping.wait(rule.seconds / _DRIBBLES)
        return not answer.closes

    def _strike(self, request: Message) -> Rule | None:
        with self._lock:
            for standing in self._rules:
                if self._strikes(standing, request):
                    return standing.rule
        return None

    def _strikes(self, standing: _RuleInForce, request: Message) -> bool:
        rule = standing.rule
        if not fnmatchcase(request.method, rule.method):
            return False
        if not fnmatchcase(request.path.partition("?")[0], rule.path):
            return False
        standing.matched += 1
        if rule.nth and standing.matched != rule.nth:
            return False
        if rule.times and standing.struck >= rule.times:
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        standing.struck += 1
        return True

    def _ask(self, request: Message) -> Message | None:
        """The ERP's whole answer, None when there is none.  Each request has a connection of its
        own, so that one fault cannot spoil the next request."""
        erp = self._connect()
        if erp is None:
            return None
        try:
            erp.sendall(request.raw)
            return MessageReader(erp).answer(request.method)
        except OSError:
            return None
        finally:
            self._close(erp)

    def _tell(self, torso: bytes) -> None:
        erp = self._connect()
        if erp is not None:
            with suppress(OSError):
                erp.sendall(torso)
            self._close(erp)

    def _connect(self) -> socket.socket | None:
        try:
            erp = socket.create_connection(self._erp)
        except OSError:
            return None
        self._watch(erp)
        return erp

    def _answer(self, client: socket.socket, answer: Message | None) -> bool:
        if answer is None:
            return False
        client.sendall(answer.raw)
        return not answer.closes

    def _cut(self, client: socket.socket, rule: Rule) -> bool:
        if rule.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close(client)
        return False

    def _watch(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
            late = self._listener is None
        if late:
            _shut(connection)  # it was accepted while down() cut the others

    def _close(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)
            connection.close()


def _part(raw: bytes, rule: Rule) -> bytes:
    return raw[: len(raw) // 2 if rule.bytes is None else rule.bytes]


def _pieces(raw: bytes) -> Iterable[bytes]:
    size = max(1, -(-len(raw) // _DRIBBLES))
    return (raw[start : start + size] for start in range(0, len(raw), size))


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # closed already by its own thread or by the other side
        connection.shutdown(socket.SHUT_RDWR)
