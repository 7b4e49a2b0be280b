"""How Business Central says that something is wrong."""

from __future__ import annotations

from typing import Any

from sidecar.testing.erpsim.books import Refusal

BAD_REQUEST = "BadRequest"
DIALOG = "Application_DialogException"
NOT_FOUND = "Internal_RecordNotFound"
TOO_LONG = "Application_StringExceededLength"

#: The codes of a refusal by the books' own; every other one is an error that AL code raised.
_CODES = {"duplicate": "Internal_EntityWithSameKeyExists"}


class BcError(Exception):
    """An answer that is none: `status` of HTTP, the code and the words of its envelope."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        told = f"{self.message}  CorrelationId:  00000000-0000-0000-0000-000000000000."
        return {"error": {"code": self.code, "message": told}}


def no_record() -> BcError:
    return BcError(404, NOT_FOUND, "The record cannot be found.")


def error_of(refusal: Refusal) -> BcError:
    """What the books refused, as this ERP tells it."""
    return BcError(400, _CODES.get(refusal.code, DIALOG), refusal.message)
