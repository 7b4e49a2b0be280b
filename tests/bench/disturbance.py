"""What goes on beside a checkout that is timed: over and over, in a process of its own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from sidecar.app.sidecar import Sidecar
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.retention import Retention
from sidecar.ledger.tables import LedgerNames
from sidecar.settings.load import load

Repeated = Callable[[str, Event, Event], None]


@contextmanager
def going_on(work: Repeated, config: str) -> Iterator[None]:
    """Run `work` in a process, so that it takes nothing of our interpreter's time."""
    spawning = multiprocessing.get_context("spawn")
    begun, stop = spawning.Event(), spawning.Event()
    process = spawning.Process(target=work, args=(config, begun, stop))
    process.start()
    try:
        if not begun.wait(60):
            raise RuntimeError(f"{work.__name__} did not begin")
        yield
    finally:
        stop.set()
        process.join(60)
    if process.exitcode != 0:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[None]:
    """Repeat `work`, which waits most of the time, in a thread."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def purge(config: str, begun: Event, stop: Event) -> None:
    """The retention, with nothing kept."""
    sidecar = Sidecar(load(Path(config)).settings)
    retention = Retention(sidecar.database, sidecar.store, timedelta(0))
    _repeat(retention.run_once, begun, stop)
    sidecar.close()


def migrate(config: str, begun: Event, stop: Event) -> None:
    """Another ledger on the same server comes and goes."""
    sidecar = Sidecar(load(Path(config)).settings)
    ledger = Ledger(sidecar.database, LedgerNames("erp_sidecar_next"))

    def come_and_go() -> None:
        ledger.migrate()
        ledger.drop()

    _repeat(come_and_go, begun, stop)
    sidecar.close()


def reinstall_triggers(config: str, begun: Event, stop: Event) -> None:
    """The triggers that checkout fires come and go."""
    sidecar = Sidecar(load(Path(config)).settings)

    def come_and_go() -> None:
        sidecar.triggers.remove()
        sidecar.triggers.install()

    _repeat(come_and_go, begun, stop)
    sidecar.close()


def _repeat(work: Callable[[], object], begun: Event, stop: Event) -> None:
    while not stop.is_set():
        work()
        begun.set()
