"""`erp-sidecar status`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import click

from sidecar.app.domains import specs
from sidecar.app.sidecar import Sidecar
from sidecar.capture.outbox import Outbox
from sidecar.capture.triggers import State
from sidecar.cli.context import Context, age, as_json, text
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.accounts import AccountState
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import LATE_WRITE_BACK, WAITING, Overview
from sidecar.model.gates import waiting_at
from sidecar.operate.naming import name_of
from sidecar.settings.erp import Erp

#: Differing documents on the screen, and those that `--json` tells figure by figure.
_SHOWN = 10
_TOLD = 100


@click.command()
@as_json
@click.pass_obj
def status(context: Context, *, as_json: bool) -> int:
    """Show how things stand: daemon, capture, each domain, the ERP account, differences.

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
    judgement = sidecar.identification.look().judgement
    sections = sidecar.settings.domains.carried()
    with sidecar.database.transaction("reading the ledger's standing") as connection:
        depth = outbox.depth(connection)
        faults = outbox.faults(connection)
        controls = sidecar.store.control.read(connection, sidecar.domains)
        found: dict[str, Any] = {
            "shop": sidecar.settings.shop.name,
            "daemon": sidecar.store.work_lease.holder(connection),
            "identity": {
                "standing": judgement.standing.value,
                "sends": judgement.may_send,
                "why": judgement.why or None,
            },
            "capture": {
                "triggers": {state.name: state.state.value for state in triggers},
                "suspended": suspension.why if suspension else None,
                "hints": depth.count,
                "oldest_hint_seconds": depth.oldest.total_seconds() if depth.oldest else None,
                "faults": len(faults),
            },
            "domains": {
                name: _domain(
                    control,
                    sections[name].pause_alarm.total_seconds(),
                    overview,
                    partial(_asked, connection, name),
                )
                for name, control in controls.items()
            },
            "stations": [
                {
                    "station": one.name,
                    "failing_since": one.since,
                    "seconds": one.seconds,
                    "failures": one.failures,
                    "message": one.message,
                    "remedy": one.remedy,
                }
                for one in sidecar.store.stations.failing(connection)
            ],
            "write_backs": overview.write_backs(connection),
            "oldest_write_back_seconds": overview.oldest_write_back(connection),
            "accounts": {
                name: _account(erp, sidecar.store.accounts.read(connection, name))
                | {"domains": sidecar.settings.domains_of(name)}
                for name, erp in sidecar.settings.accounts.items()
            },
            "differing": overview.differing(connection),
            "differences": overview.open_differences(connection, _TOLD),
        }
    amiss = [state.name for state in triggers if state.state is not State.OK]
    found["attention"] = _attention(found, amiss, suspended=suspension is not None)
    return found


def _account(erp: Erp, state: AccountState) -> dict[str, Any]:
    return {
        "url": erp.address,
        "breaker": "open" if state.open else "closed",
        "failures": state.failures,
        "asks_in_seconds": state.ask_in,
        "rate": state.rate,
        "slots": state.slots or erp.throttle.concurrency,
        "most_slots": erp.throttle.concurrency,
        "slow_for_seconds": state.slow_for,
        "asked_wait_seconds": state.asked_wait,
        "wait_cut": state.asked_wait > erp.throttle.longest_wait.total_seconds(),
    }


def _domain(
    control: DomainControl,
    alarm: float,
    overview: Overview,
    ask: Callable[[Callable[..., Any]], Any],
) -> dict[str, Any]:
    return {
        "working": control.may_work,
        "paused_until": control.paused_until,
        "paused": control.paused,
        "paused_seconds": control.paused_for,
        "pause_forgotten": control.is_forgotten(alarm),
        # Not the reason: it is the ERP's words, which may name a customer.
        "stopped": control.stopped_at,
        "events": ask(overview.counts),
        "due": ask(overview.due),
        "gates": ask(overview.gates),
        "oldest_seconds": ask(overview.oldest_waiting),
        "last_accepted": ask(overview.last_accepted),
    }


def _asked(connection: Any, domain: str, question: Callable[..., Any]) -> Any:
    return question(connection, domain)


def _halted(name: str, domain: dict[str, Any]) -> list[str]:
    """Why a domain sends nothing, where a person must end that."""
    lines = []
    if domain["stopped"]:
        lines.append(
            f"{name} are stopped since {text(domain['stopped'])} (why: erp-sidecar domain list; "
            f"then: erp-sidecar domain resume {name})"
        )
    if domain["pause_forgotten"]:
        end = domain["paused_until"]
        lines.append(
            f"{name} are paused {f'until {text(end)}' if end else 'without an end'}, for "
            f"{age(domain['paused_seconds'])} now (erp-sidecar domain resume {name})"
        )
    return lines


def _attention(found: dict[str, Any], amiss: list[str], *, suspended: bool) -> list[str]:
    lines = []
    if found["daemon"] is None:
        lines.append("no daemon works (systemctl start erp-sidecar; erp-sidecar doctor)")
    if not found["identity"]["sends"]:
        lines.append(f"NOTHING IS SENT: {found['identity']['why']} (erp-sidecar identity show)")
    for name, domain in found["domains"].items():
        lines += _halted(name, domain)
    for state, command in (
        ("rejected", "rejections list"),
        ("parked", "queue list --status parked"),
    ):
        if count := sum(one["events"].get(state, 0) for one in found["domains"].values()):
            lines.append(f"{count} event(s) {state} (erp-sidecar {command})")
    for one in found["stations"]:
        lines.append(
            f"{one['station']} has been failing for {age(one['seconds'])}, {one['failures']} "
            f"time(s): {one['message']} ({one['remedy'] or 'station.failed in the log'})"
        )
    waiting = found["oldest_write_back_seconds"]
    if waiting is not None and waiting >= LATE_WRITE_BACK.total_seconds():
        lines.append(
            f"{found['write_backs'].get('pending', 0)} answer(s) of the ERP are not in Magento, "
            f"the oldest for {age(waiting)} (erp-sidecar doctor)"
        )
    if parked := found["write_backs"].get("parked"):
        lines.append(
            f"{parked} answer(s) of the ERP cannot be written into Magento (erp-sidecar doctor)"
        )
    if amiss and not suspended:
        lines.append(f"triggers amiss: {', '.join(amiss)} (erp-sidecar triggers status)")
    if differing := found["differing"]["documents"]:
        lines.append(
            f"{found['differing']['differences']} difference(s) in {differing} document(s) "
            "(erp-sidecar differences list)"
        )
    for name, account in found["accounts"].items():
        if account["wait_cut"]:
            resumed = next(iter(account["domains"]), "DOMAIN")
            lines.append(
                f"the ERP account {name} asked for a wait of "
                f"{age(account['asked_wait_seconds'])}; nothing is sent to it for "
                f"{age(account['slow_for_seconds'])} (throttle.longest_wait; to go on now: "
                f"erp-sidecar domain resume {resumed})"
            )
        if account["breaker"] == "open":
            lines.append(f"the ERP account {name} does not answer: its breaker is open")
    return lines


def _print(found: dict[str, Any]) -> None:
    capture = found["capture"]
    wrong = [name for name, state in capture["triggers"].items() if state != "ok"]
    echo(f"shop     {found['shop']}")
    echo(f"daemon   {found['daemon'] or 'nobody works'}")
    echo(
        f"capture  {capture['hints']} hint(s), oldest {age(capture['oldest_hint_seconds'])}; "
        f"triggers {'suspended' if capture['suspended'] else ', '.join(wrong) or 'ok'}; "
        f"{capture['faults']} fault(s)"
    )
    for name, domain in found["domains"].items():
        echo(f"{name:<8} {_standing(name, domain)}")
    backs = found["write_backs"]
    echo(
        f"magento  {backs.get('applied', 0)} answer(s) written, {backs.get('pending', 0)} waiting, "
        f"oldest {age(found['oldest_write_back_seconds'])}; {backs.get('refused', 0)} refused, "
        f"{backs.get('parked', 0)} parked"
    )
    for name, erp in found["accounts"].items():
        echo(
            f"erp      {name}  {erp['url']}; breaker {erp['breaker']}; rate {erp['rate']:.0%}; "
            f"{erp['slots']} of {erp['most_slots']} calls at a time"
            + (f"; quiet for {age(erp['slow_for_seconds'])}" if erp["slow_for_seconds"] else "")
        )
    by_document = groupby(found["differences"], key=itemgetter("kind", "entity_id"))
    for _, differences in islice(by_document, _SHOWN):
        echo(f"differs  {_differing(list(differences))}")
    if found["differing"]["documents"] > _SHOWN:
        echo(f"differs  … and {found['differing']['documents'] - _SHOWN} more document(s)")
    for line in found["attention"]:
        echo(f"! {line}")


def _standing(name: str, domain: dict[str, Any]) -> str:
    events = domain["events"]
    waiting = sum(events.get(status, 0) for status in WAITING)
    unknown = events.get("unknown", 0)
    due = f"{domain['due']} due" + (f" ({unknown} unknown: the ERP is asked)" if unknown else "")
    standing = ", ".join([due, *waiting_at(domain["gates"], name)])
    return (
        f"{'working' if domain['working'] else 'NOT WORKING'}; {waiting} waiting, oldest "
        f"{age(domain['oldest_seconds'])}: {standing}; {events.get('accepted', 0)} accepted, "
        f"{events.get('rejected', 0)} rejected, {events.get('parked', 0)} parked; "
        f"last accepted {_ago(domain['last_accepted'])}"
    )


def _differing(found: list[dict[str, Any]]) -> str:
    """One document in one line, however many of its lines differ."""
    first = found[0]
    name = name_of(specs(), first["kind"], first["number"])
    if len(found) == 1:
        return f"{name}: {first['class']} ours {first['ours']}, theirs {first['theirs']}"
    classes = ", ".join(dict.fromkeys(one["class"] for one in found))
    greatest = max((one["amount"] for one in found if one["amount"]), default=None)
    by = f", the greatest by {greatest:.2f} {first['currency']}" if greatest else ""
    return f"{name}: {len(found)} figures{by}: {classes} (erp-sidecar show {name})"


def _ago(moment: datetime | None) -> str:
    return f"{age((datetime.now(UTC) - moment).total_seconds())} ago" if moment else "never"
