"""`python -m tests.soak [MINUTES]`: a shop that sells, an ERP that misbehaves, for a long time.

First half: the daemon is left alone.  Its memory must not grow and its queue must not, although the
ERP loses answers, refuses for haste and shows old data, and somebody holds an old read view for
minutes.  Second half: daemon and ERP are killed, reloaded and stopped over and over.  In the end
every order is in the ERP's books once and carries the ERP's number, as in the crash tests.

Exits 1 when a promise was broken.  `ERP_SIDECAR_SEED` repeats a run's choices.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.bench.stand import cpu_seconds, resident_mib
from tests.rig import Rig
from tests.servers import flavour_asked_for

SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261125"))
MAY_GROW_MIB = 10.0
PAUSE = 0.05
#: Of each hundred calls so many go wrong in each of these ways.
MOODS = {
    "accept_then_drop": 2,
    "drop_before": 2,
    "server_error_after_booking": 2,
    "html_error": 1,
    "truncated_body": 1,
    "malformed_json": 1,
    "busy": 2,
    "throttle": 1,
    "stale_read": 5,
}


@dataclass
class Seen:
    """What was sampled of a daemon: its resident memory, the events that were open."""

    mib: list[float] = field(default_factory=list)
    open_events: list[int] = field(default_factory=list)


def main(minutes: float) -> int:
    """Run both halves; 0 when all promises held."""
    rng = random.Random(SEED)
    half = minutes * 60 / 2
    print(f"ERP_SIDECAR_SEED={SEED}, {minutes:g} minutes", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="erp-sidecar-soak-") as folder,
        PrivateServer(fsync=True, flavour=flavour_asked_for()) as server,
        Rig(server, Path(folder), "soak", keep="60s") as rig,
    ):
        set_moods(rig)
        with selling(rig) as sold:
            grew = undisturbed(rig, half)
            disturbed(rig, half, rng)
        rig.erp.clear_rules()
        rig.start()
        rig.until(lambda: rig.unacknowledged() == 0, 600)
        oracle, count = rig.oracle(), len(sold)
        print(f"{count} orders; {oracle}")
        print(f"log: {dict(rig.log_events())}")
    held = oracle.is_clean and grew <= MAY_GROW_MIB
    print("all promises held" if held else "A PROMISE WAS BROKEN")
    return 0 if held else 1


def set_moods(rig: Rig) -> None:
    """Let the ERP misbehave by chance; after a restart it has to be told again."""
    for seed, (name, percent) in enumerate(MOODS.items()):
        rig.erp.rule(name, probability=percent / 100, seed=SEED + seed)


@contextmanager
def selling(rig: Rig) -> Iterator[list[str]]:
    """A shop that places some fifteen orders a second and saves some of them again."""
    over, sold, rng = threading.Event(), list[str](), random.Random(SEED)

    def sell() -> None:
        with Shop(rig.magento) as shop:
            while not over.is_set():
                placed = shop.place()
                sold.append(placed.increment_id)
                if rng.random() < 0.05:
                    shop.save_without_change(placed.entity_id)
                over.wait(PAUSE)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield sold
    finally:
        over.set()
        seller.join()


def undisturbed(rig: Rig, seconds: float) -> float:
    """MiB that the daemon grew from the second quarter of this half to the last."""
    daemon = start(rig)
    began, used = time.monotonic(), cpu_seconds(daemon.pid)
    seen = Seen()
    with old_view_now_and_then(rig):
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(5)
            seen.mib.append(resident_mib(daemon.pid))
            seen.open_events.append(open_events(rig))
    quarter = len(seen.mib) // 4
    grew = max(seen.mib[-quarter:]) - max(seen.mib[quarter : 2 * quarter])
    share = 100 * (cpu_seconds(daemon.pid) - used) / passed
    print(
        f"undisturbed: {max(seen.mib):.1f} MiB at the most, {grew:+.1f} MiB from the second "
        f"quarter to the last, {share:.0f} % of a core; at most {max(seen.open_events)} events "
        f"open, {seen.open_events[-1]} at the end",
        flush=True,
    )
    stop(daemon)
    return grew


def disturbed(rig: Rig, seconds: float, rng: random.Random) -> None:
    """Kill, reload and stop, at random."""
    ends, daemon = time.monotonic() + seconds, start(rig)
    done = dict.fromkeys(("killed", "stopped", "reloaded", "ERP killed"), 0)
    while time.monotonic() < ends:
        time.sleep(rng.uniform(1, 10))
        what = rng.choice(list(done))
        done[what] += 1
        match what:
            case "killed":
                rig.kill(daemon)
                daemon = start(rig)
            case "stopped":
                stop(daemon)
                daemon = start(rig)
            case "reloaded":
                daemon.send_signal(signal.SIGHUP)
            case "ERP killed":
                rig.erp.kill()
                time.sleep(rng.uniform(0, 5))
                rig.erp.restart()
                set_moods(rig)
    print(f"disturbed: {done}; {live_rows(rig)} rows live", flush=True)
    stop(daemon)


def start(rig: Rig) -> subprocess.Popen[bytes]:
    """A daemon that is up: before it is, a signal ends it as it ends any program."""
    log = rig.folder / "sidecar.log"
    before = log.stat().st_size if log.exists() else 0
    daemon = rig.start()

    def is_up() -> bool:
        if not log.exists():
            return False
        with log.open("rb") as lines:
            lines.seek(before)
            return b'"daemon.started"' in lines.read()

    rig.until(is_up)
    return daemon


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """SIGTERM; it must end in order."""
    daemon.send_signal(signal.SIGTERM)
    if daemon.wait(60) != 0:
        raise RuntimeError(f"the daemon ended with {daemon.returncode} when it was asked to stop")


@contextmanager
def old_view_now_and_then(rig: Rig) -> Iterator[None]:
    """A dump: for two of each four minutes nothing can be purged."""
    over = threading.Event()

    def dump() -> None:
        while not over.wait(120):
            with rig.magento.connect(autocommit=False) as connection, connection.cursor() as view:
                view.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
                view.execute("SELECT COUNT(*) FROM sales_order")
                over.wait(120)

    thread = threading.Thread(target=dump)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def open_events(rig: Rig) -> int:
    """Events that are not over."""
    return _count(rig, "status NOT IN ('accepted', 'superseded')")


def live_rows(rig: Rig) -> int:
    """Rows of the live table, finished ones included."""
    return _count(rig, "TRUE")


def _count(rig: Rig, where: str) -> int:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {rig.magento.name}_ledger.event WHERE {where}")
        return int(cursor.fetchall()[0][0])


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30))
