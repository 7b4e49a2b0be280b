"""`erp-sidecar run`."""

from __future__ import annotations

import os
import signal

import click

from sidecar.app import Sidecar
from sidecar.cli.context import Context
from sidecar.observe.log import configure
from sidecar.process import Stop, release_signals, share_memory
from sidecar.reload import Reload
from sidecar.roster import daemon_of
from sidecar.settings.load import Loaded, load
from sidecar.supervisor import Supervisor


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then exit 0 (78: a domain is stopped).")
@click.pass_obj
def run(context: Context, *, once: bool) -> None:
    """Run the daemon.

    Learns of changes, delivers them, writes the answers back.  A second one on the same ledger
    stands by.  SIGTERM and Ctrl-C end it in order: calls that are on their way are finished and
    settled, the rest is given back.  SIGHUP takes up a changed configuration; a bad one is
    refused in the log and the old one goes on.  SIGUSR1 opens the log file anew (logrotate).
    systemd is told by sd_notify when it is ready, how it stands and that its work gets on.

    \b
    Examples:
      erp-sidecar --config /etc/erp-sidecar/sidecar.yaml run
      erp-sidecar run --once          from cron, or to watch one pass
    """
    share_memory()
    # Before the log is there it would end us: logrotate may come at any time.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    supervisor = Supervisor.of(os.environ)
    reload = Reload(lambda: load(context.config_path), supervisor)
    signal.signal(signal.SIGHUP, lambda *_: reload.ask())
    end = _End()
    release_signals()
    loaded: Loaded | None = context.loaded
    while loaded is not None and not end.asked:
        _run(loaded, reload, end, supervisor, once=once)
        loaded = reload.successor()


class _End:
    """SIGTERM and SIGINT: end what runs, also what begins while a new configuration is taken up."""

    def __init__(self) -> None:
        self.asked = False
        self._stop: Stop | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def watch(self, stop: Stop) -> None:
        """From now on `stop` is what a signal asks for."""
        self._stop = stop
        if self.asked:
            stop.ask()

    def _ask(self, *_: object) -> None:
        self.asked = True
        if self._stop is not None:
            self._stop.ask()


def _run(loaded: Loaded, reload: Reload, end: _End, supervisor: Supervisor, *, once: bool) -> None:
    logging = loaded.settings.logging
    log = configure(level=logging.level, form=logging.format, file=logging.file)
    signal.signal(signal.SIGUSR1, lambda *_: log.reopen())
    sidecar = Sidecar(loaded.settings, supervisor=supervisor)
    end.watch(sidecar.stop)

    def meanwhile() -> None:
        reload.look(sidecar.narrator, sidecar.stop.ask)
        log.write_due()

    try:
        daemon = daemon_of(sidecar, once=once)
        if once:
            daemon.run_once()
            sidecar.require_at_work()
        else:
            daemon.run(meanwhile=meanwhile)
    finally:
        sidecar.close()
        log.close()
