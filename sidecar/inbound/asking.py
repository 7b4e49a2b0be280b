"""Asking the ERP what it has to say, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from sidecar.ledger.cursors import Cursor
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import NotUnderstood
from sidecar.ports import Clock, Page, Telling

_T = TypeVar("_T")
#: More are no answer but a circle.
_MOST_PAGES = 100_000
_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)


class Turn(Protocol):
    """Makes a call to the ERP when it is the domain's turn on its account.

    Raises TryAgain where no call may be made now, and what the call raises.
    """

    def __call__(self, call: Callable[[], _T]) -> _T: ...


class Questions:
    """The questions to one ERP account about one domain."""

    def __init__(
        self,
        spec: DomainSpec,
        adapter: Telling,
        turn: Turn,
        clock: Clock,
        *,
        overlap: timedelta,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """`progress` is called with each page: to read everything takes minutes."""
        self._spec = spec
        self._adapter = adapter
        self._turn = turn
        self._clock = clock
        self._overlap = overlap
        self._progress = progress

    def pages(self, since: datetime | None) -> Iterator[Page[msgspec.Struct]]:
        """What the ERP tells, page by page; `since` None: everything.

        Raises Unavailable where an answer cannot be had or believed: what was given so far is
        good, and the whole is asked for again.
        """
        page: str | int | None = None
        seen: set[str | int] = set()
        for _ in range(_MOST_PAGES):
            told = self._turn(partial(self._adapter.changes, self._spec.name, since, page))
            self._progress()
            yield told
            if told.next is None:
                return
            if told.next in seen:
                break
            seen.add(told.next)
            page = told.next
        raise NotUnderstood(
            f"the ERP's pages of {self._spec.name} lead in a circle: {page!r} comes again",
            "is `next` of the file of calls the name of the page that follows?",
        )

    def since(self, cursor: Cursor) -> datetime:
        """From when on to ask: the cursor, and the overlap before it.

        What the ERP wrote down late has a moment before others that were read already.
        """
        read = cursor.since or self._clock.now()
        # The year 1 is how some ERPs say "never": there is nothing before it to go back to.
        return read - min(self._overlap, read - _FIRST_MOMENT)

    def moment(self, row: Any) -> datetime | None:
        """When the ERP changed what a row says; None where the row, or UTC, has no such moment."""
        at = self._spec.tells.at if self._spec.tells else None
        moment = getattr(row, at, None) if at else None
        if not isinstance(moment, datetime):
            return None
        try:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            return None


class Reached:
    """How far an answer goes: the newest moment that the ERP named, by its own clock.

    Our clock would do only where the ERP's is no slower: what it writes down next would have a
    moment before ours and never be asked for.  A moment in the future (a slip of the pen, or a
    clock that is ahead) says nothing; where there are no others, it is our clock all the same.
    """

    def __init__(self, questions: Questions, began: datetime) -> None:
        self._questions = questions
        self._began = began
        self._newest: datetime | None = None
        self._rows = 0

    def see(self, row: Any) -> None:
        """One row of the answer."""
        self._rows += 1
        moment = self._questions.moment(row)
        if moment is None or moment > self._began:
            return
        if self._newest is None or moment > self._newest:
            self._newest = moment

    def since(self, before: datetime | None) -> datetime | None:
        """Where the cursor goes; None where it stays."""
        if self._newest is None:
            # No row has a moment that was: of an ERP that names none, the question's own is the
            # best there is; where no row came at all, asking for the same again costs nothing.
            return self._began if self._rows or before is None else None
        return self._newest if before is None or self._newest > before else None
