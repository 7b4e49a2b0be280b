"""Compares two interface descriptions: what one ERP system takes and tells that another does not.

Each declared type is compared once, however many operations and types lead to it: NetSuite's
contain one another a thousandfold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from adapters.contract.field import Description, Field, Members, Operation
from adapters.contract.sent import Sent, owner_of
from sidecar.ports import ContractDifference

Harm = Literal["calls", "less", "more"]
T = TypeVar("T")

_ORDER: tuple[Harm, ...] = ("calls", "less", "more")
#: How deep records without a declared type may lie in each other.
_DEEPEST = 20
_MOST_WORDS = 8
#: At the end of the id of a new field that must be filled.
_MANDATORY = "-mandatory"


def compared(before: Description, after: Description, sent: Sent) -> list[ContractDifference]:
    """What `after` says otherwise than `before`, the most harmful first."""
    walk = _Walk(sent, alike=type(before) is type(after))
    ours, theirs = before.operations, after.operations
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        if name not in theirs:
            walk.note("less", "operation-gone", name, name, name, None, sent.operations.get(name))
        elif name not in ours:
            walk.note("more", "operation-new", name, name, None, name)
        else:
            walk.asked(ours[name], theirs[name])
    # What is told comes last: a type that is sent and told is compared as one that is sent.
    # OData's own wrapping of answers stands in OpenAPI and not in EDMX.
    for name in ours if walk.alike else ():
        if name in theirs:
            walk.told(ours[name], theirs[name])
    return sorted(walk.found.values(), key=lambda one: _ORDER.index(one.harm))


class _Walk:
    def __init__(self, sent: Sent, *, alike: bool) -> None:
        """`alike`: both are of one kind, so that types have the same names in both."""
        self._sent = sent
        self.alike = alike
        #: Pairs of types that were compared, or are being compared.
        self._seen: set[tuple[str, str, str]] = set()
        self._operation = ""
        self._is_told = False
        self.found: dict[tuple[object, ...], ContractDifference] = {}

    def asked(self, ours: Operation, theirs: Operation) -> None:
        """What two operations of one name take."""
        self._operation, self._is_told = ours.name, False
        self._named(Members(ours.parts), Members(theirs.parts), ours.name, f"{ours.name} ", depth=0)

    def told(self, ours: Operation, theirs: Operation) -> None:
        """What they answer."""
        self._operation, self._is_told = ours.name, True
        if ours.answer is not None and theirs.answer is not None:
            self._pair(ours.answer, theirs.answer, f"{ours.name} answer", f"{ours.name} answer", 0)

    def note(
        self,
        harm: Harm,
        id_: str,
        operation: str,
        place: str,
        before: str | None,
        after: str | None,
        sent_at: str | None = None,
    ) -> None:
        """One difference; what is said of a type as it is made and as it is changed, once."""
        sent_at = None if self._is_told else sent_at
        if harm == "less" and sent_at is not None:
            harm = "calls"
        difference = ContractDifference(harm, id_, operation, place, before, after, sent_at)
        key = (id_.removesuffix(_MANDATORY), place, before, after)
        known = self.found.get(key)
        if known is None or _ORDER.index(harm) < _ORDER.index(known.harm):
            self.found[key] = difference

    # --- records ----------------------------------------------------------------------------

    def _pair(self, ours: Field, theirs: Field, above: str, shown: str, depth: int) -> None:
        """The members of two records, and of the types that may stand for them."""
        if not (ours.is_record and theirs.is_record) or depth > _DEEPEST:
            return
        owner = owner_of(ours, above)
        pair = (owner, theirs.type_name, "" if ours.type_name else str(self._is_told))
        if pair in self._seen:
            return
        self._seen.add(pair)
        label = ours.kind if ours.type_name else shown
        depth = 0 if ours.type_name else depth
        self._types(ours, theirs, label, depth)
        self._named(ours.members, theirs.members, owner, f"{label}.", depth=depth)
        if not self._is_told:
            self._whole(ours.members, theirs.members, owner, label)

    def _named(self, ours: Members, theirs: Members, owner: str, label: str, *, depth: int) -> None:
        for name, field in ours.fields.items():
            place, sent_at = f"{label}{name}", self._sent.fields.get((owner, name))
            other = theirs.fields.get(name)
            if other is None:
                self._note("less", "field-gone", place, _told(field), None, sent_at)
                continue
            field, other = _unwrapped(field, other), _unwrapped(other, field)
            self._field(field, other, place, sent_at, owner)
            joint = " " if label.endswith(" ") else "."
            self._pair(field, other, f"{owner}{joint}{name}", place, depth + 1)
        for name, field in theirs.fields.items():
            if name not in ours.fields:
                wanted = field.required and field.writable and not self._is_told
                unsent = self._sent.owners.get(owner) if wanted else None
                id_ = f"field-new{_MANDATORY}" if wanted else "field-new"
                harm: Harm = "less" if wanted else "more"
                self._note(harm, id_, f"{label}{name}", None, _told(field), unsent)

    def _types(self, ours: Field, theirs: Field, label: str, depth: int) -> None:
        before = {name: ours.types[name] for name in ours.type_names}
        after = {name: theirs.types[name] for name in theirs.type_names}
        for name, field in before.items():
            if name not in after:
                sent_at = self._sent.owners.get(field.type_name)
                self._note("less", "type-gone", f"{label} {name}", name, None, sent_at)
            else:
                self._pair(field, after[name], f"{label} {name}", f"{label} {name}", depth + 1)
        for name in after:
            if name not in before:
                self._note("more", "type-new", f"{label} {name}", None, name)

    def _whole(self, ours: Members, theirs: Members, owner: str, label: str) -> None:
        sent_at = self._sent.owners.get(owner)
        before, after = (_alternatives(one) for one in (ours, theirs))
        if before != after:
            self._note("less", "one-of", label, before, after, sent_at)
        if ours.open != theirs.open:
            words = {True: "takes further names", False: "takes no further names"}
            harm: Harm = "less" if ours.open else "more"
            self._note(harm, "open", label, words[ours.open], words[theirs.open], sent_at)

    # --- fields -----------------------------------------------------------------------------

    def _field(
        self, ours: Field, theirs: Field, place: str, sent_at: str | None, owner: str
    ) -> None:
        """Of what is told only its type is compared, and whether it is always there."""
        if ours.many != theirs.many or ours.is_record != theirs.is_record:
            self._note("less", "type", place, _told(ours), _told(theirs), sent_at)
            return
        if not ours.is_record and self._typed(ours) != self._typed(theirs):
            wider = ours.takes and ours.takes < theirs.takes and not self._is_told
            harm: Harm = "more" if wider else "less"
            self._note(harm, "type", place, _typed(ours), _typed(theirs), sent_at)
        if self._is_told:
            if ours.required and not theirs.required:
                self._note("less", "maybe-missing", place, "always there", "not always there")
            return
        self._needed(ours, theirs, place, sent_at, owner)
        for id_, value, is_less, words in _LIMITS:
            before, after = value(ours), value(theirs)
            if before != after:
                harm = "less" if is_less(before, after) else "more"
                self._note(harm, id_, place, words(before), words(after), sent_at)
        self._words(ours.choices, theirs.choices, place, sent_at)

    def _typed(self, field: Field) -> object:
        return (field.kind, field.base) if self.alike else field.takes

    def _words(
        self, ours: tuple[str, ...], theirs: tuple[str, ...], place: str, sent_at: str | None
    ) -> None:
        """Only those that differ; NetSuite's lists have hundreds."""
        gone = tuple(word for word in ours if word not in theirs)
        new = tuple(word for word in theirs if word not in ours)
        if theirs and (gone or not ours):
            after = _told_words(new) if ours else f"only {_told_words(theirs)}"
            before = _told_words(gone) if ours else "any word"
            self._note("less", "choices", place, before, after or "no longer", sent_at)
        elif ours and not theirs:
            self._note("more", "choices", place, f"only {_told_words(ours)}", "any word", sent_at)
        elif new:
            self._note("more", "choices", place, None, _told_words(new), sent_at)

    def _needed(
        self, ours: Field, theirs: Field, place: str, sent_at: str | None, owner: str
    ) -> None:
        before, after = ours.required and ours.writable, theirs.required and theirs.writable
        if ours.writable != theirs.writable:
            harm: Harm = "less" if ours.writable else "more"
            words = {True: "may be written", False: "is given by the ERP"}
            self._note(
                harm, "writable", place, words[ours.writable], words[theirs.writable], sent_at
            )
        if before != after:
            words = {True: "mandatory", False: "may be left out"}
            # What our calls fill stays filled; what they do not is missing now.
            unsent = None if sent_at or before else self._sent.owners.get(owner)
            harm = "less" if after else "more"
            self._note(harm, "mandatory", place, words[before], words[after], unsent)
        elif after and ours.nullable != theirs.nullable:
            words = {True: "may be empty", False: "may not be empty"}
            harm = "less" if ours.nullable else "more"
            self._note(
                harm, "nullable", place, words[ours.nullable], words[theirs.nullable], sent_at
            )

    def _note(
        self,
        harm: Harm,
        id_: str,
        place: str,
        before: str | None,
        after: str | None,
        sent_at: str | None = None,
    ) -> None:
        self.note(harm, id_, self._operation, place, before, after, sent_at)


def _unwrapped(field: Field, other: Field) -> Field:
    """A list without the record around it, where the other description has it bare."""
    inner = field.members.fields.get(other.wrapper) if other.wrapper and not field.many else None
    return field if inner is None else replace(inner, name=field.name)


def _shorter(before: int | None, after: int | None) -> bool:
    return after is not None and (before is None or after < before)


def _fewer_digits(before: tuple[int, int] | None, after: tuple[int, int] | None) -> bool:
    if after is None or before is None:
        return after is not None
    # Digits before the point and behind it: either may be too few.
    return after[0] - after[1] < before[0] - before[1] or after[1] < before[1]


def _length(longest: int | None) -> str:
    return "any length" if longest is None else f"at most {longest} characters"


def _digits(digits: tuple[int, int] | None) -> str:
    return "any number" if digits is None else f"{digits[0]} digits, {digits[1]} decimals"


def _told_words(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _MOST_WORDS} more" if len(words) > _MOST_WORDS else ""
    return " | ".join(words[:_MOST_WORDS]) + more


#: What limits a value: its id, how it is read of a field, what is less, how it is told.
_LIMITS: Sequence[
    tuple[str, Callable[[Field], object], Callable[..., bool], Callable[..., str]]
] = (
    ("length", lambda field: field.longest, _shorter, _length),
    ("digits", lambda field: field.digits, _fewer_digits, _digits),
)


def _told(field: Field) -> str:
    kind = _typed(field)
    return f"list of {kind}" if field.many else kind


def _typed(field: Field) -> str:
    return f"{field.kind} ({field.base})" if field.base and not field.is_record else field.kind


def _alternatives(members: Members) -> str | None:
    groups: Iterator[str] = (
        "one of " + " | ".join("+".join(branch) for branch in branches)
        for branches in members.alternatives
    )
    return "; ".join(groups) or None
