"""`erp-sidecar prices diff`: what a run of the ERP's prices would change, for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.acceptance.test_json_schemas import read_as_the_schema_says
from tests.level_diff import Installed

TIERS = [
    {"quantity": "5", "price": "320"},
    {"quantity": "9", "price": "310", "customer_group": "Retailer"},
]
ROWS = (
    {"sku": "MUG", "price": "9.49", "special_price": "8.9", "special_from": "2026-11-27"},
    {"sku": "DESK", "tier_prices": TIERS},
    {"sku": "LAMP", "price": "79.90"},
    {"sku": "EBOOK", "website_code": "us", "price": "11"},
    {"sku": "NOPE", "price": "4"},
)


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    database = create_magento(server, "prices_diff")
    yield database
    database.drop()


@pytest.fixture
def installed(magento: MagentoDatabase, tmp_path: Path) -> Installed:
    return Installed(magento, tmp_path)


def test_it_shows_changes_refused_rows_and_totals_and_writes_nothing(installed: Installed) -> None:
    before = installed.rows("catalog_product_entity_decimal")
    done = installed.diff("prices", *ROWS)
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "sku website is would be",
        "DESK (everywhere) tiers - tiers ALL GROUPS:5=320 Retailer:9=310",
        "MUG (everywhere) 9.99, special - 9.49, special 8.9 from 2026-11-27",
        "refused why magento erp",
        "NOPE Magento has no such SKU - 4",
        "EBOOK @ us Magento's prices are the same everywhere (catalog/price/scope), and the ERP "
        "does not say this of base - 11",
        "2 of 14 level(s) would change, 0 of them to 0; 1 equal, 2 refused",
    ], done.stderr
    assert done.returncode == 2
    assert installed.rows("catalog_product_entity_decimal") == before


def test_as_json_a_change_has_the_parts_that_differ(installed: Installed) -> None:
    done = installed.diff("prices", *ROWS, options=("--json", "--sku", "DESK"))
    (change,) = json.loads(done.stdout)["changes"]
    assert change == {
        "number": "DESK", "sku": "DESK", "website_code": None,
        "is": {"tier_prices": []},
        "would_be": {"tier_prices": [
            {"customer_group": "ALL GROUPS", "quantity": 5, "price": 320},
            {"customer_group": "Retailer", "quantity": 9, "price": 310},
        ]},
    }  # fmt: skip


def test_as_json_it_is_as_the_schema_says(installed: Installed) -> None:
    done = installed.diff("prices", *ROWS, options=("--json",))
    printed = read_as_the_schema_says("prices-diff", done.stdout)
    assert printed["changes"]
    assert printed["refusals"]


def test_where_all_is_equal_it_ends_with_zero(installed: Installed) -> None:
    done = installed.diff("prices", {"sku": "MUG", "price": "9.99"})
    assert (done.returncode, done.stdout) == (
        0, "0 of 14 level(s) would change, 0 of them to 0; 1 equal, 0 refused\n"
    )  # fmt: skip
