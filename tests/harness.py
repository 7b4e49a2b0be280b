"""A sidecar beside a Magento shop, station by station: for tests that look between the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.acknowledge.write_back import WriteBackStation
from sidecar.capture.intake import Intake
from sidecar.capture.outbox import Outbox
from sidecar.capture.sweep import Sweep
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.claim import Claimer
from sidecar.delivery.courier import Courier
from sidecar.delivery.pump import Lane, Pump
from sidecar.delivery.settle import Acknowledgement, Answer, Backoff, Doubt, Settler
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Pace, Throttle
from sidecar.delivery.turns import Rank
from sidecar.delivery.workers import Workers
from sidecar.domains.orders.acknowledge import OrderAcknowledger, Rules
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.examiner import OrderExaminer
from sidecar.domains.orders.gate import OrderGate
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.search import OrderSearch
from sidecar.domains.orders.spec import SPEC
from sidecar.domains.orders.statuses import OwnStatus
from sidecar.domains.orders.writer import OrderWriter
from sidecar.install.installation import Installation
from sidecar.ledger.events import NewEvent
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import TABLES, LedgerNames
from sidecar.magento.domain import Parts
from sidecar.magento.live_schema import MagentoSchema, read_schema
from sidecar.magento.stores import StoreLimit
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Accepted, Booked, Outcome
from sidecar.model.reference import Reference
from sidecar.model.secret import Secret
from sidecar.model.settlement import EventStatus, Tolerances
from sidecar.model.write_back import Detail, detail_or_none
from sidecar.ports import (
    Capabilities,
    Delivery,
    ErpAdapter,
    Exchange,
    Listed,
    Page,
    Ping,
    PushCall,
    Result,
)
from sidecar.testing.magento_db import MagentoDatabase

ORDERS = "orders"
RECEIVED = OwnStatus("erp_received", "Received by ERP", ("new", "processing"))
REFUSED = OwnStatus("erp_rejected", "Rejected by ERP", ("holded",))
RELEASED = OwnStatus("erp_released", "Goes to ERP again", ("new", "processing"))
ACKNOWLEDGEMENT = Acknowledgement(
    accepted=Answer("erp_received", "ERP order {reference}"),
    rejected=Answer("erp_rejected", "ERP refused: {message}", hold=True),
    released=RELEASED.code,
)
TAKES = frozenset({"order.placed", "order.updated", "order.canceled"})
ANSWERED = Exchange("POST /orders", 201, 0.01)
UNANSWERED = Exchange("POST /orders", None, 0.01)


def login(magento: MagentoDatabase, user: str = "root", password: str = "") -> Login:
    return Login(user, Secret(password), magento.name, socket=str(magento.server.socket))


class RecordingNarrator:
    """A narrator that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def tell(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.lines]

    def of(self, name: str) -> list[dict[str, object]]:
        return [fields for told, fields in self.lines if told == name]


@dataclass
class HandClock:
    """A clock that a test moves; also a sleeper, whose sleep moves it."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 3, 29, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.seconds += seconds
        return False


class ScriptedErp:
    """An ERP that answers as told; without a word it accepts.

    `answers`: per order number the outcomes of the next pushes.  `documents`: what a probe finds.
    """

    def __init__(
        self,
        *,
        subscriptions: frozenset[str] = TAKES,
        probe: bool = True,
        probe_items: bool = False,
        dedupe: bool = False,
        batch: int = 1,
    ) -> None:
        self.can = Capabilities(
            subscriptions,
            batch=batch,
            probe=probe,
            probe_items=probe_items,
            dedupe=dedupe,
        )
        self.answers: dict[str, list[Outcome]] = {}
        self.documents: dict[str, tuple[Booked, ...]] = {}
        self.pushed: list[Delivery] = []
        self.probed: list[str] = []
        self.exchange = ANSWERED

    def capabilities(self, domain: str) -> Capabilities:
        return self.can

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        self.pushed += batch
        results = [Result(delivery, self._outcome(delivery)) for delivery in batch]
        return [PushCall(self.exchange, results)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        assert self.can.probe, "this ERP cannot be asked"
        self.probed += refs
        return {ref: self.documents.get(ref, ()) for ref in refs}

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        return Page(())

    def ping(self) -> Ping:
        return Ping(reachable=True, authorised=True)

    def close(self) -> None:
        pass

    def types(self) -> tuple[str, ...]:
        """The event types that were pushed, in order."""
        return tuple(delivery.event.type for delivery in self.pushed)

    def _outcome(self, delivery: Delivery) -> Outcome:
        if self.answers.get(delivery.ref):
            return self.answers[delivery.ref].pop(0)
        booked = Booked(reference=f"SO-{delivery.ref}", status="OPEN")
        self.documents[delivery.ref] = (booked,)
        return Accepted(booked=booked)


class TellingErp(ScriptedErp):
    """It also tells by itself: `said` are the rows of each domain, which every question repeats.

    `since`: from when on each question asked; `silent`: it gives no answer.
    """

    def __init__(self, *, rows_to_a_page: int = 2) -> None:
        super().__init__()
        self.can = replace(self.can, tells_changes=True)
        self.said: dict[str, list[msgspec.Struct]] = {}
        self.since: list[datetime | None] = []
        self.silent = False
        self._to_a_page = rows_to_a_page

    def changes(
        self, domain: str, since: datetime | None, page: str | int | None = None
    ) -> Page[msgspec.Struct]:
        if self.silent:
            raise Unavailable("the ERP does not answer")
        self.since.append(since)
        begin = int(page or 0)
        rows = self.said.get(domain, [])
        end = begin + self._to_a_page
        return Page(tuple(rows[begin:end]), end if end < len(rows) else None)


def settler(
    can: Capabilities,
    *,
    trust_absence_after: float = 60.0,
    acknowledgement: Acknowledgement = ACKNOWLEDGEMENT,
) -> Settler:
    """Rules with round figures; each wait is its upper bound."""
    return Settler(
        SPEC,
        Backoff(first=5, factor=2, most=1800, give_up_after=3600, draw=lambda _, most: most),
        Doubt(probe_after=2, trust_absence_after=trust_absence_after),
        Tolerances(),
        acknowledgement,
        can,
    )


@dataclass
class LedgerBench:
    """A migrated ledger and nothing else."""

    database: Database
    store: LedgerStore
    ledger: Ledger

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """One statement in a transaction of its own; `{event}` is the ledger's table `event`."""
        names = {table: self.store.names(table) for table in TABLES}
        with self.database.transaction() as connection:
            result = connection.exec_driver_sql(statement.format(**names), parameters or None)
            return list(result) if result.returns_rows else []

    def somebody_waits_for_a_row(self) -> bool:
        """Whether a transaction hangs at a row lock, anywhere on the server.

        Not from INNODB_TRX: MySQL does not renew what it shows while it is asked all the time.
        """
        ((_, waits),) = self.sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        return int(waits) > 0

    def wipe(self) -> None:
        """Forget everything but the migrations."""
        with self.database.transaction() as connection:
            for table in TABLES:
                if table != "migration":
                    connection.exec_driver_sql(f"DELETE FROM {self.store.names(table)}")

    def add(self, *events: NewEvent) -> list[int]:
        """Write events as intake does, with their entities; gives their ids."""
        with self.database.transaction() as connection:
            for event in events:
                connection.exec_driver_sql(
                    f"INSERT IGNORE INTO {self.store.names('entity')} (kind, entity_id, "
                    "number, state, status) VALUES (%s, %s, %s, 'new', 'pending')",
                    (event.kind, event.entity_id, event.number),
                )
            self.store.events.insert(connection, events)
            self.store.events.wake(connection, "order", [event.entity_id for event in events])
        ids = {(row.entity_id, row.sequence): row.id for row in self.events()}
        return [ids[event.entity_id, event.sequence] for event in events]

    def events(self) -> list[Any]:
        return self.sql(
            "SELECT e.*, p.payload FROM {event} e LEFT JOIN {payload} p ON p.kind = e.kind "
            "AND p.entity_id = e.entity_id AND p.sequence = e.sequence ORDER BY e.id"
        )

    def event(self, event_id: int) -> Any:
        (event,) = [row for row in self.events() if row.id == event_id]
        return event

    def statuses(self) -> list[tuple[str, str]]:
        """(type, status) of every event, in order."""
        return [(row.type, row.status) for row in self.events()]

    def make_due(self) -> None:
        """Let time pass: whatever is due later is due now."""
        self.sql("UPDATE {event} SET due_at = UTC_TIMESTAMP(3) WHERE due_at IS NOT NULL")
        self.sql("UPDATE {write_back} SET due_at = UTC_TIMESTAMP(3) WHERE due_at IS NOT NULL")

    def claimer(
        self,
        *,
        owner: str = "one",
        clock: HandClock | None = None,
        subscriptions: frozenset[str] = TAKES,
        gate: Mapping[str, str] | None = None,
        lease_seconds: float = 60.0,
    ) -> Claimer:
        return Claimer(
            self.database,
            self.store,
            OrderGate(gate or {}),
            clock or HandClock(),
            spec=SPEC,
            subscriptions=subscriptions,
            owner=owner,
            lease_seconds=lease_seconds,
            may_send=lambda _: True,
        )

    @contextmanager
    def pump(
        self,
        erp: ErpAdapter,
        *,
        told: RecordingNarrator | None = None,
        owner: str = "one",
        concurrency: int = 1,
        breaker_after: int = 5,
        gate: Mapping[str, str] | None = None,
        trust_absence_after: float = 60.0,
        lease_seconds: float = 60.0,
        clock: HandClock | None = None,
    ) -> Iterator[Pump]:
        clock = clock or HandClock()
        told = told or RecordingNarrator()
        can = erp.capabilities(ORDERS)
        throttle, breaker = Throttle(Pace(concurrency), clock), Breaker(breaker_after, 60.0, clock)
        slots = Slots(concurrency, 4.0, clock)
        account = ErpAccount("erp", throttle, slots, breaker, erp, self.database, self.store, told)
        account.restore()
        workers = Workers(account, concurrency, clock=clock, sleeper=clock)
        made = Pump(
            self.database,
            self.store,
            self.claimer(
                owner=owner,
                clock=clock,
                subscriptions=can.subscriptions,
                gate=gate,
                lease_seconds=lease_seconds,
            ),
            Courier(
                erp,
                account,
                settler(can, trust_absence_after=trust_absence_after),
                spec=SPEC,
                source="/magento/main",
                clock=clock,
                sleeper=clock,
            ),
            account,
            workers,
            Lane(
                Rank(ORDERS, 1, Decimal("0.1")),
                owner,
                50,
                can.batch,
                can.probe_batch,
                lease_seconds,
            ),
            clock=clock,
            sleeper=clock,
            narrator=told,
        )
        try:
            yield made
        finally:
            workers.close()

    def deliver(self, erp: ErpAdapter, **settings: Any) -> None:
        """Deliver until nothing is due any more."""
        with self.pump(erp, **settings) as pump:
            drain(pump)


@dataclass
class Beside(LedgerBench):
    """A sidecar beside a shop, every station in the test's hands."""

    magento: MagentoDatabase
    schema: MagentoSchema
    told: RecordingNarrator
    intake: Intake
    sweep: Sweep
    write_back: WriteBackStation
    installation: Installation
    _seen: int = 0

    def look(self, *, sweep: bool = True) -> list[tuple[int, str, str]]:
        """Take in what is to be seen; gives (order id, event, status) of what that wrote."""
        if sweep:
            self.sweep.full()
        drain(self.intake)
        rows = self.sql("SELECT * FROM {event} WHERE id > %s ORDER BY id", self._seen)
        self._seen = rows[-1].id if rows else self._seen
        return [(row.entity_id, row.type, row.status) for row in rows]

    def acknowledge(self) -> None:
        """Write back until nothing is due."""
        drain(self.write_back)

    def hints(self) -> list[tuple[str, int, str]]:
        return [
            (row.kind, row.entity_id, row.pointed)
            for row in self.sql("SELECT * FROM {outbox} ORDER BY id")
        ]

    def point(self, *entity_ids: int, kind: str = "order") -> None:
        """Hints, as a trigger would write them."""
        with self.database.transaction() as connection:
            Outbox(self.store.names).add(connection, kind, entity_ids, "test")

    def order(self, entity_id: int) -> Any:
        return self.sql(
            f"SELECT * FROM {self.schema.table('sales_order')} WHERE entity_id = %s", entity_id
        )[0]

    def standing(self, entity_id: int) -> tuple[str, str, str | None]:
        """(state, status, ext_order_id) of an order in Magento."""
        order = self.order(entity_id)
        return order.state, order.status, order.ext_order_id

    def comments(self, entity_id: int) -> list[str]:
        table = self.schema.table("sales_order_status_history")
        rows = self.sql(f"SELECT comment FROM {table} WHERE parent_id = %s", entity_id)
        return [row.comment for row in rows]

    def empty(self) -> None:
        """A shop without orders and a ledger without memory."""
        self.sql(f"DELETE FROM {self.schema.table('sales_order')}")
        self.sql(f"DELETE FROM {self.schema.table('sales_order_grid')}")
        self.wipe()
        self.told.lines.clear()


def detail_of(row: Any) -> Detail:
    """What a row of the table `write_back` says."""
    detail = detail_or_none(row.detail)
    assert detail is not None
    return detail


def drain(station: Intake | WriteBackStation | Pump) -> None:
    """Let a station work until it finds nothing more."""
    for _ in range(200):
        if not station.run_once():
            return
    raise AssertionError("the station comes to no end")


@contextmanager
def bare_ledger(magento: MagentoDatabase) -> Iterator[LedgerBench]:
    """A ledger of its own for `magento`, of which nothing but the schema is used."""
    database = Database(login(magento), connections=8)
    store = LedgerStore(LedgerNames(f"{magento.name}_ledger"))
    ledger = Ledger(database, store.names)
    ledger.migrate()
    try:
        yield LedgerBench(database, store, ledger)
    finally:
        ledger.drop()
        database.close()


@contextmanager
def sidecar_beside(
    magento: MagentoDatabase,
    *,
    user: str = "root",
    inside: bool = False,
    triggers: bool = False,
    install: bool = True,
) -> Iterator[Beside]:
    """A sidecar for `magento`, installed; its ledger in a schema of its own or `inside`."""
    database = Database(login(magento, user), connections=8)
    names = LedgerNames.placed(None if inside else f"{magento.name}_ledger", magento.name)
    store, schema, told = (
        LedgerStore(names),
        read_schema(database, [SPEC], magento.prefix),
        RecordingNarrator(),
    )
    ledger = Ledger(database, names)
    clock = HandClock()
    domains = (SPEC,) if triggers else ()
    parts = Parts(
        OrderExaminer(OrderReader(schema), StoreLimit(schema)),
        OrderSearch(schema, names("entity")),
        Reference(),
    )
    installation = Installation(
        database,
        store,
        ledger,
        schema,
        Triggers(database, names, domains, clock, prefix=magento.prefix),
        [RECEIVED, REFUSED, RELEASED],
        [parts],
    )
    if install:
        installation.install(who="test")
    try:
        yield Beside(
            database,
            store,
            ledger,
            magento,
            schema,
            told,
            Intake(
                database,
                store,
                Outbox(names),
                [parts.examiner],
                shop="main",
                clock=clock,
                narrator=told,
                triggers_on=triggers,
            ),
            Sweep(
                database,
                Outbox(names),
                parts.search,
                narrator=told,
                stopping=lambda: False,
            ),
            WriteBackStation(
                database,
                store,
                [
                    OrderAcknowledger(
                        OrderWriter(schema, skip_locked=True), Rules(released=RELEASED.code)
                    )
                ],
                told,
                together=10,
                may_write=lambda _: True,
            ),
            installation,
        )
    finally:
        if install:
            ledger.drop()
        database.close()


def new_event(
    entity_id: int,
    sequence: int = 1,
    type_: str = ORDER_PLACED,
    **fields: Any,
) -> NewEvent:
    """An event as intake writes it, of an order that nobody looks into."""
    given: dict[str, Any] = {
        "event_id": f"main.order.{entity_id}.{sequence}",
        "domain": ORDERS,
        "kind": "order",
        "entity_id": entity_id,
        "number": f"{entity_id:09d}",
        "sequence": sequence,
        "type": type_,
        "version": 1,
        "payload": f'{{"sequence":{sequence}}}',
        "amount": None,
        "currency": "EUR",
        "occurred_at": datetime(2026, 3, 29, tzinfo=UTC),
        "status": EventStatus.PENDING,
    }
    return NewEvent(**(given | fields))
