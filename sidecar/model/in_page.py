"""What the ERP says, made fit for a page of Magento's admin.

Magento shows an order's comments with their markup: `<a href="javascript:…">` out of an ERP's
message would stand there as a link.  So it goes in as plain text, and nothing of it can close a
quote, hide, or turn the line around.
"""

from __future__ import annotations

import html
import unicodedata

#: Of one value; a comment has a handful.  Magento's column takes 65,535 bytes.
LONGEST = 1000
_ELLIPSIS = "…"
_JOINER = "\u200d"
#: Arabic and Indic scripts are spelt with both; they hide nothing.
_JOINERS = frozenset({_JOINER, "\u200c"})
_BLANKS = {"\t": " ", "\n": " ", "\r": " ", "\u2028": " ", "\u2029": " "}
#: Control characters, what turns the direction of a line around or cannot be seen, half characters.
_UNFIT = frozenset({"Cc", "Cf", "Cs"})


def in_page(text: str) -> str:
    """One value of the ERP as HTML text: cut, cleaned, escaped."""
    return html.escape("".join(map(_fit, _cut(text, LONGEST))))


def _fit(character: str) -> str:
    if character in _BLANKS:
        return _BLANKS[character]
    if character not in _JOINERS and unicodedata.category(character) in _UNFIT:
        return "\ufffd"
    return character


def _cut(text: str, longest: int) -> str:
    """At most so many characters, never cut between a letter and what belongs to it."""
    if len(text) <= longest:
        return text
    end = longest - len(_ELLIPSIS)
    while end > 0 and _continues(text, end):
        end -= 1
    return text[:end] + _ELLIPSIS


def _continues(text: str, at: int) -> bool:
    return (
        text[at] == _JOINER
        or text[at - 1] == _JOINER
        or unicodedata.category(text[at]) in ("Mn", "Me", "Mc", "Sk")
    )
