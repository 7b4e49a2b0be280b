"""A value that must never be printed, and the roads that it must not take."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_printable(text: str) -> bool:
    """Whether there is no control character in a text, not even a line feed."""
    return not _CONTROL.search(text)


def is_open(url: str) -> bool:
    """Whether what goes to an address can be read on its way: http, and not to this machine."""
    return urlsplit(url).scheme == "http" and not is_of_this_machine(url)


def is_of_this_machine(url: str) -> bool:
    """Whether an address leads to the machine itself, whichever that is."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or token: `str()` and `repr()` show `***`, only `reveal()` gives the value."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself; call it at the last moment, and never into a log or an error."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"
