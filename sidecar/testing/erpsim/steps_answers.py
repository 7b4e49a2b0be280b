"""What the REST face that takes orders in steps says when something is wrong, or was upgraded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.testing.erpsim.rest_answers import as_json
from sidecar.testing.erpsim.rules import Form
from sidecar.testing.erpsim.wire import Response

#: The fields by which a shop knows things again, and what they are called after an upgrade.
_RENAMED = {"number": "documentNumber", "id": "objectId", "token": "sessionToken"}


def error(
    status: int,
    code: str,
    message: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An `ErrorForm`: one text says what is wrong and where."""
    text = f"{field}: {message}" if field else message
    return as_json(status, {"error": text, "code": code}, headers)


def reformed(shown: dict[str, Any], form: Form | None) -> dict[str, Any]:
    """One object of an answer; `form` is a changed schema."""
    if form is Form.RENAMED:
        return {_RENAMED.get(name, name): value for name, value in shown.items()}
    if form is Form.NESTED:
        known = {name: value for name, value in shown.items() if name in _RENAMED}
        rest = {name: value for name, value in shown.items() if name not in _RENAMED}
        return {"document": known, **rest}
    return shown
