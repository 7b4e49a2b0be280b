"""`erp-sidecar run`."""

from __future__ import annotations

import signal

import click

from sidecar.app import Sidecar
from sidecar.cli.context import Context
from sidecar.observe.log import configure
from sidecar.reload import Reload
from sidecar.settings.load import Loaded, load


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then exit 0.")
@click.pass_obj
def run(context: Context, *, once: bool) -> None:
    """Run the daemon.

    Learns of changes, delivers them, writes the answers back.  A second one on the same ledger
    stands by.  SIGTERM and Ctrl-C end it in order: calls that are on their way are finished and
    settled, the rest is given back.  SIGHUP takes up a changed configuration; a bad one is
    refused in the log and the old one goes on.

    \b
    Examples:
      erp-sidecar --config /etc/erp-sidecar/sidecar.yaml run
      erp-sidecar run --once          from cron, or to watch one pass
    """
    reload = Reload(lambda: load(context.config_path))
    signal.signal(signal.SIGHUP, lambda *_: reload.ask())
    loaded: Loaded | None = context.loaded
    while loaded is not None:
        _run(loaded, reload, once=once)
        loaded = reload.successor()


def _run(loaded: Loaded, reload: Reload, *, once: bool) -> None:
    logging = loaded.settings.logging
    configure(level=logging.level, form=logging.format, file=logging.file)
    sidecar = Sidecar(loaded.settings)
    try:
        daemon = sidecar.daemon(once=once)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sidecar.stop.ask())
        if once:
            daemon.run_once()
        else:
            daemon.run(meanwhile=lambda: reload.look(sidecar.narrator, sidecar.stop.ask))
    finally:
        sidecar.close()
