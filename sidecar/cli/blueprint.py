"""`erp-sidecar blueprint`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sidecar.app.erp_adapters import files_of_calls
from sidecar.blueprint.document import blueprint_of
from sidecar.blueprint.markdown import markdown
from sidecar.blueprint.page import page
from sidecar.blueprint.signed import SignedBy
from sidecar.cli.context import Context, as_json, by, dry_run, reason, text
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.model.errors import UsageError

_FORMATS = {"markdown": markdown, "html": page}
_FINDINGS = 2


@click.group(invoke_without_command=True)
@click.option("--format", "form", type=click.Choice([*_FORMATS]), default="markdown",
              show_default=True, help="html: one file, with a picture.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write to a file; one that is there is replaced.")  # fmt: skip
@click.option("--signed", is_flag=True, help="With who signed it, which the ledger knows.")
@as_json
@click.pass_context
def blueprint(
    click_context: click.Context, *, form: str, output: Path | None, signed: bool, as_json: bool
) -> None:
    """Tell who owns what, which way it goes, who answers for it, and by which rules.

    Made of the configuration, the lifecycle and the files of calls: no network, and no database
    without --signed.

    \b
    Examples:
      erp-sidecar blueprint
      erp-sidecar blueprint --format html --signed --output blueprint.html
      erp-sidecar blueprint sign --as finance --reason "checked with the auditor"
      erp-sidecar blueprint diff
    """
    if click_context.invoked_subcommand is not None:
        return
    context: Context = click_context.obj
    found = blueprint_of(context.loaded.settings, files_of_calls)
    signatures: Sequence[SignedBy] = ()
    if signed:
        with context.sidecar() as sidecar:
            sidecar.ledger.require_current()
            signatures = sidecar.signing.signatures()
    if as_json:
        emit_json(
            {**found.plain(), "digest": found.digest}
            | ({"signatures": [_plain(one) for one in signatures]} if signed else {})
        )
        return
    lines = [_told(one) for one in signatures] or ["Nobody has signed it."] * signed
    written = _FORMATS[form](found, lines)
    if output is None:
        echo_lines(written)
        return
    try:
        output.write_text(written, "utf-8")
    except OSError as error:
        raise UsageError(
            f"{output}: cannot be written: {error.strerror}", "name another --output"
        ) from None
    echo(f"written: {output}")


@blueprint.command()
@click.option("--as", "owner", required=True, metavar="OWNER",
              help="For whom: a name under owners of the configuration.")  # fmt: skip
@reason
@dry_run
@as_json
@click.pass_obj
def sign(context: Context, *, owner: str, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Keep that OWNER agrees with the blueprint as it is now.

    From then on `status` and `doctor` say when it is another one, and `blueprint diff` what has
    changed.  A new signature takes the place of the owner's former one; the audit keeps both.

    \b
    Example:
      erp-sidecar blueprint sign --as finance --reason "checked with the auditor"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        digest = sidecar.signing.sign(owner, by(reason), dry_run=dry_run)
    if as_json:
        emit_json({"owner": owner, "digest": digest, "dry_run": dry_run})
    else:
        echo(f"{'would be ' if dry_run else ''}signed for {owner}: {digest}")


@blueprint.command()
@click.option("--as", "owner", metavar="OWNER", help="Only what this owner signed.")
@as_json
@click.pass_obj
def diff(context: Context, *, owner: str | None, as_json: bool) -> int:
    """Show what has changed since it was signed.  Exits 2 where something has.

    \b
    Example:
      erp-sidecar blueprint diff --as finance
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = [one for one in sidecar.signing.signatures() if owner in (None, one.owner)]
    if owner is not None and not found:
        raise UsageError(f"{owner} has signed nothing", f"erp-sidecar blueprint sign --as {owner}")
    if as_json:
        emit_json([_plain(one) for one in found])
    else:
        for one in found:
            echo(_told(one))
            for change in one.changes:
                signed, now = change.signed or "nothing", change.now or "nothing"
                echo(f"  {change.path}: {signed} → {now}")
        if not found:
            echo("nobody has signed it")
    return 0 if all(one.is_current for one in found) else _FINDINGS


def _told(one: SignedBy) -> str:
    still = "is in force" if one.is_current else f"CHANGED since: {', '.join(one.parts)}"
    why = f" ({one.reason})" if one.reason else ""
    return f"signed for {one.owner} by {one.who} at {text(one.at)} UTC{why}: {still}"


def _plain(one: SignedBy) -> dict[str, object]:
    return {
        "owner": one.owner,
        "digest": one.digest,
        "at": one.at,
        "who": one.who,
        "reason": one.reason,
        "current": one.is_current,
        "parts": one.parts,
        "changes": one.changes,
    }
