"""kill -9 of the daemon while orders are placed and refunded: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.crash.shopkeeper import Shopkeeper
from tests.rig import Rig

#: `make crash` asks for 500; at ten orders a life that is 5,000 and more.
KILLS = int(os.environ.get("ERP_SIDECAR_KILLS", "12"))
ORDERS_A_LIFE = 10
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261123"))


@pytest.mark.timeout(7200)
def test_a_daemon_killed_at_random_instants_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    # A slow ERP, so that most deaths meet calls on their way.
    with Rig(server, tmp_path, "crash_random", latency_ms=40, refunds=True) as rig:
        over, wanted = threading.Event(), threading.Semaphore(0)

        def sell() -> None:
            with Shop(rig.magento) as shop:
                keeper = Shopkeeper(shop)
                while not over.is_set():
                    if wanted.acquire(timeout=0.1):
                        keeper.trade()

        seller = threading.Thread(target=sell)
        seller.start()
        try:
            for _ in range(KILLS):
                booked = rig.erp.count()
                wanted.release(ORDERS_A_LIFE)
                daemon = rig.start()
                rig.until(lambda booked=booked: rig.erp.count() > booked)  # type: ignore[misc]
                over.wait(rng.uniform(0.0, 0.15))
                rig.kill(daemon)
        finally:
            over.set()
            seller.join()
        rig.start()
        rig.until_clean_after_deaths()
        print(f"seed {SEED}: {KILLS} kills, {rig.erp.count()} documents, {rig.log_events()}")
        assert rig.log_events()["delivery.lease_expired"] > 0, "no kill met a call on its way"
