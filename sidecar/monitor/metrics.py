"""The station that takes the figures: into the Prometheus text file, and into the log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from sidecar.host.liveness import Pulse
from sidecar.model.errors import SidecarError, Unavailable
from sidecar.monitor.vitals import DomainVitals, Vitals, VitalsReader
from sidecar.observe.metrics import Labels, Metrics
from sidecar.ports import Clock, Narrator

_Gauges = dict[str, dict[Labels, float]]
#: Whoever collects the file is another user; it holds nothing but figures.
_MODE = 0o644


class Monitoring:
    """`file`: where the figures go (None: nowhere); `log_every`: seconds between lines of the log.

    A database that is away is told by `erp_sidecar_database_up 0` and by gauges that are missing;
    the file stays fresh, because a daemon that writes it is alive.
    """

    def __init__(
        self,
        reader: VitalsReader,
        metrics: Metrics,
        pulse: Pulse,
        *,
        file: Path | None,
        log_every: float | None,
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        self._reader = reader
        self._metrics = metrics
        self._pulse = pulse
        self._file = file
        self._log_every = log_every
        self._clock = clock
        self._narrator = narrator
        self._logged_at: float | None = None

    def look(self) -> None:
        """Take the figures once.  Raises what the database says, after the file is written."""
        trouble: SidecarError | None = None
        vitals: Vitals | None = None
        try:
            vitals = self._reader.read()
        except SidecarError as error:
            trouble = error
        if self._file is not None:
            _replace(self._file, self._metrics.text(self._gauges(vitals)))
        if trouble is not None:
            raise trouble
        if vitals is not None and self._is_to_be_logged():
            self._log(vitals)

    def _gauges(self, vitals: Vitals | None) -> _Gauges:
        gauges: _Gauges = {
            "erp_sidecar_database_up": {(): float(vitals is not None)},
            "erp_sidecar_working": {(): float(self._pulse.works)},
            "erp_sidecar_standby": {(): float(not self._pulse.holds_the_lease)},
        }
        if vitals is None:
            return gauges
        gauges |= {f"erp_sidecar_{name}": {(): value} for name, value in _of_shop(vitals).items()}
        failing: dict[Labels, float] = {
            (("station", one.name),): one.seconds for one in vitals.failing
        }
        gauges["erp_sidecar_station_failing_seconds"] = failing
        for domain, standing in vitals.domains.items():
            for name, value in _of_domain(standing):
                gauges.setdefault(f"erp_sidecar_{name}", {})[(("domain", domain),)] = value
        return gauges

    def _is_to_be_logged(self) -> bool:
        if self._log_every is None:
            return False
        now = self._clock.monotonic()
        if self._logged_at is not None and now - self._logged_at < self._log_every:
            return False
        self._logged_at = now
        return True

    def _log(self, vitals: Vitals) -> None:
        shop = {name: round(value, 3) for name, value in _of_shop(vitals).items()}
        for domain, standing in vitals.domains.items():
            self._narrator.tell(
                "metrics",
                domain=domain,
                working=int(self._pulse.works),
                **{name: round(value, 3) for name, value in _of_domain(standing)},
                **shop,
                pushes_total=self._metrics.counted("erp_sidecar_pushes_total"),
                sweep_missed_total=self._metrics.counted("erp_sidecar_sweep_missed_total"),
            )


def _of_domain(standing: DomainVitals) -> Iterator[tuple[str, float]]:
    events = standing.events
    yield "oldest_pending_seconds", standing.oldest or 0.0
    yield "pending", events["pending"] + events["sending"]
    yield "gated", standing.gated
    for status in ("unknown", "parked", "rejected"):
        yield status, events[status]
    if standing.last_accepted is not None:
        yield "last_success_timestamp_seconds", standing.last_accepted.timestamp()
    yield "domain_paused", float(standing.paused)
    yield "domain_stopped", float(standing.stopped)


def _of_shop(vitals: Vitals) -> Mapping[str, float]:
    return {
        "may_send": float(vitals.sends),
        "hints": vitals.hints,
        "oldest_hint_seconds": vitals.oldest_hint or 0.0,
        "trigger_ok": float(not vitals.triggers_amiss or vitals.triggers_suspended),
        "triggers_suspended": float(vitals.triggers_suspended),
        "write_backs_waiting": vitals.write_backs_waiting,
        "write_backs_parked": vitals.write_backs_parked,
        "oldest_write_back_seconds": vitals.oldest_write_back or 0.0,
        "stations_failing": len(vitals.failing),
        "differences_open": vitals.differences,
        "breaker_open": float(vitals.breaker_open),
        "throttle_rate": vitals.rate,
        "slots": vitals.slots,
        "slots_max": vitals.most_slots,
    }


def _replace(file: Path, text: str) -> None:
    """Written beside it first: whoever collects it never sees half a file."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        beside.write_text(text, "utf-8")
        beside.chmod(_MODE)
        beside.replace(file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise Unavailable(
            f"metrics.file: {file} cannot be written: {error.strerror or type(error).__name__}",
            "look at the disk, and let the daemon write into the folder (docs/monitoring.md)",
        ) from None
