"""How long a statement the server takes: one that is longer is refused here, and not sent.

The server answers it by hanging up, and it would look as if the server had gone away: it would be
sent again, for ever.
"""

from __future__ import annotations

from typing import Any

from sidecar.model.errors import BadData

_LONGEST = "longest statement"
#: What may surround the values of a statement (bytes).
_AROUND_VALUES = 65_536
#: A character takes no more of them.
_MOST_BYTES = 4


def remember(info: dict[Any, Any], max_allowed_packet: int) -> None:
    """Note at a new connection what its server takes (bytes)."""
    info[_LONGEST] = max_allowed_packet


def require_fit(
    connection: Any,
    _cursor: object,
    _statement: str,
    parameters: Any,
    _context: object,
    is_many: bool,
) -> None:
    """SQLAlchemy's `before_cursor_execute`: raise BadData for what is too long."""
    longest = connection.info[_LONGEST]
    for values in parameters if is_many else (parameters,):
        given = values.values() if isinstance(values, dict) else values or ()
        texts = [text for text in given if isinstance(text, str)]
        if _AROUND_VALUES + _MOST_BYTES * sum(map(len, texts)) <= longest:
            continue
        size = _AROUND_VALUES + sum(map(_quoted_length, texts))
        if size > longest:
            raise BadData(
                f"a statement of {size:,} bytes is longer than the server takes "
                f"(max_allowed_packet is {longest:,})",
                "raise max_allowed_packet on the server, if that is meant to go",
            )


def _quoted_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass")) + text.count("'")
