"""A shop beside which `stock diff` and `prices diff` are run, and an ERP that tells levels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sidecar.testing.magento_db import MagentoDatabase

#: An ERP that tells what stands in a file, three rows a page.
ADAPTER = """
import json, os
import msgspec
from sidecar.domains import SPECS
from sidecar.ports import Capabilities, Page

ROWS = {spec.name: spec.tells.row for spec in SPECS if spec.tells}

class Warehouse:
    def capabilities(self, domain):
        return Capabilities(frozenset({"order.placed"}), tells_all=True)
    def changes(self, domain, since, page=None):
        assert since is None, "diff asks for everything"
        at = int(page or 0)
        with open(os.environ["WAREHOUSE"]) as file:
            rows = json.load(file)
        told = [msgspec.convert(row, ROWS[domain], strict=False) for row in rows]
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
  api: {{url: "http://127.0.0.1:9", token: {{file: password}}}}
erp: {{adapter: warehouse, url: "http://127.0.0.1:9"}}
domains:
  {domain}: {section}
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
        self, domain: str, *rows: dict[str, Any], options: tuple[str, ...] = (), section: str = "{}"
    ) -> subprocess.CompletedProcess[str]:
        text = CONFIGURATION.format(
            socket=self.magento.server.socket,
            name=self.magento.name,
            domain=domain,
            section=section,
        )
        (self.folder / "sidecar.yaml").write_text(text, "utf-8")
        (self.folder / "told.json").write_text(json.dumps(rows), "utf-8")
        project = str(Path(__file__).parents[1])
        return subprocess.run(
            [sys.executable, "-c", "from sidecar.cli import main; main()", "--config",
             str(self.folder / "sidecar.yaml"), domain, "diff", *options],
            capture_output=True, text=True, check=False,
            env={
                **os.environ,
                "WAREHOUSE": str(self.folder / "told.json"),
                "PYTHONPATH": os.pathsep.join((str(self.folder / "package"), project)),
            },
        )  # fmt: skip

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            return list(cursor.fetchall())
