"""The metrics of one daemon, kept and written with prometheus_client.

What happened is counted, how things stand is handed in.  The narrator is the only source of the
counters, so that a metric can never say what the log does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from sidecar.observe.metrics import BUCKETS, METRICS, PUSH_DURATION

Labels = tuple[tuple[str, str], ...]
Samples = Mapping[str, Mapping[Labels, float]]

#: Event of the log → the counter that it moves; the labels are fields of the event.
_COUNTED: Mapping[str, str] = {
    "delivery.difference": "erp_sidecar_differences_found_total",
    "capture.trigger_missed": "erp_sidecar_trigger_misses_total",
    "capture.trigger_fault": "erp_sidecar_trigger_faults_total",
    "station.failed": "erp_sidecar_station_failures_total",
}
#: The same, moved by the number that stands in this field.
_SUMMED: Mapping[str, tuple[str, str]] = {
    "inbound.levels_written": ("erp_sidecar_levels_written_total", "written"),
    "inbound.levels_refused": ("erp_sidecar_levels_refused_total", "refused"),
}
#: What one news of the ERP came to.
_NEWS = frozenset({
    "inbound.applied", "inbound.differs", "inbound.parked", "inbound.superseded",
    "inbound.in_doubt",
})  # fmt: skip


class Metrics:
    """A narrator that counts, and the text of all metrics.

    The registry is its own, never the library's global one: that has metrics of the process, and a
    configuration that is taken up anew would register all a second time.
    """

    def __init__(self, shop: str, version: str, domains: Sequence[str]) -> None:
        # Each counter would have a second series, a gauge: when it was made.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # of a typed library
        self._shop = shop
        self._registry = registry = CollectorRegistry()
        self._gauges = {
            name: Gauge(name, help_, labels, registry=registry)
            for name, help_, labels in _defined("gauge")
        }
        self._counters = {
            name: Counter(name, help_, labels, registry=registry)
            for name, help_, labels in _defined("counter")
        }
        self._histograms = {
            name: Histogram(name, help_, labels, registry=registry, buckets=BUCKETS)
            for name, help_, labels in _defined("histogram")
        }
        self._standing: Samples = {"erp_sidecar_build_info": {(("version", version),): 1.0}}
        self._begin(domains)

    def tell(self, event: str, /, **fields: object) -> None:
        """Count what happened."""
        if name := _COUNTED.get(event):
            self._count(name, fields)
        elif summed := _SUMMED.get(event):
            self._count(summed[0], fields, fields.get(summed[1]))
        elif event in _NEWS:
            result = event.removeprefix("inbound.")
            self._count("erp_sidecar_news_total", {**fields, "result": result})
        elif event.startswith("intake."):
            self._count("erp_sidecar_events_total", {**fields, "type": event[7:]})
        elif event.startswith("write_back."):
            self._count("erp_sidecar_write_backs_total", {**fields, "result": event[11:]})
        elif event.startswith("delivery.") and "outcome" in fields:
            self._count_attempt(fields)

    def counted(self, name: str, domain: str) -> float:
        """The sum of a domain's counter over its other labels."""
        return sum(
            sample.value
            for family in self._counters[name].collect()
            for sample in family.samples
            if sample.labels["domain"] == domain
        )

    def text(self, gauges: Samples) -> str:
        """The text format, with these gauges and no others; for one caller at a time."""
        for name, gauge in self._gauges.items():
            gauge.clear()
            for labels, value in {**gauges, **self._standing}.get(name, {}).items():
                gauge.labels(shop=self._shop, **dict(labels)).set(value)
        return generate_latest(self._registry).decode()

    def _begin(self, domains: Sequence[str]) -> None:
        """Make the series whose labels are known: of one that begins at 1, no growth is seen."""
        for name, metric in {**self._counters, **self._histograms}.items():
            if METRICS[name].labels == ("domain",):
                for domain in domains:
                    metric.labels(shop=self._shop, domain=domain)

    def _count_attempt(self, fields: Mapping[str, object]) -> None:
        if fields.get("operation") != "push":
            self._count("erp_sidecar_probes_total", fields)
            return
        self._count("erp_sidecar_pushes_total", fields)
        if isinstance(milliseconds := fields.get("milliseconds"), int):
            labels = self._labels(PUSH_DURATION, fields)
            self._histograms[PUSH_DURATION].labels(**labels).observe(milliseconds / 1000)

    def _count(self, name: str, fields: Mapping[str, object], by: object = 1) -> None:
        amount = by if isinstance(by, int) else 1
        self._counters[name].labels(**self._labels(name, fields)).inc(amount)

    def _labels(self, name: str, fields: Mapping[str, object]) -> dict[str, str]:
        # Empty is as good as no label; to fail here would be to fail whoever tells.
        told = {label: str(fields.get(label, "")) for label in METRICS[name].labels}
        return {"shop": self._shop, **told}


def _defined(kind: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name, metric in METRICS.items():
        if metric.kind == kind:
            yield name, metric.help, ("shop", *metric.labels)
