"""One odd thing never stops another: what fails together is done apart, until it stands alone.

Every station works on batches, for speed, and every batch is one transaction.  An order that
cannot be read, an answer that cannot be kept, would cost its neighbours their turn, at this try
and at each one after it.

A defect of ours that every one of them meets is no oddness of one: it must not park them all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from sidecar.model.errors import SidecarError, described, is_of_one

_T = TypeVar("_T")
_R = TypeVar("_R")
_S = TypeVar("_S")
#: Different ones in a row that failed in the same place, and none that went through in between:
#: the next would fail alike.
MOST_ALIKE = 3


def apart(
    items: Sequence[_T],
    work: Callable[[Sequence[_T]], _R],
    alone: Callable[[_T, Exception], _S],
    *,
    divides: Callable[[Exception], bool] = is_of_one,
) -> Iterator[_R | _S]:
    """What `work` gives for all of `items`, or for halves of them where one of them makes it fail.

    `work` leaves nothing behind when it raises (it is one transaction).  `alone` is told of the
    culprit, and parks it.  An error that no smaller part would escape (not `divides`) is raised as
    it is.
    """
    if not items:
        return
    done: _R | _S
    try:
        done = work(items)
    except Exception as error:
        if not divides(error):
            raise
        if len(items) > 1:
            middle = len(items) // 2
            for half in (items[:middle], items[middle:]):
                yield from apart(half, work, alone, divides=divides)
            return
        done = alone(items[0], error)
    yield done


class Bulkhead:
    """`apart`, with a memory of the ones that failed alike; one per station, used by one thread."""

    def __init__(self) -> None:
        self._defect = ""
        self._met_by: set[Hashable] = set()

    def passed(self) -> None:
        """One went through: whatever failed before lay in those that failed."""
        self._met_by.clear()

    def apart(
        self,
        batches: Sequence[Sequence[_T]],
        work: Callable[[Sequence[_T]], _R],
        alone: Callable[[_T, Exception, int], _R],
        *,
        key: Callable[[_T], Hashable],
        divides: Callable[[Exception], bool] = is_of_one,
    ) -> Iterator[_R]:
        """As `apart` does with each batch; the culprits come last.

        `alone` is also told how many different ones (by their `key`) met this very defect in a row,
        with this one: from `MOST_ALIKE` on it is everybody's.  0: it is no defect of ours, or
        others of these batches went through.
        """
        culprits: list[tuple[_T, Exception]] = []
        have_passed = False

        def put_by(one: _T, error: Exception) -> None:
            culprits.append((one, error))

        for batch in batches:
            for done in apart(batch, work, put_by, divides=divides):
                if done is not None:
                    have_passed = True
                    self.passed()
                    yield done
        for one, error in culprits:
            yield alone(one, error, 0 if have_passed else self._alike(key(one), error))

    def _alike(self, one: Hashable, error: Exception) -> int:
        if isinstance(error, SidecarError):
            return 0
        # Of an error that is not ours this is its class and its place.
        if described(error) != self._defect:
            self._defect = described(error)
            self._met_by.clear()
        self._met_by.add(one)
        return len(self._met_by)
