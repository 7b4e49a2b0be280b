"""Our secrets leave no adapter: whatever it answers or raises passes here.

An ERP may repeat our login in any text of an answer: in a message, a code, a number, a status.  So
it is not said which texts are looked through, but that all are, of whatever is handed out: a field
that is new is looked through too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from sidecar.model.errors import NotUnderstood, SidecarError
from sidecar.model.news import NewsSpec
from sidecar.model.outcome import Accepted, Booked, Duplicate, Outcome, Partial, Unknown, name_of
from sidecar.ports import Page, PushCall, Result, UnreadableRow

T = TypeVar("T")

_NO_NAME = (
    "the ERP names its document by one of our own secrets: nothing is kept under that name; where "
    "the secret is as short as a number of the ERP, choose a longer one"
)


class Redaction:
    """`redact` strikes our secrets out of one text."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact

    def of(self, value: T) -> T:
        """The same value, whose texts have no secret in them."""
        redacted: Any = self._of(value)
        return redacted  # type: ignore[no-any-return]

    def of_call(self, call: PushCall) -> PushCall:
        """A call and what it came to; a delivery is ours, and stays as it is."""
        results = [
            Result(result.delivery, self._outcome(result.outcome), self.of(result.reading))
            for result in call.results
        ]
        return PushCall(self.of(call.exchange), results)

    def of_document(self, booked: Booked) -> Booked:
        """A document that was found.  Raises NotUnderstood for one that is named by a secret."""
        redacted = self.of(booked)
        if redacted.reference != booked.reference:
            raise NotUnderstood(_NO_NAME)
        return redacted

    def of_news(self, page: Page[msgspec.Struct], news: NewsSpec) -> Page[msgspec.Struct]:
        """A page of what the ERP tells; a row that is named by a secret cannot be read.

        The next page's name comes back to be asked for as it is.
        """
        named = (*news.number, *(news.of[1:] if news.of else ()))
        rows: list[msgspec.Struct] = []
        unreadable = list(map(self.of, page.unreadable))
        for row in page.rows:
            redacted = self.of(row)
            if all(getattr(row, name) == getattr(redacted, name) for name in named):
                rows.append(redacted)
            else:
                unreadable.append(UnreadableRow("", _NO_NAME))
        return Page(tuple(rows), page.next, tuple(unreadable))

    @contextmanager
    def of_errors(self) -> Iterator[None]:
        """Every error of ours that is raised within, in all that it holds."""
        try:
            yield
        except SidecarError as error:
            for name, value in vars(error).items():
                setattr(error, name, self._of(value))
            error.args = self._of(error.args)
            raise

    def _outcome(self, outcome: Outcome) -> Outcome:
        redacted = self.of(outcome)
        match outcome, redacted:
            case ((Accepted() | Partial()), (Accepted() | Partial())):
                if redacted.booked.reference != outcome.booked.reference:
                    return Unknown(message=f"{name_of(outcome)}, but {_NO_NAME}")
            case Duplicate(), Duplicate() if redacted.reference != outcome.reference:
                return replace(redacted, reference=None)
        return redacted

    def _of(self, value: Any) -> Any:
        match value:
            case str():
                return self._redact(value)
            case msgspec.Struct():
                return replace(value, **self._redacted(asdict(value)))
            case tuple() | list():
                return type(value)(map(self._of, value))
            case Mapping():
                return self._redacted(value)
            case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
                fields = {
                    field.name: getattr(value, field.name) for field in dataclasses.fields(value)
                }
                return dataclasses.replace(value, **self._redacted(fields))
            case _:
                return value

    def _redacted(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._of(inner) for name, inner in fields.items()}
