"""Manual pages in man(7), written from plain text."""

from __future__ import annotations

from collections.abc import Iterable

#: Characters that a formatter would turn into others or take as its own.
_SPOKEN = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
}


class Page:
    """One page; text is given as it shall be read, never escaped."""

    def __init__(self, name: str, section: int, about: str) -> None:
        self._lines = [
            '.\\" Generated; a test keeps it so.  Write it anew: make man',
            f'.TH {spoken(name.upper())} {section} "" "magento\\-erp\\-sidecar"',
            # Neither hyphens nor wide gaps in what people copy out of it.
            ".nh",
            ".ad l",
        ]
        self.heading("NAME")
        self._lines.append(f"{spoken(name)} \\- {spoken(about)}")

    def heading(self, text: str) -> None:
        """A section."""
        self._lines.append(f".SH {_argument(text)}")

    def subheading(self, text: str) -> None:
        """A part of a section."""
        self._lines.append(f".SS {_argument(text)}")

    def paragraph(self, text: str) -> None:
        """Filled text."""
        self._lines += [".PP", *_body(text.splitlines())]

    def verbatim(self, lines: Iterable[str]) -> None:
        """Lines as they are: examples, calls."""
        self._lines += [".PP", ".RS 4", ".nf", *_body(lines), ".fi", ".RE"]

    def item(self, term: str, text: str) -> None:
        """A term in bold with its explanation; a choice of many words may break between them."""
        breaking = _argument(term).replace("|", "|\\:")
        self._lines += [".TP", f".B {breaking}", *_body(text.splitlines() or [""])]

    def text(self) -> str:
        """The whole page."""
        return "\n".join(self._lines) + "\n"


def spoken(text: str) -> str:
    """Text that a formatter shows as it is, also in a Latin-1 terminal's man."""
    return "".join(
        _SPOKEN.get(letter) or (letter if letter.isascii() else f"\\[u{ord(letter):04X}]")
        for letter in text
    )


def _argument(text: str) -> str:
    return f'"{spoken(text)}"'


def _body(lines: Iterable[str]) -> list[str]:
    # A line that begins with a dot would be a request; an empty one breaks the page's spacing.
    return [f"\\&{line}" if line[:1] in ".\\ " or not line else line for line in map(spoken, lines)]
