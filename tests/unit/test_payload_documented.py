"""docs/payload names every field of each domain's payload with an example, as the types say."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.language.shape import members_of
from sidecar.domains import SPECS
from sidecar.model.columns import bare
from sidecar.model.domain_spec import DomainSpec, EventSpec, Role
from sidecar.testing.full_payloads import full_payloads
from tests.unit.test_event_schemas import as_sent, validate

FOLDER = Path(__file__).parents[2] / "docs" / "payload"
#: Of which something goes to the ERP.
SENT = [spec for spec in SPECS if spec.events]
REMEDY = "generate it again: python -m tests.unit.test_payload_documented"
PREFACE = """\
# What an event of {domain} carries

<!-- Generated from the domain's specification and testing/full_payloads.py; a test keeps it so. -->

What stands in `{payload}` (in a batch `event.data`) of an expression, and in `data` of the events'
JSON ([schemas](../schemas)). Names are those of Magento's REST API and tables; *ours* are said to
be so. Fields marked *computed* are for expressions only. `?`: may be none. Amounts are exact, times
UTC. How the amounts add up: [amounts](../amounts.md).
{parent}
| event | means | carries |
|---|---|---|
{events}
"""
_PARENT = """\
Beside it stand `{parent}`, [the {noun}](./{domain}.md) that it belongs to, as it was sent, and
`{parent}_link`, the {noun}'s document in the ERP.
"""
_MEANS = {
    Role.OPENS: "opens a document", Role.CHANGES: "changes it", Role.ENDS: "ends it",
    Role.STATE: "a state, of which only the newest counts",
}  # fmt: skip
_WORDS = {
    str: "text", int: "whole number", Decimal: "number", bool: "true or false", datetime: "time",
}  # fmt: skip


def page_of(spec: DomainSpec) -> Path:
    return FOLDER / f"{spec.name}.md"


def document(spec: DomainSpec) -> str:
    sections = [_preface(spec)]
    for kind, example in _shapes(spec).items():
        about = (kind.__doc__ or "").strip().split("\n\n")
        sections.append(f"## {kind.__name__}\n\n{_flat(about)}\n")
        sections.append("| field | is | example |\n|---|---|---|")
        sections += [_row(*row) for row in _rows(kind, example)]
        sections.append("")
    return "\n".join(sections).rstrip() + "\n"


def _preface(spec: DomainSpec) -> str:
    parent = next((one for one in SPECS if one.kind == spec.parent), None)
    return PREFACE.format(
        domain=spec.name,
        payload=spec.payload,
        parent="" if parent is None else "\n" + _PARENT.format(
            parent=parent.payload, noun=parent.noun, domain=parent.name
        ),
        events="\n".join(
            f"| `{event.type}` | {_MEANS[event.role]} | {_link(event.payload)} |"
            for event in spec.events
        ),
    )  # fmt: skip


def _shapes(spec: DomainSpec) -> dict[type, Any]:
    """Every kind of value in the domain's events, with one of it."""
    full, found = full_payloads(), dict[type, Any]()
    for payload in dict.fromkeys(event.payload for event in spec.events):
        found |= {k: v for k, v in _structs(full[payload]).items() if k not in found}
    return found


def _flat(paragraphs: list[str]) -> str:
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def _structs(value: Any) -> dict[type, Any]:
    """Every kind of value in the payload with the first of it, in the order of the fields."""
    found = {type(value): value}
    for name in value.__struct_fields__:
        inner = getattr(value, name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(one, msgspec.Struct):
                found = {**found, **{k: v for k, v in _structs(one).items() if k not in found}}
    return found


def _rows(kind: type, example: Any) -> Iterator[tuple[str, str, Any]]:
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in example.__struct_fields__:
        yield field, _words(hints[field]), getattr(example, field)
    for name in sorted(members_of(kind) - set(example.__struct_fields__)):
        read = getattr(kind, name)
        words = _words(typing.get_type_hints(read.fget)["return"])
        about = (read.__doc__ or "").strip().split("\n")[0]
        yield name, f"{words}; computed: {about}", getattr(example, name)


def _words(hint: Any) -> str:
    hint = bare(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(one) for one in arguments if one is not types.NoneType) + " ?"
    if origin is tuple:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return "number by name"
    return _link(hint)


def _link(kind: type) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _row(name: str, words: str, example: Any) -> str:
    return f"| `{name}` | {words} | {_shown(example)} |"


def _shown(example: Any) -> str:
    if isinstance(example, tuple):
        example = example[0] if example else None
    if isinstance(example, msgspec.Struct) or example is None:
        return "" if example is not None else "none"
    text = msgspec.json.Encoder(decimal_format="number").encode(example).decode()
    return f"`{text}`".replace("|", "\\|")


@pytest.mark.parametrize("spec", SENT, ids=lambda spec: spec.name)
def test_the_committed_page_is_what_the_types_and_the_sample_say(spec: DomainSpec) -> None:
    assert page_of(spec).read_text("utf-8") == document(spec), REMEDY


def test_every_domain_has_its_page_and_every_page_its_domain() -> None:
    assert set(FOLDER.iterdir()) == {page_of(spec) for spec in SENT}


@pytest.mark.parametrize("spec", SENT, ids=lambda spec: spec.name)
def test_every_field_that_an_expression_may_name_has_a_row_with_an_example(
    spec: DomainSpec,
) -> None:
    page = page_of(spec).read_text("utf-8")

    for kind in _shapes(spec):
        section = page.split(f"## {kind.__name__}\n")[1].split("\n## ")[0]
        assert {f"| `{name}` |" in section for name in members_of(kind)} == {True}
        # The tax on shipping is of no line.
        assert "| none |" not in section.replace("`associated_item_id` | whole number ? |", "")


@pytest.mark.parametrize(
    "event",
    [event for spec in SPECS for event in spec.events],
    ids=lambda event: event.type,
)
def test_the_sample_is_sent_as_the_schema_says(event: EventSpec) -> None:
    validate(event, as_sent(event, full_payloads()[event.payload]))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.iterdir():
        stale.unlink()
    for each in SENT:
        page_of(each).write_text(document(each), encoding="utf-8")
