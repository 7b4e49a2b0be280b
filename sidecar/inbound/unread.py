"""Rows of the ERP that the file of calls could not read: kept for a person, by their number."""

from __future__ import annotations

import json

import msgspec

from sidecar.ledger.incoming import Told
from sidecar.ports import Page

_NAMELESS = "(nameless)"
_REMEDY = (
    "correct the line of the file of calls, or the row in the ERP; it ends by itself when the row "
    "can be read"
)


def unread(page: Page[msgspec.Struct]) -> list[tuple[Told, str, str]]:
    """Each with why it could not be read, and what to do."""
    return [
        (Told(row.number or _NAMELESS, json.dumps({"unreadable": row.reason})), row.reason, _REMEDY)
        for row in page.unreadable
    ]
