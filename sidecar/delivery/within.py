"""What an ERP answers, within the bounds of what the ledger holds.

An answer is read before it is judged and kept, and this is the place where it gets its bounds: a
figure that no column holds is no figure, and the answer says so (`unread`); a reference that would
have to be cut names another document, so an answer with one is unreadable.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import asdict, replace

from sidecar.ledger import fit
from sidecar.model.errors import BadData
from sidecar.model.outcome import (
    Accepted,
    Booked,
    BookedLine,
    Duplicate,
    Outcome,
    Partial,
    Unfinished,
    Unknown,
)

#: Figures of a document, and the column of its link that keeps each.
_FIGURES = {"total": "total", "tax": "tax", "lines": "line_count"}


def within(outcome: Outcome) -> Outcome:
    """The outcome as it may be judged and kept; `Unknown` where it cannot be trusted."""
    try:
        match outcome:
            case Accepted(booked=booked) | Partial(booked=booked) | Unfinished(booked=booked):
                return replace(outcome, booked=document(booked))
            case Duplicate(reference=str(reference)) if not _is_reference(reference):
                return replace(outcome, reference=None)
            case _:
                return outcome
    except BadData as error:
        return Unknown(message=error.message)


def document(booked: Booked) -> Booked:
    """A document as it may be judged and kept; BadData for one whose reference does not fit."""
    if not _is_reference(booked.reference):
        raise BadData(
            f"the ERP names its document by {len(booked.reference)} characters that are no "
            "reference, or more than the ledger's column holds"
        )
    figures = {name: getattr(booked, name) for name in _FIGURES}
    fitting = {name: fit.number("link", _FIGURES[name], figures[name]) for name in figures}
    notes = [
        f"{name} is beyond measure"
        for name, figure in figures.items()
        if figure is not None and fitting[name] is None
    ]
    items = booked.items
    if items is not None and not all(map(_is_measured, items)):
        items = None
        notes.append("items: a figure is beyond measure")
    key = booked.key
    if key is not None and not (key.isprintable() and fit.whole_text("link", "erp_key", key)):
        key = None
        notes.append("key: is none, or longer than the ledger's column holds")
    unread = "; ".join(filter(None, (booked.unread, *notes)))
    return replace(booked, **fitting, key=key, items=items, unread=unread)


def _is_reference(text: str) -> bool:
    return text.isprintable() and fit.whole_text("link", "reference", text)


def _is_measured(line: BookedLine) -> bool:
    figures = [value for value in asdict(line).values() if isinstance(value, Decimal)]
    return all(fit.number("link", "total", figure) is not None for figure in figures)
