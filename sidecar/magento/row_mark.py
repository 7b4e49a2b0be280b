"""A checksum of rows that the server computes, by which the sweep sees them change."""

from __future__ import annotations

from collections.abc import Iterable

# QUOTE makes NULL, '' and values that moved into the next column differ.  Not CRC32: it is linear,
# so the same edit in two rows would cancel itself out in BIT_XOR.  Not SHA1 or MD5: MySQL 9.6 took
# them out of the server.
_DIGEST = "SHA2(CONCAT_WS(',', {columns}), 256)"
_MARK = "BIT_XOR(CAST(CONV(LEFT({digest}, 16), 16, 10) AS UNSIGNED))"


def mark_expression(alias: str, columns: Iterable[str]) -> str:
    """SQL aggregate over rows: an unsigned 64-bit number, 0 for no row."""
    quoted = ", ".join(f"QUOTE({alias}.`{column}`)" for column in columns)
    return _MARK.format(digest=_DIGEST.format(columns=quoted))
