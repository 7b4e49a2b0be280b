"""`python -m sidecar.testing.magento_rest`: the API over a database that runs already."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

import click

from sidecar.model.errors import SidecarError
from sidecar.testing.magento_db import RunningMagento, Shop
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest


@click.command()
@click.option(
    "--socket",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Socket of the database server (python -m sidecar.testing.magento_db starts one).",
)
@click.option("--database", default="magento", show_default=True, help="Magento's schema.")
@click.option("--prefix", default="", help="Prefix of Magento's table names.")
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
def serve(socket: Path, database: str, prefix: str, port: int) -> None:
    """Serve Magento's REST API; the first line on standard output is JSON: how to log in."""
    with Shop(RunningMagento(socket, database, prefix)) as shop:
        rest = MagentoRest(shop, port=port)
        for number in (signal.SIGINT, signal.SIGTERM):
            # `stop` waits for `serve` to return, which runs in the thread that handles signals.
            signal.signal(number, lambda *_: threading.Thread(target=rest.stop).start())
        integration = rest.integration()
        announced = {
            "url": rest.url,
            "port": rest.port,
            "pid": os.getpid(),
            "admin": {"username": ADMIN, "password": PASSWORD},
            "integration": {
                "consumer_key": integration.consumer_key,
                "consumer_secret": integration.consumer_secret,
                "access_token": integration.access_token,
                "access_token_secret": integration.access_token_secret,
            },
        }
        click.echo(json.dumps(announced))
        rest.serve()


if __name__ == "__main__":
    try:
        serve()
    except SidecarError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
