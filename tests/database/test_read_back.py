"""What an acceptance leaves out is read back and compared, and kept, on a real ledger."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from sidecar.domains.orders.events import ORDER_PLACED, ORDER_UPDATED
from sidecar.model.event import encode_payload
from sidecar.model.outcome import Accepted, Booked, BookedLine
from sidecar.testing.sample_order import simple_order
from tests.harness import LedgerBench, RecordingNarrator, ScriptedErp, drain, new_event

ORDER = simple_order("000000001", lines=2)
TOLD = Booked(reference="SO-1", total=ORDER.grand_total, tax=ORDER.tax_amount, lines=2)
ITEMS = tuple(BookedLine(sku=item.sku, row_total=item.row_total) for item in ORDER.items)
CHEAP = (replace(ITEMS[0], row_total=Decimal("22.64")), ITEMS[1])


def deliver(
    ledger: LedgerBench, answered: Booked, read: Booked, *, probe_items: bool = False
) -> tuple[list[str], list[str]]:
    """What was asked for, and the classes of the differences, of one order that was accepted."""
    payload = encode_payload(ORDER).decode()
    ledger.add(new_event(1, 1, ORDER_PLACED, payload=payload))
    erp = ScriptedErp(probe_items=probe_items)
    erp.answers[ORDER.increment_id] = [Accepted(booked=answered)]
    erp.documents[ORDER.increment_id] = (read,)
    ledger.deliver(erp)
    assert ledger.statuses() == [("order.placed", "accepted")]
    found = ledger.sql("SELECT class FROM {difference} ORDER BY id")
    return erp.probed, [kind for (kind,) in found]


def test_lines_that_the_answer_tells_are_compared_without_a_question(ledger: LedgerBench) -> None:
    answered = replace(TOLD, items=CHEAP)

    assert deliver(ledger, answered, TOLD, probe_items=True) == ([], ["line_total"])


def test_lines_that_the_answer_does_not_tell_are_asked_for_where_a_probe_shows_them(
    ledger: LedgerBench,
) -> None:
    read = replace(TOLD, items=CHEAP)

    assert deliver(ledger, TOLD, read, probe_items=True) == (["000000001"], ["line_total"])


def test_nothing_is_asked_only_because_nobody_tells_the_lines(ledger: LedgerBench) -> None:
    assert deliver(ledger, TOLD, TOLD) == ([], [])


def test_what_is_asked_for_fills_the_answer_and_never_replaces_it(ledger: LedgerBench) -> None:
    answered = replace(TOLD, total=None, tax=TOLD.tax)
    read = replace(TOLD, total=Decimal(1), tax=Decimal(1), items=CHEAP)

    assert deliver(ledger, answered, read) == (["000000001"], ["total", "line_total"])


def test_what_could_not_be_read_stands_in_the_attempt(ledger: LedgerBench) -> None:
    read = replace(TOLD, items=None, unread="items: item has no 'lines'")

    assert deliver(ledger, TOLD, read, probe_items=True) == (["000000001"], [])
    ((message,),) = ledger.sql("SELECT message FROM {attempt}")
    assert message == "accepted as SO-1; not compared: items: item has no 'lines'"


def test_each_difference_of_many_orders_is_kept_and_told(ledger: LedgerBench) -> None:
    erp, told = ScriptedErp(batch=20), RecordingNarrator()
    for entity in (1, 2):
        order = simple_order(f"{entity:09}", lines=2)
        ledger.add(new_event(entity, 1, ORDER_PLACED, payload=encode_payload(order).decode()))
        document = replace(TOLD, reference=f"SO-{entity}", items=CHEAP[:1])
        erp.answers[order.increment_id] = [Accepted(booked=document)]

    with ledger.pump(erp, told=told) as pump:
        drain(pump)

    rows = ledger.sql("SELECT number, class, ours, theirs, amount FROM {difference}")
    sku, lost = ORDER.items[0].sku, ORDER.items[1]
    assert sorted(map(tuple, rows)) == [
        (number, *figures)
        for number in ("000000001", "000000002")
        for figures in (
            ("line_missing", f"{lost.sku}: 3 for 36.99", f"{lost.sku}: none", lost.row_total),
            ("line_total", f"{sku}: 22.66", f"{sku}: 22.64", Decimal("0.0200")),
        )
    ]
    assert len(told.of("delivery.difference")) == len(rows)


def test_a_later_answer_stands_in_place_of_what_was_found_before(ledger: LedgerBench) -> None:
    payload = encode_payload(ORDER).decode()
    erp = ScriptedErp()
    answers = [replace(TOLD, total=Decimal(1)), replace(TOLD, tax=Decimal(0)), TOLD]
    standing = []
    for sequence, booked in enumerate(answers, 1):
        type_ = ORDER_PLACED if sequence == 1 else ORDER_UPDATED
        ledger.add(new_event(1, sequence, type_, payload=payload))
        erp.answers[ORDER.increment_id] = [Accepted(booked=booked)]
        ledger.deliver(erp)
        rows = ledger.sql("SELECT class FROM {difference} WHERE resolved_at IS NULL")
        standing.append([kind for (kind,) in rows])

    assert standing == [["total"], ["tax"], []]
    assert len(ledger.sql("SELECT * FROM {difference}")) == 2
