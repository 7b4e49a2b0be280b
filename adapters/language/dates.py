"""Times as text: a closed list of strftime's directives.

What strftime does with the others is the C library's business, and with some the host's: `%s` of a
time in UTC is the epoch of that clock in the *host's* zone, an hour off in Berlin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVE = re.compile(r"%(-[A-Za-z]|:z|.|$)", re.DOTALL)
_SAME = "aAbBdfGHIjmMpSuUVwWyz%"
_NO_ZERO = "dHIjmMSy"

_WRITE: Mapping[str, Callable[[datetime], str]] = {
    **{one: lambda moment, one=one: moment.strftime(f"%{one}") for one in _SAME},  # type: ignore[misc]
    **{
        f"-{one}": lambda moment, one=one: moment.strftime(f"%{one}").lstrip("0") or "0"  # type: ignore[misc]
        for one in _NO_ZERO
    },
    "D": lambda moment: moment.strftime("%m/%d/%y"),
    "F": lambda moment: f"{moment.year:04d}-{moment:%m-%d}",
    "R": lambda moment: moment.strftime("%H:%M"),
    "T": lambda moment: moment.strftime("%H:%M:%S"),
    "Y": lambda moment: f"{moment.year:04d}",
    "Z": lambda moment: moment.tzname() or "",
    "e": lambda moment: f"{moment.day:2d}",
    "s": lambda moment: str(seconds_since_1970(moment)),
    ":z": lambda moment: f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5],
}


class UnknownDirective(ValueError):
    """A directive that is not in the list."""


def seconds_since_1970(moment: datetime) -> int:
    """Whole seconds of an aware time, parts of one cut off; before 1970 less than nothing."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def written(moment: datetime, form: str) -> str:
    """An aware time in a form of strftime.  Raises UnknownDirective."""

    def write_directive(directive: re.Match[str]) -> str:
        write = _WRITE.get(directive[1])
        if write is None:
            known = " ".join(f"%{name}" for name in _WRITE if not name.startswith("-"))
            raise UnknownDirective(
                f"'%{directive[1]}' is no directive for a time; there are {known}"
            )
        return write(moment)

    return _DIRECTIVE.sub(write_directive, form)
