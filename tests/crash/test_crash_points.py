"""The daemon dies at each named place of a document's way: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sidecar.delivery.pump import MOST_CRASHES
from sidecar.host.crash_point import PLACES, VARIABLE
from sidecar.testing.erpsim import DocumentKind
from sidecar.testing.magento_db import PrivateServer, Shop
from tests.crash.shopkeeper import Shopkeeper
from tests.rig import Rig

#: Deaths at each place; `make crash` asks for more.
ROUNDS = int(os.environ.get("ERP_SIDECAR_CRASHES_PER_PLACE", "1"))
_ORDERS = 6


@pytest.mark.timeout(3600)
def test_a_death_at_any_named_place_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "crash_points") as rig, Shop(rig.magento) as shop:
        for place in PLACES * ROUNDS:
            for _ in range(_ORDERS):
                shop.place()
            daemon = rig.start(**{VARIABLE: f"{place}:2"})
            # A place in a batch may be passed once only: the next order takes it there again.
            while daemon.poll() is None:
                shop.place()
                rig.wait_or_exit(daemon, 1.0)
            assert daemon.returncode == -signal.SIGKILL, f"{place}: {rig.log_tail()}"
        rig.start()
        rig.until_clean_after_deaths()


@pytest.mark.timeout(3600)
def test_a_death_at_any_named_place_of_a_refund_loses_and_doubles_none(
    server: PrivateServer, tmp_path: Path
) -> None:
    """Every order is booked before, so a death meets a refund on its way."""
    with Rig(server, tmp_path, "crash_refunds", refunds=True) as rig, Shop(rig.magento) as shop:
        keeper = Shopkeeper(shop)
        for _ in PLACES * ROUNDS:
            keeper.sell()
        booking = rig.start()
        rig.until(lambda: rig.oracle().is_clean)
        rig.kill(booking)
        for place in PLACES * ROUNDS:
            keeper.give_back()
            keeper.give_back()
            daemon = rig.start(**{VARIABLE: f"{place}:1"})
            daemon.wait(60)
            assert daemon.returncode == -signal.SIGKILL, f"{place}: {rig.log_tail()}"
        rig.start()
        rig.until_clean_after_deaths()
        memos = [one for one in rig.erp.documents() if one.kind is DocumentKind.CREDIT_MEMO]
        assert len(memos) == 2 * len(PLACES) * ROUNDS


@pytest.mark.any_server
@pytest.mark.timeout(600)
def test_what_kills_every_process_is_put_aside_and_the_others_go(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "crash_poison") as rig, Shop(rig.magento) as shop:
        shop.place()
        for _ in range(MOST_CRASHES):
            daemon = rig.start(**{VARIABLE: "delivery.sending:1"})
            rig.until(lambda daemon=daemon: daemon.poll() is not None)  # type: ignore[misc]
        rig.start()
        rig.until(lambda: "deadly" in rig.sidecar("queue", "list", "--json"))
        rig.until(lambda: rig.log_events()["delivery.parked"] == 1)
        innocent = shop.place()
        rig.until(lambda: len(rig.erp.bookings(innocent.increment_id)) == 1)
