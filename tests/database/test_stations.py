"""A station that fails shows, in the ledger and wherever one looks, and disturbs no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sidecar.app.daemon import Daemon, Station, Supervision
from sidecar.host.liveness import Liveness
from sidecar.host.process import Stop
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
from sidecar.ledger.overview import Overview
from sidecar.ledger.records import Records
from sidecar.ledger.stations import Failing
from sidecar.model.errors import Unavailable
from tests.harness import HandClock, LedgerBench, RecordingNarrator, new_event


class Duty:
    """Does nothing, or fails as a test wants it to; counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.failure: Exception | None = None

    def __call__(self) -> int:
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        return 0


class Bench:
    """A daemon of two duties, whose rests pass when the test moves its clock."""

    def __init__(self, ledger: LedgerBench) -> None:
        self.ledger = ledger
        self.odd, self.sound = Duty(), Duty()
        self.told, self.clock, self.stop = RecordingNarrator(), HandClock(), Stop()
        self.liveness = Liveness(self.clock, {"odd": 1e9})

    @contextmanager
    def running(self) -> Iterator[None]:
        daemon = Daemon(
            self.ledger.database,
            self.ledger.store,
            [Station("odd", 0.02, self.odd), Station("sound", 0.02, self.sound)],
            owner="test",
            lease_seconds=3600.0,
            stop=self.stop,
            liveness=self.liveness,
            clock=self.clock,
            narrator=self.told,
            supervision=Supervision(
                Supervisor(None), Watchdog(self.clock, lambda: None, None), lambda _: ""
            ),
        )
        thread = threading.Thread(target=daemon.run, kwargs={"meanwhile": lambda: None})
        thread.start()
        try:
            yield
        finally:
            self.stop.ask()
            thread.join(30)
        assert not thread.is_alive()

    def failing(self) -> list[Failing]:
        with self.ledger.database.transaction() as connection:
            return self.ledger.store.stations.failing(connection)

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, self.told.lines[-5:]
            time.sleep(0.02)

    def works(self) -> bool:
        return self.liveness.works

    def let_pass(self, seconds: float) -> bool:
        self.clock.seconds += seconds
        return True

    def another_run_of_the_sound_one(self) -> None:
        before = self.sound.runs
        self.until(lambda: self.sound.runs >= before + 3)


@pytest.fixture
def bench(ledger: LedgerBench) -> Bench:
    return Bench(ledger)


def test_what_nobody_foresaw_ends_no_daemon_shows_and_is_tried_again_after_a_rest(
    bench: Bench,
) -> None:
    with bench.running():
        bench.until(bench.works)
        bench.odd.failure = KeyError("Ada Lovelace")
        bench.until(lambda: bool(bench.failing()))
        runs = bench.odd.runs
        bench.another_run_of_the_sound_one()
        assert bench.odd.runs == runs, "it rests"
        (told,) = bench.failing()
        assert (told.name, told.failures) == ("odd", 1)
        assert told.message.startswith("a defect: KeyError at test_stations.py:")
        assert "report it" in told.remedy

        bench.until(lambda: bench.let_pass(0.2) and bench.odd.runs == runs + 1)
        assert bench.works(), "a short trouble is none"
        bench.let_pass(400)
        assert not bench.works()

        bench.odd.failure = None
        bench.until(lambda: bench.let_pass(1) and bench.failing() == [])
        assert bench.works()
    assert "station.recovered" in bench.told.names()
    assert "Lovelace" not in str(bench.told.lines)


def test_what_the_world_does_is_tried_again_at_the_usual_interval(bench: Bench) -> None:
    bench.odd.failure = Unavailable("the ERP is away", "look at it")
    with bench.running():
        bench.until(lambda: bench.odd.runs >= 3)
        (told,) = bench.failing()
    assert (told.message, told.remedy) == ("the ERP is away", "look at it")


def test_a_daemon_that_begins_has_no_former_failures(bench: Bench) -> None:
    with bench.ledger.database.transaction() as connection:
        bench.ledger.store.stations.failed(connection, "no station any more", 3, "m", "r")
    with bench.running():
        bench.until(lambda: bench.failing() == [])


def test_a_failure_keeps_its_first_moment_and_its_words_fit(ledger: LedgerBench) -> None:
    stations = ledger.store.stations
    with ledger.database.transaction() as connection:
        stations.failed(connection, "intake", 1, "m", "r")
    ledger.sql("UPDATE {station} SET failing_since = failing_since - INTERVAL 1 HOUR")
    with ledger.database.transaction() as connection:
        stations.failed(connection, "intake", 7, "\ud800" + "x" * 100_000, "")
        (told,) = stations.failing(connection)
    assert told.seconds == pytest.approx(3600, abs=5)
    assert told.failures == 7
    assert len(told.message) == 2000


def test_an_answer_waits_since_it_was_first_due_and_is_written_again_when_asked_for(
    ledger: LedgerBench,
) -> None:
    (event,) = ledger.add(new_event(1))
    ledger.sql(
        "INSERT INTO {write_back} (kind, entity_id, event, action, detail, changes, state, "
        "due_at, waiting_since, created_at) VALUES ('order', 1, %s, 'accept', '{{}}', 1, "
        "'pending', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) - INTERVAL 9 MINUTE, "
        "UTC_TIMESTAMP(3) - INTERVAL 9 DAY)",
        event,
    )
    overview, back = Overview(ledger.store.tables), ledger.store.write_backs
    records = Records(ledger.store.tables)
    with ledger.database.transaction() as connection:
        assert overview.write_backs_waiting(connection)["order"].longest == pytest.approx(
            540, abs=5
        )
        (due,) = back.due(connection, 10, ["order"])
        back.parked(connection, due, "1406: too long")
        assert overview.write_backs_waiting(connection) == {}
        assert overview.write_backs_parked(connection) == {"order": 1}
        (told,) = records.parked_write_backs(connection, 3)
        assert (told.number, told.message) == ("000000001", "1406: too long")

        assert back.again(connection, "order", [1]) == 1
        assert overview.write_backs_parked(connection) == {}
        assert overview.write_backs_waiting(connection)["order"].longest == pytest.approx(0, abs=5)


class TestTheDatabasesClock:
    """Set back or ahead by an hour: docs/limits.md tells what these show."""

    def test_set_back_lets_the_daemon_that_works_go_on(self, ledger: LedgerBench) -> None:
        lease = ledger.store.work_lease
        with ledger.database.transaction() as connection:
            assert lease.hold(connection, "mine", 15)
        ledger.sql("UPDATE {lease} SET until = until + INTERVAL 1 HOUR")
        with ledger.database.transaction() as connection:
            assert lease.hold(connection, "mine", 15)
        ((left,),) = ledger.sql(
            "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), until) FROM {lease}"
        )
        assert left <= 15, "the next renewal puts it right"

    def test_set_back_makes_the_lease_of_a_dead_one_last_as_much_longer(
        self, ledger: LedgerBench
    ) -> None:
        lease = ledger.store.work_lease
        with ledger.database.transaction() as connection:
            assert lease.hold(connection, "dead", 15)
        ledger.sql("UPDATE {lease} SET until = until + INTERVAL 1 HOUR")
        with ledger.database.transaction() as connection:
            assert not lease.hold(connection, "other", 15)

    def test_set_ahead_gives_the_lease_to_whoever_asks_first(self, ledger: LedgerBench) -> None:
        lease = ledger.store.work_lease
        with ledger.database.transaction() as connection:
            assert lease.hold(connection, "mine", 15)
        ledger.sql("UPDATE {lease} SET until = until - INTERVAL 1 HOUR")
        with ledger.database.transaction() as connection:
            assert lease.hold(connection, "other", 15)
            assert not lease.hold(connection, "mine", 15)
