"""The threads of an ERP account: which call is made, and what becomes of those that are not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.parcels import Trust
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Pace, Throttle
from sidecar.delivery.turns import CHECK, Rank
from sidecar.delivery.workers import Workers
from tests.harness import HandClock, RecordingNarrator, ScriptedErp

ORDERS = Rank("orders", 1, Decimal("0.1"))
STOCK = Rank("stock", 5, Decimal("0.1"))
#: There is no database here: it is asked whether an operator ended a wait, and nobody did.
NO_DATABASE: Any = SimpleNamespace(transaction=lambda _: nullcontext())
NO_LEDGER: Any = SimpleNamespace(accounts=SimpleNamespace(wait_ended_at=lambda *_: None))
PATIENCE = 10.0


class ScriptedClock(HandClock):
    """A clock that does what the test says while somebody waits for the throttle."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] = lambda: None
        self.is_stopping = False

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        if seconds:
            self.meanwhile()
        return self.is_stopping


class Bench:
    """An account, its workers, and calls that tell that they were made."""

    def __init__(self, concurrency: int = 1, requests: int | None = None) -> None:
        self.clock = ScriptedClock()
        pace = Pace(concurrency, requests, 60.0)
        self.account = ErpAccount(
            "erp",
            Throttle(pace, self.clock),
            Slots(concurrency, 4.0, self.clock),
            Breaker(3, 60.0, self.clock),
            ScriptedErp(),
            NO_DATABASE,
            NO_LEDGER,
            RecordingNarrator(),
        )
        self.workers = Workers(self.account, concurrency, clock=self.clock, sleeper=self.clock)
        self.made: list[str] = []
        self._busy = threading.Semaphore(0)
        self._go_on = threading.Event()

    def submit(self, rank: Rank, name: str, seconds: float = 3600.0) -> Future[str]:
        """A call that ends at once, to be begun within so many seconds."""

        def call() -> str:
            self.made.append(name)
            self.account.throttle.ended()
            return name

        return self.workers.submit(rank, Trust(self.clock.seconds + seconds), call)

    def keep_busy(self, rank: Rank = STOCK) -> Future[str]:
        """A call that is under way until `go_on`."""

        def call() -> str:
            self._busy.release()
            assert self._go_on.wait(PATIENCE)
            self.account.throttle.ended()
            return "long"

        future = self.workers.submit(rank, Trust(self.clock.seconds + 3600.0), call)
        assert self._busy.acquire(timeout=PATIENCE)
        return future

    def go_on(self) -> None:
        self._go_on.set()

    def nothing_is_held(self) -> bool:
        """Whether all slots and places are free, but for those of the calls that were made."""
        free = [self.account.slots.take(0) for _ in range(self.account.slots.limit)]
        return all(free) and self.account.throttle.used() == len(self.made)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.go_on()
    bench.workers.close()


def test_what_comes_last_and_is_urgent_goes_next(bench: Bench) -> None:
    bench.keep_busy()
    waiting = [bench.submit(STOCK, f"stock {number}") for number in range(20)]
    order = bench.submit(ORDERS, "order")
    check = bench.submit(CHECK, "check")

    bench.go_on()

    assert [call.result(PATIENCE) for call in (check, order, *waiting)]
    assert bench.made[:2] == ["check", "order"]
    assert bench.made[2:] == [f"stock {number}" for number in range(20)]


def test_what_comes_while_the_throttle_makes_all_wait_is_not_too_late() -> None:
    bench = Bench(requests=1)
    bench.submit(STOCK, "first").result(PATIENCE)
    late: list[Future[str]] = []

    def an_order_comes() -> None:
        if not late:
            late.append(bench.submit(ORDERS, "order"))

    bench.clock.meanwhile = an_order_comes
    bench.submit(STOCK, "second").result(PATIENCE)
    bench.workers.close()

    assert bench.made == ["first", "order", "second"]


def test_no_more_calls_are_made_at_a_time_than_the_erp_bears_at_present() -> None:
    bench = Bench(concurrency=4)
    bench.account.slots.restore(2)
    long = [bench.keep_busy(), bench.keep_busy()]
    order = bench.submit(ORDERS, "order")
    assert not bench.made

    bench.go_on()

    assert [call.result(PATIENCE) for call in (*long, order)] == ["long", "long", "order"]
    bench.workers.close()


def test_a_stop_hands_back_what_waits_and_ends_what_is_under_way(bench: Bench) -> None:
    long = bench.keep_busy()
    waiting = [bench.submit(STOCK, "stock"), bench.submit(ORDERS, "order")]

    bench.clock.is_stopping = True
    bench.go_on()

    assert long.result(PATIENCE) == "long"
    for call in waiting:
        with pytest.raises(CancelledError):
            call.result(PATIENCE)
    bench.workers.close()
    assert bench.made == []


def test_a_stop_ends_a_wait_for_the_throttle_and_nothing_stays_held() -> None:
    bench = Bench(requests=1)
    bench.submit(STOCK, "first").result(PATIENCE)

    def a_stop_is_asked_for() -> None:
        bench.clock.is_stopping = True

    bench.clock.meanwhile = a_stop_is_asked_for
    with pytest.raises(CancelledError):
        bench.submit(STOCK, "second").result(PATIENCE)
    bench.workers.close()

    assert bench.nothing_is_held()


def test_where_the_erp_asks_to_be_left_alone_everything_is_handed_back(bench: Bench) -> None:
    long = bench.keep_busy()
    waiting = [bench.submit(STOCK, "stock"), bench.submit(ORDERS, "order")]

    bench.account.throttle.refused(600.0)
    bench.go_on()

    assert long.result(PATIENCE) == "long"
    for call in waiting:
        with pytest.raises(CancelledError):
            call.result(PATIENCE)
    assert bench.clock.seconds < 1010, "and nobody stood still"


def test_what_may_not_be_begun_any_more_is_handed_back_and_others_go() -> None:
    bench = Bench(requests=1)
    bench.submit(STOCK, "first").result(PATIENCE)

    stale = bench.submit(ORDERS, "stale", seconds=30.0)
    fresh = bench.submit(STOCK, "fresh")

    assert fresh.result(PATIENCE) == "fresh"
    with pytest.raises(CancelledError):
        stale.result(PATIENCE)
    bench.workers.close()
    assert bench.made == ["first", "fresh"]


def test_what_is_called_back_before_it_began_is_not_made(bench: Bench) -> None:
    bench.keep_busy()
    called_back, other = bench.submit(STOCK, "stock"), bench.submit(STOCK, "other")

    assert called_back.cancel()
    bench.go_on()

    assert other.result(PATIENCE) == "other"
    assert bench.made == ["other"]


def test_what_a_call_raises_reaches_its_pump_and_its_slot_is_free(bench: Bench) -> None:
    def call() -> None:
        bench.account.throttle.ended()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.workers.submit(ORDERS, Trust(bench.clock.seconds + 60), call).result(PATIENCE)

    assert bench.submit(ORDERS, "next").result(PATIENCE) == "next"


def test_a_defect_while_a_thread_waits_is_told_to_the_next_who_sends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bench.account.throttle, "delay", lambda: 1 / 0)
        with pytest.raises(CancelledError):
            bench.submit(STOCK, "stock").result(PATIENCE)

    with pytest.raises(ZeroDivisionError):
        bench.submit(STOCK, "stock")
    assert bench.submit(STOCK, "again").result(PATIENCE) == "again"


def test_a_domain_knows_whether_others_go_before_it(bench: Bench) -> None:
    bench.keep_busy()
    assert not bench.workers.must_wait(STOCK)

    bench.submit(ORDERS, "order")

    assert bench.workers.must_wait(STOCK)
    assert not bench.workers.must_wait(ORDERS)
