"""`erp-sidecar top`."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.errors import SidecarError
from sidecar.monitor.top.screen import render
from sidecar.monitor.top.terminal import END, Terminal, can_repaint, size
from sidecar.monitor.top.watch import Watch

_EVERY = 1.0
#: Never more than a fifth of the time is spent looking.
_REST = 4


@click.command()
@click.option("--once", is_flag=True, help="Print one look and end.")
@as_json
@click.pass_obj
def top(context: Context, *, once: bool, as_json: bool) -> None:
    """Watch queue, pace, ERP, refusals and differences, renewed every second; q ends it.

    Each look is a handful of short selects in one transaction; it takes no lock.  Where the
    terminal cannot be painted over, and in a pipe, one look is printed, as with --once.

    \b
    Examples:
      erp-sidecar top
      erp-sidecar top --once
      erp-sidecar top --json | jq .domains
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        watch = sidecar.watch()
        if as_json:
            emit_json(asdict(watch.look()))
        elif once or not can_repaint():
            for line in render(watch.look(), size()[0]):
                echo(line.text)
        else:
            _follow(watch)


def _follow(watch: Watch) -> None:
    look, foot = watch.look(), ""
    with Terminal() as terminal:
        key = ""
        while key not in ("q", "Q", END):
            began = time.monotonic()
            try:
                look, foot = watch.look(), "q ends; renewed every second"
            except SidecarError as error:
                foot = f"! as of {look.at:%H:%M:%S}: {error.message}"
            took = time.monotonic() - began
            terminal.paint(render(look, *size(), foot=foot))
            key = terminal.key(max(_EVERY - took, took * _REST))
