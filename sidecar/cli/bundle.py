"""`erp-sidecar bundle`."""

from __future__ import annotations

from contextlib import closing, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import click

from sidecar.bundle.archive import write
from sidecar.bundle.collect import Collector
from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json


@click.command()
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Where to write it (never over a file); else erp-sidecar-bundle-TIME.tar.gz "
              "here.")  # fmt: skip
@as_json
@click.pass_context
def bundle(context: click.Context, *, output: Path | None, as_json: bool) -> None:
    """Pack what somebody who helps has to know: no personal data, no secret.

    Versions, the configuration, the mapping, server variables, table sizes, triggers, how queue
    and ERP stand, the log's last lines without anybody's words.  What cannot be had is named in
    missing.txt; a broken configuration or a database that is away hinders nothing else.

    \b
    Examples:
      erp-sidecar bundle
      erp-sidecar bundle --output /tmp/bundle.tar.gz
    """
    own: Context = context.obj
    root = context.find_root().command
    assert isinstance(root, click.Group)  # noqa: S101 - it has this command
    more = {"doctor.json": lambda: _doctor(root, own)} if "doctor" in root.commands else {}
    with closing(Collector(lambda: own.loaded, more)) as collector:
        parts = collector.parts()
    file = output or Path(f"erp-sidecar-bundle-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    write(file, parts)
    if as_json:
        emit_json({"file": str(file), "parts": list(parts), "missing": parts["missing.txt"]})
        return
    echo(f"written: {file} ({', '.join(parts)})")
    if parts["missing.txt"]:
        echo_lines(f"missing:\n{parts['missing.txt']}")


def _doctor(root: click.Group, context: Context) -> str:
    with redirect_stdout(StringIO()) as printed:
        root.main(
            ["--config", str(context.config_path), "doctor", "--json"],
            prog_name="erp-sidecar",
            standalone_mode=False,
        )
    return printed.getvalue()
