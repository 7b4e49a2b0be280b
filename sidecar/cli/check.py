"""`erp-sidecar check`."""

from __future__ import annotations

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, emit_json
from sidecar.host.process import operator
from sidecar.model.duration import parse_duration
from sidecar.model.errors import UsageError
from sidecar.operate.check import Checked, plain


@click.command()
@click.option(
    "--wait",
    default="30s",
    show_default=True,
    metavar="TIME",
    help="How long each stage may take: 5s, 1m.",
)
@as_json
@click.pass_obj
def check(context: Context, *, wait: str, as_json: bool) -> int:
    """Send a marked record through the running daemon and back, with the time of each stage.

    \b
    intake     the daemon took the hint out of the outbox
    delivery   it was the record's turn
    erp        the ERP was asked for a number that no order has, and answered
    magento    the statements of the write-back ran, at an order that is none
    back       the result was seen here

    No order is made, changed or sent, and nothing is left behind.  Ends with 2 when a person must
    act, 69 when the ERP does not answer, 75 when trying again may help (paused, busy).

    \b
    Examples:
      erp-sidecar check
      erp-sidecar check --wait 5s --json
    """
    try:
        seconds = parse_duration(wait).total_seconds()
    except ValueError as error:
        raise UsageError(f"--wait {wait} {error}", "write 5s or 1m") from None
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        checked = sidecar.end_to_end.run(operator(), seconds)
    if as_json:
        emit_json(plain(checked))
    else:
        _print(checked)
    return checked.exit_code


def _print(checked: Checked) -> None:
    for stage in checked.stages:
        echo(f"{stage.name:<9} {stage.milliseconds:>6} ms  {stage.note}".rstrip())
    if checked.stuck is None:
        echo(f"ok        {checked.milliseconds:>6} ms")
        return
    echo(f"{checked.stuck.stage:<9}  STUCK  {checked.stuck.why}")
    echo(f"  remedy: {checked.stuck.remedy}")
