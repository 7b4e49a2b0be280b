"""How many levels a transaction writes follows what the last one took."""

from __future__ import annotations

from sidecar.domains.stock.table_writer import ChunkSize


def test_a_transaction_that_took_long_is_followed_by_a_smaller_one_at_once() -> None:
    size = ChunkSize(400)
    size.took(400, 0.02)
    assert size.rows == 100


def test_a_quick_one_is_followed_by_one_that_is_half_as_large_again() -> None:
    size = ChunkSize(200)
    size.took(200, 0.001)
    assert size.rows == 300


def test_it_stays_between_what_is_worth_a_commit_and_what_is_worth_a_wait() -> None:
    slow, quick = ChunkSize(), ChunkSize()
    for _ in range(20):
        slow.took(slow.rows, 10.0)
        quick.took(quick.rows, 0.0)
    assert (slow.rows, quick.rows) == (20, 1000)


def test_who_had_to_give_way_comes_back_with_half() -> None:
    size = ChunkSize(200)
    size.gave_way()
    assert size.rows == 100
