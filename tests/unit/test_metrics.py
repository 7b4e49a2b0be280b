from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from sidecar.observe.metrics import BUCKETS, METRICS, Metrics

SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)\{(?P<labels>(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (?P<value>[-+.e0-9]+)'
)
PUSHED: dict[str, Any] = {"domain": "orders", "operation": "push", "milliseconds": 120}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("main", "1.2.3")


def samples(metrics: Metrics) -> dict[str, Decimal]:
    """`name{labels}` → value, read by the grammar of the exposition format."""
    found = {}
    described: set[str] = set()
    for line in metrics.text({}).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind == METRICS[name].kind
            described.add(name)
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert re.sub(r"_(bucket|sum|count)$", "", match["name"]) in described
            found[f"{match['name']}{{{match['labels']}}}"] = Decimal(match["value"])
    return found


def test_pushes_are_counted_by_outcome_and_questions_apart(metrics: Metrics) -> None:
    for outcome in ("accepted", "accepted", "rejected"):
        metrics.tell(f"delivery.{outcome}", outcome=outcome, **PUSHED)
    metrics.tell("delivery.pending", domain="orders", operation="probe", outcome="absent")
    found = samples(metrics)
    place = 'erp_sidecar_pushes_total{{shop="main",domain="orders",outcome="{}"}}'
    assert found[place.format("accepted")] == 2
    assert found[place.format("rejected")] == 1
    assert metrics.counted("erp_sidecar_probes_total") == 1


def test_the_buckets_add_up(metrics: Metrics) -> None:
    for milliseconds in (10, 50, 51, 700, 70_000):
        given = {**PUSHED, "milliseconds": milliseconds}
        metrics.tell("delivery.accepted", outcome="accepted", **given)
    found = samples(metrics)
    place = 'erp_sidecar_push_seconds_bucket{{shop="main",domain="orders",le="{}"}}'
    counts = [found[place.format(bound)] for bound in (*BUCKETS, "+Inf")]
    assert counts == sorted(counts)
    assert [int(counts[at]) for at in (0, 1, -2, -1)] == [2, 3, 4, 5]
    assert found['erp_sidecar_push_seconds_count{shop="main",domain="orders"}'] == 5
    assert found['erp_sidecar_push_seconds_sum{shop="main",domain="orders"}'] == Decimal("70.811")


def test_what_the_log_tells_of_capture_and_stations_is_counted(metrics: Metrics) -> None:
    metrics.tell("intake.order.placed", domain="orders", order="1")
    metrics.tell("capture.trigger_missed", order="1", type="order.placed")
    metrics.tell("station.failed", station="full sweep", message="gone", remedy="")
    metrics.tell("write_back.applied", order="1")
    found = samples(metrics)
    assert found['erp_sidecar_events_total{shop="main",domain="orders",type="order.placed"}'] == 1
    assert found['erp_sidecar_sweep_missed_total{shop="main"}'] == 1
    assert found['erp_sidecar_station_failures_total{shop="main",station="full sweep"}'] == 1
    assert found['erp_sidecar_write_backs_total{shop="main",result="applied"}'] == 1


def test_a_counter_without_labels_is_there_before_it_moves(metrics: Metrics) -> None:
    assert samples(metrics)['erp_sidecar_sweep_missed_total{shop="main"}'] == 0


def test_the_version_that_runs_is_a_label(metrics: Metrics) -> None:
    assert samples(metrics)['erp_sidecar_build_info{shop="main",version="1.2.3"}'] == 1


def test_a_label_with_quotes_and_line_breaks_is_escaped(metrics: Metrics) -> None:
    metrics.tell("station.failed", station='a "b"\\\nc')
    assert any(r'station="a \"b\"\\\nc"' in name for name in samples(metrics))
