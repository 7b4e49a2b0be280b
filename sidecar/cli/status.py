"""`erp-sidecar status`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

import click

from sidecar.app.domains import specs
from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.records import DifferenceRow
from sidecar.model.gates import waiting_at
from sidecar.model.settlement import EventStatus
from sidecar.model.span import age
from sidecar.model.write_back import WriteBackState
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.inbound_vitals import InboundVitals, seconds_since
from sidecar.monitor.standing import DomainStanding, Standing
from sidecar.operate.naming import name_of

#: Differing documents on the screen.
_SHOWN = 10


@click.command()
@as_json
@click.pass_obj
def status(context: Context, *, as_json: bool) -> int:
    """Show how things stand: daemon, capture, each domain, each ERP account, differences.

    Exits 2 when something needs somebody: no daemon works, a doubt which system this is, a stopped
    or forgotten domain, parked or rejected events, lost triggers, an open difference, a station of
    the daemon that fails, answers that do not get into Magento.

    \b
    Examples:
      erp-sidecar status
      erp-sidecar status --json
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        standing = sidecar.standing()
    if as_json:
        emit_json(_document(standing))
    else:
        _print(standing)
    return 2 if standing.attention else 0


def _document(standing: Standing) -> dict[str, Any]:
    """As docs/cli-schemas/status.json says."""
    ledger, hints = standing.ledger, standing.ledger.hints
    return {
        "shop": standing.shop,
        "daemon": ledger.holder,
        "identity": {
            "standing": standing.identity.standing,
            "sends": standing.identity.may_send,
            "why": standing.identity.why or None,
        },
        "capture": {
            "triggers": standing.triggers.states,
            "suspended": standing.triggers.suspended,
            "hints": hints.count,
            "oldest_hint_seconds": hints.seconds,
            "faults": standing.faults,
        },
        "domains": {name: _domain(domain) for name, domain in standing.domains.items()},
        "inbound": {name: _inbound(domain) for name, domain in ledger.inbound.items()},
        "stations": [
            {
                "station": one.name,
                "failing_since": one.since,
                "seconds": one.seconds,
                "failures": one.failures,
                "message": one.message,
                "remedy": one.remedy,
            }
            for one in ledger.failing
        ],
        "write_backs": standing.write_backs,
        "oldest_write_back_seconds": ledger.write_backs.longest,
        "accounts": {name: _account(account) for name, account in ledger.accounts.items()},
        "differing": ledger.differing._asdict(),
        "differences": standing.differences,
        "attention": standing.attention,
    }


def _domain(domain: DomainStanding) -> dict[str, Any]:
    control = domain.vitals.control
    return {
        "working": control.may_work,
        "paused_until": control.paused_until,
        "paused": control.paused,
        "paused_seconds": control.paused_for,
        "pause_forgotten": domain.vitals.pause_forgotten,
        # Not the reason: it is the ERP's words, which may name a customer.
        "stopped": control.stopped_at,
        "events": domain.events,
        "due": domain.due,
        "gates": domain.vitals.gates,
        "oldest_seconds": domain.oldest,
        "last_accepted": domain.vitals.last_accepted,
    }


def _inbound(domain: InboundVitals) -> dict[str, Any]:
    return {
        "account": domain.account,
        "working": domain.control.may_work,
        "paused_until": domain.control.paused_until,
        "paused": domain.control.paused,
        "pause_forgotten": domain.pause_forgotten,
        "stopped": domain.control.stopped_at,
        "news": domain.news,
        "oldest": domain.oldest,
        "heard_seconds": domain.heard_ago,
        "stale": domain.stale,
        "differences": domain.differences,
    }


def _account(account: AccountVitals) -> dict[str, Any]:
    return {
        "url": account.address,
        "breaker": _breaker(account),
        "failures": account.failures,
        "asks_in_seconds": account.asks_in,
        "rate": account.rate,
        "slots": account.slots,
        "most_slots": account.most_slots,
        "slow_for_seconds": account.quiet_for,
        "asked_wait_seconds": account.asked_wait,
        "wait_cut": account.wait_cut,
        "domains": account.domains,
    }


def _breaker(account: AccountVitals) -> str:
    return "open" if account.breaker_open else "closed"


def _print(standing: Standing) -> None:
    ledger, hints = standing.ledger, standing.ledger.hints
    triggers = standing.triggers
    wrong = "suspended" if triggers.suspended is not None else ", ".join(triggers.amiss)
    echo(f"shop     {standing.shop}")
    echo(f"daemon   {ledger.holder or 'nobody works'}")
    echo(
        f"capture  {hints.count} hint(s), oldest {age(hints.seconds)}; "
        f"triggers {wrong or 'ok'}; {standing.faults} fault(s)"
    )
    for name, domain in standing.domains.items():
        echo(f"{name:<8} {_standing(name, domain)}")
    for name, inbound in ledger.inbound.items():
        echo(f"{name:<8} {_hearing(inbound)}")
    backs = standing.write_backs
    echo(
        f"magento  {backs[WriteBackState.APPLIED]} answer(s) written, "
        f"{backs[WriteBackState.PENDING]} waiting, oldest {age(ledger.write_backs.longest)}; "
        f"{backs[WriteBackState.REFUSED]} refused, {backs[WriteBackState.PARKED]} parked"
    )
    for name, account in ledger.accounts.items():
        echo(_told(name, account))
    by_document = groupby(standing.differences, key=lambda one: one.document)
    for _, differences in islice(by_document, _SHOWN):
        echo(f"differs  {_differing(list(differences))}")
    if (documents := ledger.differing.documents) > _SHOWN:
        echo(f"differs  … and {documents - _SHOWN} more document(s)")
    for line in standing.attention:
        echo(f"! {line}")


def _told(name: str, account: AccountVitals) -> str:
    quiet = f"; quiet for {age(account.quiet_for)}" if account.quiet_for else ""
    return (
        f"erp      {name}  {account.address}; breaker {_breaker(account)}; "
        f"rate {account.rate:.0%}; {account.slots} of {account.most_slots} calls at a time{quiet}"
    )


def _standing(name: str, domain: DomainStanding) -> str:
    events, vitals = domain.events, domain.vitals
    unknown = events[EventStatus.UNKNOWN]
    due = f"{domain.due} due" + (f" ({unknown} unknown: the ERP is asked)" if unknown else "")
    standing = ", ".join([due, *waiting_at(vitals.gates, name)])
    return (
        f"{'working' if vitals.control.may_work else 'NOT WORKING'}; {domain.waiting} waiting, "
        f"oldest {age(domain.oldest)}: {standing}; {events[EventStatus.ACCEPTED]} accepted, "
        f"{events[EventStatus.REJECTED]} rejected, {events[EventStatus.PARKED]} parked; "
        f"last accepted {_ago(vitals.last_accepted)}"
    )


def _hearing(domain: InboundVitals) -> str:
    news = domain.news
    waiting = news.get("waiting", 0) + news.get("asked", 0)
    heard = "never" if domain.heard_ago is None else f"{age(domain.heard_ago)} ago"
    return (
        f"{'working' if domain.control.may_work else 'NOT WORKING'}; heard of {domain.account} "
        f"{heard}; {waiting} news waiting, oldest {age(seconds_since(domain.oldest))}; "
        f"{news.get('differs', 0)} differ, {news.get('parked', 0)} parked"
    )


def _differing(found: Sequence[DifferenceRow]) -> str:
    """One document in one line, however many of its lines differ."""
    first = found[0]
    name = name_of(specs(), first.kind, first.number)
    if len(found) == 1:
        return f"{name}: {first.class_} ours {first.ours}, theirs {first.theirs}"
    classes = ", ".join(dict.fromkeys(one.class_ for one in found))
    greatest = max((one.amount for one in found if one.amount), default=None)
    by = f", the greatest by {greatest:.2f} {first.currency}" if greatest else ""
    return f"{name}: {len(found)} figures{by}: {classes} (erp-sidecar show {name})"


def _ago(moment: datetime | None) -> str:
    return f"{age((datetime.now(UTC) - moment).total_seconds())} ago" if moment else "never"
