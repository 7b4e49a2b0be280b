"""kill -9 of the daemon while orders are placed: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

KILLS = int(os.environ.get("ERP_SIDECAR_KILLS", "12"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261123"))


@pytest.mark.timeout(1800)
def test_a_daemon_killed_at_random_instants_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    with Rig(server, tmp_path, "crash_random") as rig:
        over = threading.Event()

        def sell() -> None:
            with Shop(rig.magento) as shop:
                while not over.is_set():
                    shop.place()
                    over.wait(0.02)

        seller = threading.Thread(target=sell)
        seller.start()
        try:
            for _ in range(KILLS):
                booked = len(rig.erp.documents())
                daemon = rig.start()
                rig.until(lambda booked=booked: len(rig.erp.documents()) > booked)  # type: ignore[misc]
                over.wait(rng.uniform(0.0, 0.4))
                rig.kill(daemon)
        finally:
            over.set()
            seller.join()
        rig.start()
        rig.until(lambda: rig.oracle().is_clean, 120)
        assert rig.log_events()["delivery.lease_expired"] > 0, "no kill met a call on its way"
