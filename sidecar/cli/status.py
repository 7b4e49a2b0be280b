"""`erp-sidecar status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from sidecar.app import ORDERS, Sidecar
from sidecar.capture.outbox import Outbox
from sidecar.capture.triggers import State
from sidecar.cli.context import Context, age, as_json, emit_json, text
from sidecar.ledger.overview import Overview


@click.command()
@as_json
@click.pass_obj
def status(context: Context, *, as_json: bool) -> int:
    """Show how things stand: daemon, capture, each domain, the ERP account, differences.

    Exits 2 when something needs a human: a stopped or forgotten domain, parked or rejected events,
    lost triggers, an open difference.
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = _look(sidecar)
    if as_json:
        emit_json(found)
    else:
        _print(found)
    return 2 if found["attention"] else 0


def _look(sidecar: Sidecar) -> dict[str, Any]:
    overview = Overview(sidecar.store.tables)
    outbox = Outbox(sidecar.names)
    triggers = sidecar.triggers.status()
    suspension = sidecar.triggers.suspension()
    alarm = sidecar.settings.domains.orders.pause_alarm
    with sidecar.database.transaction("reading the ledger's standing") as connection:
        depth = outbox.depth(connection)
        faults = outbox.faults(connection)
        control = sidecar.store.control.read(connection, [ORDERS])[ORDERS]
        account = sidecar.store.accounts.read(connection, sidecar.settings.erp.url[:64])
        found: dict[str, Any] = {
            "shop": sidecar.settings.shop.name,
            "daemon": sidecar.store.work_lease.holder(connection),
            "capture": {
                "triggers": {state.name: state.state.value for state in triggers},
                "suspended": suspension.why if suspension else None,
                "hints": depth.count,
                "oldest_hint_seconds": depth.oldest.total_seconds() if depth.oldest else None,
                "faults": len(faults),
            },
            "domains": {
                ORDERS: {
                    "working": control.may_work,
                    "paused_until": control.paused_until,
                    "paused": control.paused,
                    "paused_seconds": control.paused_for,
                    "pause_forgotten": control.is_forgotten(alarm.total_seconds()),
                    "stopped": control.stopped_reason,
                    "events": overview.counts(connection, ORDERS),
                    "oldest_seconds": overview.oldest_waiting(connection, ORDERS),
                    "last_accepted": overview.last_accepted(connection, ORDERS),
                }
            },
            "write_backs": overview.write_backs(connection),
            "erp": {
                "url": sidecar.settings.erp.url,
                "breaker": "open" if account.open else "closed",
                "failures": account.failures,
                "asks_in_seconds": account.ask_in,
                "rate": account.rate,
                "slots": account.slots or sidecar.settings.erp.throttle.concurrency,
                "most_slots": sidecar.settings.erp.throttle.concurrency,
                "slow_for_seconds": account.slow_for,
            },
            "differences": overview.open_differences(connection),
        }
    amiss = [state.name for state in triggers if state.state is not State.OK]
    found["attention"] = _attention(found, amiss, suspended=suspension is not None)
    return found


def _attention(found: dict[str, Any], amiss: list[str], *, suspended: bool) -> list[str]:
    orders = found["domains"][ORDERS]
    events = orders["events"]
    lines = []
    if orders["stopped"]:
        lines.append(f"orders are stopped: {orders['stopped']} (erp-sidecar domain resume orders)")
    if orders["pause_forgotten"]:
        end = orders["paused_until"]
        lines.append(
            f"orders are paused {f'until {text(end)}' if end else 'without an end'}, for "
            f"{age(orders['paused_seconds'])} now (erp-sidecar domain resume orders)"
        )
    for state, command in (
        ("rejected", "rejections list"),
        ("parked", "queue list --status parked"),
    ):
        if events.get(state):
            lines.append(f"{events[state]} event(s) {state} (erp-sidecar {command})")
    if amiss and not suspended:
        lines.append(f"triggers amiss: {', '.join(amiss)} (erp-sidecar triggers status)")
    if found["differences"]:
        lines.append(f"{len(found['differences'])} open difference(s)")
    if found["erp"]["breaker"] == "open":
        lines.append("the ERP does not answer: the breaker is open")
    return lines


def _print(found: dict[str, Any]) -> None:
    capture, erp, orders = found["capture"], found["erp"], found["domains"][ORDERS]
    events = orders["events"]
    wrong = [name for name, state in capture["triggers"].items() if state != "ok"]
    click.echo(f"shop     {found['shop']}")
    click.echo(f"daemon   {found['daemon'] or 'nobody works'}")
    click.echo(
        f"capture  {capture['hints']} hint(s), oldest {age(capture['oldest_hint_seconds'])}; "
        f"triggers {'suspended' if capture['suspended'] else ', '.join(wrong) or 'ok'}; "
        f"{capture['faults']} fault(s)"
    )
    waiting = events.get("pending", 0) + events.get("sending", 0)
    click.echo(
        f"orders   {'working' if orders['working'] else 'NOT WORKING'}; {waiting} waiting, oldest "
        f"{age(orders['oldest_seconds'])}; {events.get('accepted', 0)} accepted, "
        f"{events.get('rejected', 0)} rejected, {events.get('parked', 0)} parked, "
        f"{events.get('unknown', 0)} unknown; last accepted {_ago(orders['last_accepted'])}"
    )
    backs = found["write_backs"]
    click.echo(
        f"magento  {backs.get('applied', 0)} answer(s) written, {backs.get('pending', 0)} waiting, "
        f"{backs.get('refused', 0)} refused"
    )
    click.echo(
        f"erp      {erp['url']}; breaker {erp['breaker']}; rate {erp['rate']:.0%}; "
        f"{erp['slots']} of {erp['most_slots']} calls at a time"
        + (f"; quiet for {age(erp['slow_for_seconds'])}" if erp["slow_for_seconds"] else "")
    )
    for difference in found["differences"]:
        click.echo(
            f"differs  order {difference['increment_id']}: {difference['class']} ours "
            f"{difference['ours']}, theirs {difference['theirs']}"
        )
    for line in found["attention"]:
        click.echo(f"! {line}")


def _ago(moment: datetime | None) -> str:
    return f"{age((datetime.now(UTC) - moment).total_seconds())} ago" if moment else "never"
