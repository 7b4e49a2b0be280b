"""Headers that no transport read: those of the parts of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from requests.structures import CaseInsensitiveDict


def headers_of(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The headers, found by their names in any case; of a name that comes twice, the last."""
    return CaseInsensitiveDict(pairs)
