"""Foreign text on its way to a terminal, a log or a status line: printable characters only.

A customer's name, an ERP's message or an order number may hold what a terminal obeys (escape
sequences, C1 controls), what changes the order of reading (bidirectional overrides), what nobody
sees (zero width, fillers) or a line feed that forges a line.  Each such character is shown as the
escape that Python would write for it, so that it can be read and searched, and does nothing.
"""

from __future__ import annotations

import re
import unicodedata

#: Printable to Python, yet drawn as nothing: fillers, joiners and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    """The text on one line: what is not printable as its escape, every other space as a space."""
    if _is_plain(text):
        return text
    return "".join(letter if _is_plain(letter) else _shown(letter) for letter in text)


def printable_lines(text: str) -> str:
    """The same for text of several lines, whose line feeds stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def printable_json(document: str, encoding: str = "utf-8") -> str:
    r"""A JSON document in which everything is escaped (`\u202e`) that `printable_lines` would.

    What `encoding` cannot write is escaped too.  The document stays the same to whoever parses it:
    outside its strings it has nothing but ASCII.
    """
    return "\n".join(_json_line(line, encoding) for line in document.split("\n"))


def _json_line(line: str, encoding: str) -> str:
    if _is_plain(line) and _fits(line, encoding):
        return line
    return "".join(
        letter if _is_plain(letter) and _fits(letter, encoding) else _json_escape(letter)
        for letter in line
    )


def _is_plain(text: str) -> bool:
    return text.isprintable() and not _INVISIBLE.search(text)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _shown(letter: str) -> str:
    if unicodedata.category(letter) == "Zs":
        return " "
    return ascii(letter)[1:-1]


def _json_escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(
        f"\\u{int.from_bytes(units[at : at + 2], 'big'):04x}" for at in range(0, len(units), 2)
    )
