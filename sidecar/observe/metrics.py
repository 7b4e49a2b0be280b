"""The metrics by name: what they mean, and what they are labelled with.

A label's value is of a closed vocabulary (a domain, an ERP account, an outcome, a duty): an order's
number or an ERP's words as a label would be a time series for each, which Prometheus keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: Upper bounds in seconds of the histogram of calls.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
PUSH_DURATION = "erp_sidecar_push_duration_seconds"


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels` beside `shop`, which each has."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = {
    "erp_sidecar_build_info": Metric("gauge", "1; the version that runs.", ("version",)),
    "erp_sidecar_database_up": Metric(
        "gauge", "Whether the ledger could be read; 0: the gauges below are missing."
    ),
    "erp_sidecar_working": Metric(
        "gauge",
        "1: holds the work lease, no duty is silent, and none has failed for five minutes. "
        "0: stands by, or is stuck.",
    ),
    "erp_sidecar_standby": Metric("gauge", "Whether another daemon works on the ledger."),
    "erp_sidecar_may_send": Metric(
        "gauge", "0: this may be a copy of the shop's database, and nothing is sent from it."
    ),
    "erp_sidecar_oldest_pending_seconds": Metric(
        "gauge",
        "For how long the oldest event is under way without an answer; what a gate holds back, and "
        "what waits for a person, does not count.",
        ("domain",),
    ),
    "erp_sidecar_events_pending": Metric("gauge", "Events to be sent, or being sent.", ("domain",)),
    "erp_sidecar_events_gated": Metric(
        "gauge", "Pending events that wait for a payment, a release or an earlier event.",
        ("domain",),
    ),
    "erp_sidecar_events_unknown": Metric(
        "gauge", "Sent without a trustworthy answer.", ("domain",)
    ),
    "erp_sidecar_events_parked": Metric("gauge", "Events that wait for a person.", ("domain",)),
    "erp_sidecar_events_rejected": Metric("gauge", "Events that the ERP refused.", ("domain",)),
    "erp_sidecar_last_success_timestamp_seconds": Metric(
        "gauge", "When the ERP last accepted an event; missing before the first.", ("domain",)
    ),
    "erp_sidecar_domain_paused": Metric("gauge", "Whether an operator paused it.", ("domain",)),
    "erp_sidecar_domain_stopped": Metric(
        "gauge", "Whether an answer stopped it after which all calls would fail.", ("domain",)
    ),
    "erp_sidecar_hints": Metric(
        "gauge", "Rows in the outbox that intake has not looked at.", ("domain",)
    ),
    "erp_sidecar_oldest_hint_seconds": Metric(
        "gauge", "Age of the oldest of them.", ("domain",)
    ),
    "erp_sidecar_trigger_ok": Metric(
        "gauge", "Whether each trigger is as installed; looked at every five minutes."
    ),
    "erp_sidecar_triggers_suspended": Metric("gauge", "Whether an operator took them off."),
    "erp_sidecar_write_backs_waiting": Metric(
        "gauge", "Answers that are not in Magento yet.", ("domain",)
    ),
    "erp_sidecar_oldest_write_back_seconds": Metric(
        "gauge", "For how long the oldest waits.", ("domain",)
    ),
    "erp_sidecar_write_backs_parked": Metric(
        "gauge", "Answers that cannot be written into Magento: a person must act.", ("domain",)
    ),
    "erp_sidecar_stations_failing": Metric("gauge", "Duties of the daemon that fail at present."),
    "erp_sidecar_station_failing_seconds": Metric(
        "gauge", "For how long a duty has failed; missing for one that does not.", ("station",)
    ),
    "erp_sidecar_differences_open": Metric(
        "gauge", "Figures that the ERP booked otherwise.", ("domain",)
    ),
    "erp_sidecar_incoming": Metric(
        "gauge", "News of the ERP that wait, are in doubt (asked), are parked or differ.",
        ("domain", "status"),
    ),
    "erp_sidecar_oldest_news_seconds": Metric(
        "gauge", "For how long the oldest of those that wait or are in doubt does.", ("domain",)
    ),
    "erp_sidecar_heard_seconds": Metric(
        "gauge", "Since the ERP last answered what is new; missing before it first did.",
        ("domain",),
    ),
    "erp_sidecar_news_stale": Metric(
        "gauge", "Whether that is longer ago than domains.NAME.freshness.", ("domain",)
    ),
    "erp_sidecar_breaker_open": Metric(
        "gauge", "Whether the ERP gives no answer.", ("account",)
    ),
    "erp_sidecar_throttle_ratio": Metric(
        "gauge", "Present share of the configured rate, 0 to 1.", ("account",)
    ),
    "erp_sidecar_slots": Metric(
        "gauge", "Calls at the same time, at present.", ("account",)
    ),
    "erp_sidecar_slots_max": Metric(
        "gauge", "Calls at the same time, at most.", ("account",)
    ),
    "erp_sidecar_events_total": Metric("counter", "Events taken in.", ("domain", "type")),
    "erp_sidecar_pushes_total": Metric(
        "counter", "Attempts to deliver, by outcome (docs/outcomes.md).", ("domain", "outcome")
    ),
    "erp_sidecar_probes_total": Metric(
        "counter", "Questions about an event in doubt, by outcome.", ("domain", "outcome")
    ),
    PUSH_DURATION: Metric(
        "histogram", "Duration of the call that carried an event.", ("domain",)
    ),
    "erp_sidecar_differences_found_total": Metric(
        "counter", "Figures that differed.", ("domain",)
    ),
    "erp_sidecar_write_backs_total": Metric(
        "counter", "Answers in Magento, and what came of those that are not there.",
        ("domain", "result"),
    ),
    "erp_sidecar_news_total": Metric(
        "counter", "News of the ERP, by what they came to.", ("domain", "result")
    ),
    "erp_sidecar_levels_written_total": Metric(
        "counter", "Levels (quantities, prices) of the ERP written into Magento.", ("domain",)
    ),
    "erp_sidecar_levels_refused_total": Metric(
        "counter", "Levels of the ERP that were not written, because a bound forbids it.",
        ("domain",),
    ),
    "erp_sidecar_trigger_misses_total": Metric(
        "counter", "Changes that a trigger should have announced and the sweep found.",
        ("domain",),
    ),
    "erp_sidecar_trigger_faults_total": Metric(
        "counter", "Hints that a trigger could not write.", ("domain",)
    ),
    "erp_sidecar_station_failures_total": Metric(
        "counter", "Runs of a station that the world made fail.", ("station",)
    ),
}  # fmt: skip
