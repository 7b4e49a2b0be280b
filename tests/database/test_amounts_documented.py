"""Each formula and each figure of docs/amounts.md holds of orders of a real Magento.

Needs the recorded data in ../shared; on a user's machine these tests are skipped.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.language.expression import compile_expression
from adapters.language.filters import as_text
from adapters.language.scope import Scope
from adapters.language.shape import shape_of
from sidecar.domains.orders.payload import Order, OrderItem

pytestmark = pytest.mark.shared

PAGE = (Path(__file__).parents[2] / "docs" / "amounts.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(formulas.*|example .*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)


def lines_of(begin: str) -> list[tuple[str, str]]:
    """(block's title, line) of every block that begins so."""
    return [
        (title, line)
        for title, text in BLOCKS
        if title.startswith(begin)
        for line in text.splitlines()
    ]


def value(source: str, **values: Any) -> Any:
    scope = Scope({"order": shape_of(Order), "item": shape_of(OrderItem)})
    return compile_expression(source, scope)(values)


def test_every_formula_holds_for_every_order(
    recorded_orders: dict[str, list[Order]],
) -> None:
    every = [order for of_file in recorded_orders.values() for order in of_file]
    assert len(lines_of("formulas")) == 10

    for title, formula in lines_of("formulas"):
        for order in every:
            for item in order.sellable_items if title.endswith("lines") else order.items[:1]:
                assert value(formula, order=order, item=item), (order.increment_id, formula)


def test_every_figure_of_the_examples_is_that_orders(
    recorded_orders: dict[str, list[Order]],
) -> None:
    numbered = {order.increment_id: order for order in recorded_orders["orders-kinds"]}
    told = lines_of("example ")
    assert len({title for title, _ in told}) == 6

    for title, line in told:
        number = title.removeprefix("example ").partition(":")[0]
        source, _, figure = line.rpartition(" = ")
        found = value(source, order=numbered[number])
        expected = figure if figure[0].isalpha() else value(figure)
        assert found == expected, (number, line, as_text(found))
