"""Fixtures that several test packages share: a private database server with Magento's tables."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.magento.live_schema import read_schema
from sidecar.testing.magento_db import (
    Flavour,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
    load_dump,
)
from tests.database.capture_bench import login
from tests.servers import flavour_asked_for

_numbers = count(1)
# A shell starts what runs in its background with Ctrl-C ignored, and a child inherits that: tests
# that interrupt one would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes is the machine's affair: a deadline would be a matter of luck.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where daemons without systemd keep what they saw of their ledger."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.delenv("STATE_DIRECTORY", raising=False)
        yield folder


@pytest.fixture(scope="session")
def flavour() -> Flavour:
    """The server program that this run is for."""
    return flavour_asked_for()


@pytest.fixture(scope="session")
def server(flavour: Flavour) -> Iterator[PrivateServer]:
    """One server for the whole run; quick, not durable."""
    with PrivateServer(flavour=flavour) as running:
        yield running


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """A fresh Magento schema of the test's own."""
    database = create_magento(server, f"magento_{next(_numbers)}")
    yield database
    database.drop()


@pytest.fixture
def shop(magento: MagentoDatabase) -> Iterator[Shop]:
    """Writes into `magento` as Magento's PHP does."""
    with Shop(magento) as writer:
        yield writer


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recorded Magento data; the test is skipped where it is not."""
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("ERP_SIDECAR_SHARED", default))
    if not (folder / "magento" / "schema.sql").is_file():
        pytest.skip(f"the recorded Magento data is not here ({folder}; ERP_SIDECAR_SHARED)")
    return folder


#: File of the recorded orders → how many it has.
RECORDED = {"orders-kinds": 95, "orders-64": 64}


@pytest.fixture(scope="session")
def recorded_orders(server: PrivateServer, shared: Path) -> dict[str, list[Order]]:
    """Every order of a real Magento by its file, as our reader has it."""
    found: dict[str, list[Order]] = {}
    for name, number in RECORDED.items():
        magento = MagentoDatabase(server, f"recorded_{name.replace('-', '_')}")
        load_dump(server, shared / "magento" / f"{name}.sql.gz", magento.name)
        with closing(Database(login(magento))) as database:
            reader = OrderReader(read_schema(database, SPECS))
            with database.snapshot() as view:
                found[name] = list(reader.read(view, range(1, 200)).values())
        magento.drop()
        assert len(found[name]) == number
    return found
