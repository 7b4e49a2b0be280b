"""`each` of `changes`, and of a `list` of what the ERP owns: the fields of a row of its news."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import msgspec

from adapters.calls.row_values import (
    ReadValue,
    bare,
    field_types,
    is_struct,
    required_fields,
    value_reader,
)
from adapters.calls.section import Section
from adapters.language.filters import ExpressionError, as_text
from adapters.language.scope import Scope, Values
from adapters.language.shape import suggest
from adapters.language.template import (
    NOTHING,
    Path,
    Source,
    Template,
    compile_template,
    is_expression,
)
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.news import NewsSpec

#: Of a text that names something: two of them find room in the ledger's column `incoming.number`.
_LONGEST_NAME = 90


class UnreadableField(ExpressionError):
    """A field of a row could not be filled in; `name` says which."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class _Field:
    fill: Template
    read: ReadValue
    #: Where it stands in the file.
    place: str


@dataclass(frozen=True, slots=True)
class RowForm:
    """How a row is made of one item of an answer; fields that the file does not map keep their
    default, which may say that nothing was told."""

    news: NewsSpec
    fields: Mapping[str, _Field]
    #: Of the row's struct; asked for once, as there may be a hundred thousand rows.
    required: tuple[str, ...]

    def row(self, values: Values) -> msgspec.Struct:
        """The row.  Raises UnreadableField, whose message has the place and no value."""
        zone = values["shop"].timezone
        told: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = self._filled(name, field, values)
            if value is not NOTHING:
                told[name] = self._read(name, field, value, zone)
        for name in self.required:
            if name not in told:
                # A `$when` that was false.
                raise UnreadableField(name, f"{self.fields[name].place}: is missing")
        if not any(told.get(name) for name in self.news.number):
            names = " and ".join(self.news.number)
            raise UnreadableField(self.news.number[0], f"{names}: none says what the row is about")
        return self.news.row(**told)

    def number(self, values: Values) -> str:
        """What the ERP calls it, as far as that can be read."""
        names = (self._name(name, values) for name in self.news.number if name in self.fields)
        return " ".join(name for name in names if name)

    def _name(self, name: str, values: Values) -> str:
        field = self.fields[name]
        try:
            told = field.fill(values)
            if told is NOTHING:
                return ""
            return as_text(self._read(name, field, told, values["shop"].timezone))
        except ExpressionError:
            return ""

    def _filled(self, name: str, field: _Field, values: Values) -> Any:
        try:
            return field.fill(values)
        except ExpressionError as error:
            # A leaf tells its own place.
            raise UnreadableField(name, error.message) from error

    def _read(self, name: str, field: _Field, value: Any, zone: Any) -> Any:
        try:
            read = field.read(value, "", zone)
        except ExpressionError as error:
            between = "" if error.message.startswith(("[", ".")) else ": "
            raise UnreadableField(name, f"{field.place}{between}{error.message}") from error
        if name in self.news.number and isinstance(read, str) and len(read) > _LONGEST_NAME:
            raise UnreadableField(name, f"{field.place}: is longer than {_LONGEST_NAME} characters")
        return read


def is_row(each: Mapping[str, Any], spec: DomainSpec, listed: frozenset[str]) -> bool:
    """Whether `each` of a `list` maps the fields of a row, and not those of a document that we
    sent: whose domain it is stands in the configuration, and not in the file of calls."""
    if spec.tells is None or not spec.events:
        return spec.tells is not None
    keys, fields = frozenset(each), frozenset(spec.tells.row.__struct_fields__)
    return len(keys - fields) < len(keys - listed)


def read_row_form(section: Section, spec: DomainSpec, news: NewsSpec, scope: Scope) -> RowForm:
    """Read `each`; what is wrong is noted in its source."""
    source, path = section.source, section.path
    _Check(source, spec.name).record(news.row, section.data, path)
    mapped = section.data.keys()
    if section.data and news.of and not mapped & set(news.of[1:]):
        kind, *named = news.of
        source.problem(path, f"a row says which {kind} it is of: map {' or '.join(named)}")
    if section.data and not any(is_told(section.data.get(name)) for name in news.number):
        names = " or ".join(news.number)
        source.problem(path, f"every row would have the same name: {names} is an expression")
    hints = field_types(news.row)
    return RowForm(
        news,
        {
            name: _Field(
                compile_template(section.data[name], scope, source, (*path, name)),
                value_reader(hints[name]),
                source.place((*path, name)),
            )
            for name in section.data
            if name in hints
        },
        required_fields(news.row),
    )


def is_told(tree: object) -> bool:
    """Whether a value is computed of what the ERP said, and not a constant."""
    return is_expression(tree) or isinstance(tree, Mapping)


class _Check:
    """Whether a tree of the file can become a row: names, what must be there, constants."""

    def __init__(self, source: Source, domain: str) -> None:
        self._source = source
        self._domain = domain
        self._zone = UTC

    def record(self, struct: type[msgspec.Struct], tree: Mapping[str, Any], path: Path) -> None:
        """A mapping whose keys are the fields of the struct."""
        hints = field_types(struct)
        for name, value in tree.items():
            if name in hints:
                self.value(hints[name], value, (*path, name))
            else:
                hint = suggest(str(name), hints) or f"; there are {', '.join(hints)}"
                self._source.problem(
                    (*path, name), f"a row of {self._domain} has no field '{name}' here{hint}"
                )
        for name in required_fields(struct) if tree else ():
            if name not in tree:
                self._source.problem(path, f"'{name}' is missing")

    def value(self, hint: Any, tree: object, path: Path) -> None:
        """The value of one field."""
        wanted = bare(hint)
        if is_expression(tree):
            return
        if isinstance(tree, Mapping) and "$when" in tree:
            self.value(hint, tree.get("$do"), (*path, "$do"))
        elif typing.get_origin(wanted) is tuple:
            self._entries(typing.get_args(wanted)[0], tree, path)
        elif is_struct(wanted) and isinstance(tree, Mapping):
            self.record(wanted, tree, path)
        elif isinstance(tree, Mapping | list):
            self._source.problem(path, "this must be one value, not a tree")
        else:
            self._constant(hint, tree, path)

    def _entries(self, hint: Any, tree: object, path: Path) -> None:
        match tree:
            case Mapping() if "$each" in tree:
                self.value(hint, tree.get("$do"), (*path, "$do"))
            case list():
                for index, entry in enumerate(tree):
                    if isinstance(entry, Mapping) and "$each" in entry:
                        self.value(hint, entry.get("$do"), (*path, index, "$do"))
                    else:
                        self.value(hint, entry, (*path, index))
            case _:
                self._source.problem(path, "this is a list: write $each with $do")

    def _constant(self, hint: Any, constant: object, path: Path) -> None:
        try:
            value_reader(hint)(constant, "", self._zone)
        except ExpressionError as error:
            self._source.problem(path, f"a constant that does not fit: {error.message}")
