"""`python -m sidecar.testing.magento_db`: a Magento database to look at, until Ctrl-C."""

from __future__ import annotations

import random
import signal
import sys

import click

from sidecar.model.errors import SidecarError
from sidecar.testing.magento_db import PrivateServer, Shop, create_magento, random_order


@click.command()
@click.option("--port", type=int, help="Listen on 127.0.0.1 besides the socket.")
@click.option("--prefix", default="", help="Prefix of Magento's table names.")
@click.option("--orders", default=10, show_default=True, help="Place so many random orders.")
@click.option("--seed", default=1, show_default=True, help="Seed of the random orders.")
@click.option("--fsync/--no-fsync", default=False, help="Durable, with a row binlog.")
@click.option("--mview/--no-mview", default=True, help="With Magento's own triggers.")
def serve(port: int | None, prefix: str, orders: int, seed: int, fsync: bool, mview: bool) -> None:
    """Start a private server with a Magento database and say how to connect."""
    # A plain `kill` ends the server as orderly as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with PrivateServer(fsync=fsync, port=port) as server:
        database = create_magento(server, prefix=prefix, mview=mview)
        rng = random.Random(seed)
        with Shop(database) as shop:
            for _ in range(orders):
                shop.place(**random_order(rng))
        click.echo(f"socket    {server.socket}")
        if port is not None:
            click.echo(f"address   127.0.0.1:{port}")
        click.echo("user      root (no password)")
        click.echo(f"database  {database.name} ({orders} orders)")
        click.echo(f"client    mariadb --socket={server.socket} --user=root {database.name}")
        click.echo("Ctrl-C ends it and removes everything.")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            click.echo("Ended.")


if __name__ == "__main__":
    try:
        serve()
    except SidecarError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
