"""`erp-sidecar config`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.documents import read_document
from sidecar.domain.errors import SidecarError, UsageError
from sidecar.erp import connection_of, load_adapter
from sidecar.settings.generate import generate as generated
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import references, resolve
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
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{output}: there is no folder {output.parent}",
            f"make it first: install -d -m 750 {output.parent}",
        ) from None
    echo(f"written: {output}")


@config.command()
@as_json
@click.pass_obj
def validate(context: Context, *, as_json: bool) -> None:
    """Check the configuration, the mapping and the secrets: files only, no network, safe in CI.

    Neither the database nor the ERP is asked.  A WSDL that is at an address is therefore not read,
    and the mapping not compared with it; 'erp-sidecar adapter check' does that.

    \b
    Examples:
      erp-sidecar config validate
      erp-sidecar --config staging.yaml config validate
    """
    loaded = context.loaded
    notes = _checked(loaded.settings)
    files = [str(file) for file in loaded.files]
    calls = loaded.settings.erp.calls
    if calls:
        files.append(str(calls))
    if as_json:
        emit_json({"valid": True, "files": files, "notes": notes})
        return
    echo(f"valid: {', '.join(files)}")
    for note in notes:
        echo(f"note: {note}")


def _checked(settings: Settings) -> list[str]:
    """What could not be looked at without a network; raises SidecarError for what is wrong."""
    for key, reference in references(settings):
        try:
            resolve(reference)
        except SidecarError as error:
            raise type(error)(f"{key}: {error.message}", error.remedy) from None
    if not isinstance(settings.erp.wsdl, str):
        load_adapter(settings).close()
        return []
    connection_of(settings)  # its secrets
    if settings.erp.calls is not None:
        read_document(settings.erp.calls)
    return [
        f"erp.wsdl is an address: {settings.erp.calls or 'the mapping'} was read, and not compared "
        "with it (erp-sidecar adapter check)"
    ]


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
