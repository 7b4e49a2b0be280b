"""One simulated ERP: its set-up, its parts put together, its server."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from sidecar.model.errors import Unavailable, UsageError
from sidecar.testing.erpsim import control
from sidecar.testing.erpsim.books import DRAFT, OPEN, Books, Document, DuplicatePolicy
from sidecar.testing.erpsim.business_central.face import (
    BusinessCentralFace,
    Limits,
    entity_sets,
)
from sidecar.testing.erpsim.client import SOAP_PORTS, WSDL, ErpSimClient
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.customer_search import CustomerSearch
from sidecar.testing.erpsim.document_entry import DocumentEntry
from sidecar.testing.erpsim.journal import Journal
from sidecar.testing.erpsim.netsuite.face import NetSuiteFace
from sidecar.testing.erpsim.news_books import NewsBooks, Told
from sidecar.testing.erpsim.records import Records
from sidecar.testing.erpsim.rest import plain_face
from sidecar.testing.erpsim.rules import RuleBook, parse_rule, parse_text
from sidecar.testing.erpsim.sap.face import PATH as SAP_PATH
from sidecar.testing.erpsim.sap.face import SapFace
from sidecar.testing.erpsim.sap.services import services
from sidecar.testing.erpsim.sessions import SessionLimits, Sessions
from sidecar.testing.erpsim.side_books import Kept, SideBooks
from sidecar.testing.erpsim.soap import PATH as SOAP_PATH
from sidecar.testing.erpsim.soap import SoapFace
from sidecar.testing.erpsim.soap_operations import SoapOperations
from sidecar.testing.erpsim.steps_control import StepsControl
from sidecar.testing.erpsim.steps_documents import StepsDocuments
from sidecar.testing.erpsim.steps_records import StepsRecords
from sidecar.testing.erpsim.steps_rest import steps_rest_face
from sidecar.testing.erpsim.steps_soap import steps_soap_face
from sidecar.testing.erpsim.traffic import Traffic
from sidecar.testing.erpsim.username_token import UsernameTokens
from sidecar.testing.erpsim.wire import HOST, Face, Server

_POLL_SECONDS = 0.02


class Interface(StrEnum):
    """How the ERP is spoken to, over REST and over SOAP."""

    PLAIN = "plain"  # everything by the numbers of the shop, each document in one call
    STEPS = "steps"  # a session, ids that must be asked for, drafts that are validated
    BUSINESS_CENTRAL = "business-central"  # Microsoft's API v2.0
    NETSUITE = "netsuite"  # Oracle's REST record service and SuiteQL


class Setup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of ERP this is.

    `latency_ms` is waited before each request, plus up to `jitter_ms` more by `seed`; `rules` are
    standing misbehaviours as text (`throttle;limit=5;per=1`); with a `user` every request must
    carry HTTP basic authentication or, in SOAP, a UsernameToken; `items_unknown` are SKUs and
    `credit_limit_customers` any value of the customer (its e-mail address, say) that an order is
    refused for.

    Of the interface in steps and of Business Central's, whose session is a token: it lives for
    `session_requests` (of SAP, for so many changes) and `session_seconds` (0: without an end).  Of
    that in steps: the search for customers lags by `search_lag` seconds, `vat_ids_invalid` are
    known and not confirmed.
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
    interface: Interface = Interface.PLAIN
    session_requests: int = 0
    session_seconds: float = 0
    search_lag: float = 10
    vat_ids_invalid: frozenset[str] = frozenset()

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
        upserts = setup.interface is Interface.NETSUITE
        duplicates = DuplicatePolicy.UPSERT if upserts else setup.duplicates
        self.books = Books(duplicates, _journal(state_file, "", Document), clock)
        self.side_books = SideBooks(_journal(state_file, "-side", Kept))
        self.news = NewsBooks(_journal(state_file, "-news", Told), clock)
        self.traffic = Traffic(clock)
        conduct = Conduct(
            DocumentEntry(
                self.books,
                setup.items_unknown,
                setup.credit_limit_customers,
                DRAFT if setup.interface is Interface.STEPS else OPEN,
                # Its credit memos belong to a customer, of whose orders the face names one.
                limited_by_orders=setup.interface is not Interface.BUSINESS_CENTRAL,
            ),
            self.rules,
            self.traffic,
            page_size=setup.page_size,
            credentials=f"{setup.user}:{setup.password}" if setup.user else "",
            latency=_latency(setup),
            seed=setup.seed,
            stopping=stopping,
        )
        limits = SessionLimits(requests=setup.session_requests, seconds=setup.session_seconds)
        self.sessions = Sessions(setup.user, setup.password, limits, clock)
        self.search = CustomerSearch(self.side_books, setup.search_lag, clock)
        interface = {
            Interface.PLAIN: self._plain,
            Interface.STEPS: self._in_steps,
            Interface.BUSINESS_CENTRAL: self._business_central,
            Interface.NETSUITE: self._netsuite,
        }[setup.interface]
        faces: dict[str, Face] = {
            control.PREFIX: control.ControlFace(
                self.books,
                self.side_books,
                self.news,
                self.rules,
                self.traffic,
                StepsControl(self.side_books, self.sessions, self.search),
            ),
            **interface(setup, conduct, clock),
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

    def _plain(self, setup: Setup, conduct: Conduct, clock: Callable[[], float]) -> dict[str, Face]:
        """SOAP and REST by the numbers of the shop, and the services of SAP."""
        records = Records(conduct, self.side_books)
        tokens = UsernameTokens(setup.user, setup.password, clock) if setup.user else None
        operations = SoapOperations(conduct, records, self.side_books, self.news, tokens)
        soap = SoapFace(WSDL, SOAP_PORTS, operations, conduct, setup.base_path)
        sap = SapFace(
            conduct,
            services(conduct, self.side_books, self.news),
            setup.base_path,
            setup.session_requests,
        )
        rest = plain_face(conduct, records, self.news, setup.base_path)
        return {f"{setup.base_path}{SAP_PATH}": sap, **_below(setup, soap, rest)}

    def _in_steps(self, setup: Setup, conduct: Conduct, _: Callable[[], float]) -> dict[str, Face]:
        """SOAP and REST with sessions, ids, drafts."""
        records = StepsRecords(conduct.entry, self.side_books, self.search, setup.vat_ids_invalid)
        parts = (conduct, records, StepsDocuments(self.side_books), self.sessions, setup.base_path)
        return _below(setup, steps_soap_face(*parts), steps_rest_face(*parts))

    def _business_central(
        self, setup: Setup, conduct: Conduct, _: Callable[[], float]
    ) -> dict[str, Face]:
        """API v2.0, for which a login with the set-up's user gives a token."""
        face = BusinessCentralFace(
            conduct,
            entity_sets(conduct, self.side_books, self.news),
            self.sessions,
            Limits(setup.page_size, guarded=bool(setup.user)),
            setup.base_path,
        )
        return {f"{setup.base_path}/": face}

    def _netsuite(self, setup: Setup, conduct: Conduct, _: Callable[[], float]) -> dict[str, Face]:
        """The record service and SuiteQL."""
        face = NetSuiteFace(conduct, self.side_books, self.news, setup.page_size, setup.base_path)
        return {f"{setup.base_path}/": face}

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


def _below(setup: Setup, soap: Face, rest: Face) -> dict[str, Face]:
    return {f"{setup.base_path}{SOAP_PATH}": soap, f"{setup.base_path}/": rest}


def _journal(state_file: Path | None, suffix: str, kind: Any) -> Journal[Any] | None:
    """The journal of some of the books; those of the smaller ones lie beside the documents'."""
    if state_file is None:
        return None
    return Journal(state_file.with_name(f"{state_file.name}{suffix}"), kind)


def _latency(setup: Setup) -> Callable[[], float]:
    """Seconds to wait, drawn anew for each request."""
    jitter = random.Random(setup.seed)
    return lambda: (setup.latency_ms + jitter.uniform(0, setup.jitter_ms)) / 1000
