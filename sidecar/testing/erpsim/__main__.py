"""`python -m sidecar.testing.erpsim`."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click
import msgspec

import sidecar.testing.erpsim as package
from sidecar.model.errors import SidecarError
from sidecar.testing.erpsim.books import DuplicatePolicy
from sidecar.testing.erpsim.client import ErpSimClient
from sidecar.testing.erpsim.simulator import Interface, Setup, Simulator

_TEACHING = "\n\n".join(
    "\b\n" + paragraph for paragraph in inspect.cleandoc(package.__doc__ or "").split("\n\n")
)


@click.command(help=_TEACHING)
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option(
    "--state-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Journal of the books; they survive the process, also a kill -9. Without: memory only.",
)
@click.option(
    "--duplicates",
    type=click.Choice([str(policy) for policy in DuplicatePolicy]),
    help="What a known external number does. Default: none (books a second document).",
)
@click.option("--seed", type=int, help="Seed of everything that is left to chance.")
@click.option("--page-size", type=click.IntRange(min=1), help="Rows per page. Default: 50.")
@click.option("--latency-ms", type=click.FloatRange(min=0), help="Time each request takes.")
@click.option("--jitter-ms", type=click.FloatRange(min=0), help="Up to so much more.")
@click.option("--user", help="Demand HTTP basic authentication, or a UsernameToken in SOAP.")
@click.option("--password", help="… with this password.")
@click.option("--item-unknown", "items_unknown", multiple=True, help="SKU that is refused.")
@click.option(
    "--credit-limit-customer",
    "credit_limit_customers",
    multiple=True,
    help="Customer (e-mail address, name, number) that is refused.",
)
@click.option("--rule", "rules", multiple=True, help="Standing misbehaviour: 'name;key=value'.")
@click.option("--base-path", help="Path before /sales-orders and /soap. Default: /api/v2.")
@click.option(
    "--interface",
    type=click.Choice([str(interface) for interface in Interface]),
    help="How it is spoken to. Default: plain; steps: sessions, ids, drafts; "
    "business-central: Microsoft's API v2.0; netsuite: Oracle's REST record service.",
)
@click.option(
    "--session-requests", type=click.IntRange(min=0), help="Steps: requests that a session lives."
)
@click.option(
    "--session-seconds", type=click.FloatRange(min=0), help="Steps: seconds that a session lives."
)
@click.option(
    "--search-lag",
    type=click.FloatRange(min=0),
    help="Steps: seconds until a new customer is found. Default: 10.",
)
@click.option(
    "--vat-id-invalid",
    "vat_ids_invalid",
    multiple=True,
    help="Steps: VAT id that is not confirmed.",
)
@click.option("--setup", help="The same as one JSON object (fields of Setup).")
@click.option("--until-stdin-closes", is_flag=True, help="End when standard input does.")
def main(
    port: int,
    state_file: Path | None,
    setup: str | None,
    until_stdin_closes: bool,
    **options: Any,
) -> None:
    """Help is the docstring of the package."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    try:
        from_json = msgspec.json.decode(setup, type=dict[str, Any]) if setup else {}
        simulator = Simulator(Setup.of(**{**from_json, **given}), port, state_file)
    except msgspec.MsgspecError as malformed:
        raise click.BadParameter(str(malformed), param_hint="--setup") from malformed
    except SidecarError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    for number in (signal.SIGINT, signal.SIGTERM):
        # `stop` waits for `serve` to return, which runs in the thread that handles signals.
        signal.signal(number, lambda *_: _stop_in_thread(simulator))
    if until_stdin_closes:
        # Whoever started this may be killed and can then no longer end it.
        threading.Thread(target=_stop_at_end_of_input, args=(simulator,), daemon=True).start()
    announced = {
        "url": simulator.url,
        "wsdl": ErpSimClient(simulator.url).wsdl_url,
        "port": simulator.port,
        "pid": os.getpid(),
    }
    click.echo(json.dumps(announced))
    simulator.serve()


def _stop_in_thread(simulator: Simulator) -> None:
    threading.Thread(target=simulator.stop).start()


def _stop_at_end_of_input(simulator: Simulator) -> None:
    # Not through sys.stdin: a thread that holds its lock when the process ends aborts the process.
    while os.read(0, 4096):
        pass
    simulator.stop()


if __name__ == "__main__":
    main()
