"""The wall clock of the daemon's machine set back and ahead by an hour: the work goes on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig


def is_booked(rig: Rig, number: str) -> bool:
    return len(rig.erp.bookings(number)) == 1


#: Debian's package libfaketime, the form for programs of several threads.
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.mark.skipif(not LIBRARIES, reason="libfaketime (Debian's package) is not here")
def test_stations_go_on_when_the_clock_is_set_back_or_ahead_by_an_hour(
    server: PrivateServer, tmp_path: Path
) -> None:
    """Planned on the wall clock, all of them stood still for the hour."""
    offset = tmp_path / "offset"
    offset.write_text("+0s", "utf-8")
    with Rig(server, tmp_path, "clock") as rig, Shop(rig.magento) as shop:
        rig.start(
            LD_PRELOAD=str(LIBRARIES[0]),
            FAKETIME_TIMESTAMP_FILE=str(offset),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        for hour in ("-3600s", "+3600s"):
            offset.write_text(hour, "utf-8")
            placed = shop.place()
            rig.until(partial(is_booked, rig, placed.increment_id))
        rig.until_clean()
        stamps = [line[8:21] for line in (tmp_path / "sidecar.log").read_text("utf-8").splitlines()]
        assert len(set(stamps)) >= 3, "the daemon saw all three clocks"
