"""A file of calls for one operation, to be filled in: what is mandatory stands, the rest is noted.

It does not load before every FILL_IN is replaced, and says in which lines they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from adapters.contract.field import Field, Operation
from adapters.contract.guess import FILL_IN, asked, guessed, lists_lines
from adapters.contract.tree import chosen, note_of
from adapters.contract.xml import about
from adapters.language.template import TYPE
from sidecar.documents import write_scalar
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.news import NewsSpec

_NOTES_BEGIN_AT = 48
_LONGEST_NOTE = 120
_DEPTH = 6
_ANSWER_DEPTH = 4
_MOST_ANSWERS = 40
_VARIABLE = re.compile(r"\{[^{}]*\}")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_NAME_OF_FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_QUESTIONS = ("GET", "HEAD")
_NAME = FILL_IN[1:]
#: Where since when and which page are asked for.
_PARAMETERS = ("body", "query", "json")


def skeleton(
    operation: Operation, source: str, types: Sequence[str], news: DomainSpec | None = None
) -> str:
    """The whole file; `news`: the operation tells what changed in that domain."""
    asks = operation.asks or operation.call.get("method") in _QUESTIONS or news is not None
    looks = "'erp-sidecar adapter dry-run ORDER' look at it."
    if news is not None:
        looks = f"'erp-sidecar adapter changes {news.name}' look at it."
    lines = [
        f"# {about(operation.name)} of {source}",
        f"# Replace each {FILL_IN}, and take '# ' away from what you want besides; then",
        f"# 'erp-sidecar adapter check' and {looks}",
        *(_begin(asks=asks) if news is None else [f"{news.name}:", "  changes:"]),
        "    call:",
        *(f"      {key}: {_constant(key, value)}" for key, value in operation.call.items()),
    ]
    for key, part in operation.parts.items():
        asks_for_news = news is not None and key in _PARAMETERS
        wanted = part.required or bool(part.members.mandatory()) or asks_for_news
        wanted = wanted or part.sample is not None
        wanted = wanted or any(field.hint for field in part.members.fields.values())
        spot = _Spot(" " * 6, types, wanted, whole=asks_for_news, of_news=asks_for_news)
        lines += _field(part, spot)
    if news is not None and news.tells is not None:
        lines += _telling(news.tells)
    elif asks:
        lines += _question(operation)
    else:
        lines += _answer(operation)
    lines += _answers(operation, types)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _begin(*, asks: bool) -> list[str]:
    return ["orders:", *(["  probe:"] if asks else ["  push:", "    on: [order.placed]"])]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where in the file a field stands.

    Not `wanted`: as a comment; `whole`: where nothing is left out (in a comment already, or in a
    question for news, whose few parameters are all worth a look); `of_news`: in such a question.
    """

    indent: str
    types: Sequence[str]
    wanted: bool
    whole: bool = False
    of_line: bool = False
    of_news: bool = False
    left: int = _DEPTH
    above: tuple[str, ...] = ()

    def line(self, text: str, note: str = "") -> str:
        """A line at this spot, its note in a column of its own."""
        start = f"{self.indent}{text}" if self.wanted else f"{self.indent}# {text}"
        return f"{start.ljust(_NOTES_BEGIN_AT)}  # {note}" if note else start


def _field(field: Field, spot: _Spot) -> Iterator[str]:
    target, type_name = chosen(field, spot.types)
    key = field.name if _PLAIN_KEY.fullmatch(field.name) else str(write_scalar(field.name))
    if not target.is_record or target.takes:
        value = guessed(field, spot.above, of_line=spot.of_line)
        if spot.of_news:
            value = asked(field)
        is_guess = value != FILL_IN and not field.choices
        shown = f"[{value}]" if field.many and not field.lone and not field.hint else value
        # A person's value is guessed at by its name, and not repeated.
        seen = f"; sample: {field.sample}" if field.sample and value == FILL_IN else ""
        yield spot.line(f"{key}: {shown}", f"{'guess; ' * is_guess}{_note(field)}{seen}")
        return
    if spot.left <= 0 or (target.kind in spot.above and target.kind != "record"):
        # What contains itself has no end, and what lies this deep is for a person to write.
        yield spot.line(f"{key}: {FILL_IN}", f"{_note(field)} …")
        return
    yield spot.line(f"{key}:", target.kind if type_name else _note(field))
    yield from _record(field, target, type_name, spot)


def _record(field: Field, target: Field, type_name: str | None, spot: _Spot) -> Iterator[str]:
    step = "  "
    if field.many and field.one:
        yield spot.line("  -")
        step = "    "
    elif field.many:
        is_sure = lists_lines(field) and not spot.of_line
        yield spot.line("  $each: item in order.sellable_items", "" if is_sure else "which list?")
        yield spot.line("  $do:")
        spot = replace(spot, of_line=spot.of_line or is_sure)
        step = "    "
    if field.before:
        yield from (spot.line(f"{step}- {value}") for value in field.before)
        yield spot.line(f"{step}-")
        step += "  "
    if field.abstract or type_name:
        yield spot.line(f"{step}{TYPE}: {write_scalar(type_name) if type_name else FILL_IN}")
    below = replace(spot, left=spot.left - 1, above=(*spot.above, field.name, target.kind))
    for branches in target.members.alternatives:
        names = " | ".join("+".join(branch) for branch in branches)
        yield f"{spot.indent}{'' if spot.wanted else '# '}{step}# one of: {names}"
    for member in sorted(_shown(target, below), key=lambda candidate: not candidate.required):
        if not spot.wanted:
            # One column of '# ' for the whole block: without it the indent is right.
            for line in _field(member, replace(below, indent="", wanted=True, whole=True)):
                yield f"{spot.indent}# {step}{line}"
        else:
            wanted = spot.whole or member.required or member.sample is not None
            wanted = wanted or _means(member, target, below)
            yield from _field(member, replace(below, indent=spot.indent + step, wanted=wanted))


def _shown(record: Field, spot: _Spot) -> Iterator[Field]:
    """What may be written; without the ways back to what it stands in, which have no end."""
    for member in record.members.fields.values():
        leads_back = member.kind in spot.above and member.kind != "record" and member.is_record
        if member.writable and (member.required or not leads_back):
            yield member


def _means(member: Field, record: Field, spot: _Spot) -> bool:
    """Whether the name says what belongs there, so that it is filled in though it need not be."""
    branches = record.members.alternatives
    if any(member.name in branch for group in branches for branch in group):
        return False
    if member.is_record:
        return lists_lines(member) and not spot.of_line
    return guessed(member, spot.above[:-1], of_line=spot.of_line) != FILL_IN


def _note(field: Field) -> str:
    note = note_of(field) + (f" — {field.about}" if field.about else "")
    return note if len(note) <= _LONGEST_NOTE else f"{note[:_LONGEST_NOTE].rstrip()}…"


def _constant(key: str, value: str) -> str:
    if value == FILL_IN:
        return value
    if key != "path" or "{" not in value:
        return str(write_scalar(value))
    pieces = _VARIABLE.split(value)
    quoted = [f'"{piece}"' if "'" in piece else f"'{piece}'" for piece in pieces]
    return "=" + f" ~ {_NAME} ~ ".join(quoted)


def _answer(operation: Operation) -> list[str]:
    is_soap = "operation" in operation.call
    accepted = f"not response.fault and {_NAME}" if is_soap else "response.status in [200, 201]"
    rejected = (
        "response.fault.code in ['Client', 'Sender']"
        if is_soap
        else "response.status in [400, 422]"
    )
    return [
        "    answer:",
        f"      accepted: ={accepted}",
        f"      rejected: ={rejected}",
        _told("reference", operation.reference, "the ERP's number of the order"),
        f"      # total: {FILL_IN}".ljust(_NOTES_BEGIN_AT) + "  # what it booked, to compare",
    ]


def _question(operation: Operation) -> list[str]:
    return [
        "    answer:",
        "      ok: =response.status == 200",
        _told("found", operation.found, "the list of what was found"),
        "    each:",
        _told("reference", operation.reference, "=item.…, the ERP's number"),
    ]


def _told(key: str, known: str, about: str) -> str:
    line = f"      {key}: {known or FILL_IN}".ljust(_NOTES_BEGIN_AT)
    return f"{line}  # {'guess; ' if known else ''}{about}"


def _telling(news: NewsSpec) -> list[str]:
    """`answer`, and each field of a row, those that must be mapped first."""
    fields = sorted(msgspec.structs.fields(news.row), key=lambda field: not field.required)
    return [
        "    answer:",
        "      ok: =response.status == 200",
        f"      found: {FILL_IN}".ljust(_NOTES_BEGIN_AT) + "  # the list of what changed",
        f"      # next: {FILL_IN}".ljust(_NOTES_BEGIN_AT) + "  # the next page; none ends it",
        "    each:",
        *(f"      {'' if field.required else '# '}{field.name}: {FILL_IN}" for field in fields),
    ]


def _answers(operation: Operation, types: Sequence[str]) -> Iterator[str]:
    if operation.answer is None:
        return
    paths = list(_paths(operation.answer, "response.body", types, _ANSWER_DEPTH, ()))
    yield "# What the answer may hold:"
    yield from (f"#   {about(path)}" for path in paths[:_MOST_ANSWERS])
    if len(paths) > _MOST_ANSWERS:
        yield f"#   … and {len(paths) - _MOST_ANSWERS} more ('erp-sidecar adapter describe')"


def _paths(
    field: Field, path: str, types: Sequence[str], left: int, above: tuple[str, ...]
) -> Iterator[str]:
    target, _ = chosen(field, types)
    for name, member in target.members.fields.items():
        below = f"{path}.{name}" if _NAME_OF_FIELD.fullmatch(name) else f"{path}['{name}']"
        if member.is_record and left > 1 and member.kind not in above and not member.many:
            yield from _paths(member, below, types, left - 1, (*above, member.kind))
        else:
            yield f"{below}: {note_of(member)}"
