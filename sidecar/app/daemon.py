"""The daemon: one work lease, the stations on their intervals, an orderly stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.host.liveness import Liveness
from sidecar.host.owner import is_dead
from sidecar.host.process import Stop
from sidecar.host.schedule import Schedule
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import SidecarError, TryAgain, described, frames
from sidecar.model.lease import trusted_until
from sidecar.ports import Clock, Narrator

#: How often the supervisor is told how things stand.
_STATUS_SECONDS = 5.0
#: What a stop that gets on may take, from each time that this is said.
_MORE_SECONDS = 30.0
#: After an error that nobody foresaw a station waits, twice as long each time, up to the second.
_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 60.0
#: How often the ledger is told anew that a station goes on failing.
_NOTE_SECONDS = 15.0
_DEFECT_REMEDY = "please report it, with the line station.failed of the log; it is tried again"


@dataclass(frozen=True, slots=True)
class Station:
    """A duty: `run` works until it finds nothing more and gives how much it did.

    `every`: seconds between two looks for work; `wakes`: the stations that its work is work for, so
    that it need not wait for its next look; `pause`: the shortest time between two beginnings of
    work, whoever woke it; `always`: also while another daemon works; `last`: once more when all
    others have come to their end.
    """

    name: str
    every: float
    run: Callable[[], int]
    wakes: tuple[str, ...] = ()
    pause: float = 0.0
    always: bool = False
    last: bool = False


@dataclass(slots=True)
class _Trouble:
    """A duty that fails: how often in a row, when it may try again, when the ledger was told."""

    failures: int = 0
    rest_until: float = 0.0
    noted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Supervision:
    """How the daemon is watched: `supervisor` hears of it, `watchdog` says whether it gets on.

    `status`: one line on how things stand, given whether this daemon works or stands by.
    """

    supervisor: Supervisor
    watchdog: Watchdog
    status: Callable[[bool], str]


class Daemon:
    """Runs stations while it holds the ledger's work lease; without it, it stands by."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        stations: Sequence[Station],
        *,
        owner: str,
        lease_seconds: float,
        stop: Stop,
        liveness: Liveness,
        clock: Clock,
        narrator: Narrator,
        supervision: Supervision,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._stations = stations
        self._working_stations = {station.name for station in stations if not station.always}
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._stop = stop
        self._liveness = liveness
        self._clock = clock
        self._narrator = narrator
        self._supervision = supervision
        self._is_ready = False
        self._standing_by = False
        self._worked_at: dict[str, float] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._has_begun = False
        self._failure: BaseException | None = None

    def run(self, *, meanwhile: Callable[[], None]) -> None:
        """Work until a stop is asked for; `meanwhile` is called about once a second.

        A station that fails is told, noted in the ledger and tried again: at its interval where the
        world failed (database gone, lock held), after a growing rest where nobody foresaw it.
        The other stations go on.
        """
        self._narrator.tell("daemon.started", owner=self._owner)
        schedule = Schedule()
        self._plan(schedule)
        schedule.start()
        try:
            while not self._stop.wait(1.0):
                meanwhile()
        finally:
            self._stop.ask()
            self._supervision.supervisor.stopping()
            self._supervision.watchdog.end()
            schedule.stop(self._ask_for_time)
            self._close()
            self._release()
        self._narrator.tell("daemon.stopped", owner=self._owner)
        if self._failure is not None:
            raise self._failure

    def _plan(self, schedule: Schedule) -> None:
        hold = partial(self._hold, schedule.wake_all)
        duties: list[tuple[str, float, Callable[[], None]]] = [
            ("lease", self._lease_seconds / 3, partial(self._guarded, "lease", hold))
        ]
        duties += [
            (station.name, station.every, partial(self._work, station, schedule))
            for station in self._stations
        ]
        if self._supervision.supervisor.listens:
            tell = partial(self._guarded, "status", self._tell_status)
            duties.append(("status", _STATUS_SECONDS, tell))
        for name, every, duty in duties:
            self._supervision.watchdog.expect(name, every)
            schedule.every(every, name, partial(self._turn, name, duty))

    def _turn(self, name: str, duty: Callable[[], None]) -> None:
        with self._supervision.watchdog.turn(name):
            duty()

    def run_once(self) -> None:
        """Work until nothing is due; raises TryAgain when another daemon works on this ledger."""
        if not self._acquire():
            raise TryAgain(
                f"another daemon works on this ledger: {self._holder()}",
                "stop it first, or let it do the work",
            )
        try:
            while not self._stop.asked and self._pass():
                if not self._acquire():
                    raise TryAgain("the work lease was lost to another daemon")
        finally:
            self._close()
            self._release()

    def _pass(self) -> int:
        return sum([self._run(station) for station in self._stations])

    def _run(self, station: Station) -> int:
        done = station.run()
        self._liveness.ended(station.name)
        return done

    def _work(self, station: Station, schedule: Schedule) -> None:
        if self._stop.asked or not (station.always or self._liveness.holds_the_lease):
            return
        trouble = self._troubles.get(station.name)
        if trouble is not None and self._clock.monotonic() < trouble.rest_until:
            return
        too_soon = self._worked_at.get(station.name, 0.0) + station.pause - self._clock.monotonic()
        if station.pause and too_soon > 0:
            schedule.wake(station.name, too_soon)
        else:
            self._guarded(station.name, partial(self._drain, station, schedule))

    def _drain(self, station: Station, schedule: Schedule) -> None:
        began = self._clock.monotonic()
        while self._run(station):
            self._worked_at[station.name] = began
            self._supervision.watchdog.progress()
            for woken in station.wakes:
                schedule.wake(woken)
            if self._stop.asked or not self._liveness.holds_the_lease:
                return

    def _hold(self, begin: Callable[[], None]) -> None:
        """Keep the work lease; `begin` is called when it becomes ours.

        Until then the stations skip their turns, the hourly ones too: without `begin` a daemon that
        took over would sweep everything only an hour later.
        """
        worked, stood_by = self._liveness.holds_the_lease, self._standing_by
        held = self._acquire()
        if not held and not stood_by:
            self._narrator.tell("daemon.standby", owner=self._owner, holder=self._holder())
        if not self._is_ready:
            # The database answers, the ledger is ours or somebody else's: both are good states.
            self._is_ready = True
            self._supervision.supervisor.ready()
        if held and not worked:
            begin()

    def _tell_status(self) -> None:
        if not self._is_ready:
            return
        supervisor = self._supervision.supervisor
        try:
            supervisor.status(self._supervision.status(not self._standing_by))
        except SidecarError as error:
            supervisor.status(error.message)
            raise

    def _ask_for_time(self) -> None:
        """A stop may last as long as the calls on their way, but not for ever."""
        if self._supervision.watchdog.gets_on():
            self._supervision.supervisor.more_time(_MORE_SECONDS)

    def _acquire(self) -> bool:
        """Take or extend the lease, at once where its holder is dead (docs/leases.md)."""
        asked_at = self._clock.monotonic()
        lease = self._ledger.work_lease
        with self._database.transaction("holding the work lease") as connection:
            holder = lease.holder(connection)
            dead = holder if holder is not None and is_dead(holder) else None
            held = lease.hold(connection, self._owner, self._lease_seconds, dead=dead)
            if held and holder != self._owner:
                self._end_claims_of_the_dead(connection)
            if held and not self._has_begun:
                # Before anybody works: what failed in the daemon before this one is history.
                self._ledger.stations.forget(connection)
        self._has_begun = self._has_begun or held
        self._liveness.works_until(trusted_until(asked_at, self._lease_seconds) if held else 0.0)
        if held and (dead or self._standing_by):
            self._narrator.tell("daemon.took_over", owner=self._owner, dead=dead)
        self._standing_by = not held
        return held

    def _end_claims_of_the_dead(self, connection: sa.Connection) -> None:
        """What a dead process was sending is unknown now, not only when its claims run out.

        It sends nothing any more, so nobody is asked about too early: "not there" is believed only
        some time after this moment, the last at which it may have sent (Claims.expire).
        """
        events = self._ledger.events
        events.end(connection, [name for name in events.claimers(connection) if is_dead(name)])

    def _holder(self) -> str:
        with self._database.transaction("asking who holds the work lease") as connection:
            return self._ledger.work_lease.holder(connection) or "nobody any more"

    def _close(self) -> None:
        for station in self._stations:
            if station.last and self._liveness.holds_the_lease:
                self._guarded(station.name, partial(self._run, station))

    def _release(self) -> None:
        try:
            with self._database.transaction("giving the work lease back") as connection:
                self._ledger.work_lease.release(connection, self._owner)
        except SidecarError as error:
            # It runs out by itself; the stop must not fail on a database that is gone.
            self._narrator.tell("daemon.lease_left", message=error.message)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except SidecarError as error:
            self._fails(name, error, error.remedy)
        except Exception as error:  # noqa: BLE001 - the net: the other stations go on
            trouble = self._fails(name, error, _DEFECT_REMEDY)
            rest = _FIRST_REST_SECONDS * 2 ** min(trouble.failures - 1, 10)
            trouble.rest_until = self._clock.monotonic() + min(rest, _LONGEST_REST_SECONDS)
        except BaseException as error:  # noqa: BLE001 - somebody ends this process; see run()
            self._failure = error
            self._narrator.tell("daemon.failed", station=name, message=described(error))
            self._stop.ask()
        else:
            self._recovers(name)

    def _fails(self, name: str, error: Exception, remedy: str) -> _Trouble:
        trouble = self._troubles.setdefault(name, _Trouble())
        trouble.failures += 1
        if name in self._working_stations:
            self._liveness.failed(name)
        ours = isinstance(error, SidecarError)
        message = described(error) if ours else f"a defect: {described(error)}"
        # At each of its thousand repetitions; the log folds them.
        self._narrator.tell(
            "station.failed",
            station=name,
            message=message,
            remedy=remedy,
            **({} if ours else {"at": frames(error)}),
        )
        self._note(name, trouble, message, remedy)
        return trouble

    def _note(self, name: str, trouble: _Trouble, message: str, remedy: str) -> None:
        now = self._clock.monotonic()
        if trouble.noted_at is not None and now - trouble.noted_at < _NOTE_SECONDS:
            return
        try:
            with self._database.transaction("noting a failure") as connection:
                self._ledger.stations.failed(connection, name, trouble.failures, message, remedy)
            trouble.noted_at = now
        except SidecarError as error:
            # The database itself is away, most often: then whoever asks it hears that, at least.
            self._narrator.tell("station.unnoted", station=name, message=error.message)

    def _recovers(self, name: str) -> None:
        trouble = self._troubles.get(name)
        if trouble is None:
            return
        if trouble.noted_at is not None:
            try:
                with self._database.transaction("noting a recovery") as connection:
                    self._ledger.stations.recovered(connection, name)
            except SidecarError as error:
                # Its row still stands: the next good end takes it away.
                self._narrator.tell("station.unnoted", station=name, message=error.message)
                return
        del self._troubles[name]
        self._narrator.tell("station.recovered", station=name)
