"""What checkout pays: the order transaction as Magento runs it (five lines, fsync, binlog), in
three identical schemas of one server, interleaved at random.  Two have no trigger: they are the
control pair, and what differs between them is the error of the method.  The third has the sidecar
installed.  *Cost* compares each of its transactions with the control's of the same round; the
median of those, in five blocks.

Then the same with a daemon that works, dies, purges, migrates, while triggers come and go, and
while somebody holds an old read view: there the slowest of a hundred transactions with the sidecar
is compared with the slowest of a hundred without it in the same minutes.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from statistics import median

from sidecar.ledger.tables import LedgerNames
from sidecar.testing.magento_db import MagentoDatabase, Shop, create_magento
from tests.bench import disturbance
from tests.bench.backlog import FIVE_ITEMS
from tests.bench.ledger_rows import STUB, add_finished
from tests.bench.report import Report, Target, at_most, percentile
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand

_BLOCKS = 5
_WITHIN_ONE = Target("within ± 1 %", lambda value: abs(value) <= 1)


class Till:
    """A shop whose order transactions are timed."""

    def __init__(self, database: MagentoDatabase) -> None:
        self._began = 0.0
        self._seconds: list[float] = []
        self.shop = Shop(database, between=self._note)

    def place(self) -> float:
        """Milliseconds from START TRANSACTION to COMMIT of an order."""
        self._seconds = []
        self.placed = self.shop.place(FIVE_ITEMS)
        # The order's is the first of the checkout's transactions.
        return 1000 * self._seconds[0]

    def _note(self, statement: str) -> None:
        if statement == "START TRANSACTION":
            self._began = time.perf_counter()
        elif statement == "COMMIT":
            self._seconds.append(time.perf_counter() - self._began)


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    with Stand() as stand, ExitStack() as shops:
        report.server = stand.version
        controls = [create_magento(stand.server, name) for name in ("control", "control_too")]
        tills = [Till(database) for database in (*controls, stand.magento)]
        for till in tills:
            shops.callback(till.shop.close)
        _rounds(tills, 30)
        _cost(report, tills, scale.pick(300, 60))
        pair = [tills[0], tills[2]]
        for name, disturbed in _disturbances(stand, scale).items():
            with disturbed():
                _rounds(pair, 10)
                _slowest(report, name, pair, scale.pick(500, 100))


def _cost(report: Report, tills: list[Till], rounds: int) -> None:
    shares, milliseconds, errors, base = [], [], [], []
    for _ in range(_BLOCKS):
        control, control_too, ours = _rounds(tills, rounds)
        shares.append(100 * (_paired_ratio(ours, control) - 1))
        errors.append(100 * (_paired_ratio(control_too, control) - 1))
        milliseconds.append(median(a - b for a, b in zip(ours, control, strict=True)))
        base.append(median(control))
    report.add("order transaction without the sidecar", "ms", base)
    report.add("cost at the median", "%", shares, at_most(3, "%"))
    report.add("cost at the median", "ms", milliseconds, at_most(0.3, "ms"))
    report.add("control pair", "%", errors, _WITHIN_ONE)


def _slowest(report: Report, name: str, pair: list[Till], rounds: int) -> None:
    without, ours = _rounds(pair, rounds)
    slower = percentile(ours, 0.99) - percentile(without, 0.99)
    report.add(f"99 of 100, {name}: more than without", "ms", [slower], at_most(50, "ms"))
    report.add("… the longest with", "ms", [max(ours)])
    report.add("… the longest without", "ms", [max(without)])


def _rounds(tills: list[Till], rounds: int) -> list[list[float]]:
    """Milliseconds per till and round; in each round every till once, in random order."""
    rng = random.Random(11)
    found: list[list[float]] = [[] for _ in tills]
    for _ in range(rounds):
        for index in rng.sample(range(len(tills)), len(tills)):
            found[index].append(tills[index].place())
    return found


def _paired_ratio(ours: list[float], control: list[float]) -> float:
    return median(a / b for a, b in zip(ours, control, strict=True))


def _disturbances(
    stand: Stand, scale: Scale
) -> dict[str, Callable[[], AbstractContextManager[None]]]:
    config = str(stand.folder / "sidecar.yaml")

    @contextmanager
    def at_work() -> Iterator[None]:
        daemon = stand.start()
        yield
        stand.stop(daemon)

    @contextmanager
    def old_view() -> Iterator[None]:
        with stand.magento.connect(autocommit=False) as dump, dump.cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            cursor.execute("SELECT COUNT(*) FROM sales_order")
            with at_work():
                yield

    @contextmanager
    def purging() -> Iterator[None]:
        stand.durable(False)
        with stand.server.connect() as connection:
            add_finished(connection, LedgerNames(LEDGER), scale.pick(200_000, 20_000), STUB)
        stand.durable(True)
        with disturbance.going_on(disturbance.purge, config):
            yield

    return {
        "daemon at work": at_work,
        "daemon killed and started every second": lambda: _dying(stand),
        "retention without a pause": purging,
        "a ledger migrated and dropped without a pause": lambda: disturbance.going_on(
            disturbance.migrate, config
        ),
        "triggers removed and installed without a pause": lambda: disturbance.going_on(
            disturbance.reinstall_triggers, config
        ),
        "daemon at work, old read view held": old_view,
    }


@contextmanager
def _dying(stand: Stand) -> Iterator[None]:
    with disturbance.in_thread(lambda: _one_life(stand)):
        yield


def _one_life(stand: Stand) -> None:
    daemon = stand.start()
    time.sleep(1.0)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
