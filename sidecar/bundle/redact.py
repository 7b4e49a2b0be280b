"""What is taken out of a support bundle: secrets, personal data, other people's words.

Each part is made of what may leave the company in the first place: log lines field by field, a
mapping without its comments.  What is struck out of texts afterwards is a net below that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

STRUCK = "***"
#: Shorter ones would strike out half of every word.
_LEAST_SECRET = 4
_LEAST_WORDS = 8
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LOGIN = re.compile(r"(?<=://)[^/@\s\"]+(?=@)")

#: Fields of log lines that hold numbers, names of ours or numbers of documents: one word each.
_FIELDS = frozenset(
    (
        "ts", "level", "event", "shop", "domain", "kind", "number", "corr", "entity", "type",
        "status",
        "scope", "changed", "vanished", "trigger", "pointed", "errno", "pushes", "probes",
        "folded", "attempt", "operation", "reference", "code", "due_in", "milliseconds",
        "difference", "crashes", "account", "rate", "slots", "seconds", "until", "action",
        "reason", "owner", "holder", "library", "cause", "http", "repeated",
        "lines", "error", "standing",
    )
)  # fmt: skip
#: Those that hold several words out of a list of ours.
_PHRASES = frozenset(("station", "state", "outcome", "failure"))
#: Whose message is in our own words; what they quote is struck out.
_OURS = frozenset({"station.failed", "daemon.failed", "config.refused"})
_WORD = re.compile(r"[\w.:/#+-]{1,120}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|‘[^’]*’|“[^”]*”")
#: Keys of a mapping under which somebody may have written a secret in clear.
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|token|api[-_]?key|authorization|cookie|credential", re.IGNORECASE
)


class Redactor:
    """Strikes known secrets and words, addresses of mail and logins in addresses out of texts."""

    def __init__(self, secrets: Collection[str], words: Collection[str] = ()) -> None:
        texts = {secret for secret in secrets if len(secret) >= _LEAST_SECRET}
        texts |= {word for word in words if len(word) >= _LEAST_WORDS}
        # As they stand in a JSON text, too; the longest first: one may be part of another.
        forms = texts | {json.dumps(text)[1:-1] for text in texts}
        longest = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest))) if longest else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(STRUCK, text)
        return _LOGIN.sub(STRUCK, _MAIL.sub(STRUCK, text))


def log_line(line: str) -> str | None:
    """A line of the log with the fields that may leave the company; None for what is none."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    kept = {
        name: value
        for name, value in told.items()
        if name in _PHRASES or (name in _FIELDS and _harmless(value))
    }
    if told.get("event") in _OURS:
        kept["message"] = _QUOTED.sub(f"'{STRUCK}'", str(told.get("message", "")))
    return json.dumps(kept, ensure_ascii=False)


def _harmless(value: object) -> bool:
    """A number or one word; a sentence, a name with a surname or an address of mail is not."""
    if isinstance(value, str):
        return bool(_WORD.fullmatch(value))
    return value is None or isinstance(value, int | float)


def mapping(tree: Any, key: str = "") -> Any:
    """A file of calls with its constants, but for those whose key says that they are a secret."""
    if isinstance(tree, Mapping):
        return {name: mapping(value, str(name)) for name, value in tree.items()}
    if isinstance(tree, list):
        return [mapping(value, key) for value in tree]
    expression = isinstance(tree, str) and tree.startswith("=")
    return STRUCK if tree and not expression and _SECRET_KEY.search(key) else tree
