"""Rates and times of calls out of what several looks brought."""

from __future__ import annotations

from sidecar.ledger.backlog import Call
from sidecar.monitor.top.traffic import OVERLAP, Recent, Traffic


def call(id_: int, age: float, milliseconds: int | None = 10, outcome: str = "accepted") -> Call:
    return Call(id_, "push", outcome, milliseconds, age)


def test_only_what_the_erp_booked_counts_and_every_call_is_timed() -> None:
    recent = Recent()
    calls = [
        call(4, 1.0, 40),
        call(3, 2.0, 20, "unknown"),
        call(2, 100.0, 10),
        call(1, 200.0, None, "unknown"),
    ]
    recent.add(calls, 1000.0, cut=False)
    assert recent.traffic(1000.0) == Traffic(1.0, 0.4, 3, 20.0, 40.0, 40.0)


def test_a_call_that_two_looks_brought_counts_once_and_grows_old() -> None:
    recent = Recent()
    recent.add([call(2, 1.0), call(1, 50.0)], 1000.0, cut=False)
    recent.add([call(3, 0.0), call(2, 2.0)], 1001.0, cut=False)
    assert recent.traffic(1001.0).last_minute == 3.0
    assert recent.traffic(1059.0).last_minute == 2.0
    assert recent.traffic(1400.0) == Traffic(0.0, 0.0, 0, None, None, None)


def test_ids_that_come_late_are_looked_for_again() -> None:
    recent = Recent()
    assert recent.after == 0
    recent.add([call(10_000, 0.0)], 1000.0, cut=False)
    assert recent.after == 10_000 - OVERLAP
    recent.add([], 2000.0, cut=False)
    assert recent.after == 10_000 - OVERLAP


def test_a_rate_is_not_told_of_a_span_that_was_not_seen_whole() -> None:
    recent = Recent()
    recent.add([call(2, 1.0), call(1, 90.0)], 1000.0, cut=True)
    seen = recent.traffic(1000.0)
    assert seen.last_minute == 1.0
    assert seen.last_five is None
    assert recent.traffic(1210.0).last_five is not None
