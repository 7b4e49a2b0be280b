"""`erp-sidecar config`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.app.erp_adapters import check_adapters, pack_named
from sidecar.app.magento_api import magento_rest
from sidecar.app.pack_files import begin_with
from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.documents import other_writers
from sidecar.magento.env_php import read_env_php
from sidecar.model.errors import UsageError
from sidecar.settings.generate import generate as generated
from sidecar.settings.secrets import unresolved
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
@click.option("--erp", metavar="PACK", help="For this ERP: its calls and lifecycle too, beside it.")
@click.option("--output", type=click.Path(path_type=Path), help="Write to a file (never over one).")
def generate(magento_root: Path | None, erp: str | None, output: Path | None) -> None:
    """Print a whole, commented configuration to fill in.

    With --erp it is one for an ERP that the sidecar knows (`adapter list`), and two files are
    written beside it: the calls, in which you say what is yours, and the lifecycle.

    \b
    Examples:
      erp-sidecar config generate --magento-root /var/www/magento --output sidecar.yaml
      erp-sidecar config generate --erp odoo --output /etc/erp-sidecar/sidecar.yaml
    """
    if erp is None:
        written, beside = generated(magento_root=magento_root), {}
    elif output is None:
        raise UsageError("--erp writes several files", "name the first one: --output sidecar.yaml")
    else:
        begun = begin_with(pack_named(erp))
        written = generated(magento_root=magento_root, of_the_erp=begun.configuration)
        beside = {output.parent / name: text for name, text in begun.beside.items()}
    if output is None:
        echo_lines(written)
        return
    # None of them is written where one is there: a new lifecycle beside an old mapping misleads.
    for file in (output, *beside):
        if file.exists():
            raise UsageError(f"{file} exists already", "choose another --output")
    for file, text in {output: written, **beside}.items():
        _write_new(file, text)


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{file} exists already", "choose another --output") from None
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{file}: there is no folder {file.parent}",
            f"make it first: install -d -m 750 {file.parent}",
        ) from None
    echo(f"written: {file}")


@config.command()
@as_json
@click.pass_obj
def validate(context: Context, *, as_json: bool) -> None:
    """Check the configuration, the mapping and the secrets: files only, no network, safe in CI.

    Reads every secret (of systemd's credentials only while the unit runs), the login in Magento's
    env.php too, and asks neither the database nor the ERP.  A WSDL that is named by its address is
    not fetched: a note says so, and 'erp-sidecar adapter check' compares the mapping with it.

    \b
    Examples:
      erp-sidecar config validate
      erp-sidecar --config staging.yaml config validate
    """
    loaded = context.loaded
    if problems := unresolved(loaded.settings, origin=loaded.origin):
        first = problems[0]
        raise type(first)("\n".join(one.message for one in problems), first.remedy)
    if magento_root := loaded.settings.shop.database.magento_root:
        read_env_php(Path(magento_root))
    if api := loaded.settings.shop.api:
        magento_rest(api, loaded.origin)
    warnings, notes = check_adapters(loaded.settings, origin=loaded.origin)
    files = [*loaded.files, *loaded.settings.files_of_calls]
    warnings += [
        f"{file}: {others.who} may write it (chmod {others.lock} {file})"
        for file in files
        if (others := other_writers(file))
    ]
    if as_json:
        emit_json(
            {"valid": True, "files": list(map(str, files)), "warnings": warnings, "notes": notes}
        )
        return
    for warning in warnings:
        echo(f"warning: {warning}")
    for note in notes:
        echo(f"note: {note}")
    echo(f"valid: {', '.join(map(str, files))}")


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
