"""A refusal as SAP's gateway words it."""

from __future__ import annotations

from typing import Any

#: Codes that the gateway itself gives.
TOKEN_REQUIRED = "/IWFND/CM_MGW/403"  # noqa: S105 -- a code
NOT_FOUND = "/IWBEP/CM_MGW_RT/020"
MALFORMED = "/IWBEP/CM_MGW_RT/022"
INVALID_VALUE = "CX_SXML_PARSE_ERROR"
PRECONDITION = "/IWFND/MED/028"


class SapError(Exception):
    """What the caller is told: the HTTP status, a code, and words in English."""

    def __init__(self, status: int, code: str, message: str, target: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target

    def body(self, version: int) -> dict[str, Any]:
        """The envelope of that version of OData."""
        detail = {"code": self.code, "message": self.message, "target": self.target}
        if version == 4:
            return {"error": {**detail, "details": []}}
        return {
            "error": {
                "code": self.code,
                "message": {"lang": "en", "value": self.message},
                "innererror": {
                    "transactionid": "8C3F2A10B1C24E0E8E0065F2",
                    "errordetails": [{**detail, "severity": "error"}],
                },
            }
        }


def invalid(name: str) -> SapError:
    """A property whose value is not of its type."""
    return SapError(400, INVALID_VALUE, f"Property '{name}' has invalid value", name)
