"""What the ledger remembers of an order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sidecar.model.entity import FORGOTTEN, EntityRow, KnownEntity, WrittenBack
from tests.harness import LedgerBench

FACTS = '{"state":"new"}'


def row(entity_id: int = 42, **fields: Any) -> EntityRow:
    given: dict[str, Any] = {
        "kind": "order",
        "entity_id": entity_id,
        "number": f"{entity_id:09d}",
        "store_id": 1,
        "state": "new",
        "status": "pending",
        "held_by_us": False,
        "amount": Decimal("99.5000"),
        "currency": "EUR",
        "fingerprint": "1:abc",
        "mark": 2**63,
        "facts": FACTS,
        "sequence": 1,
        "updated_at": datetime(2026, 3, 29, tzinfo=UTC),
        "looked_at": datetime(2026, 3, 29, 0, 0, 1),  # noqa: DTZ001 - as the driver gives it
    }
    return EntityRow(**(given | fields))


def save(ledger: LedgerBench, *rows: EntityRow) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.entities.save(connection, rows)


def write_back(ledger: LedgerBench, entity_id: int = 42, **fields: Any) -> None:
    given: dict[str, Any] = {
        "kind": "order",
        "entity_id": entity_id,
        "number": f"{entity_id:09d}",
        "state": "holded",
        "status": "erp_rejected",
        "our_number": "SO-1",
        "held_by_us": True,
        "overwritten": None,
    }
    with ledger.database.transaction() as connection:
        ledger.store.entities.written_back(connection, [WrittenBack(**(given | fields))])


def known(ledger: LedgerBench, entity_id: int = 42) -> KnownEntity:
    with ledger.database.transaction() as connection:
        return ledger.store.entities.read(connection, "order", [entity_id])[entity_id]


def test_it_comes_back_as_it_was_written(ledger: LedgerBench) -> None:
    save(ledger, row())

    entity = known(ledger)

    assert (entity.number, entity.state, entity.fingerprint) == ("000000042", "new", "1:abc")
    assert (entity.amount, entity.facts) == (Decimal("99.5000"), FACTS)
    assert (entity.our_number, entity.held_by_us, entity.vanished) == (None, False, False)


def test_the_revision_grows_with_every_change(ledger: LedgerBench) -> None:
    changes: list[Callable[[LedgerBench], None]] = [look, look, write_back, forget]
    revisions = []
    for change in changes:
        change(ledger)
        revisions.append(known(ledger).revision)

    assert revisions == sorted(set(revisions))
    assert len(revisions) == 4


def look(ledger: LedgerBench) -> None:
    save(ledger, row())


def forget(ledger: LedgerBench) -> None:
    entity = known(ledger)
    with ledger.database.transaction() as connection:
        ledger.store.entities.forget_look(connection, [entity])


def test_a_look_leaves_what_our_write_back_put_there(ledger: LedgerBench) -> None:
    """It knows what Magento says, not what we said: that is how an undone write is found."""
    save(ledger, row())
    write_back(ledger)

    save(ledger, row(state="new"))

    assert known(ledger).our_number == "SO-1"


def test_a_write_back_changes_what_it_wrote_and_nothing_else(ledger: LedgerBench) -> None:
    save(ledger, row(1), row(2))
    before = known(ledger, 1)

    write_back(ledger, 1)

    after = known(ledger, 1)
    assert (after.state, after.status, after.held_by_us) == ("holded", "erp_rejected", True)
    assert (after.fingerprint, after.facts, after.sequence) == (
        before.fingerprint, before.facts, before.sequence,
    )  # fmt: skip
    assert known(ledger, 2).state == "new"


def test_a_forgotten_look_finds_every_content_changed(ledger: LedgerBench) -> None:
    save(ledger, row())

    forget(ledger)

    fingerprint = known(ledger).fingerprint
    assert fingerprint is not None
    assert fingerprint == FORGOTTEN


def test_what_vanished_is_kept_and_may_come_back(ledger: LedgerBench) -> None:
    save(ledger, row(vanished=True))
    assert known(ledger).vanished

    save(ledger, row())
    assert not known(ledger).vanished


def test_many_rows_go_in_one_statement(ledger: LedgerBench) -> None:
    save(ledger, *(row(number) for number in range(1, 201)))

    with ledger.database.transaction() as connection:
        found = ledger.store.entities.read(connection, "order", list(range(1, 300)))
    assert sorted(found) == list(range(1, 201))


def test_what_is_not_known_is_missing(ledger: LedgerBench) -> None:
    save(ledger, row(1))

    with ledger.database.transaction() as connection:
        entities = ledger.store.entities
        assert entities.read(connection, "order", []) == {}
        assert entities.read(connection, "refund", [1]) == {}
        assert entities.lock(connection, "order", []) == {}
        assert entities.lock(connection, "order", [1, 1, 2]) == {1: 0}


def test_one_number_may_stand_for_orders_of_several_stores(ledger: LedgerBench) -> None:
    save(ledger, row(1, number="000000007"), row(2, number="000000007", store_id=2))

    with ledger.database.transaction() as connection:
        found = ledger.store.entities.by_number(connection, "order", "000000007")
    assert sorted(entity.entity_id for entity in found) == [1, 2]


@pytest.mark.parametrize("amount", ["0.0001", "99999999999.9999", "-1.5000"])
def test_amounts_keep_every_digit(ledger: LedgerBench, amount: str) -> None:
    save(ledger, row(amount=Decimal(amount)))

    assert str(known(ledger).amount) == amount
