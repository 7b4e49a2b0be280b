"""kill -9 of the database server and of the ERP under load: nothing lost, nothing doubled."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from sidecar.model.errors import SidecarError
from sidecar.testing.magento_db import Flavour, PrivateServer, Shop
from tests.crash.shopkeeper import Shopkeeper
from tests.rig import Rig

KILLS = int(os.environ.get("ERP_SIDECAR_PEER_KILLS", "4"))


@contextmanager
def selling(rig: Rig) -> Iterator[threading.Event]:
    """A shop that sells; when its database dies it does as PHP does: the next request."""
    over = threading.Event()

    def sell() -> None:
        while not over.is_set():
            with (
                suppress(pymysql.err.OperationalError, pymysql.err.InterfaceError, SidecarError),
                Shop(rig.magento) as shop,
            ):
                keeper = Shopkeeper(shop)
                while not over.is_set():
                    keeper.trade()
                    over.wait(0.02)
            over.wait(0.05)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield over
    finally:
        over.set()
        seller.join()


# PyMySQL leaves its socket open when a server that is down refuses it.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.timeout(3600)
def test_the_database_killed_under_load_loses_and_doubles_nothing(
    flavour: Flavour, tmp_path: Path
) -> None:
    rng = random.Random(7)
    # Durable: what the server has committed is there after its death, as in a shop.
    with (
        PrivateServer(fsync=True, flavour=flavour) as own,
        Rig(own, tmp_path, "killed_database", refunds=True) as rig,
    ):
        rig.start()
        with selling(rig) as over:
            for _ in range(KILLS):
                booked = len(rig.erp.documents())
                rig.until(lambda booked=booked: len(rig.erp.documents()) > booked + 3)  # type: ignore[misc]
                over.wait(rng.uniform(0.0, 0.3))
                own.kill()
                own.start()
        rig.until(lambda: rig.oracle().is_clean, 120)
    gc.collect()  # the sockets are found here and not in the next test


@pytest.mark.any_server
@pytest.mark.timeout(3600)
def test_the_erp_killed_under_load_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path
) -> None:
    rng = random.Random(11)
    with Rig(server, tmp_path, "killed_erp", refunds=True) as rig:
        rig.start()
        with selling(rig) as over:
            for _ in range(KILLS):
                booked = len(rig.erp.documents())
                rig.until(lambda booked=booked: len(rig.erp.documents()) > booked + 3)  # type: ignore[misc]
                over.wait(rng.uniform(0.0, 0.3))
                rig.erp.kill()
                over.wait(0.1)
                rig.erp.restart()
        rig.until(lambda: rig.oracle().is_clean, 120)
