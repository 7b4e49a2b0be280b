"""Stock through the stand-in, line by line as a real Magento answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sidecar.testing.magento_db import Line
from tests.contract.magento_rest_bench import RestBench, criteria

PATH = "inventory/source-items"
Stock = tuple[Decimal | int, int]
INVALID = "Validation Failed: "


def item(sku: str, quantity: float | None = 900, **fields: Any) -> dict[str, Any]:
    given = {"sku": sku, "source_code": "default", "quantity": quantity, "status": 1, **fields}
    return {name: value for name, value in given.items() if value is not None}


def save(rest: RestBench, *items: dict[str, Any]) -> Any:
    return rest.post(PATH, {"sourceItems": list(items)})


def source(rest: RestBench, sku: str) -> Stock | None:
    rows = rest.rows("SELECT * FROM inventory_source_item WHERE sku = %s", sku)
    return (rows[0]["quantity"], rows[0]["status"]) if rows else None


def legacy(rest: RestBench, sku: str) -> Stock:
    (row,) = rest.rows(
        "SELECT i.qty, i.is_in_stock FROM cataloginventory_stock_item AS i "
        "JOIN catalog_product_entity AS p ON p.entity_id = i.product_id WHERE p.sku = %s",
        sku,
    )
    (status,) = rest.rows(
        "SELECT s.qty, s.stock_status FROM cataloginventory_stock_status AS s "
        "JOIN catalog_product_entity AS p ON p.entity_id = s.product_id WHERE p.sku = %s",
        sku,
    )
    assert (status["qty"], status["stock_status"]) == (row["qty"], row["is_in_stock"])
    return row["qty"], row["is_in_stock"]


def test_several_are_written_with_their_legacy_copies(rest: RestBench) -> None:
    answer = save(rest, item("MUG", 900), item("TEAPOT", 80))
    assert (answer.status, answer.body) == (200, [])
    assert [source(rest, sku) for sku in ("MUG", "TEAPOT")] == [(900, 1), (80, 1)]
    assert [legacy(rest, sku) for sku in ("MUG", "TEAPOT")] == [(900, 1), (80, 1)]


def test_an_unknown_sku_is_taken_and_its_row_stays(rest: RestBench) -> None:
    assert save(rest, item("GHOST", 3)).body == []
    assert source(rest, "GHOST") == (3, 1)
    found = rest.get(f"{PATH}?{criteria('sku', 'GHOST')}").body
    assert found["items"] == [
        {"source_code": "default", "sku": "GHOST", "quantity": 3, "status": 1}
    ]


def test_an_unknown_source_among_good_ones_keeps_all_back(rest: RestBench) -> None:
    before = source(rest, "DESK")
    answer = save(rest, item("DESK", 1), item("DESK", 1, source_code="nowhere"))
    assert (answer.status, answer.message) == (400, "Could not save Source Item")
    assert source(rest, "DESK") == before


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"quantity": None}, "quantity"),
        ({"status": None}, "status"),
        ({"status": 2}, "status"),
    ],
    ids=["no quantity", "no status", "no status that there is"],
)
def test_what_is_not_valid_keeps_all_back_and_says_what(
    rest: RestBench, bad: dict[str, Any], field: str
) -> None:
    before = source(rest, "DESK")
    answer = save(rest, item("DESK", 1), item("LAMP", **{"quantity": 1, **bad}))
    assert answer.status == 400
    assert answer.message.startswith(f'{INVALID}"{field}" should be')
    (error,) = answer.body["errors"]
    assert (error["message"].partition(" ")[0], error["parameters"]) == (
        '"%field"',
        {"field": field},
    )
    assert source(rest, "DESK") == before


@pytest.mark.parametrize(
    ("quantity", "stored", "in_stock"),
    [(-7, -7, 0), (0, 0, 0), (10.5, Decimal("10.5"), 1)],
    ids=["negative", "nothing, yet in stock", "a part of a piece"],
)
def test_any_quantity_is_taken_and_the_legacy_stock_judges_by_it(
    rest: RestBench, quantity: float, stored: Decimal | int, in_stock: int
) -> None:
    assert save(rest, item("CHAIR-A", quantity)).status == 200
    assert source(rest, "CHAIR-A") == (stored, 1)
    assert legacy(rest, "CHAIR-A") == (stored, in_stock)


def test_a_sku_in_other_case_changes_the_source_and_not_the_legacy_stock(rest: RestBench) -> None:
    save(rest, item("CHAIR-B", 1000))
    assert save(rest, item("chair-b", 998)).status == 200
    assert source(rest, "CHAIR-B") == (998, 1)
    assert legacy(rest, "CHAIR-B") == (1000, 1)


def test_of_one_sku_twice_the_last_counts(rest: RestBench) -> None:
    save(rest, item("SCREW", 5), item("SCREW", 6))
    assert (source(rest, "SCREW"), legacy(rest, "SCREW")) == ((6, 1), (6, 1))


@pytest.mark.parametrize("sku", ["SHIRT", "TEASET"])
def test_what_has_no_pieces_gets_a_row_without_meaning(rest: RestBench, sku: str) -> None:
    before = legacy(rest, sku)
    assert save(rest, item(sku, 4)).status == 200
    assert source(rest, sku) == (4, 1)
    assert legacy(rest, sku) == before


def test_an_empty_list_is_refused(rest: RestBench) -> None:
    answer = save(rest)
    assert (answer.status, answer.message) == (400, "Input data is empty")


def test_the_same_value_again_moves_no_changelog(rest: RestBench) -> None:
    save(rest, item("LAMP", 41))
    before = [rest.changelog(view) for view in ("inventory", "cataloginventory_stock")]
    save(rest, item("LAMP", 41))
    assert [rest.changelog(view) for view in ("inventory", "cataloginventory_stock")] == before
    save(rest, item("LAMP", 42))
    after = [rest.changelog(view) for view in ("inventory", "cataloginventory_stock")]
    assert after == [number + 1 for number in before]


def test_the_quantity_is_what_lies_there_and_orders_are_on_top(rest: RestBench) -> None:
    rest.order(Line("SHIRT-RED", 12))
    save(rest, item("SHIRT-RED", 904))
    assert rest.get("inventory/get-product-salable-quantity/SHIRT-RED/1").body == 892


def test_a_source_item_is_deleted_there_or_not(rest: RestBench) -> None:
    named = {"sourceItems": [{"sku": "SHIRT-GREEN", "source_code": "default"}]}
    for _ in range(2):
        answer = rest.post("inventory/source-items-delete", named)
        assert (answer.status, answer.body) == (200, [])
    assert source(rest, "SHIRT-GREEN") is None
    assert legacy(rest, "SHIRT-GREEN") == (0, 0)


def test_the_sources_can_be_listed(rest: RestBench) -> None:
    (default,) = rest.get("inventory/sources?searchCriteria[pageSize]=10").body["items"]
    assert (default["source_code"], default["enabled"]) == ("default", True)


@pytest.mark.parametrize("quantity", [850, -3])
def test_the_legacy_route_takes_any_item_id_and_writes_the_source_too(
    rest: RestBench, quantity: int
) -> None:
    body = {"stockItem": {"qty": quantity, "is_in_stock": True}}
    answer = rest.put("products/MUG/stockItems/99999", body)
    assert (answer.status, answer.body) == (200, 1)
    assert source(rest, "MUG") == (quantity, 1)
    assert legacy(rest, "MUG")[0] == quantity


def test_the_legacy_route_knows_its_skus(rest: RestBench) -> None:
    assert rest.put("products/NOPE/stockItems/1", {"stockItem": {"qty": 1}}).status == 404
