"""Real ERPs on this machine; skipped unless ERP_SIDECAR_ERPS=1 asks (make acceptance-erps).

ERP_SIDECAR_ERPS_FOLDER keeps what is downloaded (default: .erps in the project).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.erps.odoo_server import OdooServer, get_odoo
from tests.erps.private_postgres import CannotBeHad
from tests.erps.tryton_server import TrytonServer, get_tryton

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def erps_folder() -> Path:
    if os.environ.get("ERP_SIDECAR_ERPS") != "1":
        pytest.skip("downloads and starts whole ERPs, which takes minutes (make acceptance-erps)")
    return Path(os.environ.get("ERP_SIDECAR_ERPS_FOLDER") or PROJECT / ".erps")


@pytest.fixture(scope="session")
def odoo(erps_folder: Path) -> Iterator[OdooServer]:
    """Odoo 19 with a database that every run begins anew."""
    with ExitStack() as started:
        try:
            get_odoo(erps_folder / "odoo")
            server = started.enter_context(OdooServer(erps_folder / "odoo"))
        except CannotBeHad as why:
            pytest.skip(str(why))
        yield server


@pytest.fixture(scope="session")
def tryton(erps_folder: Path) -> Iterator[TrytonServer]:
    """Tryton 8 with a database that every run begins anew."""
    with ExitStack() as started:
        try:
            get_tryton(erps_folder / "tryton")
            server = started.enter_context(TrytonServer(erps_folder / "tryton"))
        except CannotBeHad as why:
            pytest.skip(str(why))
        yield server
