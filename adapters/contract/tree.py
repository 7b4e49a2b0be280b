"""An operation's arguments for a person and for a program, cut where they get too deep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapters.contract.field import Field, Operation
from adapters.contract.xml import about
from adapters.language.template import TYPE
from sidecar.ports import Described

_LONGEST_ABOUT = 90
_MOST_CHOICES = 8
_MOST_TYPES = 12
_MOST_NAMES = 6
#: More digits than any ERP limits a number to: only those behind the point are limited.
_UNLIMITED = 100


def takes(operation: Operation) -> str:
    """What an operation takes, in one line: the mandatory fields, else the first ones."""
    fields = [field for part in operation.parts.values() for field in part.members.fields.values()]
    named = [field for field in fields if field.required] or fields
    told = ", ".join(f"{field.name}: {field.kind}" for field in named[:_MOST_NAMES])
    return f"({told}{', …' if len(fields) > len(named[:_MOST_NAMES]) else ''})"


def described(operation: Operation, types: Sequence[str], depth: int) -> Described:
    """The operation with the arguments of each part, and what it answers."""
    lines = [f"{operation.name}{_dash(operation.about)}"]
    lines += [f"  {key}: {value}" for key, value in operation.call.items()]
    tree: dict[str, Any] = {
        "name": operation.name,
        "about": operation.about,
        "call": dict(operation.call),
        "parts": {},
        "answer": None,
    }
    for key, part in operation.parts.items():
        root = _Branch(part, types, depth)
        tree["parts"][key] = root.tree()
        lines += [f"{key}{_notes(part)}", *root.lines()]
    if operation.answer is not None:
        root = _Branch(operation.answer, types, depth)
        tree["answer"] = root.tree()
        lines += ["answer (response.body)", *root.lines()]
    return Described(tuple(lines), tree)


def chosen(field: Field, types: Sequence[str]) -> tuple[Field, str | None]:
    """The type that was chosen for a field, with its name; the field itself where none was."""
    name = next((candidate for candidate in types if candidate in field.types), None)
    return (field, None) if name is None else (field.types[name], name)


def note_of(field: Field) -> str:
    """A field's type, length, words and whether it must be filled."""
    kind = f"list of {field.kind}" if field.many else field.kind
    parts = ["key", kind] if field.key else [kind]
    if field.is_record and field.takes:
        parts.append(f"one value or a mapping of {', '.join(field.members.fields)}")
    if field.longest is not None:
        parts.append(f"at most {field.longest} characters")
    if field.digits is not None:
        total, behind = field.digits
        parts += [f"{total} digits"] if total <= _UNLIMITED else []
        parts += [f"{behind} decimals"] if "whole number" not in field.takes or behind else []
    if field.choices:
        words = " | ".join(field.choices[:_MOST_CHOICES])
        parts.append(f"{words}{' | …' if len(field.choices) > _MOST_CHOICES else ''}")
    if field.required:
        parts.append("mandatory, may be empty" if field.nullable else "mandatory")
    if not field.writable:
        parts.append("read-only")
    if len(field.type_names) > 1 or field.abstract:
        names = " | ".join(field.type_names[:_MOST_TYPES])
        more = " | …" if len(field.type_names) > _MOST_TYPES else ""
        parts.append(f"one of {len(field.type_names)} types, {TYPE}: {names}{more}")
    return about(", ".join(parts))


class _Branch:
    """A field at some depth; `above` are the records that it stands in."""

    def __init__(
        self, field: Field, types: Sequence[str], left: int, above: tuple[str, ...] = ()
    ) -> None:
        self._given = field
        self._field, self._type = chosen(field, types)
        self._types = types
        self._left = left
        self._above = above

    @property
    def _is_cut(self) -> bool:
        known = self._field.kind in self._above and self._field.kind != "record"
        return self._field.is_record and (self._left <= 0 or known)

    def _below(self) -> Iterator[_Branch]:
        if not self._field.is_record or self._is_cut:
            return
        above = (*self._above, self._field.kind)
        for field in self._field.members.fields.values():
            yield _Branch(field, self._types, self._left - 1, above)

    def lines(self, indent: str = "  ") -> Iterator[str]:
        """One line a member, its own members below it."""
        for branch in self._below():
            field = branch._given
            mandatory = ", mandatory" if field.required else ""
            chosen_type = f"{branch._field.kind}{mandatory}, {TYPE}: {branch._type}"
            shown = chosen_type if branch._type else note_of(field)
            cut = " …" if branch._is_cut else ""
            yield f"{indent}{field.name}: {shown}{cut}{_dash(field.about)}"
            yield from branch.lines(indent + "  ")
        for branches in () if self._is_cut else self._field.members.alternatives:
            yield f"{indent}one of: {' | '.join('+'.join(branch) for branch in branches)}"

    def tree(self) -> dict[str, Any]:
        """Stable keys; `fields` is null for a plain value, and empty where the tree is cut."""
        field = self._given
        return {
            "name": field.name,
            "kind": self._field.kind,
            "type": self._type,
            "types": field.type_names,
            "mandatory": field.required,
            "key": field.key,
            "nullable": field.nullable,
            "list": field.many,
            "longest": field.longest,
            "digits": list(field.digits) if field.digits else None,
            "choices": list(field.choices),
            "writable": field.writable,
            "about": field.about,
            "cut": self._is_cut,
            "fields": [below.tree() for below in self._below()] if self._field.is_record else None,
        }


def _notes(part: Field) -> str:
    return f" ({part.kind}{', mandatory' if part.required else ''})"


def _dash(text: str) -> str:
    if len(text) > _LONGEST_ABOUT:
        text = f"{text[:_LONGEST_ABOUT].rstrip()}…"
    return f" — {text}" if text else ""
