"""Striking our own secrets out of what is kept or shown, in each form they may come back in."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import escape

from adapters.http.charset import decoded

STRUCK_OUT = "***"
#: Shorter "secrets" would strike ordinary words out of the ERP's messages.
SHORTEST = 4

#: JSON in JSON, or JSON in an address, is as deep as texts are packed in each other.
_LAYERS = 3
_ESCAPED = re.compile(
    r"(?:\\u[0-9a-fA-F]{4})+|\\x[0-9a-fA-F]{2}|\\[\"'\\/bfnrt]|(?:%[0-9a-fA-F]{2})+"
    r"|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{2,31});"
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
#: Characters that one of a secret takes at the most where it is escaped.
_WIDEST = 12


def struck_out(text: str, secrets: Iterable[str], shortest: int = SHORTEST) -> str:
    """The text without the secrets of at least `shortest` characters, plain or encoded.

    Where one is escaped otherwise than an encoder writes it (`\\u0045` for an E), the text comes
    back unescaped: only so it can be said where the secret was.
    """
    known = [secret for secret in secrets if len(secret) >= shortest]
    readable = text = _struck(text, known)
    for _ in range(_LAYERS):
        packed, readable = readable, _ESCAPED.sub(_unescaped, readable)
        if packed == readable:
            break
        if any(secret in readable for secret in known):
            readable = text = _struck(readable, known)
    return text


def beginning(text: str, secrets: Iterable[str], most: int) -> str:
    """The first `most` characters without the secrets.

    They are struck out before the text is cut: of a secret that was cut nobody sees that it is one.
    """
    known = tuple(secrets)
    margin = _WIDEST * max(map(len, known), default=0)
    window = text[: _window(known, most)]
    struck = struck_out(window, known)
    if len(window) < len(text) and margin:
        # The window may have cut one, too.
        struck = struck[:-margin]
    return struck[:most]


def excerpt(content: bytes, content_type: str, secrets: Iterable[str], most: int) -> str:
    """As `beginning`, of a body as its charset has it; without NUL, which parts the letters."""
    known = tuple(secrets)
    # No charset takes more than four bytes for a character; one more says that there is more.
    text = decoded(content[: 4 * (_window(known, most) + 1)], content_type)
    return beginning(text.replace("\0", ""), known, most)


def _window(secrets: Sequence[str], most: int) -> int:
    return 4 * most + 2 * _WIDEST * max(map(len, secrets), default=0)


def _struck(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, STRUCK_OUT)
    return text


def _unescaped(escape: re.Match[str]) -> str:
    text = escape[0]
    match text[:2]:
        case "\\u":
            units = bytes.fromhex(text.replace("\\u", ""))
            return units.decode("utf-16-be", errors="replace")
        case "\\x":
            return chr(int(text[2:], 16))
    match text[0]:
        case "\\":
            return _CONTROLS.get(text[1], text[1])
        case "%":
            return unquote(text)
    return html.unescape(text)


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[str, ...]:
    """As it is, and as XML, JSON, addresses, forms and base 64 write it; the longest first."""
    forms = {
        secret,
        escape(secret),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        secret.replace(" ", "+"),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    }
    return tuple(sorted(forms, key=len, reverse=True))
