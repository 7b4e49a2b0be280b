"""The metrics' text file, read by prometheus_client's own parser."""

from __future__ import annotations

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


def families(text: str) -> list[Metric]:
    """The metrics of a text, each with its type, help and samples."""
    return list(text_string_to_metric_families(text))


def samples(text: str) -> dict[str, float]:
    """`name{label="value"}` → value; without the label `shop`, the others by name."""
    return {
        f"{sample.name}{{{_pairs(sample.labels)}}}": sample.value
        for family in families(text)
        for sample in family.samples
    }


def _pairs(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{labels[name]}"' for name in sorted(labels) if name != "shop")
