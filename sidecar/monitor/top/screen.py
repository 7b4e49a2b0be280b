"""A look as lines of text for a width and a height: no terminal, no clock, no database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sidecar.ledger.backlog import MOST_COUNTED, TroubledEvent
from sidecar.ledger.control import DomainControl
from sidecar.model.printable import printable
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.model.span import age
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.inbound_vitals import TROUBLED, WAITING, InboundVitals, seconds_since
from sidecar.monitor.top.watch import CaptureRow, DifferingRow, DomainRow, Look

Tone = Literal["plain", "head", "bad", "dim"]

#: From here on there is room for the event's type.
_WIDE = 100
_LABEL = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One line and how it is meant; a terminal or a picture gives tones their colours."""

    text: str
    tone: Tone = "plain"


def render(look: Look, width: int, height: int | None = None, *, foot: str = "") -> list[Line]:
    """The screen: at most `height` lines (None: as many as there are), none wider than `width`.

    What stands above is always there; the two lists below share what is left.
    """
    above = [*_above(look, width)]
    feet = [Line(foot, "bad" if foot.startswith("!") else "dim")] if foot else []
    troubled = [row for domain in look.domains for row in domain.troubled]
    free = None if height is None else max(0, height - len(above) - len(feet))
    upper, lower = _shares(free, len(troubled), len(look.differing))
    lines = [
        *above,
        *_list("REFUSED, PARKED OR IN DOUBT, the newest first", _troubled(troubled, width), upper),
        *_list(_differing_title(look), _differing(look.differing), lower),
    ]
    if height is not None:
        lines = lines[: height - len(feet)]
        lines += [Line("")] * (height - len(feet) - len(lines)) if feet else []
    return [Line(_cut(line.text, width), line.tone) for line in [*lines, *feet]]


def _above(look: Look, width: int) -> Iterator[Line]:
    title, moment = f"erp-sidecar top  {look.shop}", look.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    yield Line(f"{title}{moment.rjust(width - len(title))}", "head")
    yield _said("daemon", look.daemon or "NOBODY WORKS", bad=look.daemon is None)
    yield _capture(look.capture)
    for name, account in look.accounts.items():
        yield from _account(name, account)
    traffic = look.traffic
    yield _said(
        "calls",
        f"{_rate(traffic.last_minute)} booked, {_rate(traffic.last_five)} over 5 min; "
        f"p50 {_span(traffic.p50)}, p95 {_span(traffic.p95)}, most {_span(traffic.slowest)}",
    )
    yield _said("magento", f"{_count(look.unwritten)} answer(s) wait to be written")
    yield Line("")
    heads = "".join(status.rjust(10) for status in OPEN)
    yield Line(f"{'domain':<10}{'state':<8}{heads}{'oldest':>10}", "head")
    for domain in look.domains:
        yield from _domain(domain)
    if look.inbound:
        yield Line("")
        told = "".join(name.rjust(9) for name in ("waiting", "in doubt", "parked", "differs"))
        yield Line(f"{'told':<13}{'state':<8}{told}{'oldest':>9}{'heard':>9}", "head")
    for name, of_told in look.inbound.items():
        yield from _told(name, of_told)


def _capture(capture: CaptureRow) -> Line:
    standing = capture.triggers
    if standing.suspended is not None:
        triggers = f"triggers suspended: {standing.suspended}"
    elif standing.amiss:
        triggers = f"triggers amiss: {', '.join(standing.amiss)}"
    else:
        count = len(standing.states)
        triggers = f"{count} trigger(s) ok" if count else "no triggers: sweep"
    return _said(
        "capture",
        f"{_count(capture.hints)} hint(s), oldest {age(capture.oldest)}; "
        f"{capture.faults} fault(s); {triggers}",
        bad=bool(standing.amiss) or standing.suspended is not None,
    )


def _account(name: str, account: AccountVitals) -> Iterator[Line]:
    quiet = f"; quiet for {age(account.quiet_for)}" if account.quiet_for else ""
    breaker = f"OPEN, asks in {age(account.asks_in)}" if account.breaker_open else "closed"
    yield _said("erp", f"{name}  {account.address}")
    yield _said(
        "",
        f"breaker {breaker}; rate {account.rate:.0%}; {account.slots} of {account.most_slots} "
        f"calls at a time{quiet}",
        bad=account.breaker_open,
    )


def _told(name: str, domain: InboundVitals) -> Iterator[Line]:
    """What is heard of the ERP about a domain that it owns."""
    news = "".join(str(domain.news.get(one, 0)).rjust(9) for one in (*WAITING, *TROUBLED))
    heard, oldest = age(domain.heard_ago), age(seconds_since(domain.oldest))
    tone: Tone = "bad" if domain.stale or domain.troubled else "plain"
    yield Line(f"{name:<13}{_state(domain.control):<8}{news}{oldest:>9}{heard:>9}", tone)
    yield from _halted(domain.control)


def _domain(domain: DomainRow) -> Iterator[Line]:
    events = "".join(_count(domain.events[status]).rjust(10) for status in OPEN)
    state = _state(domain.control)
    yield Line(f"{domain.name:<10}{state:<8}{events}{age(domain.oldest):>10}")
    yield from _halted(domain.control)


def _state(control: DomainControl) -> str:
    return "stopped" if control.stopped_at else "paused" if control.paused else "working"


def _halted(control: DomainControl) -> Iterator[Line]:
    if control.stopped_at:
        yield Line(
            f"  ! STOPPED since {control.stopped_at:%Y-%m-%d %H:%M}: {control.stopped_reason}",
            "bad",
        )
    if control.paused:
        end = f"until {control.paused_until:%Y-%m-%d %H:%M}" if control.paused_until else "for good"
        why = control.paused_reason or "no reason given"
        yield Line(f"  ! PAUSED {end} by {control.paused_by}: {why}", "bad")


def _shares(free: int | None, upper: int, lower: int) -> tuple[int, int]:
    """Lines of the two lists; each has a blank line and a title above its rows."""
    if free is None:
        return upper, lower
    rows = max(0, free - (2 if upper else 0) - (2 if lower else 0))
    half = rows // 2
    first = min(upper, max(half, rows - lower))
    return first, min(lower, rows - first)


def _list(title: str, rows: Sequence[Line], room: int) -> Iterator[Line]:
    if not rows or not room:
        return
    yield Line("")
    yield Line(title, "head")
    yield from rows[:room]


def _troubled(rows: Sequence[TroubledEvent], width: int) -> list[Line]:
    number = max((len(row.number) for row in rows), default=0)
    kind = 16 if width >= _WIDE else 0
    return [
        Line(
            f"{row.number:<{number}}  {row.type[:kind]:<{kind}}"
            f"{row.status:<9}{_amount(row.amount, row.currency):>14}"
            f"{age(row.age):>8}  {row.reason or row.waiting or ''}",
            "bad" if row.status == EventStatus.REJECTED else "plain",
        )
        for row in rows
    ]


def _differing_title(look: Look) -> str:
    return (
        f"BOOKED OTHERWISE: {look.differences} figure(s) in {look.differing_documents} document(s)"
    )


def _differing(found: Sequence[DifferingRow]) -> list[Line]:
    number = max((len(one.number) for one in found), default=0)
    return [
        Line(
            f"{one.number:<{number}}  {one.figures} figure(s), the greatest by "
            f"{_amount(one.amount, one.currency)}: {', '.join(one.classes)}"
        )
        for one in found
    ]


def _said(label: str, text: str, *, bad: bool = False) -> Line:
    return Line(f"{label:<{_LABEL}}{text}", "bad" if bad else "plain")


def _cut(text: str, width: int) -> str:
    shown = printable(text).rstrip()
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def _count(number: int) -> str:
    return f"{number}+" if number >= MOST_COUNTED else str(number)


def _amount(amount: Decimal | None, currency: str | None) -> str:
    return "-" if amount is None else f"{amount:.2f} {currency or ''}".rstrip()


def _rate(per_minute: float | None) -> str:
    return "-" if per_minute is None else f"{per_minute:.1f}/min"


def _span(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"
