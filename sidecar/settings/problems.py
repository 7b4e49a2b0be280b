"""pydantic's findings as sentences for the operator: the key, what is wrong, what was meant.

A value is quoted only where the key takes one of a few fixed words, so a secret that slipped into
the wrong place is never printed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sidecar.settings import outline
from sidecar.settings.fields import Section, closest
from sidecar.settings.schema import Settings

_SENTENCES = {
    "missing": "is missing",
    "model_type": "needs a table; write its keys below it",
    "mapping_type": "needs a table; write its keys below it",
    "string_type": "needs text; put it in quotes",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "bool_type": "needs true or false",
    "int_type": "needs a whole number",
    "float_type": "needs a number",
    "decimal_type": "needs a number",
    "decimal_max_places": "has more than {decimal_places} decimal places",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "path_type": "needs a path",
}


class Problem(NamedTuple):
    """What is wrong at a path; `text` begins with the path."""

    at: outline.KeyPath
    text: str


def explain(error: ValidationError, root: type[Section] = Settings) -> list[Problem]:
    """Every finding, in the order of the models; `root`: the model of the whole file."""
    return [_problem(found, root) for found in error.errors(include_url=False)]


def _problem(found: ErrorDetails, root: type[Section]) -> Problem:
    context = found.get("ctx", {})
    at = (*map(str, found["loc"]), *context.get("at", ()))
    return Problem(at, f"{outline.dotted(at)}: {_sentence(found, at, root)}")


def _sentence(found: ErrorDetails, at: outline.KeyPath, root: type[Section]) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "contradiction":
            return found["msg"]
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            return _unknown_key(at, root)
        case "literal_error":
            return _not_one_of(found["input"], str(context["expected"]))
        case "missing" if (entry := outline.entry_at(root, at)) is not None:
            return f"is missing. {entry.description}"
        case known if known in _SENTENCES:
            return _SENTENCES[known].format_map(context)
        case _:
            return found["msg"].replace("Input should", "should")


def _unknown_key(at: outline.KeyPath, root: type[Section]) -> str:
    *parent, key = at
    section = outline.section_at(root, tuple(parent))
    known = tuple(outline.entries(section)) if section is not None else ()
    if hint := closest(key, known):
        return f"unknown key{hint}"
    for path in outline.every_path(root):
        if path[-1] == key:
            return f'unknown key here; did you mean "{outline.dotted(path)}"?'
    return f"unknown key; there are {', '.join(known)}"


def _not_one_of(given: object, expected: str) -> str:
    words = re.findall(r"'([^']*)'", expected) or [expected]
    if given == expected:
        return f"is text here; write {expected} without quotes"
    if isinstance(given, bool) or not isinstance(given, str | int):
        return f"is none of {', '.join(words)}"
    return f'"{given}" is none of {", ".join(words)}{closest(given, words)}'
