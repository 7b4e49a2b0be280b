"""A pause that somebody may have forgotten is told, and not at every look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from sidecar.database.connection import Database
from sidecar.ledger.control import DomainControl
from sidecar.ledger.store import LedgerStore
from sidecar.monitor.pauses import PauseWatch

ALARM = 4 * 3600.0
TOMORROW = datetime(2026, 3, 2, tzinfo=UTC)


class Bench:
    """A watch over one domain whose standing and clock the test sets."""

    def __init__(self) -> None:
        self.control = DomainControl("orders")
        self.seconds = 0.0
        self.told: list[dict[str, object]] = []
        self.watch = PauseWatch(
            cast(Database, SimpleNamespace(transaction=self._transaction)),
            cast(LedgerStore, SimpleNamespace(control=SimpleNamespace(read=self._read))),
            {"orders": ALARM},
            clock=self,
            narrator=self,
        )

    def look(self, control: DomainControl, *, at: float) -> int:
        """Look at `at` seconds; gives how often it was told so far."""
        self.control, self.seconds = control, at
        self.watch.look()
        return len(self.told)

    def tell(self, event: str, /, **fields: object) -> None:
        self.told.append({"event": event, **fields})

    def now(self) -> datetime:
        return TOMORROW

    def monotonic(self) -> float:
        return self.seconds

    def _read(self, _connection: Any, _domains: Any) -> dict[str, DomainControl]:
        return {"orders": self.control}

    @contextmanager
    def _transaction(self, _doing: str) -> Iterator[None]:
        yield


def paused(seconds: float, *, until: datetime | None = TOMORROW) -> DomainControl:
    return DomainControl("orders", paused=True, paused_for=seconds, paused_until=until)


def test_a_young_pause_with_an_end_is_nobodys_fault() -> None:
    assert Bench().look(paused(ALARM), at=0) == 0


def test_a_long_pause_is_told_every_hour() -> None:
    bench = Bench()
    assert bench.look(paused(ALARM + 1), at=0) == 1
    assert bench.look(paused(ALARM + 60), at=60) == 1
    assert bench.look(paused(ALARM + 3601), at=3600) == 2
    assert bench.told[0]["event"] == "domain.pause_forgotten"
    assert bench.told[0]["remedy"] == "erp-sidecar domain resume orders"


def test_a_pause_without_an_end_is_told_at_once() -> None:
    assert Bench().look(paused(1, until=None), at=0) == 1


def test_the_next_pause_is_told_anew() -> None:
    bench = Bench()
    bench.look(paused(1, until=None), at=0)
    bench.look(DomainControl("orders"), at=60)
    assert bench.look(paused(1, until=None), at=120) == 2
