"""Striking our own secrets out of what is kept or shown, in each form they may come back in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

STRUCK_OUT = "***"
#: Shorter "secrets" would strike ordinary words out of the ERP's messages.
SHORTEST = 4


def struck_out(text: str, secrets: Iterable[str], shortest: int = SHORTEST) -> str:
    """The text without the secrets of at least `shortest` characters, plain or encoded."""
    for secret in secrets:
        if len(secret) >= shortest:
            for form in _forms(secret):
                text = text.replace(form, STRUCK_OUT)
    return text


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
        base64.b64encode(secret.encode()).decode(),
    }
    return tuple(sorted(forms, key=len, reverse=True))
