"""One simulated ERP: its set-up, its parts put together, its server."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sidecar.model.errors import Unavailable, UsageError
from sidecar.testing.erpsim import control
from sidecar.testing.erpsim.books import Books, Document, DuplicatePolicy
from sidecar.testing.erpsim.client import ErpSimClient
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.document_entry import DocumentEntry
from sidecar.testing.erpsim.journal import Journal
from sidecar.testing.erpsim.news_books import NewsBooks, Told
from sidecar.testing.erpsim.records import Records
from sidecar.testing.erpsim.rest import RestFace
from sidecar.testing.erpsim.rules import RuleBook, parse_rule, parse_text
from sidecar.testing.erpsim.sap.face import PATH as SAP_PATH
from sidecar.testing.erpsim.sap.face import SapFace
from sidecar.testing.erpsim.sap.services import services
from sidecar.testing.erpsim.side_books import SideBooks, SideRecord
from sidecar.testing.erpsim.soap import PATH as SOAP_PATH
from sidecar.testing.erpsim.soap import SoapFace
from sidecar.testing.erpsim.soap_operations import SoapOperations
from sidecar.testing.erpsim.traffic import Traffic
from sidecar.testing.erpsim.username_token import UsernameTokens
from sidecar.testing.erpsim.wire import HOST, Face, Server

_POLL_SECONDS = 0.02


class Setup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of ERP this is.

    `latency_ms` is waited before each request, plus up to `jitter_ms` more by `seed`; `rules` are
    standing misbehaviours as text (`throttle;limit=5;per=1`); with a `user` every request must
    carry HTTP basic authentication or, in SOAP, a UsernameToken; `items_unknown` are SKUs and
    `credit_limit_customers` any value of the customer (its e-mail address, say) that an order is
    refused for.  `session_changes`: after so many changes SAP's session ends, and its token with it
    (0: it never does).
    """

    duplicates: DuplicatePolicy = DuplicatePolicy.NONE
    page_size: int = 50
    seed: int = 0
    latency_ms: float = 0
    jitter_ms: float = 0
    user: str = ""
    password: str = ""
    items_unknown: frozenset[str] = frozenset()
    credit_limit_customers: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()
    base_path: str = "/api/v2"
    session_changes: int = 0

    @classmethod
    def of(cls, **options: Any) -> Setup:
        """The set-up with these fields.  Raises UsageError for an unknown or unfit one."""
        try:
            setup = msgspec.convert(options, cls)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"the simulator's set-up: {error}",
                f"its fields are {', '.join(cls.__struct_fields__)}",
            ) from error
        for rule in setup.rules:
            parse_rule(parse_text(rule))
        return setup


class Simulator:
    """The simulator within this process; it listens from construction and answers in `serve`."""

    def __init__(
        self,
        setup: Setup,
        port: int = 0,
        state_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`port` 0 takes a free one; without a `state_file` the books end with the process.

        Raises Unavailable when the port is taken.
        """
        stopping = threading.Event()
        self.rules = RuleBook(setup.seed)
        for rule in setup.rules:
            self.rules.add(parse_text(rule))
        self.books = Books(setup.duplicates, _journal(state_file, "", Document), clock)
        self.side_books = SideBooks(_journal(state_file, "-side", SideRecord))
        self.news = NewsBooks(_journal(state_file, "-news", Told), clock)
        self.traffic = Traffic(clock)
        conduct = Conduct(
            DocumentEntry(self.books, setup.items_unknown, setup.credit_limit_customers),
            self.rules,
            self.traffic,
            page_size=setup.page_size,
            credentials=f"{setup.user}:{setup.password}" if setup.user else "",
            latency=_latency(setup),
            seed=setup.seed,
            stopping=stopping,
        )
        records = Records(conduct, self.side_books)
        rest = RestFace(conduct, records, self.news, setup.base_path)
        tokens = UsernameTokens(setup.user, setup.password, clock) if setup.user else None
        faces: dict[str, Face] = {
            control.PREFIX: control.ControlFace(
                self.books, self.side_books, self.news, self.rules, self.traffic
            ),
            f"{setup.base_path}{SOAP_PATH}": SoapFace(
                SoapOperations(conduct, records, self.side_books, self.news),
                conduct,
                tokens,
                setup.base_path,
            ),
            f"{setup.base_path}{SAP_PATH}": SapFace(
                conduct,
                services(conduct, self.side_books, self.news),
                setup.base_path,
                setup.session_changes,
            ),
            f"{setup.base_path}/": rest,
        }
        try:
            self._server = Server(port, faces, stopping)
        except OSError as taken:
            self._close_books()
            raise Unavailable(
                f"cannot listen on {HOST}:{port}: {taken.strerror}", "choose another port, or 0"
            ) from taken
        self.port = self._server.port
        self.url = f"http://{HOST}:{self.port}{setup.base_path}"

    def serve(self) -> None:
        """Answer until `stop` is called from another thread."""
        self._server.serve_forever(_POLL_SECONDS)

    def stop(self) -> None:
        self._server.stop()
        self._close_books()

    def _close_books(self) -> None:
        self.books.close()
        self.side_books.close()
        self.news.close()


@contextmanager
def serve_in_thread(
    *,
    port: int = 0,
    state_file: Path | None = None,
    clock: Callable[[], float] = time.time,
    **options: Any,
) -> Iterator[ErpSimClient]:
    """A simulator in a thread of this process, for fast tests; `options` are fields of Setup."""
    simulator = Simulator(Setup.of(**options), port, state_file, clock)
    thread = threading.Thread(target=simulator.serve, name="erpsim")
    thread.start()
    try:
        yield ErpSimClient(simulator.url)
    finally:
        simulator.stop()
        thread.join()


def _journal(state_file: Path | None, suffix: str, kind: Any) -> Journal[Any] | None:
    """The journal of some of the books; those of the smaller ones lie beside the documents'."""
    if state_file is None:
        return None
    return Journal(state_file.with_name(f"{state_file.name}{suffix}"), kind)


def _latency(setup: Setup) -> Callable[[], float]:
    """Seconds to wait, drawn anew for each request."""
    jitter = random.Random(setup.seed)
    return lambda: (setup.latency_ms + jitter.uniform(0, setup.jitter_ms)) / 1000
