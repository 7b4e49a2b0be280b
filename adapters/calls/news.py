"""The ERP's own news: one page of an answer as rows, and what of it could not be read."""

from __future__ import annotations

from datetime import datetime
from typing import Generic

import msgspec

from adapters.calls.asking import Answered, Asking, found_list, next_page
from adapters.calls.declared import Telling
from adapters.calls.row_form import RowForm, UnreadableField
from adapters.calls.wire_call import Call
from adapters.language.rounds import ROUNDS, Rounds
from sidecar.ports import Page, UnreadableRow


class News(Generic[Call]):
    """Asks the ERP for what it tells of by itself."""

    def __init__(self, asking: Asking[Call]) -> None:
        self._asking = asking

    def page(
        self, telling: Telling[Call], since: datetime | None, page: str | int | None
    ) -> Page[msgspec.Struct]:
        """See `sidecar.ports.Telling.changes`."""
        answered = self._asking.answered(telling.inquiry, {"since": since, "page": page})
        rows: list[msgspec.Struct] = []
        unreadable: list[UnreadableRow] = []
        nameless = 0
        for item in found_list(telling.inquiry, answered):
            values = {**answered.values, "item": item, ROUNDS: Rounds()}
            try:
                rows.append(telling.form.row(values))
            except UnreadableField as error:
                unreadable.append(UnreadableRow(telling.form.number(values), error.message))
                nameless += error.name in telling.form.news.number
        _refuse_strange(answered, telling.form, len(rows) + len(unreadable), nameless)
        following = next_page(telling.inquiry, answered, page)
        return Page(tuple(rows), following, tuple(unreadable))


def _refuse_strange(answered: Answered, form: RowForm, rows: int, nameless: int) -> None:
    """One row without its number is that row's fault; all of several are the answer's.

    Taken for bad rows, an ERP whose field was renamed would park everything that it has.
    """
    if nameless == rows > 1:
        names = " and ".join(form.news.number)
        raise answered.unusable(f"none of its {rows} rows says what it is about ({names})")
