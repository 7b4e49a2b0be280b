"""The sections `metrics` and `heartbeat`: what a monitoring system is told."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from sidecar.settings.fields import FilePath, SecretRef, Section
from sidecar.settings.quantities import Duration


class Metrics(Section):
    """Figures for a monitoring system."""

    file: FilePath | None = Field(
        default=None,
        description="Prometheus text file, for node_exporter's textfile collector; null: none. The "
        "daemon must be allowed to write into its folder (docs/monitoring.md).",
        examples=["/var/lib/prometheus/node-exporter/erp_sidecar.prom"],
    )
    every: Duration = Field(
        default=timedelta(seconds=15), description="How often the figures are taken."
    )
    log_every: Duration | None = Field(
        default=None,
        description="How often they are a line of the log too (event metrics); null: never.",
        examples=["1m"],
    )


class Heartbeat(Section):
    """A dead man's switch: an address that is asked for as long as all is well."""

    url: SecretRef | None = Field(
        default=None,
        description="Where the address is kept: it is a secret, who knows it can keep the alarm "
        "quiet. null: no heartbeat.",
        examples=["{file: /etc/erp-sidecar/heartbeat.url}"],
    )
    every: Duration = Field(default=timedelta(seconds=60), description="How often it is asked for.")
