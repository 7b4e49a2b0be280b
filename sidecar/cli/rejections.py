"""`erp-sidecar rejections`."""

from __future__ import annotations

from dataclasses import asdict

import click

from sidecar.cli.context import (
    Context,
    amounts,
    as_json,
    by,
    dry_run,
    reason,
    table,
)
from sidecar.cli.outlet import emit_json
from sidecar.cli.queue import say


@click.group()
def rejections() -> None:
    """What was refused or parked, by cause: correct the cause once, release its orders together."""


@rejections.command(name="list")
@as_json
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List causes, those that hold up most documents first, with the money that waits.

    \b
    Example:
      erp-sidecar rejections list
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        causes, answering = sidecar.operations.causes(), sidecar.answering
    if as_json:
        emit_json([asdict(cause) | {"answers": answering.of(cause.domains)} for cause in causes])
        return
    table(
        [
            (
                cause.cause,
                cause.documents,
                amounts(cause.money) or "-",
                cause.oldest,
                cause.newest,
                cause.code,
                " ".join(cause.examples),
                answering.of(cause.domains) or "-",
                cause.message,
            )
            for cause in causes
        ],
        (
            "cause",
            "documents",
            "money",
            "oldest",
            "newest",
            "code",
            "for example",
            "who answers",
            "message",
        ),
    )


@rejections.command()
@click.argument("cause")
@click.option("--limit", type=click.IntRange(1), metavar="N",
              help="Only the oldest N; needed for more than 1000.")  # fmt: skip
@reason
@dry_run
@as_json
@click.pass_obj
def release(
    context: Context,
    *,
    cause: str,
    limit: int | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make all events of one CAUSE due again, as queue requeue does.

    \b
    Examples:
      erp-sidecar rejections release 734d26ec042f --limit 5 --reason "item created: a few first"
      erp-sidecar rejections release 734d26ec042f --reason "item created"
    """
    with context.operations() as operations:
        done = operations.release(cause, most=limit, by=by(reason), dry_run=dry_run)
    say(done, "released", dry_run=dry_run, as_json=as_json)
