"""What fails together is done apart; what everybody meets is told from one that is odd."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead, apart
from sidecar.model.errors import BadData, Unavailable

ITEMS = st.lists(st.integers(0, 30), unique=True, max_size=12)


class Work:
    """Fails, whole and without a trace, where one of its items is odd."""

    def __init__(self, odd: set[int]) -> None:
        self.odd = odd
        self.done: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        if self.odd & set(items):
            raise ZeroDivisionError
        self.done += items
        return list(items)


@given(items=ITEMS, odd=st.sets(st.integers(0, 30)))
def test_each_is_done_or_alone_once_and_in_order(items: list[int], odd: set[int]) -> None:
    work, alone = Work(odd), list[int]()

    for _ in apart(items, work, lambda item, _error: alone.append(item)):
        pass

    assert work.done == [item for item in items if item not in odd]
    assert alone == [item for item in items if item in odd]


def test_the_worlds_errors_are_nobodys() -> None:
    def work(_items: Sequence[int]) -> None:
        raise Unavailable("the database is away")

    with pytest.raises(Unavailable):
        list(apart([1, 2], work, lambda _item, _error: None))


def met(bulkhead: Bulkhead, items: Sequence[int], odd: set[int]) -> list[tuple[int, int]]:
    """Which items failed, and how many alike each was told to be."""
    culprits: list[tuple[int, int]] = []
    for _ in bulkhead.apart(
        [items],
        Work(odd),
        lambda item, _error, alike: culprits.append((item, alike)),
        key=lambda item: item,
    ):
        pass
    return culprits


@given(items=ITEMS.filter(bool), odd=st.sets(st.integers(0, 30)))
def test_where_one_went_through_the_others_are_odd(items: list[int], odd: set[int]) -> None:
    culprits = met(Bulkhead(), items, odd)

    assert [item for item, _ in culprits] == [item for item in items if item in odd]
    if set(items) <= odd:
        assert [alike for _, alike in culprits] == list(range(1, len(items) + 1))
    else:
        assert {alike for _, alike in culprits} <= {0}


def test_they_are_counted_across_batches_until_one_goes_through() -> None:
    bulkhead, odd = Bulkhead(), {1, 2, 3, 4}

    assert met(bulkhead, [1], odd) == [(1, 1)]
    assert met(bulkhead, [1], odd) == [(1, 1)], "the same one again says nothing new"
    assert met(bulkhead, [2], odd) == [(2, 2)]
    assert met(bulkhead, [3], odd) == [(3, MOST_ALIKE)]
    assert met(bulkhead, [9], odd) == []
    assert met(bulkhead, [4], odd) == [(4, 1)]


def test_another_defect_or_bad_data_is_not_the_same() -> None:
    bulkhead = Bulkhead()
    alikes: list[int] = []

    def fail(error: Exception) -> None:
        def work(_items: Sequence[int]) -> None:
            raise error

        one = len(alikes)
        list(
            bulkhead.apart(
                [[one]], work, lambda _i, _e, alike: alikes.append(alike), key=lambda item: item
            )
        )

    for error in (KeyError(), KeyError(), ValueError(), BadData("odd"), ValueError(), KeyError()):
        fail(error)

    assert alikes == [1, 2, 1, 0, 2, 1]
