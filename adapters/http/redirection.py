"""A redirection: never followed, because what is sent again may be booked again, or elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit, urlunsplit

#: The address is wrong, and nothing was done at it.  302 and 303 may come after a booking: an old
#: interface of forms sends a browser on to what it made.
NOTHING_DONE = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_SENDS_ON = NOTHING_DONE | {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")

#: Where the address of a call is written.
ADDRESS = "erp.url (SOAP: erp.endpoint) or in the file of calls"


def remedy(address_key: str) -> str:
    """What to do about a redirection of an address that is written there."""
    return (
        f"if it lives there now, write that address under {address_key}; "
        "a sign-in page wants a login (erp.auth)"
    )


def redirection_of(status: int, headers: Mapping[str, str], url: str) -> str:
    """Where the answer sends us, without login, query and fragment; empty where it does not."""
    if status not in _SENDS_ON:
        return ""
    given = _UNPRINTABLE.sub("", headers.get("Location", ""))
    try:
        parts = urlsplit(urljoin(url, given)) if given else None
        if parts is None or not parts.hostname:
            return "an address that it does not name"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, place, parts.path, "", ""))
