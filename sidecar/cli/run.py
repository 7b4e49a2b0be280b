"""`erp-sidecar run`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from sidecar.app.daemon import Daemon
from sidecar.app.duties import daemon_of
from sidecar.app.reload import RELOAD, Reload, Successor
from sidecar.app.sidecar import Sidecar
from sidecar.cli.context import Context
from sidecar.host.process import Stop, release_signals, share_memory
from sidecar.host.systemd import Supervisor
from sidecar.model.errors import SidecarError
from sidecar.observe.log import Log, configure
from sidecar.settings.load import Loaded, load

#: Between two tries of a successor whose database went away in the moment of the change.
_AGAIN_SECONDS = 2.0


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Work until nothing is due, then exit 0 (69: the ERP does not answer; 78: a domain is "
    "stopped).",
)
@click.pass_obj
def run(context: Context, *, once: bool) -> None:
    """Run the daemon.

    Learns of changes, delivers them, writes the answers back.  A second one on the same ledger
    stands by.  SIGTERM and Ctrl-C end it in order: calls that are on their way are finished and
    settled, the rest is given back.  SIGHUP takes up a changed configuration, mapping or secret:
    all of it is read, and every login made, before the old one ends; where anything is wrong it is
    refused, in the log and in `status`, and the old one goes on.  SIGUSR1 opens the log file anew
    (logrotate).
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
    reload = Reload(lambda: _prepared(context.config_path, supervisor), supervisor)
    signal.signal(signal.SIGHUP, lambda *_: reload.ask())
    end = _End()
    release_signals()
    loaded = context.loaded
    log = _log_of(loaded)
    successor = Successor(
        loaded, Sidecar(loaded.settings, origin=loaded.origin, supervisor=supervisor)
    )
    _run(successor, log, reload, end, once=once)
    while (next_one := reload.successor()) is not None and not end.asked:
        _run(next_one, _log_of(next_one.loaded), reload, end, once=False, is_reload=True)


def _prepared(config_path: Path, supervisor: Supervisor) -> Successor:
    """The configuration as it is in the files now, and all that is made of it."""
    loaded = load(config_path)
    sidecar = Sidecar(loaded.settings, origin=loaded.origin, supervisor=supervisor)
    try:
        sidecar.prepare()
    except BaseException:
        sidecar.close()
        raise
    return Successor(loaded, sidecar)


def _log_of(loaded: Loaded) -> Log:
    logging = loaded.settings.logging
    return configure(level=logging.level, form=logging.format, file=logging.file)


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


def _run(
    successor: Successor,
    log: Log,
    reload: Reload,
    end: _End,
    *,
    once: bool,
    is_reload: bool = False,
) -> None:
    sidecar = successor.sidecar
    signal.signal(signal.SIGUSR1, lambda *_: log.reopen())
    end.watch(sidecar.stop)

    def meanwhile() -> None:
        reload.look(sidecar)
        log.write_due()

    try:
        daemon = _patiently(sidecar) if is_reload else daemon_of(sidecar, once=once)
        if daemon is None or sidecar.stop.asked:
            return
        if once:
            daemon.run_once()
            sidecar.require_at_work()
            sidecar.require_answered()
        else:
            daemon.run(meanwhile=meanwhile)
    finally:
        sidecar.close()
        log.close()


def _patiently(sidecar: Sidecar) -> Daemon | None:
    """The daemon of a successor; None when a stop was asked for first.

    Everything was there a moment ago.  What is away now comes again, and a reload ends no daemon.
    """
    while True:
        try:
            return daemon_of(sidecar)
        except SidecarError as error:
            sidecar.narrator.tell(
                "station.failed", station=RELOAD, message=error.message, remedy=error.remedy
            )
            if sidecar.stop.wait(_AGAIN_SECONDS):
                return None
