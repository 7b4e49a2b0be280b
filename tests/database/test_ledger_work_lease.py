"""One daemon per ledger, by the database's clock."""

from __future__ import annotations

import threading

import pytest

from tests.harness import LedgerBench


def hold(
    ledger: LedgerBench, owner: str, seconds: float = 30.0, *, dead: str | None = None
) -> bool:
    with ledger.database.transaction() as connection:
        return ledger.store.work_lease.hold(connection, owner, seconds, dead=dead)


def holder(ledger: LedgerBench) -> str | None:
    with ledger.database.transaction() as connection:
        return ledger.store.work_lease.holder(connection)


def release(ledger: LedgerBench, owner: str) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.work_lease.release(connection, owner)


def term(ledger: LedgerBench) -> int:
    return int(ledger.sql("SELECT term FROM {lease}")[0][0])


def run_out(ledger: LedgerBench) -> None:
    ledger.sql("UPDATE {lease} SET until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")


def test_the_first_holds_it_and_the_second_stands_by(ledger: LedgerBench) -> None:
    assert hold(ledger, "one")
    assert not hold(ledger, "two")
    assert holder(ledger) == "one"


def test_the_holder_extends_it_also_when_nothing_changes(ledger: LedgerBench) -> None:
    assert all(hold(ledger, "one") for _ in range(20))


def test_when_it_ran_out_the_next_one_takes_it(ledger: LedgerBench) -> None:
    hold(ledger, "one")
    run_out(ledger)

    assert holder(ledger) is None
    assert hold(ledger, "two")
    assert not hold(ledger, "one")


def test_every_change_of_hands_is_a_new_term_and_no_renewal_is(ledger: LedgerBench) -> None:
    terms = []
    for owner in ("one", "one", "two", "two", "one"):
        run_out(ledger)
        hold(ledger, owner)
        terms.append(term(ledger))

    assert terms == [1, 1, 2, 2, 3]


def test_given_back_it_is_free_at_once(ledger: LedgerBench) -> None:
    hold(ledger, "one")

    release(ledger, "two")
    assert not hold(ledger, "two")
    release(ledger, "one")
    assert hold(ledger, "two")


def test_that_of_a_dead_holder_is_taken_before_it_runs_out(ledger: LedgerBench) -> None:
    hold(ledger, "gone")

    assert not hold(ledger, "two", dead="one that held it before")
    assert hold(ledger, "two", dead="gone")
    assert (holder(ledger), term(ledger)) == ("two", 2)


@pytest.mark.parametrize("dead", [None, "gone"], ids=["ran out", "dead"])
def test_of_many_that_ask_at_once_one_gets_it(ledger: LedgerBench, dead: str | None) -> None:
    hold(ledger, "gone")
    if dead is None:
        run_out(ledger)
    start = threading.Barrier(6)
    got: list[str] = []

    def ask(owner: str) -> None:
        start.wait()
        if hold(ledger, owner, dead=dead):
            got.append(owner)

    threads = [threading.Thread(target=ask, args=[f"daemon {n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 1
    assert holder(ledger) == got[0]
    assert term(ledger) == 2
