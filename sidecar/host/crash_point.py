"""Named places at which a test lets the process die.

`ERP_SIDECAR_CRASH_AT=name:3` kills it (SIGKILL, as nothing else is like a power cut) when the third
passage of that place is reached.  Without the variable a passage costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "ERP_SIDECAR_CRASH_AT"

#: Every place, in the order of an order's way; tests/crash kills at each of them.
PLACES = (
    "intake.looked",
    "intake.written",
    "delivery.claimed",
    "delivery.sending",
    "delivery.answered",
    "delivery.settled",
    "write_back.written",
    "write_back.committed",
)

#: Where sums over a window are told (tests/database/test_demand_properties.py dies there).
SUM_PLACES = ("tally.told",)

#: Those on the way of the ERP's own news into Magento.
INBOUND_PLACES = ("inbound.kept", "inbound.asking", "inbound.applied", "inbound.settled")

_place, _, _count = os.environ.get(VARIABLE, "").partition(":")
_left = int(_count or 1)
_lock = threading.Lock()


def passing(place: str) -> None:
    """Say that the work has come to `place`."""
    if place == _place:
        _count_down()


def _count_down() -> None:
    global _left
    with _lock:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
