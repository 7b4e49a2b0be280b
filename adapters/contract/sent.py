"""Which operations and fields of an interface a file of calls fills, and where it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.contract.check import call_sections, keys_at_the_top
from adapters.contract.field import Description, Field
from adapters.language.template import TYPE, Path, Source, is_expression
from sidecar.documents import Document
from sidecar.model.domain_spec import DomainSpec


def owner_of(record: Field, above: str) -> str:
    """What a record is known by: its declared type, else the way to it."""
    return record.type_name or above


@dataclass(frozen=True, slots=True)
class Sent:
    """`operations` and `fields` with the place in the file that names each first.

    A field is named by its record (`owner_of`) and its name; `owners` are the records.
    """

    operations: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    fields: dict[tuple[str, str], str] = field(default_factory=dict)


def sent_by(
    description: Description, document: Document, name: str, domains: Sequence[DomainSpec]
) -> Sent:
    """What is filled.  Raises ConfigurationError for a file that is no file of calls."""
    walk = _Walk(Source(document))
    for section, _ in call_sections(description, document, name, domains):
        keys = {**keys_at_the_top(description, document), **section.data}
        operation = description.called(keys)
        if operation is None:
            continue
        walk.sent.operations.setdefault(operation.name, walk.source.place(section.path))
        for key, part in operation.parts.items():
            if key in section.data:
                above = f"{operation.name} {key}"
                walk.value(part, section.data[key], above, (*section.path, key))
    return walk.sent


class _Walk:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.sent = Sent()

    def value(self, target: Field, tree: Any, above: str, path: Path) -> None:
        match tree:
            case Mapping() if "$each" in tree or "$when" in tree:
                self.value(target, tree.get("$do"), above, (*path, "$do"))
            case Mapping() if target.wrapper and set(tree) == {target.wrapper}:
                self.value(target, tree[target.wrapper], above, (*path, target.wrapper))
            case Mapping():
                self._record(target, tree, above, path)
            case list() | tuple():
                for index, entry in enumerate(tree):
                    self.value(target, entry, above, (*path, index))

    def _record(self, target: Field, tree: Mapping[str, Any], above: str, path: Path) -> None:
        named = tree.get(TYPE)
        if named is not None and not is_expression(named):
            target = target.types.get(str(named), target)
        owner = owner_of(target, above)
        self.sent.owners.setdefault(owner, self.source.place(path))
        for key, value in tree.items():
            member = target.members.named(key)
            if member is not None:
                place = self.source.place((*path, key))
                self.sent.fields.setdefault((owner, member.name), place)
                self.value(member, value, f"{owner}.{member.name}", (*path, key))
