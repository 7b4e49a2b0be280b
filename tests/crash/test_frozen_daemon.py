"""A daemon that was frozen past its lease, and two daemons by mistake: the fence holds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

# Leases and fences are tested on every server: test_ledger_work_lease.py, test_ledger_events.py.
pytestmark = pytest.mark.any_server

#: `make crash` asks for 50.
ROUNDS = int(os.environ.get("ERP_SIDECAR_FREEZES", "1"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_zombie_that_wakes_after_its_lease_settles_nothing_and_sends_nothing(
    server: PrivateServer, tmp_path: Path, round_: int
) -> None:
    with Rig(server, tmp_path, f"frozen_{round_}") as rig, Shop(rig.magento) as shop:
        # The first daemon is caught in a call that the ERP has booked and not answered yet.
        rig.erp.rule("answer_late", seconds=0.4, times=1)
        zombie = rig.start()
        placed = shop.place()
        rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        zombie.send_signal(signal.SIGSTOP)
        rig.start()
        # One that froze within a transaction holds its locks: MySQL ends it after a minute
        # (docs/limits.md), MariaDB after 15 s.
        rig.until(lambda: rig.oracle().is_clean, 150)
        booked = len(rig.erp.documents())
        zombie.send_signal(signal.SIGCONT)
        # It says that it stands by, which it does after its late settlement was refused.
        rig.until(lambda: rig.log_events()["daemon.standby"] >= 1)
        later = shop.place()
        rig.until(lambda: rig.oracle().is_clean)
        assert len(rig.erp.documents()) == booked + 1
        assert len(rig.erp.bookings(later.increment_id)) == 1
        zombie.send_signal(signal.SIGTERM)
        assert zombie.wait(30) == 0


def test_two_daemons_by_mistake_send_nothing_twice(server: PrivateServer, tmp_path: Path) -> None:
    with Rig(server, tmp_path, "two_daemons") as rig, Shop(rig.magento) as shop:
        rig.start()
        rig.start()
        rig.until(lambda: rig.log_events()["daemon.standby"] >= 1)
        for _ in range(30):
            shop.place()
        rig.until(lambda: rig.oracle().is_clean)
        assert len(rig.erp.documents()) == 30
