"""`python -m tests.bench.profiling [ORDERS]`: where the processor time of an order goes.

The stations run one after the other in this process, each with a profile of its own that counts
the processor time of its thread; the worker threads of delivery are added to its profile.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sidecar.app.sidecar import Sidecar
from sidecar.observe.log import configure
from sidecar.settings.load import load
from tests.bench.backlog import place_many
from tests.bench.stand import Stand

_SHOWN = 28


@contextmanager
def profiled(collected: list[cProfile.Profile]) -> Iterator[None]:
    """Profile this thread and every thread that begins meanwhile."""

    def begin(*_: object) -> None:
        own = cProfile.Profile(time.thread_time)
        collected.append(own)
        own.enable()

    threading.setprofile(begin)
    begin()
    try:
        yield
    finally:
        collected[0].disable()
        threading.setprofile(None)


def show(orders: int, collected: list[cProfile.Profile]) -> None:
    """Milliseconds per order and calls per order, by function."""
    stats = pstats.Stats(collected[0])
    for other in collected[1:]:
        stats.add(other)
    rows = list(stats.stats.items())  # type: ignore[attr-defined]
    for title, position in (("with what it calls", 3), ("itself", 2)):
        print(f"  {title}")
        for (file, line, function), row in sorted(rows, key=lambda one: -one[1][position])[:_SHOWN]:
            place = "/".join(file.split("/")[-2:])
            spent = row[position] / orders * 1000
            print(f"    {spent:7.3f} ms {row[1] / orders:7.1f} × {place}:{line} {function}")


def main(orders: int, *, in_detail: bool) -> None:
    """One pass for the times and, `in_detail`, one for the profiles."""
    with Stand(concurrency=8) as stand:
        configure(form="json", file=stand.folder / "sidecar.log")
        sidecar = Sidecar(load(stand.folder / "sidecar.yaml").settings)
        for profiling in (False, True)[: 1 + in_detail]:
            stand.durable(False)
            place_many(stand.magento, orders)
            stand.durable(True)
            [pump] = sidecar.pumps("profile")
            stations: dict[str, Callable[[], int]] = {
                "intake": sidecar.intake().run_once,
                "delivery": pump.run_once,
                "write back": sidecar.write_back().run_once,
            }
            for name, work in stations.items():
                collected: list[cProfile.Profile] = []
                processor, clock = time.process_time(), time.perf_counter()
                with profiled(collected) if profiling else nullcontext():
                    while work():
                        pass
                    if name == "delivery":
                        pump.workers.close()
                spent = (time.process_time() - processor) / orders * 1000
                rate = orders / (time.perf_counter() - clock)
                inflated = " with the profiler's own cost" if profiling else ""
                print(f"{name}: {spent:.2f} ms of processor an order, {rate:.0f}/s{inflated}")
                if profiling:
                    show(orders, collected)
        sidecar.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, in_detail="plain" not in sys.argv)
