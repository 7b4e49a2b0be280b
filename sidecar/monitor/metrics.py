"""The station that takes the figures: into the Prometheus text file, and into the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sidecar.host.liveness import Liveness
from sidecar.model.errors import SidecarError, Unavailable
from sidecar.model.settlement import TROUBLED, EventStatus
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.inbound_vitals import TROUBLED as NEED_A_PERSON
from sidecar.monitor.inbound_vitals import WAITING, InboundVitals, seconds_since
from sidecar.monitor.ledger_vitals import DomainVitals
from sidecar.monitor.vitals import Vitals, VitalsReader
from sidecar.observe.registry import Labels, Metrics
from sidecar.ports import Clock, Narrator

_Gauges = dict[str, dict[Labels, float]]
#: Whoever collects the file is another user; it holds figures, names and addresses.
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
        liveness: Liveness,
        *,
        file: Path | None,
        log_every: float | None,
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        self._reader = reader
        self._metrics = metrics
        self._liveness = liveness
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
            "erp_sidecar_working": {(): float(self._liveness.works)},
            "erp_sidecar_standby": {(): float(not self._liveness.holds_the_lease)},
        }
        if vitals is None:
            return gauges
        for labels, figures in _standing(vitals):
            for name, value in figures:
                gauges.setdefault(f"erp_sidecar_{name}", {})[labels] = value
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
        """A line for the shop, one for each domain, each ERP account and each duty that fails."""
        lines: dict[Labels, dict[str, float]] = {}
        for labels, figures in _standing(vitals):
            *whose, status = labels if len(labels) > 1 else (*labels, None)
            told = lines.setdefault(tuple(one for one in whose if one), {})
            ending = f"_{status[1]}" if status else ""
            told |= {f"{name}{ending}": round(value, 3) for name, value in figures}
        for labels, told in lines.items():
            if not labels:
                told["working"] = int(self._liveness.works)
            domain = dict(labels).get("domain", "")
            if domain in vitals.ledger.domains:
                told |= self._counted(domain)
            self._narrator.tell("metrics", **dict(labels), **told)

    def _counted(self, domain: str) -> dict[str, float]:
        return {
            name: self._metrics.counted(f"erp_sidecar_{name}", domain)
            for name in ("pushes_total", "trigger_misses_total")
        }


def _standing(vitals: Vitals) -> Iterator[tuple[Labels, Iterator[tuple[str, float]]]]:
    """How each thing stands: its labels, and the gauges that have them."""
    yield (), _of_shop(vitals)
    for domain, of_domain in vitals.ledger.domains.items():
        yield (("domain", domain),), _of_domain(of_domain)
    for domain, told in vitals.ledger.inbound.items():
        yield (("domain", domain),), _of_told(told)
        for status in (*WAITING, *NEED_A_PERSON):
            news = float(told.news.get(status, 0))
            yield (("domain", domain), ("status", status)), iter([("incoming", news)])
    for account, of_account in vitals.ledger.accounts.items():
        # An account is called by its address; the query of a WSDL's may hold a key of somebody's.
        yield (("account", account.partition("?")[0]),), _of_account(of_account)
    for duty in vitals.ledger.failing:
        yield (("station", duty.name),), iter([("station_failing_seconds", duty.seconds)])


def _of_domain(domain: DomainVitals) -> Iterator[tuple[str, float]]:
    events = domain.events
    yield "oldest_pending_seconds", domain.under_way or 0.0
    yield "events_pending", events[EventStatus.PENDING] + events[EventStatus.SENDING]
    yield "events_gated", domain.gated
    for status in TROUBLED:
        yield f"events_{status}", events[status]
    if domain.last_accepted is not None:
        yield "last_success_timestamp_seconds", domain.last_accepted.timestamp()
    yield "domain_paused", domain.control.paused
    yield "domain_stopped", domain.control.stopped_at is not None
    yield "hints", domain.hints.count
    yield "oldest_hint_seconds", domain.hints.seconds or 0.0
    yield "write_backs_waiting", domain.write_backs.count
    yield "write_backs_parked", domain.write_backs_parked
    yield "oldest_write_back_seconds", domain.write_backs.longest or 0.0
    yield "differences_open", domain.differences


def _of_told(domain: InboundVitals) -> Iterator[tuple[str, float]]:
    """Of a domain that the ERP owns."""
    if domain.heard_ago is not None:
        yield "heard_seconds", domain.heard_ago
    yield "news_stale", domain.stale
    yield "oldest_news_seconds", seconds_since(domain.oldest) or 0.0
    yield "domain_paused", domain.control.paused
    yield "domain_stopped", domain.control.stopped_at is not None
    yield "differences_open", domain.differences


def _of_account(account: AccountVitals) -> Iterator[tuple[str, float]]:
    yield "breaker_open", account.breaker_open
    yield "throttle_ratio", account.rate
    yield "slots", account.slots
    yield "slots_max", account.most_slots


def _of_shop(vitals: Vitals) -> Iterator[tuple[str, float]]:
    yield "may_send", vitals.sends
    yield "trigger_ok", not vitals.triggers.amiss
    yield "triggers_suspended", vitals.triggers.suspended is not None
    yield "stations_failing", len(vitals.ledger.failing)


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
