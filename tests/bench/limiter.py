"""An ERP that allows so many requests in a sliding window and answers 429 beyond.

The sidecar is configured to what the ERP allows, with no reserve.  *Of what is allowed* counts the
requests that the ERP served in whole windows after the first, *refused* its 429s.  Then the ERP
allows a quarter only for a while, without telling: the sidecar has to slow down by what it is
answered, and to come back.  Windows are scaled (20 per 10 s), except in the run of 120 a minute,
which is left out of the quick one.

Last, an ERP without such a limit whose answers take 20 times as long for a while: the sidecar
should leave it alone but for one call at a time, and be back at full rate soon after.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sidecar.testing.erpsim import Exchange
from tests.bench.backlog import place_many
from tests.bench.report import Report, at_least, at_most
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` in any `seconds`."""

    requests: int
    seconds: int

    @property
    def setting(self) -> str:
        """As the configuration writes it."""
        return f"{self.requests}/{self.seconds}s"

    @property
    def rule(self) -> dict[str, float]:
        """As the simulator's rule has it."""
        return {"limit": self.requests, "per": float(self.seconds)}


SCALED = Limit(20, 10)
REAL = Limit(120, 60)


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    with _limited(SCALED, 600) as stand:
        report.server = stand.version
        daemon = stand.start()
        _steady(report, stand, SCALED, windows=scale.pick(9, 4))
        _slowed_down(report, stand, SCALED, windows=scale.pick(6, 3))
        stand.stop(daemon)
    _gets_slow(report, scale.pick(20, 10))
    if not scale.quick:
        with _limited(REAL, 700) as stand:
            daemon = stand.start()
            _steady(report, stand, REAL, windows=3)
            stand.stop(daemon)


def _limited(limit: Limit, orders: int) -> Stand:
    stand = Stand(concurrency=4, requests=limit.setting)
    stand.durable(False)
    place_many(stand.magento, orders)
    stand.durable(True)
    stand.erp.rule("throttle", **limit.rule)
    return stand


def _steady(report: Report, stand: Stand, limit: Limit, windows: int) -> None:
    started = _first_request(stand)
    time.sleep(limit.seconds * (windows + 1))
    seen = _between(stand, started + timedelta(seconds=limit.seconds), limit.seconds * windows)
    served, refused = _served(seen), len(seen) - _served(seen)
    name = f"{limit.requests} per {limit.seconds} s"
    report.add(f"{name}: of what is allowed", "%", [100 * served / (limit.requests * windows)],
               at_least(95, "%"))  # fmt: skip
    report.add(f"{name}: refused", "%", [100 * refused / len(seen)], at_most(1, "%"))


def _slowed_down(report: Report, stand: Stand, limit: Limit, windows: int) -> None:
    """The ERP admits a quarter, then all again."""
    quarter = Limit(limit.requests // 4, limit.seconds)
    stand.erp.rule("throttle", **quarter.rule)
    slow_from = datetime.now(UTC)
    time.sleep(limit.seconds * (windows + 1))
    seen = _between(stand, slow_from + timedelta(seconds=limit.seconds), limit.seconds * windows)
    report.add("slowed to a quarter: of that quarter", "%",
               [100 * _served(seen) / (quarter.requests * windows)])  # fmt: skip
    report.add("slowed to a quarter: refused, of all requests", "%",
               [100 * (len(seen) - _served(seen)) / max(1, len(seen))])  # fmt: skip
    stand.erp.clear_rules()
    stand.erp.rule("throttle", **limit.rule)
    freed = datetime.now(UTC)
    needed = 0.95 * limit.requests
    window = timedelta(seconds=limit.seconds)

    def recovered() -> bool:
        last = _between(stand, datetime.now(UTC) - window, limit.seconds)
        return _served(last) >= needed

    stand.until(recovered, 30 * limit.seconds, every=0.5)
    waited = (datetime.now(UTC) - freed).total_seconds() / limit.seconds
    report.add("windows until the full rate is back", "", [waited], at_most(6))


def _gets_slow(report: Report, seconds: int) -> None:
    """Answers take a second instead of 50 ms, then 50 ms again."""
    calls, usual, slow = 4, 0.05, 1.0
    with Stand(concurrency=calls, latency_ms=1000 * usual) as stand:
        stand.durable(False)
        place_many(stand.magento, 60 * int(calls / usual))
        stand.durable(True)
        daemon = stand.start()
        _first_request(stand)
        time.sleep(seconds)
        before = _rate(stand)
        stand.erp.rule("answer_late", seconds=slow)
        time.sleep(seconds)
        ((slots,),) = stand.sql(f"SELECT slots FROM {LEDGER}.erp_account")
        stand.erp.clear_rules()
        quick_from = time.monotonic()
        stand.until(lambda: _rate(stand) >= 0.95 * before, 120, every=0.5)
        waited = time.monotonic() - quick_from
        stand.stop(daemon)
    report.add(f"calls at a time, of {calls}, while answers are slow", "", [slots], at_most(1))
    report.add("seconds until the full rate is back", "s", [waited], at_most(30, "s"))


def _rate(stand: Stand) -> float:
    """Requests per second, of the last two."""
    return len(_between(stand, datetime.now(UTC) - timedelta(seconds=2), 2)) / 2


def _first_request(stand: Stand) -> datetime:
    stand.until(lambda: bool(stand.erp.requests()), 60)
    return stand.erp.requests()[0].time


def _between(stand: Stand, start: datetime, seconds: float) -> Sequence[Exchange]:
    end = start + timedelta(seconds=seconds)
    return [one for one in stand.erp.requests() if start <= one.time < end]


def _served(exchanges: Sequence[Exchange]) -> int:
    return sum(one.outcome != "429" for one in exchanges)
