"""Figures as Prometheus reads them: what happened is counted, how things stand is handed in.

The narrator is the only source of the counters, so a figure can never say what the log does not.
Counters begin at 0 with the process, as Prometheus expects of them.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Labels = tuple[tuple[str, str], ...]
Samples = Mapping[str, Mapping[Labels, float]]

#: Upper bounds in seconds of the histogram of calls.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
PUSH_SECONDS = "erp_sidecar_push_seconds"


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels` beside `shop`, which each has."""

    kind: str
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
    "erp_sidecar_pending": Metric("gauge", "Events to be sent, or being sent.", ("domain",)),
    "erp_sidecar_gated": Metric(
        "gauge", "Pending events that wait for a payment, a release or an earlier event.",
        ("domain",),
    ),
    "erp_sidecar_unknown": Metric("gauge", "Sent without a trustworthy answer.", ("domain",)),
    "erp_sidecar_parked": Metric("gauge", "Events that wait for a person.", ("domain",)),
    "erp_sidecar_rejected": Metric("gauge", "Events that the ERP refused.", ("domain",)),
    "erp_sidecar_last_success_timestamp_seconds": Metric(
        "gauge", "When the ERP last accepted an event; missing before the first.", ("domain",)
    ),
    "erp_sidecar_domain_paused": Metric("gauge", "Whether an operator paused it.", ("domain",)),
    "erp_sidecar_domain_stopped": Metric(
        "gauge", "Whether an answer stopped it after which all calls would fail.", ("domain",)
    ),
    "erp_sidecar_hints": Metric("gauge", "Rows in the outbox that intake has not looked at."),
    "erp_sidecar_oldest_hint_seconds": Metric("gauge", "Age of the oldest of them."),
    "erp_sidecar_trigger_ok": Metric(
        "gauge", "Whether each trigger is as installed; looked at every five minutes."
    ),
    "erp_sidecar_triggers_suspended": Metric("gauge", "Whether an operator took them off."),
    "erp_sidecar_write_backs_waiting": Metric("gauge", "Answers that are not in Magento yet."),
    "erp_sidecar_oldest_write_back_seconds": Metric("gauge", "For how long the oldest waits."),
    "erp_sidecar_write_backs_parked": Metric(
        "gauge", "Answers that cannot be written into Magento: a person must act."
    ),
    "erp_sidecar_stations_failing": Metric("gauge", "Duties of the daemon that fail at present."),
    "erp_sidecar_station_failing_seconds": Metric(
        "gauge", "For how long a duty has failed; missing for one that does not.", ("station",)
    ),
    "erp_sidecar_differences_open": Metric("gauge", "Figures that the ERP booked otherwise."),
    "erp_sidecar_breaker_open": Metric("gauge", "Whether the ERP gives no answer."),
    "erp_sidecar_throttle_rate": Metric("gauge", "Present share of the configured rate, 0 to 1."),
    "erp_sidecar_slots": Metric("gauge", "Calls at the same time, at present."),
    "erp_sidecar_slots_max": Metric("gauge", "Calls at the same time, at most."),
    "erp_sidecar_events_total": Metric("counter", "Events taken in.", ("domain", "type")),
    "erp_sidecar_pushes_total": Metric(
        "counter", "Attempts to deliver, by outcome (docs/outcomes.md).", ("domain", "outcome")
    ),
    "erp_sidecar_probes_total": Metric(
        "counter", "Questions about an event in doubt, by outcome.", ("domain", "outcome")
    ),
    PUSH_SECONDS: Metric(
        "histogram", "Duration of the call that carried an event.", ("domain",)
    ),
    "erp_sidecar_differences_found_total": Metric("counter", "Figures that differed."),
    "erp_sidecar_write_backs_total": Metric("counter", "Answers in Magento.", ("result",)),
    "erp_sidecar_sweep_missed_total": Metric(
        "counter", "Changes that a trigger should have announced and the sweep found."
    ),
    "erp_sidecar_trigger_faults_total": Metric("counter", "Hints that a trigger could not write."),
    "erp_sidecar_station_failures_total": Metric(
        "counter", "Runs of a station that the world made fail.", ("station",)
    ),
}  # fmt: skip

#: Event of the log → the counter that it moves, with the fields that are its labels.
_COUNTED: Mapping[str, str] = {
    "delivery.difference": "erp_sidecar_differences_found_total",
    "capture.trigger_missed": "erp_sidecar_sweep_missed_total",
    "capture.trigger_fault": "erp_sidecar_trigger_faults_total",
    "station.failed": "erp_sidecar_station_failures_total",
}


class Metrics:
    """A narrator that counts, and the text of all figures."""

    def __init__(self, shop: str, version: str) -> None:
        self._shop = shop
        self._version = version
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, float]] = {
            name: {} if metric.labels else {(): 0.0}
            for name, metric in METRICS.items()
            if metric.kind == "counter"
        }
        self._buckets: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def tell(self, event: str, /, **fields: object) -> None:
        """Count what happened."""
        with self._lock:
            if name := _COUNTED.get(event):
                self._count(name, fields)
            elif event.startswith("intake."):
                self._count("erp_sidecar_events_total", {**fields, "type": event[7:]})
            elif event.startswith("write_back."):
                self._count("erp_sidecar_write_backs_total", {"result": event[11:]})
            elif event.startswith("delivery.") and "outcome" in fields:
                self._count_attempt(fields)

    def counted(self, name: str) -> float:
        """The sum of a counter over all its labels."""
        with self._lock:
            return sum(self._counters[name].values())

    def text(self, gauges: Samples) -> str:
        """The exposition format, version 0.0.4."""
        with self._lock:
            return "\n".join([*self._lines(gauges), ""])

    def _count_attempt(self, fields: Mapping[str, object]) -> None:
        if fields["operation"] == "push":
            self._count("erp_sidecar_pushes_total", fields)
            if isinstance(milliseconds := fields.get("milliseconds"), int):
                self._observe((("domain", str(fields["domain"])),), milliseconds / 1000)
        else:
            self._count("erp_sidecar_probes_total", fields)

    def _count(self, name: str, fields: Mapping[str, object]) -> None:
        labels = tuple((label, str(fields[label])) for label in METRICS[name].labels)
        found = self._counters[name]
        found[labels] = found.get(labels, 0.0) + 1

    def _observe(self, labels: Labels, seconds: float) -> None:
        counts = self._buckets.setdefault(labels, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + seconds

    def _lines(self, gauges: Samples) -> Iterator[str]:
        told: dict[str, Mapping[Labels, float]] = {
            **gauges,
            **self._counters,
            "erp_sidecar_build_info": {(("version", self._version),): 1.0},
        }
        for name, metric in METRICS.items():
            yield f"# HELP {name} {metric.help}"
            yield f"# TYPE {name} {metric.kind}"
            if metric.kind == "histogram":
                yield from self._histogram(name)
                continue
            for labels, value in told.get(name, {}).items():
                yield self._sample(name, labels, value)

    def _histogram(self, name: str) -> Iterator[str]:
        for labels, counts in self._buckets.items():
            total = 0
            for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
                total += count
                yield self._sample(f"{name}_bucket", (*labels, ("le", str(bound))), total)
            yield self._sample(f"{name}_sum", labels, round(self._sums[labels], 3))
            yield self._sample(f"{name}_count", labels, total)

    def _sample(self, name: str, labels: Labels, value: float) -> str:
        pairs = ",".join(
            f'{label}="{_escaped(text)}"' for label, text in (("shop", self._shop), *labels)
        )
        return f"{name}{{{pairs}}} {int(value) if value == int(value) else value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
