"""`erp-sidecar customer erase`, and the same for other domains whose entities are people."""

from __future__ import annotations

import click

from sidecar.cli.context import Context, as_json, by, dry_run
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.domain_spec import DomainSpec
from sidecar.operate.erase import Erased


def erase_command(spec: DomainSpec) -> click.Command:
    """The command for one domain's people."""

    @click.argument("name", metavar="ID|EMAIL")
    @click.option("--reason", required=True, metavar="TEXT",
                  help="Why; kept in the audit: a file number, no name.")  # fmt: skip
    @dry_run
    @as_json
    @click.pass_obj
    def erase(context: Context, *, name: str, reason: str, dry_run: bool, as_json: bool) -> None:
        with context.sidecar() as sidecar:
            sidecar.ledger.require_current()
            done = sidecar.eraser(spec.name).erase(name, by(reason), dry_run=dry_run)
        if as_json:
            emit_json(done)
        else:
            _print(spec, done, would="would be " if dry_run else "")

    erase.__doc__ = f"""Erase a person out of the ledger, its archive and audit, and out of the ERP.

    Names, addresses, numbers of telephones and what people wrote are replaced by a mark, in
    everything that was sent of the {spec.noun} and of what belongs to it; numbers, amounts and what
    became of each event stay. An ERP that holds the {spec.noun} is told so. What is not on its way
    any more, refused or parked, is closed. Magento itself is not changed.

    \b
    Examples:
      erp-sidecar {spec.noun} erase 42 --reason "request 2026-117" --dry-run
      erp-sidecar {spec.noun} erase jane@example.com --reason "request 2026-117"
    """
    return click.command("erase")(erase)


def _print(spec: DomainSpec, done: Erased, *, would: str) -> None:
    echo(f"{spec.noun} {', '.join(map(str, done.people)) or '-'}")
    for kind, count in done.documents.items():
        echo(f"  {count} {kind}(s) {would}erased")
    for table, count in done.rows.items():
        echo(f"  {count} row(s) of {table} {would}changed")
    for event in done.closed:
        echo(f"  {event} {would}closed")
    for one in done.told:
        echo(f"  the ERP {would}told to erase {spec.noun} {one}")
