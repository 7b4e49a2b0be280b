"""How NetSuite's REST services say that something is wrong."""

from __future__ import annotations

import re
from typing import Any

from sidecar.testing.erpsim.books import Refusal

INVALID_CONTENT = "INVALID_CONTENT"
NONEXISTENT_ID = "NONEXISTENT_ID"

#: The codes of a refusal by the books' own; every other one is a user error.
_CODES = {
    "duplicate": "DUP_RCRD",
    "credit_limit": "BALANCE_EXCEEDS_CREDIT_LIMIT",
    "unknown_item": INVALID_CONTENT,
    "unknown_document": NONEXISTENT_ID,
}
_OF_A_LINE = re.compile(r"lines\[(\d+)\]\.sku")


class NsError(Exception):
    """An answer that is none: `status` of HTTP; `path`: to the value that is wrong."""

    def __init__(self, status: int, code: str, detail: str, path: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.path = path

    def body(self) -> dict[str, Any]:
        """Its JSON."""
        told = {"detail": self.detail, "o:errorCode": self.code}
        if self.path:
            told["o:errorPath"] = self.path
        return {
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "o:errorDetails": [told],
        }


def invalid(detail: str, path: str) -> NsError:
    return NsError(400, INVALID_CONTENT, f"Error while accessing a resource. {detail}", path)


def no_record() -> NsError:
    detail = "The record instance does not exist. Provide a valid record instance ID."
    return NsError(404, NONEXISTENT_ID, detail)


def error_of(refusal: Refusal) -> NsError:
    """What the books refused, as this ERP tells it."""
    line = _OF_A_LINE.fullmatch(refusal.field or "")
    path = f"item.items[{line[1]}].item" if line else ""
    return NsError(400, _CODES.get(refusal.code, "USER_ERROR"), refusal.message, path)
