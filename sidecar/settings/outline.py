"""The shape of the configuration, read off the models: which keys a table has and what they take.

Loading (merging, suggestions), the generated example, the reference and `config show` all walk
this one outline, so none of them can disagree with what is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from sidecar.documents import Scalar
from sidecar.model.duration import format_duration
from sidecar.settings.fields import SecretRef, Section
from sidecar.settings.quantities import PERCENTAGE, Kind, Rate, format_percent

KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One key of a table.

    `section` is the table it holds, if it holds one; with `by_name`, a table of such tables (or of
    plain values) under keys of the operator's choosing; with `listed`, a list of them, whose keys
    are the numbers from 0.
    """

    key: str
    info: FieldInfo
    kind: str
    section: type[Section] | None
    by_name: bool
    optional: bool
    listed: bool = False

    @property
    def description(self) -> str:
        return self.info.description or ""

    @property
    def is_table(self) -> bool:
        return (self.section is not None or self.by_name) and not self.listed

    @property
    def name_of_one(self) -> str:
        """What stands for the key of one of its tables in a reference; empty where it is one."""
        return "N" if self.listed else "NAME" if self.by_name else ""


@cache
def entries(section: type[Section]) -> Mapping[str, Entry]:
    """The keys of a table, in the order of the file."""
    return {key: _entry(key, info) for key, info in section.model_fields.items()}


def section_at(root: type[Section], path: KeyPath) -> type[Section] | None:
    """The table at a path, also under a name of the operator's choosing."""
    section: type[Section] | None = root
    name_follows = False
    for key in path:
        if name_follows:
            name_follows = False
        elif section is not None and (found := entries(section).get(key)) is not None:
            section, name_follows = found.section, bool(found.name_of_one)
        else:
            return None
    return None if name_follows else section


def entry_at(root: type[Section], path: KeyPath) -> Entry | None:
    """The entry at a path; None where the outline has none, or a name of the operator's."""
    section = section_at(root, path[:-1])
    return entries(section).get(path[-1]) if section is not None else None


def dotted(path: KeyPath) -> str:
    """`erp.throttle.requests`; a key that is no plain word is quoted: `statuses."A.B"`."""
    return ".".join(key if re.fullmatch(r"[\w-]+", key) else f'"{key}"' for key in path)


def every_path(section: type[Section], at: KeyPath = ()) -> Iterator[KeyPath]:
    """All paths of the outline, tables before their keys."""
    for key, found in entries(section).items():
        yield (*at, key)
        if found.section is not None and not found.name_of_one:
            yield from every_path(found.section, (*at, key))


def plain(entry: Entry, value: Any) -> Scalar:
    """A value of the models as the file has it: durations and the like in their notation."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Rate | Path | date):
        return str(value)
    if isinstance(value, Decimal) and entry.kind == PERCENTAGE:
        return format_percent(value)
    if isinstance(value, tuple):
        return ", ".join(value) or None
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(str(value))
    if value is None or isinstance(value, str | int | Decimal):
        return value
    raise TypeError(f"{entry.key} holds a {type(value).__name__}, which is no plain value")


def _entry(key: str, info: FieldInfo) -> Entry:
    annotation, optional = _without_none(info.annotation)
    kind = _kind(annotation, info.metadata)
    by_name = get_origin(annotation) is Mapping
    held = get_args(annotation)[1] if by_name else annotation
    item = get_args(annotation)[0] if get_origin(annotation) is tuple else None
    listed = isinstance(item, type) and issubclass(item, Section)
    if listed:
        held, kind = item, "list of tables"
    section = held if isinstance(held, type) and issubclass(held, Section) else None
    return Entry(key, info, kind, section, by_name, optional, listed)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, UnionType):
        (held,) = (part for part in get_args(annotation) if part is not NoneType)
        return held, True
    return annotation, False


def _kind(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
    for mark in metadata:
        if isinstance(mark, Kind):
            return mark.name
    origin = get_origin(annotation)
    if origin is Literal:
        return " · ".join(map(str, get_args(annotation)))
    if origin is Mapping:
        return f"name → {_kind(get_args(annotation)[1], [])}"
    return "secret" if annotation is SecretRef else "table"
