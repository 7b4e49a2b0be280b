"""`erp-sidecar demo`."""

from __future__ import annotations

import click

from sidecar.cli.context import as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running and print how to look around.")
@click.option("--soap", is_flag=True, help="With an ERP that speaks SOAP instead of REST.")
@as_json
def demo(*, keep: bool, soap: bool, as_json: bool) -> int:
    """See it work: a private MariaDB with Magento's tables, an ERP that misbehaves, 25 orders.

    Nothing outside a temporary folder is touched.  It ends with a statement that is checked
    against what the ERP really holds; exits 2 when an order was lost or doubled.

    \b
    Examples:
      erp-sidecar demo
      erp-sidecar demo --keep             leaves it running and says how to look around
    """
    # Only here: the daemon is started by the same program, and needs no test bench in its memory.
    from sidecar.testing.demo import Demo

    show = (lambda _line: None) if as_json else echo
    with Demo(show, soap=soap) as running:
        statement = running.play()
        if as_json:
            emit_json(statement.counts())
        else:
            echo_lines(statement.text())
        if keep:
            running.keep()
    return 0 if statement.is_clean else 2
