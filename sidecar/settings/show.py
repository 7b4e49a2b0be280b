"""What is in force and where each value comes from: `erp-sidecar config show`.

There is nothing to mask: settings hold references to secrets and never a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sidecar.documents import Scalar, write_scalar
from sidecar.settings import outline
from sidecar.settings.fields import Section
from sidecar.settings.load import Loaded
from sidecar.settings.outline import KeyPath

DEFAULT = "default"


class Row(NamedTuple):
    """One value in force; `origin` is `file:line` or DEFAULT."""

    key: str
    value: Scalar
    origin: str


def rows(loaded: Loaded) -> list[Row]:
    """Every value, in the order of the file."""
    return [
        Row(key, value, loaded.origin.get(key, DEFAULT))
        for at, value in _values(loaded.settings, ())
        for key in [outline.dotted(at)]
    ]


def as_text(loaded: Loaded) -> str:
    """`key = value   # file:line`, in columns."""
    shown = [(f"{row.key} = {write_scalar(row.value)}", row.origin) for row in rows(loaded)]
    width = max(len(setting) for setting, _ in shown)
    return "".join(f"{setting:<{width}}  # {origin}\n" for setting, origin in shown)


def as_json(loaded: Loaded) -> dict[str, Any]:
    """`{"files": […], "values": {key: {"value": …, "origin": …}}}`; amounts are strings."""
    values = {
        row.key: {
            "value": row.value if isinstance(row.value, str | int | None) else str(row.value),
            "origin": row.origin,
        }
        for row in rows(loaded)
    }
    return {"files": [str(file) for file in loaded.files], "values": values}


def _values(section: Section, at: KeyPath) -> Iterator[tuple[KeyPath, Scalar]]:
    for key, entry in outline.entries(type(section)).items():
        value, here = getattr(section, key), (*at, key)
        if isinstance(value, Section):
            yield from _held(value, here)
        elif isinstance(value, Mapping):
            for name, each in value.items():
                inner = (*here, name)
                yield from _held(each, inner) if isinstance(each, Section) else [(inner, each)]
        elif entry.listed:
            for number, each in enumerate(value):
                yield from _held(each, (*here, str(number)))
        elif not (value is None and section.one_of):
            yield here, outline.plain(entry, value)


def _held(section: Section, at: KeyPath) -> Iterator[tuple[KeyPath, Scalar]]:
    found = list(_values(section, at))
    # Of several ways none was chosen: `erp.auth = none`.
    yield from found or [(at, "none")]
