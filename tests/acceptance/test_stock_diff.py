"""`erp-sidecar stock diff`: what a run of the ERP's quantities would change, for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.acceptance.test_json_schemas import read_as_the_schema_says
from tests.level_diff import Installed


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    database = create_magento(server, "stock_diff")
    yield database
    database.drop()


@pytest.fixture
def installed(magento: MagentoDatabase, tmp_path: Path) -> Installed:
    return Installed(magento, tmp_path)


def told(sku: str, quantity: str) -> dict[str, str]:
    return {"sku": sku, "source_code": "default", "quantity": quantity}


ROWS = (
    told("MUG", "998"),
    told("RIBBON", "0.5000"),
    told("DESK", "1000"),
    told("LAMP", "0"),
    told("NOPE", "4"),
)


def test_it_shows_changes_refused_rows_and_totals_and_writes_nothing(installed: Installed) -> None:
    before = installed.rows("inventory_source_item")
    lifted = "{bounds: {run: {changed: 100%, to_zero: 100%}}}"
    done = installed.diff("stock", *ROWS, section=lifted)
    assert done.stdout.splitlines() == [
        "sku     source   is    would be",
        "MUG     default  1000  998",
        "RIBBON  default  1000  0.5",
        "LAMP    default  1000  0",
        "refused         why                      magento  erp",
        "NOPE @ default  Magento has no such SKU  -        4",
        "3 of 12 level(s) would change, 1 of them to 0; 1 equal, 1 refused",
    ], done.stderr
    assert done.returncode == 2
    assert installed.rows("inventory_source_item") == before


def test_what_would_wait_for_a_person_is_said(installed: Installed) -> None:
    done = installed.diff("stock", told("LAMP", "0"), told("DESK", "0"))
    assert done.stdout.splitlines()[-1] == (
        "! all that the ERP has would change 2 of 12 levels (16.7%) and let 2 fall to 0 (16.7%): "
        "more than domains.stock.bounds.run allows (to_zero: 10%)"
    )


def test_as_json_for_some_skus_and_no_more_than_asked_for(installed: Installed) -> None:
    options = ("--json", "--sku", "MUG", "--sku", "LAMP", "--most", "1")
    done = installed.diff("stock", *ROWS, options=options)
    assert json.loads(done.stdout) == {
        "known": 12,
        "equal": 0,
        "changed": 2,
        "to_zero": 1,
        "held": None,
        "changes": [
            {"number": "MUG @ default", "sku": "MUG", "source_code": "default",
             "is": 1000.0, "would_be": 998}
        ],
        "refused": 0,
        "refusals": [],
    }  # fmt: skip


def test_as_json_it_is_as_the_schema_says(installed: Installed) -> None:
    done = installed.diff("stock", *ROWS, told("MUG", "-1"), options=("--json",))
    printed = read_as_the_schema_says("stock-diff", done.stdout)
    assert printed["changes"]
    assert printed["refusals"]


def test_where_all_is_equal_it_ends_with_zero(installed: Installed) -> None:
    done = installed.diff("stock", told("MUG", "1000"))
    assert done.returncode == 0
    assert done.stdout == "0 of 12 level(s) would change, 0 of them to 0; 1 equal, 0 refused\n"


def test_where_the_erp_does_not_own_it_the_way_there_is_named(installed: Installed) -> None:
    done = installed.diff("stock", section="{enabled: false}")
    assert done.returncode == 64
    assert "write domains.stock: {owner: erp}" in done.stderr
