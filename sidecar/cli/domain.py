"""`erp-sidecar domain`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from sidecar.cli.context import Context, as_json, by, dry_run, reason, table
from sidecar.cli.domains import NAMES
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.control import DomainControl
from sidecar.model.duration import parse_duration
from sidecar.model.errors import UsageError
from sidecar.operate.domains import Change


@click.group()
def domain() -> None:
    """List, pause and resume what is carried."""


@domain.command(name="list")
@as_json
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """Show each domain, whether it works, and why not.

    \b
    Example:
      erp-sidecar domain list
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        controls = sidecar.domain_switch.list()
    if as_json:
        emit_json([_plain(control) for control in controls])
        return
    table(
        [(control.domain, _state(control), _why(control)) for control in controls],
        ("domain", "state", "why"),
    )


@domain.command()
@click.argument("name", type=NAMES)
@click.option("--until", metavar="WHEN", help="30m, 2h, or a time such as 2026-11-24T06:00 (UTC).")
@reason
@dry_run
@as_json
@click.pass_obj
def pause(
    context: Context,
    *,
    name: str,
    until: str | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send nothing more of a domain until it is resumed; survives restarts.

    What happens in Magento is still taken in; nothing is lost, it waits.

    \b
    Examples:
      erp-sidecar domain pause orders --until 2h --reason "ERP upgrade"
      erp-sidecar domain pause orders --until 2026-11-24T06:00
    """
    end = _moment(until) if until else None
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        change = sidecar.domain_switch.pause(name, by(reason), until=end, dry_run=dry_run)
    _say(name, change, as_json=as_json, dry=dry_run)


@domain.command()
@click.argument("name", type=NAMES)
@reason
@dry_run
@as_json
@click.pass_obj
def resume(
    context: Context, *, name: str, reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """End a pause, a stop that followed a refused login, or a wait that the ERP asked for.

    Asks the ERP nothing by itself.

    \b
    Example:
      erp-sidecar domain resume orders --reason "new token"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        change = sidecar.domain_switch.resume(name, by(reason), dry_run=dry_run)
    _say(name, change, as_json=as_json, dry=dry_run)


def _moment(text: str) -> datetime:
    now = datetime.now(UTC)
    try:
        duration: timedelta = parse_duration(text)
        return now + duration
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--until {text}: neither a duration nor a time", "write 30m, 2h or 2026-11-24T06:00"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise UsageError(f"--until {text} is over already", "name a time to come, in UTC")
    return moment


def _say(name: str, change: Change, *, as_json: bool, dry: bool) -> None:
    if as_json:
        emit_json({"domain": name, "result": change, "dry_run": dry})
    else:
        echo(f"{name}: {'would be ' if dry else ''}{change.replace('_', ' ')}")


def _state(control: DomainControl) -> str:
    if control.stopped_at:
        return "stopped"
    if control.paused:
        return f"paused until {control.paused_until or 'resumed'}"
    return "working"


def _why(control: DomainControl) -> str:
    if control.stopped_at:
        return f"{control.stopped_reason} (erp-sidecar domain resume {control.domain})"
    if control.paused:
        return f"{control.paused_by}: {control.paused_reason or 'no reason given'}"
    return ""


def _plain(control: DomainControl) -> dict[str, object]:
    return {
        "domain": control.domain,
        "working": control.may_work,
        "paused": control.paused,
        "paused_until": control.paused_until,
        "paused_by": control.paused_by,
        "paused_reason": control.paused_reason,
        "stopped_at": control.stopped_at,
        "stopped_reason": control.stopped_reason,
    }
