from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from sidecar.observe.metrics import BUCKETS, METRICS
from sidecar.observe.registry import Metrics, Samples
from tests.metrics_text import families, samples

PUSHED: dict[str, Any] = {"domain": "orders", "operation": "push", "milliseconds": 120}
#: What a label may be called: each has few values, which the program or the configuration names.
LABELS = {
    "shop", "domain", "account", "type", "outcome", "result", "station", "status", "version", "le",
}  # fmt: skip


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("main", "1.2.3", ["orders", "refunds"])


def values(metrics: Metrics) -> dict[str, float]:
    return samples(metrics.text({}))


def test_pushes_are_counted_by_outcome_and_questions_apart(metrics: Metrics) -> None:
    for outcome in ("accepted", "accepted", "rejected"):
        metrics.tell(f"delivery.{outcome}", outcome=outcome, **PUSHED)
    metrics.tell("delivery.pending", domain="orders", operation="probe", outcome="absent")
    written = values(metrics)
    assert written['erp_sidecar_pushes_total{domain="orders",outcome="accepted"}'] == 2
    assert written['erp_sidecar_pushes_total{domain="orders",outcome="rejected"}'] == 1
    assert written['erp_sidecar_probes_total{domain="orders",outcome="absent"}'] == 1
    assert metrics.counted("erp_sidecar_pushes_total", "orders") == 3
    assert metrics.counted("erp_sidecar_pushes_total", "refunds") == 0


def test_the_buckets_add_up(metrics: Metrics) -> None:
    for milliseconds in (10, 50, 51, 700, 70_000):
        given = {**PUSHED, "milliseconds": milliseconds}
        metrics.tell("delivery.accepted", outcome="accepted", **given)
    written = values(metrics)
    place = 'erp_sidecar_push_duration_seconds_bucket{{domain="orders",le="{}"}}'
    counts = [written[place.format(bound)] for bound in (*BUCKETS, "+Inf")]
    assert counts == sorted(counts)
    assert [int(counts[at]) for at in (0, 1, -2, -1)] == [2, 3, 4, 5]
    assert written['erp_sidecar_push_duration_seconds_count{domain="orders"}'] == 5
    total = written['erp_sidecar_push_duration_seconds_sum{domain="orders"}']
    assert total == pytest.approx(70.811)


def test_what_the_log_tells_of_capture_and_stations_is_counted(metrics: Metrics) -> None:
    metrics.tell("intake.order.placed", domain="orders", number="1")
    metrics.tell("capture.trigger_missed", domain="orders", number="1", type="order.placed")
    metrics.tell("station.failed", station="full sweep", message="gone", remedy="")
    metrics.tell("write_back.applied", domain="orders", number="1")
    written = values(metrics)
    assert written['erp_sidecar_events_total{domain="orders",type="order.placed"}'] == 1
    assert written['erp_sidecar_trigger_misses_total{domain="orders"}'] == 1
    assert written['erp_sidecar_station_failures_total{station="full sweep"}'] == 1
    assert written['erp_sidecar_write_backs_total{domain="orders",result="applied"}'] == 1


def test_what_is_counted_by_domain_is_there_for_each_before_it_moves(metrics: Metrics) -> None:
    written = values(metrics)
    for domain in ("orders", "refunds"):
        assert written[f'erp_sidecar_trigger_misses_total{{domain="{domain}"}}'] == 0
        assert written[f'erp_sidecar_push_duration_seconds_count{{domain="{domain}"}}'] == 0


def test_the_version_that_runs_is_a_label(metrics: Metrics) -> None:
    assert values(metrics)['erp_sidecar_build_info{version="1.2.3"}'] == 1


def test_each_sample_names_the_shop(metrics: Metrics) -> None:
    metrics.tell("delivery.accepted", outcome="accepted", **PUSHED)
    written = [sample for family in families(metrics.text({})) for sample in family.samples]
    assert {sample.labels["shop"] for sample in written} == {"main"}


def test_a_label_with_quotes_and_line_breaks_comes_through_whole(metrics: Metrics) -> None:
    metrics.tell("station.failed", station='a "b"\\\nc')
    assert 'erp_sidecar_station_failures_total{station="a "b"\\\nc"}' in values(metrics)


def test_a_gauge_that_is_not_handed_in_again_is_gone(metrics: Metrics) -> None:
    failing: Samples = {"erp_sidecar_station_failing_seconds": {(("station", "intake"),): 7.0}}
    assert 'erp_sidecar_station_failing_seconds{station="intake"}' in samples(metrics.text(failing))
    assert 'erp_sidecar_station_failing_seconds{station="intake"}' not in values(metrics)


def test_the_text_has_each_metric_once_with_its_type_and_help(metrics: Metrics) -> None:
    metrics.tell("delivery.accepted", outcome="accepted", **PUSHED)
    written = [
        (f"{family.name}_total" if family.type == "counter" else family.name, family.type)
        for family in families(metrics.text({}))
    ]
    assert sorted(written) == sorted((name, metric.kind) for name, metric in METRICS.items())
    helps = {family.documentation for family in families(metrics.text({}))}
    assert helps == {metric.help for metric in METRICS.values()}


def test_ten_thousand_orders_make_no_more_series_than_one(metrics: Metrics) -> None:
    def tell_of(number: int) -> None:
        told: dict[str, Any] = {
            "domain": "orders",
            "order": f"{number:09}",
            "corr": f"main.order.{number}.1",
            "entity": number,
            "code": f"E{number}",
            "message": f"word {number}",
        }
        metrics.tell("intake.order.placed", **told)
        metrics.tell("capture.trigger_missed", type="order.placed", **told)
        metrics.tell("capture.trigger_fault", pointed=f"t{number}", errno=number, **told)
        metrics.tell("write_back.refused", **told)
        metrics.tell("station.failed", station="intake", **told)
        metrics.tell("delivery.rejected", outcome="rejected", **{**PUSHED, **told})
        metrics.tell("delivery.difference", ours=str(number), theirs="0", **told)

    tell_of(1)
    series = values(metrics).keys()
    for number in range(2, 10_001):
        tell_of(number)
    assert values(metrics).keys() == series
    used = {label for metric in METRICS.values() for label in metric.labels}
    assert used <= LABELS


def test_the_librarys_global_registry_holds_none_of_them(metrics: Metrics) -> None:
    metrics.tell("intake.order.placed", domain="orders")
    assert not any("erp_sidecar" in family.name for family in REGISTRY.collect())
    assert not any(name.startswith(("python_", "process_")) for name in values(metrics))


def test_a_configuration_that_is_taken_up_anew_begins_its_own_metrics(metrics: Metrics) -> None:
    metrics.tell("intake.order.placed", domain="orders")
    successor = Metrics("main", "1.2.3", ["orders"])
    assert successor.counted("erp_sidecar_events_total", "orders") == 0
    assert metrics.counted("erp_sidecar_events_total", "orders") == 1


def test_the_erps_news_are_counted_by_what_they_came_to_and_levels_by_how_many(
    metrics: Metrics,
) -> None:
    for _ in range(2):
        metrics.tell("inbound.applied", domain="refunds", number="G-1")
    metrics.tell("inbound.parked", domain="refunds", number="G-2")
    metrics.tell("inbound.levels_written", domain="orders", written=120, refused=2)
    metrics.tell("inbound.levels_refused", domain="orders", refused=2)
    written = values(metrics)
    assert written['erp_sidecar_news_total{domain="refunds",result="applied"}'] == 2
    assert written['erp_sidecar_news_total{domain="refunds",result="parked"}'] == 1
    assert written['erp_sidecar_levels_written_total{domain="orders"}'] == 120
    assert written['erp_sidecar_levels_refused_total{domain="orders"}'] == 2
