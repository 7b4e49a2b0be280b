"""Each misbehaviour of the ERP through the whole pipeline, against docs/outcomes.md."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.ledger.records import Records
from sidecar.testing.erpsim import ErpSimClient, Misbehaviour, serve_in_thread
from sidecar.testing.erpsim.rules import KINDS, READS, Operation
from sidecar.testing.magento_db import PlacedOrder, PrivateServer, Shop, create_magento
from sidecar.testing.magento_db.cart import Line
from sidecar.testing.magento_db.shop import DEFAULT_LINES
from tests.pipeline import DEMO_CALLS, Pipeline

DOCUMENT = Path(__file__).parents[2] / "docs" / "outcomes.md"
BATCH = Path(__file__).parents[1] / "contract" / "mappings" / "batch.yaml"
ITS_NUMBER = "its number"
GAVE_UP_AFTER_HOURS = 2

Remedy = Callable[["Stage", PlacedOrder], None]


@dataclass
class Stage:
    """One pipeline with its shop and its ERP."""

    pipeline: Pipeline
    shop: Shop
    erp: ErpSimClient

    def clear(self) -> None:
        self.erp.reset()
        self.pipeline.resume()
        self.pipeline.forget()
        self.pipeline.pump.workers.close()
        self.pipeline.start()


@dataclass(frozen=True)
class Case:
    """One line of the document; `rules` are what the ERP does to the one request or two that it
    concerns, `cart` what is ordered, `remedy` what the operator does then, after which all is as if
    nothing had been."""

    attempts: str
    event: str = "accepted"
    documents: str = "1 OPEN"
    differences: str = "–"
    order: str = f"new, erp_received, {ITS_NUMBER}"
    settings: Mapping[str, Any] = field(default_factory=lambda: {"times": 1, "method": "POST"})
    before: str = ""
    cart: Sequence[Line] = DEFAULT_LINES
    remedy: Remedy | None = None


def requeue(stage: Stage, placed: PlacedOrder) -> None:
    stage.pipeline.requeue(placed.increment_id)


def finish_and_requeue(stage: Stage, placed: PlacedOrder) -> None:
    (document,) = stage.erp.bookings(placed.increment_id)
    stage.erp.set_state(document.number, "OPEN")
    stage.pipeline.requeue(placed.increment_id)


def unhold(stage: Stage, placed: PlacedOrder) -> None:
    stage.shop.unhold(placed.entity_id)


def resume(stage: Stage, placed: PlacedOrder) -> None:
    stage.pipeline.resume()


ONCE: Mapping[str, Any] = {"times": 1, "method": "POST"}
FOUND = "push unknown → probe accepted"
SENT_AGAIN = "push unknown → probe unknown → probe pending → push accepted"
REFUSED = "holded, erp_rejected, –"
NOTHING_YET = "new, pending, –"

CASES: Mapping[Misbehaviour, Case] = {
    Misbehaviour.ACCEPT_THEN_DROP: Case(FOUND),
    Misbehaviour.DROP_BEFORE: Case(SENT_AGAIN),
    Misbehaviour.ANSWER_LATE: Case(FOUND, settings={**ONCE, "seconds": 1}),
    Misbehaviour.SLOW_BODY: Case(FOUND, settings={**ONCE, "seconds": 3}),
    Misbehaviour.TRUNCATED_BODY: Case(FOUND),
    Misbehaviour.HALF_BATCH: Case(SENT_AGAIN),
    Misbehaviour.ERROR_IN_200: Case(SENT_AGAIN),
    Misbehaviour.DRAFT_ON_201: Case(
        "push partial",
        event="parked (partial)",
        documents="1 DRAFT",
        order=NOTHING_YET,
        remedy=finish_and_requeue,
    ),
    Misbehaviour.DUPLICATE_ANSWER: Case("push duplicate → probe accepted"),
    Misbehaviour.WRONG_DUPLICATE: Case(
        "push duplicate → probe unknown → probe pending → push accepted"
    ),
    Misbehaviour.STALE_READ: Case(
        "push unknown → probe unknown → probe accepted",
        settings={"times": 1},
        before="accept_then_drop",
    ),
    Misbehaviour.DROP_LINE: Case("push accepted", differences="line_missing, lines, tax, total"),
    Misbehaviour.DROP_PRICE: Case("push accepted", differences="line_price, line_total, total"),
    Misbehaviour.DROP_TAX: Case("push accepted", differences="line_tax, tax, total"),
    Misbehaviour.CUT_PRICE: Case(
        "push accepted",
        differences="line_price, line_total, total",
        settings={**ONCE, "places": 0},
    ),
    Misbehaviour.ROUND_QUANTITY: Case(
        "push accepted",
        differences="line_qty",
        cart=[Line("MUG", Decimal("0.333"), price=Decimal(1))],
    ),
    Misbehaviour.ROUNDED_TOTAL: Case("push accepted", differences="total"),
    Misbehaviour.THROTTLE: Case("push throttled → push accepted"),
    Misbehaviour.BUSY: Case(SENT_AGAIN),
    Misbehaviour.CREDIT_LIMIT: Case(
        "push rejected",
        event="rejected (credit_limit)",
        documents="none",
        order=REFUSED,
        remedy=requeue,
    ),
    Misbehaviour.UNKNOWN_ITEM: Case(
        "push rejected",
        event="rejected (unknown_item)",
        documents="none",
        order=REFUSED,
        remedy=unhold,
    ),
    Misbehaviour.UNAUTHORISED: Case(
        "push misconfigured",
        event="pending (misconfigured)",
        documents="none",
        order=NOTHING_YET,
        remedy=resume,
    ),
    Misbehaviour.NOT_FOUND: Case(
        "push misconfigured",
        event="pending (misconfigured)",
        documents="none",
        order=NOTHING_YET,
        remedy=resume,
    ),
    Misbehaviour.HTML_ERROR: Case(SENT_AGAIN),
    Misbehaviour.SCHEMA_CHANGE: Case(FOUND),
    Misbehaviour.NUMBER_REUSED: Case("push accepted → probe accepted"),
    Misbehaviour.MALFORMED_JSON: Case(FOUND),
    Misbehaviour.SERVER_ERROR_AFTER_BOOKING: Case(FOUND),
    Misbehaviour.CONFLICT: Case(SENT_AGAIN),
}
#: Two of the misbehaviours answer slowly, in real seconds.
STANDING: Mapping[Misbehaviour, Mapping[str, Any]] = {
    Misbehaviour.ANSWER_LATE: {"seconds": 0.6},
    Misbehaviour.SLOW_BODY: {"seconds": 3},
}
MENDED = Case("")


@pytest.fixture(scope="module")
def singly(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The demonstration's mapping: one order a call."""
    yield from _stage(server, "misbehaving", tmp_path_factory.mktemp("singly"))


@pytest.fixture(scope="module")
def in_batches(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Up to twenty orders a call."""
    folder = tmp_path_factory.mktemp("batches")
    yield from _stage(server, "misbehaving_bulk", folder, calls=BATCH.read_text("utf-8"))


def _stage(
    server: PrivateServer, name: str, folder: Path, calls: str = DEMO_CALLS
) -> Iterator[Stage]:
    magento = create_magento(server, name)
    with (
        serve_in_thread() as erp,
        Pipeline(
            magento, folder, url=erp.url, calls=calls, give_up_after=GAVE_UP_AFTER_HOURS
        ) as pipeline,
        Shop(magento) as shop,
    ):
        yield Stage(pipeline, shop, erp)
    magento.drop()


@pytest.fixture
def stage(request: pytest.FixtureRequest, misbehaviour: Misbehaviour) -> Stage:
    kind = "in_batches" if misbehaviour is Misbehaviour.HALF_BATCH else "singly"
    stage: Stage = request.getfixturevalue(kind)
    stage.clear()
    return stage


#: Those of the lists of the ERP's own news meet no order that is sent: tests/contract has them.
OF_ORDERS = [each for each in Misbehaviour if KINDS[each].operations != {Operation.LIST}]
every_misbehaviour = pytest.mark.parametrize(
    "misbehaviour", OF_ORDERS, ids=[str(each) for each in OF_ORDERS]
)


def test_the_table_has_every_misbehaviour_that_an_order_meets() -> None:
    assert list(CASES) == OF_ORDERS


def test_the_document_says_what_the_table_says() -> None:
    for line, (misbehaviour, case) in zip(_document(), CASES.items(), strict=True):
        told = [f"`{misbehaviour}`", case.attempts, case.event, case.documents, case.differences,
                case.order]  # fmt: skip
        assert line[:6] == told
        seen, remedy = line[6:]
        assert seen
        assert (remedy == "–") == (case.remedy is None and case.differences == "–")


@every_misbehaviour
def test_a_misbehaviour_ends_as_documented(stage: Stage, misbehaviour: Misbehaviour) -> None:
    case = CASES[misbehaviour]
    other = stage.shop.place()
    stage.pipeline.run()
    if case.before:
        stage.erp.rule(case.before, **ONCE)
    stage.erp.rule(misbehaviour, **case.settings)
    placed = [
        stage.shop.place(case.cart)
        for _ in range(4 if misbehaviour is Misbehaviour.HALF_BATCH else 1)
    ]
    stage.pipeline.run()
    # Of a half batch the first half is accepted at once, the other one is what this is about.
    assert _found(stage, placed[-1]) == _expected(case)
    assert all(len(stage.erp.bookings(each.increment_id)) == 1 for each in (other, *placed[:-1]))
    if case.remedy:
        stage.erp.clear_rules()
        case.remedy(stage, placed[-1])
        stage.pipeline.run()
        assert _found(stage, placed[-1])[1:] == _expected(MENDED)[1:]


@every_misbehaviour
def test_one_that_does_not_stop_ends_with_one_document_once_it_is_mended(
    stage: Stage, misbehaviour: Misbehaviour
) -> None:
    reads = {} if KINDS[misbehaviour].operations <= READS else {"method": "POST"}
    stage.erp.rule(misbehaviour, **STANDING.get(misbehaviour, {}), **reads)
    placed = stage.shop.place()
    for _ in range(8):
        stage.pipeline.sweep.full()
        stage.pipeline.work()
        assert len(stage.erp.bookings(placed.increment_id)) <= 1
        stage.pipeline.let_pass(GAVE_UP_AFTER_HOURS * 3600 / 5)
    for event in stage.pipeline.open_events():
        assert event.status != "sending"
        assert event.reason, "it waits and does not say why"
        # After the time that was set for it nothing goes on by itself.
        assert event.status in ("parked", "rejected") or stage.pipeline.stopped()
    stage.erp.clear_rules()
    for document in stage.erp.bookings(placed.increment_id):
        stage.erp.set_state(document.number, "OPEN")
    stage.pipeline.resume()
    stage.pipeline.requeue(placed.increment_id)
    stage.pipeline.run()
    assert _found(stage, placed)[1:3] == _expected(MENDED)[1:3]
    assert _found(stage, placed)[4] == _expected(MENDED)[4]


def _expected(case: Case) -> tuple[str, str, str, str, str]:
    return (case.attempts, case.event, case.documents, case.differences, case.order)


def _found(stage: Stage, placed: PlacedOrder) -> tuple[str, str, str, str, str]:
    """The same five columns, asked of ledger, ERP and Magento."""
    pipeline = stage.pipeline
    events = pipeline.events(placed.entity_id)
    attempts = pipeline.ask(Records.attempts_of, [event.id for event in events])
    ways = [f"{attempt.operation} {attempt.outcome}" for attempt in attempts]
    event = events[0]
    code = f" ({event.error_code})" if event.error_code else ""
    documents = stage.erp.bookings(placed.increment_id)
    states = ", ".join(document.state for document in documents)
    (order,) = pipeline.sql(
        "SELECT state, status, ext_order_id FROM "
        f"`{pipeline.magento.name}`.sales_order WHERE entity_id = %s",
        placed.entity_id,
    )
    number = order.ext_order_id or "–"
    if number in [document.number for document in documents]:
        number = ITS_NUMBER
    return (
        " → ".join(way for way, _ in itertools.groupby(ways)),
        f"{event.status}{code}",
        f"{len(documents)} {states}" if documents else "none",
        ", ".join(dict.fromkeys(pipeline.differences(placed.entity_id))) or "–",
        f"{order.state}, {order.status}, {number}",
    )


def _document() -> list[list[str]]:
    """The cells of the document's table, line by line."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]
