"""One odd thing never stops another: what fails together is done apart, until it stands alone.

Every station works on batches, for speed, and every batch is one transaction.  An order that
cannot be read, an answer that cannot be kept, would cost its neighbours their turn, at this try
and at each one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sidecar.domain.errors import is_of_one

_T = TypeVar("_T")
_R = TypeVar("_R")


def apart(
    items: Sequence[_T],
    work: Callable[[Sequence[_T]], _R],
    alone: Callable[[_T, Exception], _R],
    *,
    divides: Callable[[Exception], bool] = is_of_one,
) -> Iterator[_R]:
    """What `work` gives for all of `items`, or for halves of them where one of them makes it fail.

    `work` leaves nothing behind when it raises (it is one transaction).  `alone` is told of the
    culprit, and parks it.  An error that no smaller part would escape (not `divides`) is raised as
    it is.
    """
    if not items:
        return
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
