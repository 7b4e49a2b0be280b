"""An order's documents in the ERP: the one that an event opened, and further ones besides."""

from __future__ import annotations

import pytest

from sidecar.domains.orders.spec import SPEC
from sidecar.model.errors import BadData
from sidecar.model.event import encode_payload
from sidecar.model.outcome import Accepted, Booked
from sidecar.testing.sample_order import simple_order
from tests.harness import LedgerBench, ScriptedErp, new_event

PLACED, UPDATED, CANCELED, *_ = SPEC.types
NUMBER = "000000001"


def know(ledger: LedgerBench, entity: int, number: str) -> None:
    ledger.sql(
        "INSERT INTO {entity} (kind, entity_id, number, state, status) "
        "VALUES ('order', %s, %s, 'new', 'pending')",
        entity, number,
    )  # fmt: skip


def add(ledger: LedgerBench, type_: str = PLACED, sequence: int = 1, *, entity: int = 1) -> int:
    number = f"{entity:09}"
    payload = encode_payload(simple_order(number, entity_id=entity)).decode()
    return ledger.add(new_event(entity, sequence, type_, number=number, payload=payload))[0]


def further(ledger: LedgerBench, reference: str, key: str | None = None, entity: int = 1) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.journal.link_further(connection, "order", entity, reference, key)


def links(ledger: LedgerBench) -> list[tuple[int, str, str | None, int | None]]:
    rows = ledger.sql("SELECT * FROM {link} ORDER BY entity_id, is_main DESC, reference")
    return [(row.entity_id, row.reference, row.erp_key, row.is_main) for row in rows]


def entities_of(ledger: LedgerBench, reference: str, kind: str = "order") -> list[int]:
    with ledger.database.transaction() as connection:
        return ledger.store.journal.entity_of(connection, kind, reference)


def entities_of_ref(ledger: LedgerBench, ref: str, kind: str = "order") -> list[int]:
    with ledger.database.transaction() as connection:
        return ledger.store.journal.entity_of_ref(connection, kind, ref)


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


def test_a_further_document_stands_beside_the_one_that_the_event_opened(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    add(ledger)
    ledger.deliver(erp)

    further(ledger, "LS-2", "77")
    further(ledger, "LS-1")

    assert links(ledger) == [
        (1, f"SO-{NUMBER}", None, 1),
        (1, "LS-1", None, None),
        (1, "LS-2", "77", None),
    ]


@pytest.mark.parametrize("spelling", ["LS-1", "ls-1", " LS-1 "])
def test_told_again_it_is_the_same_document_and_keeps_the_key_or_gets_the_newer_one(
    ledger: LedgerBench, spelling: str
) -> None:
    further(ledger, "LS-1", "77")

    further(ledger, spelling)
    assert links(ledger) == [(1, "LS-1", "77", None)]
    further(ledger, spelling, "78")
    assert links(ledger) == [(1, "LS-1", "78", None)]


@pytest.mark.parametrize("spelling", [f"SO-{NUMBER}", f"so-{NUMBER} "])
def test_the_documents_own_number_makes_no_further_one(
    ledger: LedgerBench, erp: ScriptedErp, spelling: str
) -> None:
    add(ledger)
    ledger.deliver(erp)

    further(ledger, spelling, "another key")

    assert links(ledger) == [(1, f"SO-{NUMBER}", None, 1)]


@pytest.mark.parametrize(
    ("reference", "key"), [("L" * 256, None), ("LS\x00", None), ("LS-1", "k" * 101)]
)
def test_one_that_the_ledger_cannot_hold_is_refused_and_never_cut(
    ledger: LedgerBench, reference: str, key: str | None
) -> None:
    with pytest.raises(BadData, match="more than the ledger's column holds"):
        further(ledger, reference, key)

    assert links(ledger) == []


def test_changes_are_told_to_the_erp_by_the_document_that_the_event_opened(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    further(ledger, "AA-1")
    add(ledger)
    ledger.deliver(erp)
    further(ledger, "ZZ-1")
    add(ledger, UPDATED, 2)

    ledger.deliver(erp)

    assert erp.types() == ("order.placed", "order.updated")
    assert [delivery.link and delivery.link.reference for delivery in erp.pushed] == [
        None, f"SO-{NUMBER}",
    ]  # fmt: skip


def test_a_delivery_and_an_order_of_one_number_are_two_documents(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    """An ERP counts its deliveries from where it counts its orders."""
    further(ledger, "SO-000000002")
    second = add(ledger, entity=2)

    ledger.deliver(erp)

    assert ledger.event(second).status == "accepted"
    assert entities_of(ledger, "SO-000000002") == [1, 2]


def test_a_further_document_that_the_erp_names_in_its_answer_is_the_one_that_was_opened(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    further(ledger, "SO-7", "77")
    add(ledger)
    erp.answers[NUMBER] = [Accepted(booked=Booked(reference="SO-7"))]

    ledger.deliver(erp)

    assert links(ledger) == [(1, "SO-7", "77", 1)]
    [main] = ledger.sql("SELECT event, currency, ref FROM {link}")
    assert (main.event is not None, main.currency, main.ref) == (True, "EUR", NUMBER)


def test_an_order_that_is_booked_anew_keeps_its_further_documents(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    add(ledger)
    ledger.deliver(erp)
    further(ledger, "LS-1")
    add(ledger, CANCELED, 2)
    ledger.deliver(erp)
    erp.answers[NUMBER] = [Accepted(booked=Booked(reference="SO-2"))]
    add(ledger, UPDATED, 3)

    ledger.deliver(erp)

    assert links(ledger) == [(1, "SO-2", None, 1), (1, "LS-1", None, None)]
    former = ledger.sql("SELECT reference FROM {former_link}")
    assert [row.reference for row in former] == [f"SO-{NUMBER}"]


def test_another_order_in_its_place_has_none_of_its_documents(
    ledger: LedgerBench, erp: ScriptedErp
) -> None:
    add(ledger)
    ledger.deliver(erp)
    further(ledger, "LS-1")

    with ledger.database.transaction() as connection:
        ledger.store.journal.part(connection, "order", 1, wholly=True)

    assert links(ledger) == []
    former = ledger.sql("SELECT reference FROM {former_link}")
    assert [row.reference for row in former] == [f"SO-{NUMBER}"]


def test_the_ledger_takes_no_second_main_document(ledger: LedgerBench) -> None:
    insert = (
        "INSERT INTO {link} (kind, entity_id, reference, is_main, booked_at, updated_at) "
        "VALUES ('order', 1, %s, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))"
    )
    ledger.sql(insert, "SO-1")

    with pytest.raises(BadData, match=r"key '(link\.)?main'"):
        ledger.sql(insert, "SO-2")


class TestWhoseDocumentItIs:
    def test_is_told_by_the_number_of_each_of_its_documents(
        self, ledger: LedgerBench, erp: ScriptedErp
    ) -> None:
        add(ledger)
        ledger.deliver(erp)
        further(ledger, "LS-1")

        assert entities_of(ledger, f"SO-{NUMBER}") == entities_of(ledger, "LS-1") == [1]
        assert entities_of(ledger, "LS-2") == []
        assert entities_of(ledger, "LS-1", kind="creditmemo") == []

    def test_a_document_of_two_orders_is_told_as_both(self, ledger: LedgerBench) -> None:
        further(ledger, "LS-1", entity=2)
        further(ledger, "LS-1", entity=1)

        assert entities_of(ledger, "LS-1") == [1, 2]


class TestWhoWasBookedUnderAReference:
    def test_is_told_by_the_reference_and_not_by_the_number_that_an_order_has_now(
        self, ledger: LedgerBench, erp: ScriptedErp
    ) -> None:
        know(ledger, 1, NUMBER)
        add(ledger)
        ledger.deliver(erp)
        ledger.sql("UPDATE {entity} SET number = '000000077'")
        know(ledger, 2, NUMBER)

        assert entities_of_ref(ledger, NUMBER) == [1]
        assert entities_of_ref(ledger, "000000077") == []
        assert entities_of_ref(ledger, NUMBER, kind="creditmemo") == []

    def test_without_a_document_the_number_tells_where_one_order_has_it(
        self, ledger: LedgerBench
    ) -> None:
        know(ledger, 1, NUMBER)
        know(ledger, 2, "000000002")
        further(ledger, "LS-1")

        assert entities_of_ref(ledger, NUMBER) == [1]
        assert entities_of_ref(ledger, "000000003") == []

    def test_a_number_of_two_orders_is_told_as_both(self, ledger: LedgerBench) -> None:
        know(ledger, 1, NUMBER)
        know(ledger, 2, NUMBER)

        assert entities_of_ref(ledger, NUMBER) == [1, 2]
