"""`erp-sidecar nagios`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.domains import NAMES
from sidecar.cli.outlet import echo, emit_json, unwritten
from sidecar.model.duration import parse_duration
from sidecar.model.errors import SidecarError
from sidecar.monitor.nagios import Grade, Judgement, Limits, judge


def _time(_context: click.Context, _parameter: click.Parameter, given: str) -> timedelta:
    try:
        return parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(f"{given!r} {error}") from None


class _Plugin(click.Command):
    """Whatever goes wrong ends with 3 and one line, as monitoring systems expect of a plugin."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **extra)
        except click.UsageError as error:
            raise click.exceptions.Exit(_unknown(error.format_message())) from None
        except SidecarError as error:  # a package whose domain cannot be had
            raise click.exceptions.Exit(_unknown(error.message)) from None

    def invoke(self, context: click.Context) -> Any:
        try:
            code = super().invoke(context)
            return (
                _unknown(f"the output cannot be written: {why}") if (why := unwritten()) else code
            )
        except click.UsageError as error:
            return _unknown(error.format_message())
        except SidecarError as error:
            return _unknown(error.message)
        except Exception as error:  # noqa: BLE001 - 1, Python's own code, would be a warning
            return _unknown(f"a defect: {type(error).__name__}; please report it")


def _unknown(message: str) -> int:
    echo(Judgement(Grade.UNKNOWN, (message,)))
    return Grade.UNKNOWN.value


@click.command(cls=_Plugin)
@click.option("--domain", "domains", type=NAMES,
              multiple=True, help="Default: all.")  # fmt: skip
@click.option(
    "-w", "--warning", callback=_time, default="5m", show_default=True, metavar="TIME",
    help="Warn when something waits for so long.",
)  # fmt: skip
@click.option(
    "-c", "--critical", callback=_time, default="30m", show_default=True, metavar="TIME",
    help="From here it is critical.",
)  # fmt: skip
@as_json
@click.pass_obj
def nagios(
    context: Context,
    *,
    domains: tuple[str, ...],
    warning: timedelta,
    critical: timedelta,
    as_json: bool,
) -> int:
    """Check for Nagios, Icinga, Checkmk and the like: one line, performance data, 0 to 3.

    0 OK.  1 WARNING: something waits longer than -w, was refused or parked, is paused, a trigger is
    amiss, the breaker or a difference is open; of a domain that the ERP owns: nothing was heard for
    -w, its freshness is over, or news are parked or differ.  2 CRITICAL: something waits longer
    than -c, or nothing was heard for so long, no daemon works, a domain is stopped, or this may be
    a copy and nothing is sent.  3 UNKNOWN: it cannot be told (the database is away, the
    configuration is bad).  Only this command has these exit codes.

    \b
    Examples:
      erp-sidecar nagios
      erp-sidecar nagios --domain orders -w 5m -c 30m
    """
    if critical < warning:
        raise click.UsageError("-c is shorter than -w")
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        vitals = sidecar.vitals().read()
        enabled = (*vitals.ledger.domains, *vitals.ledger.inbound)
        if absent := [name for name in domains if name not in enabled]:
            raise click.UsageError(f"{', '.join(absent)}: not enabled in the configuration")
        found = judge(
            vitals,
            domains or enabled,
            Limits(warning.total_seconds(), critical.total_seconds()),
            sidecar.answering,
        )
    if as_json:
        emit_json(
            {
                "state": found.grade.name.lower(),
                "code": found.grade.value,
                "reasons": found.reasons,
                "figures": found.figures,
            }
        )
    else:
        echo(found)
    return found.grade.value
