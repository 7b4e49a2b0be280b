"""`erp-sidecar run`."""

from __future__ import annotations

import signal

import click

from sidecar.cli.context import Context
from sidecar.observe.log import configure


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then exit 0.")
@click.pass_obj
def run(context: Context, *, once: bool) -> None:
    """Run the daemon.

    Learns of changes, delivers them, writes the answers back.  A second one on the same ledger
    stands by.  SIGTERM and Ctrl-C end it in order: calls that are on their way are finished and
    settled, the rest is given back.

    \b
    Examples:
      erp-sidecar --config /etc/erp-sidecar/sidecar.yaml run
      erp-sidecar run --once          from cron, or to watch one pass
    """
    logging = context.loaded.settings.logging
    configure(level=logging.level, form=logging.format, file=logging.file)
    with context.sidecar() as sidecar:
        daemon = sidecar.daemon(once=once)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sidecar.stop.ask())
        if once:
            daemon.run_once()
        else:
            daemon.run()
