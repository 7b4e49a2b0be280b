"""Whose document is whose: numbers that two orders share, answers that name a stranger's document,
and what a person may say about it."""

from __future__ import annotations

import pytest
from msgspec import structs

from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import encode_payload
from sidecar.model.outcome import Accepted, Booked, Duplicate, Unmapped
from sidecar.testing.sample_order import simple_order
from tests.harness import LedgerBench, RecordingNarrator, ScriptedErp, new_event

PLACED, UPDATED, CANCELED, *_ = SPEC.types


def know(ledger: LedgerBench, entity: int, number: str, store: int = 1) -> None:
    """An order that intake has looked at."""
    ledger.sql(
        "INSERT INTO {entity} (kind, entity_id, number, store_id, state, status) "
        "VALUES ('order', %s, %s, %s, 'new', 'pending')",
        entity, number, store,
    )  # fmt: skip


def add(
    ledger: LedgerBench, entity: int, number: str, type_: str = PLACED, sequence: int = 1
) -> int:
    payload = encode_payload(simple_order(number, entity_id=entity)).decode()
    event = new_event(entity, sequence, type_, number=number, payload=payload)
    return ledger.add(event)[0]


def stands(ledger: LedgerBench, event: int) -> tuple[str, str | None]:
    row = ledger.event(event)
    return row.status, row.error_code


def requeue(ledger: LedgerBench, event: int) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.acts.requeue(connection, [event], keep_doubt=True, opening=PLACED)


def links(ledger: LedgerBench) -> dict[int, str]:
    return {row.entity_id: row.reference for row in ledger.sql("SELECT * FROM {link}")}


def booked(number: str, reference: str) -> Booked:
    return Booked(reference=reference, total=simple_order(number).grand_total)


class TestOneNumberOfTwoOrders:
    def test_the_younger_one_is_not_sent_and_waits_for_a_person(self, ledger: LedgerBench) -> None:
        know(ledger, 11, "000000001", store=1)
        know(ledger, 12, "000000001", store=2)
        older, younger = add(ledger, 11, "000000001"), add(ledger, 12, "000000001")
        erp = ScriptedErp()

        ledger.deliver(erp)

        assert len(erp.pushed) == 1
        assert stands(ledger, older) == ("accepted", None)
        assert stands(ledger, younger) == ("parked", "number_taken")
        assert "domains.orders.ref" in ledger.event(younger).remedy

    def test_a_number_that_a_deleted_order_was_booked_under_is_not_sent_again(
        self, ledger: LedgerBench
    ) -> None:
        """Also where the other was renumbered since: its document keeps the reference."""
        know(ledger, 11, "000000001")
        add(ledger, 11, "000000001")
        ledger.deliver(ScriptedErp())
        ledger.sql("UPDATE {entity} SET number = '000000077', vanished_at = NOW()")
        know(ledger, 12, "000000001")
        again = add(ledger, 12, "000000001")
        erp = ScriptedErp()

        ledger.deliver(erp)

        assert (erp.pushed, stands(ledger, again)) == ([], ("parked", "number_taken"))

    def test_requeued_it_goes_where_the_erp_holds_nothing_under_it(
        self, ledger: LedgerBench
    ) -> None:
        know(ledger, 11, "000000001")
        know(ledger, 12, "000000001")
        younger = add(ledger, 12, "000000001")
        erp = ScriptedErp()
        ledger.deliver(erp)

        requeue(ledger, younger)
        ledger.deliver(erp)

        assert erp.probed[:1] == ["000000001"], "it was asked first"
        assert stands(ledger, younger)[0] == "accepted"

    def test_requeued_it_never_adopts_the_others_document(self, ledger: LedgerBench) -> None:
        know(ledger, 11, "000000001")
        know(ledger, 12, "000000001")
        add(ledger, 11, "000000001")
        younger = add(ledger, 12, "000000001")
        erp = ScriptedErp()
        ledger.deliver(erp)
        erp.documents["000000001"] = (booked("000000001", links(ledger)[11]),)

        requeue(ledger, younger)
        ledger.deliver(erp)

        assert stands(ledger, younger) == ("parked", "document_taken")
        assert 12 not in links(ledger)


def test_the_name_that_calls_need_belongs_to_one_document(ledger: LedgerBench) -> None:
    """Kept where a later answer is silent of it; gone with the document that was canceled."""
    know(ledger, 11, "000000001")
    erp = ScriptedErp()
    first, second = booked("000000001", "S00042"), booked("000000001", "S00043")
    answers = [
        (PLACED, Accepted(booked=structs.replace(first, key="42"))),
        (UPDATED, Accepted(booked=first)),
        (CANCELED, Accepted(booked=structs.replace(first, status="CANCELED"))),
        (PLACED, Accepted(booked=second)),
    ]
    kept = []
    for sequence, (type_, answer) in enumerate(answers, 1):
        erp.answers["000000001"] = [answer]
        add(ledger, 11, "000000001", type_, sequence)
        ledger.deliver(erp)
        [link] = ledger.sql("SELECT reference, erp_key FROM {link}")
        kept.append((link.reference, link.erp_key))

    told = [delivery.link.key if delivery.link else None for delivery in erp.pushed]
    assert told == [None, "42", "42", "42"]
    assert kept == [("S00042", "42")] * 3 + [("S00043", None)]


@pytest.mark.parametrize("can_ask", [True, False])
def test_one_document_for_two_orders_of_a_call_is_nobodys(
    ledger: LedgerBench, can_ask: bool
) -> None:
    events = [add(ledger, entity, f"00000000{entity}") for entity in (1, 2)]
    erp = ScriptedErp(batch=2, probe=can_ask, dedupe=not can_ask)
    same = Accepted(booked=booked("000000001", "SO-1"))
    erp.answers = {f"00000000{entity}": [same] for entity in (1, 2)}
    erp.documents = {"000000001": (booked("000000001", "SO-1"),)}

    ledger.deliver(erp, trust_absence_after=0)

    if can_ask:
        assert [stands(ledger, event)[0] for event in events] == ["accepted", "accepted"]
        assert links(ledger)[1] == "SO-1"
        assert links(ledger)[2] != "SO-1"
    else:
        assert [stands(ledger, event)[1] for event in events] == ["document_taken"] * 2


def test_a_duplicate_that_is_another_orders_document_comes_to_an_end_where_nobody_can_be_asked(
    ledger: LedgerBench,
) -> None:
    """It was sent again at once, and called a duplicate again, for ever."""
    add(ledger, 1, "000000001")
    erp = ScriptedErp(probe=False, dedupe=True)
    ledger.deliver(erp)
    second = add(ledger, 2, "000000002")
    erp.answers["000000002"] = [Duplicate(reference=links(ledger)[1])] * 9

    ledger.deliver(erp)

    assert stands(ledger, second) == ("parked", "document_taken")


def test_a_renumbered_order_keeps_the_reference_it_was_booked_under(ledger: LedgerBench) -> None:
    know(ledger, 1, "000000001")
    add(ledger, 1, "000000001")
    erp = ScriptedErp()
    ledger.deliver(erp)
    ledger.sql("UPDATE {entity} SET number = '000000077'")
    add(ledger, 1, "000000077", UPDATED, 2)

    ledger.deliver(erp)

    assert [delivery.ref for delivery in erp.pushed] == ["000000001", "000000001"]


def test_a_change_answered_with_another_document_leaves_the_link(ledger: LedgerBench) -> None:
    add(ledger, 1, "000000001")
    erp = ScriptedErp()
    ledger.deliver(erp)
    own = links(ledger)
    change = add(ledger, 1, "000000001", UPDATED, 2)
    erp.answers["000000001"] = [Accepted(booked=booked("000000001", "SO-77"))]

    ledger.deliver(erp)

    assert stands(ledger, change) == ("parked", "another_document")
    assert links(ledger) == own
    assert [row[0] for row in ledger.sql("SELECT class FROM {difference}")] == ["another_document"]


class TestAnOrderThatLivesAgain:
    def canceled(self, ledger: LedgerBench, erp: ScriptedErp) -> str:
        add(ledger, 1, "000000001")
        ledger.deliver(erp)
        add(ledger, 1, "000000001", CANCELED, 2)
        ledger.deliver(erp)
        (link,) = ledger.sql("SELECT * FROM {link}")
        assert link.ended_at is not None
        return str(link.reference)

    def test_is_booked_anew_and_its_old_document_stays_known_as_such(
        self, ledger: LedgerBench
    ) -> None:
        erp = ScriptedErp()
        old = self.canceled(ledger, erp)
        erp.documents["000000001"] = (booked("000000001", old),)
        erp.answers["000000001"] = [Accepted(booked=booked("000000001", "SO-2"))]
        reopened = add(ledger, 1, "000000001", UPDATED, 3)

        ledger.deliver(erp)

        assert ledger.event(reopened).type == "order.placed"
        assert stands(ledger, reopened)[0] == "accepted"
        assert links(ledger) == {1: "SO-2"}
        assert [row.reference for row in ledger.sql("SELECT * FROM {former_link}")] == [old]

    def test_waits_where_the_erp_takes_no_second_one_until_a_person_has_opened_the_first(
        self, ledger: LedgerBench
    ) -> None:
        erp = ScriptedErp()
        old = self.canceled(ledger, erp)
        erp.documents["000000001"] = (booked("000000001", old),)
        erp.answers["000000001"] = [Duplicate(reference=old)]
        reopened = add(ledger, 1, "000000001", UPDATED, 3)
        ledger.deliver(erp)
        assert stands(ledger, reopened) == ("parked", "canceled_document")

        requeue(ledger, reopened)
        ledger.deliver(erp)

        assert stands(ledger, reopened)[0] == "accepted"
        assert [row.ended_at for row in ledger.sql("SELECT * FROM {link}")] == [None]


@pytest.mark.parametrize("dropped", [True, False])
def test_what_is_not_ours_to_place_waits_and_goes_at_a_persons_word(
    ledger: LedgerBench, dropped: bool
) -> None:
    if dropped:
        placed = add(ledger, 1, "000000001")
        with ledger.database.transaction() as connection:
            ledger.store.acts.drop(connection, [placed], "booked by hand")
    change = add(ledger, 1, "000000001", UPDATED, 2)
    erp = ScriptedErp()
    ledger.deliver(erp)
    assert (erp.pushed, stands(ledger, change)) == ([], ("parked", "not_in_erp"))

    requeue(ledger, change)
    ledger.deliver(erp)

    assert [delivery.event.type for delivery in erp.pushed] == ["order.placed"]
    assert stands(ledger, change)[0] == "accepted"


class TestAFileOfCallsThatCannotExpressAnOrder:
    BROKEN = Unmapped(message="calls.yaml:7: no such key")

    def test_parks_that_order_tells_the_shop_nothing_and_goes_on(self, ledger: LedgerBench) -> None:
        good, bad = add(ledger, 1, "000000001"), add(ledger, 2, "000000002")
        erp, told = ScriptedErp(), RecordingNarrator()
        erp.answers["000000002"] = [self.BROKEN]

        ledger.deliver(erp, told=told)

        assert (stands(ledger, good)[0], stands(ledger, bad)) == ("accepted", ("parked", "mapping"))
        assert "calls.yaml:7" in ledger.event(bad).reason
        assert [row.entity_id for row in ledger.sql("SELECT * FROM {write_back}")] == [1]
        assert "domain.stopped" not in told.names()

    def test_stops_the_domain_where_it_can_express_none(self, ledger: LedgerBench) -> None:
        events = [add(ledger, entity, f"00000000{entity}") for entity in range(1, 6)]
        erp, told = ScriptedErp(), RecordingNarrator()
        erp.answers = {f"00000000{entity}": [self.BROKEN] for entity in range(1, 6)}

        with ledger.pump(erp, told=told) as pump:
            pump.run_once()

        (control,) = ledger.sql("SELECT * FROM {control}")
        assert "calls.yaml:7" in control.stopped_reason
        assert "domain.stopped" in told.names()
        ledger.sql("DELETE FROM {control}")

        # The file is corrected and read anew.
        erp.answers.clear()
        ledger.deliver(erp)

        assert {stands(ledger, event)[0] for event in events} == {"accepted"}
