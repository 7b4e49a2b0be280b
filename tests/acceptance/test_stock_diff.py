"""`erp-sidecar stock diff`: what a run of the ERP's quantities would change, for a person."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento

#: An ERP that tells what stands in a file, three rows a page.
ADAPTER = """
import json, os
from decimal import Decimal
from sidecar.domains.stock.news import StockLevel
from sidecar.ports import Capabilities, Page

class Warehouse:
    def capabilities(self, domain):
        return Capabilities(frozenset({"order.placed"}), tells_all="SILENT" not in os.environ)
    def changes(self, domain, since, page=None):
        assert since is None, "diff asks for everything"
        at = int(page or 0)
        with open(os.environ["WAREHOUSE"]) as file:
            rows = json.load(file)
        told = [StockLevel(sku=s, source_code=c, quantity=Decimal(q)) for s, c, q in rows]
        return Page(tuple(told[at:at + 3]), at + 3 if len(told) > at + 3 else None)
    def close(self):
        pass

def create(settings):
    return Warehouse()
"""
CONFIGURATION = """\
version: 1
shop:
  name: diff
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: differ, password: {{file: password}}}}
erp: {{adapter: warehouse, url: "http://127.0.0.1:9"}}
domains:
  stock: {stock}
"""


class Installed:
    """A shop with a configuration beside it; nothing of the sidecar is in its database."""

    def __init__(self, magento: MagentoDatabase, folder: Path) -> None:
        self.magento = magento
        self.folder = folder
        package = folder / "package"
        info = package / "warehouse-1.0.dist-info"
        info.mkdir(parents=True)
        (package / "warehouse.py").write_text(ADAPTER, "utf-8")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: warehouse\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[erp_sidecar.adapters]\nwarehouse = warehouse:create\n"
        )
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text("differ", "utf-8")
        with magento.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS differ@localhost IDENTIFIED BY 'differ'")
            cursor.execute(f"GRANT SELECT ON {magento.name}.* TO differ@localhost")

    def diff(
        self, *rows: tuple[str, str, str], options: tuple[str, ...] = (), stock: str = "{}"
    ) -> subprocess.CompletedProcess[str]:
        text = CONFIGURATION.format(
            socket=self.magento.server.socket, name=self.magento.name, stock=stock
        )
        (self.folder / "sidecar.yaml").write_text(text, "utf-8")
        (self.folder / "told.json").write_text(json.dumps(rows), "utf-8")
        project = str(Path(__file__).parents[2])
        return subprocess.run(
            [sys.executable, "-c", "from sidecar.cli import main; main()", "--config",
             str(self.folder / "sidecar.yaml"), "stock", "diff", *options],
            capture_output=True, text=True, check=False,
            env={
                **os.environ,
                "WAREHOUSE": str(self.folder / "told.json"),
                "PYTHONPATH": os.pathsep.join((str(self.folder / "package"), project)),
            },
        )  # fmt: skip

    def levels(self) -> list[tuple[Any, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM inventory_source_item ORDER BY source_item_id")
            return list(cursor.fetchall())


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    database = create_magento(server, "stock_diff")
    yield database
    database.drop()


@pytest.fixture
def installed(magento: MagentoDatabase, tmp_path: Path) -> Installed:
    return Installed(magento, tmp_path)


ROWS = (
    ("MUG", "default", "998"),
    ("RIBBON", "default", "0.5000"),
    ("DESK", "default", "1000"),
    ("LAMP", "default", "0"),
    ("NOPE", "default", "4"),
)


def test_it_shows_changes_refused_rows_and_totals_and_writes_nothing(installed: Installed) -> None:
    before = installed.levels()
    lifted = "{bounds: {run: {changed: 100%, to_zero: 100%}}}"
    done = installed.diff(*ROWS, stock=lifted)
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
    assert installed.levels() == before


def test_what_would_wait_for_a_person_is_said(installed: Installed) -> None:
    done = installed.diff(("LAMP", "default", "0"), ("DESK", "default", "0"))
    assert done.stdout.splitlines()[-1] == (
        "! all that the ERP has would change 2 of 12 levels (16.7%) and let 2 fall to 0 (16.7%): "
        "more than domains.stock.bounds.run allows (to_zero: 10%)"
    )


def test_as_json_for_some_skus_and_no_more_than_asked_for(installed: Installed) -> None:
    options = ("--json", "--sku", "MUG", "--sku", "LAMP", "--most", "1")
    done = installed.diff(*ROWS, options=options)
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


def test_where_all_is_equal_it_ends_with_zero(installed: Installed) -> None:
    done = installed.diff(("MUG", "default", "1000"))
    assert done.returncode == 0
    assert done.stdout == "0 of 12 level(s) would change, 0 of them to 0; 1 equal, 0 refused\n"


def test_an_erp_that_cannot_be_asked_for_everything_is_told_apart(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENT", "1")
    done = installed.diff(("MUG", "default", "1000"))
    assert done.returncode == 78
    assert "the ERP cannot be asked for all that it has of stock" in done.stderr


def test_where_the_erp_does_not_own_it_the_way_there_is_named(installed: Installed) -> None:
    done = installed.diff(stock="{enabled: false}")
    assert done.returncode == 64
    assert "write domains.stock: {owner: erp}" in done.stderr
