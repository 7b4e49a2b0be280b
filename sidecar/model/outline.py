"""What a body has, without what it says: names and kinds, lists and records, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

TEXT, NUMBER, TRUTH, NULL = "text", "number", "truth value", "null"
#: In a list of which no two entries are alike.
MIXED = "mixed"
#: Nothing was seen of it: the body ended before.
UNSEEN = "…"
RECORD, LIST = "record", "list"


@dataclass(frozen=True, slots=True)
class Outline:
    """`kind` is one of the above.

    A record has `members`, of which those of `optional` are not always there; a list has `entry`,
    which is None where none was seen.  `nullable`: sometimes null; `is_cut`: the body ended in it.
    """

    kind: str
    members: Mapping[str, Outline] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    entry: Outline | None = None
    nullable: bool = False
    is_cut: bool = False

    def __str__(self) -> str:
        return self._kind() + " or null" * self.nullable

    def _kind(self) -> str:
        match self.kind:
            case "record":
                marks = {name: "?" * (name in self.optional) for name in self.members}
                told = [f"{name}{marks[name]}: {self.members[name]}" for name in self.members]
                return f"{{{', '.join(told + ['…'] * self.is_cut)}}}"
            case "list":
                told = [str(self.entry)] if self.entry else []
                return f"[{', '.join(told + ['…'] * self.is_cut)}]"
        return self.kind


def merged(first: Outline, second: Outline) -> Outline | None:
    """One outline for both, None where they are of different answers.

    They are of one where the names of each record are among those of the other: what is left out
    is optional, and what was cut off agrees as far as it goes.
    """
    if UNSEEN in (first.kind, second.kind):
        return second if first.kind == UNSEEN else first
    if NULL in (first.kind, second.kind) and first.kind != second.kind:
        return replace(second if first.kind == NULL else first, nullable=True)
    if first.kind != second.kind:
        return None
    nullable = first.nullable or second.nullable
    if first.kind == LIST:
        is_cut = first.is_cut and second.is_cut
        entry = of_a_list(first.entry, second.entry)
        return Outline(LIST, entry=entry, nullable=nullable, is_cut=is_cut)
    if first.kind == RECORD:
        record = _merged_records(first, second)
        return record and replace(record, nullable=nullable)
    return replace(first, nullable=nullable)


def of_a_list(first: Outline | None, second: Outline | None) -> Outline | None:
    """One outline for the entries of one list, however unlike they are."""
    if first is None or second is None:
        return first or second
    return merged(first, second) or Outline(MIXED)


def _merged_records(first: Outline, second: Outline) -> Outline | None:
    names, others = first.members.keys(), second.members.keys()
    if not (names <= others or others <= names):
        return None
    longer, shorter = (first, second) if others <= names else (second, first)
    members = dict(longer.members)
    for name, outline in shorter.members.items():
        both = merged(members[name], outline)
        if both is None:
            return None
        members[name] = both
    missing = frozenset() if shorter.is_cut else longer.members.keys() - shorter.members.keys()
    return Outline(
        RECORD,
        members,
        first.optional | second.optional | missing,
        is_cut=longer.is_cut and shorter.is_cut,
    )
