"""`erp-sidecar config`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.domain.errors import UsageError
from sidecar.erp import load_adapter
from sidecar.settings.generate import generate as generated
from sidecar.settings.show import as_json as origins_as_json
from sidecar.settings.show import as_text


@click.group()
def config() -> None:
    """Write, check and show the configuration."""


@config.command()
@click.option(
    "--magento-root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take the database login from this Magento's app/etc/env.php.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to a file (never over one).")
def generate(magento_root: Path | None, output: Path | None) -> None:
    """Print a whole, commented configuration to fill in.

    \b
    Example:
      erp-sidecar config generate --magento-root /var/www/magento --output sidecar.yaml
    """
    written = generated(magento_root=magento_root)
    if output is None:
        echo_lines(written)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(written)
    except FileExistsError:
        raise UsageError(f"{output} exists already", "choose another --output") from None
    echo(f"written: {output}")


@config.command()
@as_json
@click.pass_obj
def validate(context: Context, *, as_json: bool) -> None:
    """Check the configuration and the mapping: files only, no network, safe in CI.

    Reads secrets' references but not the database or the ERP.

    \b
    Examples:
      erp-sidecar config validate
      erp-sidecar --config staging.yaml config validate
    """
    loaded = context.loaded
    load_adapter(loaded.settings).close()
    files = [str(file) for file in loaded.files]
    calls = loaded.settings.erp.calls
    if calls:
        files.append(str(calls))
    if as_json:
        emit_json({"valid": True, "files": files})
    else:
        echo(f"valid: {', '.join(files)}")


@config.command()
@as_json
@click.pass_obj
def show(context: Context, *, as_json: bool) -> None:
    """Show every value with the file and line it comes from, defaults included, secrets masked.

    \b
    Examples:
      erp-sidecar config show
      erp-sidecar config show | grep -v '# default$'      what was written
    """
    if as_json:
        emit_json(origins_as_json(context.loaded))
    else:
        echo_lines(as_text(context.loaded))
