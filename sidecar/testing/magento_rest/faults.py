"""What goes wrong on demand: by route, so many times."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from sidecar.testing.magento_rest.values import Json


class Misbehaviour(StrEnum):
    """What the wire shows, and what was done."""

    DROP_BEFORE = "drop_before"
    """The connection is closed; nothing was done."""
    DROP_AFTER = "drop_after"
    """The connection is closed; all was done."""
    LATE = "late"
    """The answer comes after `seconds`; the work was done at once."""
    HANG = "hang"
    """No answer: after `seconds` the connection is closed; nothing was done."""
    SLOW = "slow"
    """The work begins after `seconds`, and the answer follows it."""
    CUT_QUANTITIES = "cut_quantities"
    """200; every quantity above one is one less than asked for."""
    DROP_LINES = "drop_lines"
    """200; the last line of those asked for is left out."""
    HTML_PAGE = "html_page"
    """`status` with a page of HTML, as a proxy answers; nothing was done."""
    ERROR_AFTER = "error_after"
    """500 with Magento's body; all was done."""


@dataclass
class Fault:
    """A misbehaviour of the requests that match: `path` is a shell pattern of what follows `V1/`.

    The first `skip` of them are served well, then `times` are not (None: all).
    """

    misbehaviour: Misbehaviour
    path: str = "*"
    method: str = "*"
    times: int | None = 1
    skip: int = 0
    seconds: float = 30.0
    status: int = 503

    struck: int = field(default=0, init=False)

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Faults:
    """The faults that are asked for; each request meets at most one, the first that matches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Serve everything well again."""
        with self._lock:
            self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path) or fault.times == 0:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                fault.struck += 1
                return fault
        return None


_LISTS = ("items", "sourceItems", "prices")
_QUANTITIES = ("qty", "quantity")


def falsified(body: Json, fault: Fault | None) -> Json:
    """What Magento makes of a body when it cuts in silence."""
    if fault is None:
        return body
    if fault.misbehaviour is Misbehaviour.CUT_QUANTITIES:
        return {
            name: [_cut(line) for line in part] if name in _LISTS else part
            for name, part in body.items()
        }
    if fault.misbehaviour is Misbehaviour.DROP_LINES:
        return {
            name: part[:-1] if name in _LISTS and len(part) > 1 else part
            for name, part in body.items()
        }
    return body


def _cut(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value - 1
        if name in _QUANTITIES and isinstance(value, int | Decimal) and value > 1
        else value
        for name, value in line.items()
    }
