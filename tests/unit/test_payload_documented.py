"""docs/payload.md names every field of the payload with an example, as the types have them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from adapters.language.shape import members_of
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import Order, Vanished
from sidecar.model.columns import bare
from sidecar.testing.full_order import full_order
from tests.unit.test_event_schemas import as_sent, validate

DOCUMENT = Path(__file__).parents[2] / "docs" / "payload.md"
REMEDY = "generate it again: python -m tests.unit.test_payload_documented"
PREFACE = """\
# The payload of an order

<!-- Generated from domains/orders/payload.py and testing/full_order.py; a test keeps it so. -->

What stands in `order` (in a batch `event.data`) of an expression, and in `data` of the events' JSON
([schemas](schemas)). Names are those of Magento's REST API and tables, *ours* are said to be so.
Fields marked *computed* are for expressions only. `?`: may be none. Amounts are exact, times UTC.
How the amounts add up: [amounts](amounts.md). `order.vanished` carries the last table alone.
"""
_WORDS = {
    str: "text", int: "whole number", Decimal: "number", bool: "true or false", datetime: "time",
}  # fmt: skip


def document() -> str:
    sections = [PREFACE]
    for kind, example in {**_structs(full_order()), Vanished: _vanished()}.items():
        about = (kind.__doc__ or "").strip().split("\n\n")
        sections.append(f"## {kind.__name__}\n\n{_flat(about)}\n")
        sections.append("| field | is | example |\n|---|---|---|")
        sections += [_row(*row) for row in _rows(kind, example)]
        sections.append("")
    return "\n".join(sections).rstrip() + "\n"


def _flat(paragraphs: list[str]) -> str:
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def _structs(value: Any) -> dict[type, Any]:
    """Every kind of value in the order with the first of it, in the order of the fields."""
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
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def _row(name: str, words: str, example: Any) -> str:
    return f"| `{name}` | {words} | {_shown(example)} |"


def _shown(example: Any) -> str:
    if isinstance(example, tuple):
        example = example[0] if example else None
    if isinstance(example, msgspec.Struct) or example is None:
        return "" if example is not None else "none"
    text = msgspec.json.Encoder(decimal_format="number").encode(example).decode()
    return f"`{text}`".replace("|", "\\|")


def _vanished() -> Vanished:
    order = full_order()
    return Vanished(
        entity_id=order.entity_id,
        increment_id=order.increment_id,
        state=order.state,
        status=order.status,
        grand_total=order.grand_total,
        order_currency_code=order.order_currency_code,
    )


def test_the_committed_page_is_what_the_types_and_the_sample_say() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), REMEDY


def test_every_field_that_an_expression_may_name_has_a_row_with_an_example() -> None:
    page = DOCUMENT.read_text("utf-8")

    for kind in _structs(full_order()):
        section = page.split(f"## {kind.__name__}\n")[1].split("\n## ")[0]
        assert {f"| `{name}` |" in section for name in members_of(kind)} == {True}
    assert "| none |" not in page.split("## Vanished")[0].replace("associated_item_id", "")


def test_the_sample_is_an_order_that_is_sent_as_the_schema_says() -> None:
    validate(ORDER_PLACED, as_sent(ORDER_PLACED, full_order()))
    assert isinstance(full_order(), Order)
    assert problems(full_order(), Decimal(3)) != []


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
