"""What a Nagios plugin says of the vital figures: one grade, the reasons, the performance data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sidecar.model.gates import waiting_at
from sidecar.model.printable import printable
from sidecar.model.settlement import REFUSED, EventStatus
from sidecar.monitor.inbound_vitals import TROUBLED, WAITING, InboundVitals, seconds_since
from sidecar.monitor.ledger_vitals import DomainVitals
from sidecar.monitor.vitals import Vitals


class Grade(IntEnum):
    """The plugin's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that something may wait."""

    warning: float
    critical: float

    def grade(self, seconds: float | None) -> Grade:
        """How bad it is to have waited so long."""
        if seconds is not None and seconds >= self.critical:
            return Grade.CRITICAL
        return Grade.WARNING if seconds is not None and seconds >= self.warning else Grade.OK


@dataclass(frozen=True, slots=True)
class Judgement:
    """The worst of all reasons counts; `figures` are those of the performance data."""

    grade: Grade
    reasons: tuple[str, ...]
    figures: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The plugin's one line."""
        data = f" | {' '.join(self.figures)}" if self.figures else ""
        # A bar would begin the performance data.
        said = printable("; ".join(self.reasons)).replace("|", "/")
        return f"ERP-SIDECAR {self.grade.name} - {said}{data}"


def judge(vitals: Vitals, domains: Sequence[str], limits: Limits) -> Judgement:
    """What is to be said of these domains, and of what all of them need."""
    found = [
        *_of_shop(vitals, limits),
        *(one for name in domains for one in _of_one(name, vitals, limits)),
    ]
    amiss = sorted((one for one in found if one[0] is not Grade.OK), key=lambda one: -one[0])
    shown = amiss or found
    return Judgement(
        grade=max(grade for grade, _ in found),
        reasons=tuple(reason for _, reason in shown),
        figures=tuple(_figures(vitals, domains, limits)),
    )


def _of_shop(vitals: Vitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    if vitals.ledger.holder is None:
        yield Grade.CRITICAL, "no daemon works"
    if not vitals.sends:
        yield Grade.CRITICAL, "nothing is sent: this may be a copy (erp-sidecar identity show)"
    if any(account.breaker_open for account in vitals.ledger.accounts.values()):
        yield Grade.WARNING, "the ERP does not answer: the breaker is open"
    if vitals.triggers.amiss:
        yield Grade.WARNING, f"triggers amiss: {', '.join(vitals.triggers.amiss)}"
    for one in vitals.ledger.failing:
        grade = max(Grade.WARNING, limits.grade(one.seconds))
        # Not why: that may be a long story; `status` tells it.
        yield grade, f"{one.name} has been failing for {_time(one.seconds)} (erp-sidecar status)"


def _of_one(name: str, vitals: Vitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    told = vitals.ledger.inbound.get(name)
    if told is None:
        return _of_domain(name, vitals.ledger.domains[name], limits)
    return _of_told(name, told, limits)


def _of_told(name: str, domain: InboundVitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    """Of a domain that the ERP owns."""
    if domain.control.stopped_at is not None:
        yield Grade.CRITICAL, f"{name}: stopped by an answer of the ERP"
    if domain.control.paused:
        yield Grade.WARNING, f"{name}: paused"
    if count := domain.news.get("parked", 0):
        yield Grade.WARNING, f"{name}: {count} news of the ERP parked"
    if count := domain.news.get("differs", 0):
        yield Grade.WARNING, f"{name}: {count} news of the ERP differ"
    if domain.differences:
        yield Grade.WARNING, f"{name}: {domain.differences} difference(s) open"
    if domain.control.may_work:
        yield from _unheard(name, domain, limits)
    waits = seconds_since(domain.oldest)
    in_doubt = domain.news.get("asked", 0)
    # What waits for a document that Magento does not have yet waits for days, and nothing is wrong.
    grade = limits.grade(waits) if in_doubt else Grade.OK
    oldest = f", the oldest for {_time(waits)}" if waits is not None else ""
    doubt = f", {in_doubt} of them without Magento's answer" if in_doubt else ""
    yield grade, f"{name}: {domain.waiting} news waiting{oldest}{doubt}"


def _unheard(name: str, domain: InboundVitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    if domain.unheard is None:
        yield Grade.WARNING, f"{name}: {domain.account} has never answered what is new"
        return
    grade = limits.grade(domain.unheard)
    grade = max(grade, Grade.WARNING) if domain.stale else grade
    if grade is not Grade.OK:
        heard = _time(domain.heard_ago)
        yield grade, f"{name}: nothing heard of {domain.account} for {heard}"


def _of_domain(name: str, domain: DomainVitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    if domain.control.stopped_at is not None:
        yield Grade.CRITICAL, f"{name}: stopped by an answer of the ERP"
    if domain.control.paused:
        yield Grade.WARNING, f"{name}: paused"
    for status in REFUSED:
        if count := domain.events[status]:
            yield Grade.WARNING, f"{name}: {count} {status}"
    if domain.differences:
        yield Grade.WARNING, f"{name}: {domain.differences} difference(s) open"
    grade = limits.grade(domain.hints.seconds)
    if grade is not Grade.OK:
        yield grade, f"{name}: the oldest hint waits for intake for {_time(domain.hints.seconds)}"
    yield from _of_write_backs(name, domain, limits)
    counts = domain.events
    waiting = counts[EventStatus.PENDING] + counts[EventStatus.SENDING] - domain.gated
    oldest = f", the oldest for {_time(domain.under_way)}" if domain.under_way is not None else ""
    at_gates = "".join(f", {one}" for one in waiting_at(domain.gates, name))
    yield limits.grade(domain.under_way), f"{name}: {waiting} under way{oldest}{at_gates}"


def _of_write_backs(name: str, domain: DomainVitals, limits: Limits) -> Iterator[tuple[Grade, str]]:
    grade = limits.grade(domain.write_backs.longest)
    if grade is not Grade.OK:
        yield (
            grade,
            f"{name}: the oldest of {domain.write_backs.count} answer(s) waits to be written "
            f"into Magento for {_time(domain.write_backs.longest)}",
        )
    if count := domain.write_backs_parked:
        yield Grade.WARNING, f"{name}: {count} answer(s) cannot be written into Magento"


def _figures(vitals: Vitals, domains: Sequence[str], limits: Limits) -> Iterator[str]:
    bounds = f"{limits.warning:g};{limits.critical:g};0"
    for name in domains:
        if told := vitals.ledger.inbound.get(name):
            yield from _figures_of_told(name, told, bounds)
            continue
        domain = vitals.ledger.domains[name]
        yield f"{name}_oldest={domain.under_way or 0:g}s;{bounds}"
        for status, count in domain.events.items():
            yield f"{name}_{status}={count};;;0"
        yield f"{name}_gated={domain.gated};;;0"
        for gate, count in sorted(domain.gates.items()):
            yield f"{name}_gate_{gate}={count};;;0"
        yield f"{name}_hints={domain.hints.count};;;0"
        yield f"{name}_oldest_hint={domain.hints.seconds or 0:.0f}s;{bounds}"
        yield f"{name}_write_backs_waiting={domain.write_backs.count};;;0"
        yield f"{name}_oldest_write_back={domain.write_backs.longest or 0:.0f}s;{bounds}"
        yield f"{name}_write_backs_parked={domain.write_backs_parked};;;0"
        yield f"{name}_differences={domain.differences};;;0"
    yield f"stations_failing={len(vitals.ledger.failing)};;;0"
    for name, account in vitals.ledger.accounts.items():
        yield f"{name}_throttle_rate={account.rate * 100:g}%;;;0;100"
        yield f"{name}_slots={account.slots};;;0;{account.most_slots}"


def _figures_of_told(name: str, domain: InboundVitals, bounds: str) -> Iterator[str]:
    if domain.heard_ago is not None:
        yield f"{name}_heard={domain.heard_ago:g}s;{bounds}"
    for status in (*WAITING, *TROUBLED):
        yield f"{name}_{status}={domain.news.get(status, 0)};;;0"
    yield f"{name}_differences={domain.differences};;;0"


def _time(seconds: float | None) -> str:
    whole = int(seconds or 0)
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"
