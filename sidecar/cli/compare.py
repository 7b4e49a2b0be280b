"""`erp-sidecar adapter compare`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from sidecar.app.domains import specs
from sidecar.app.erp_adapters import pack_named
from sidecar.cli.context import Context, as_json
from sidecar.cli.interface import contract_at
from sidecar.cli.outlet import echo, emit_json
from sidecar.ports import ContractDifference

_FINDINGS = 2
_HARMS = {
    "calls": "our file of calls cannot go there as it is:",
    "less": "fewer calls are taken, or less is told:",
    "more": "what went before goes there too:",
}


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--calls",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file of calls that is to go to B: what hinders it comes first, with its line.",
)
@click.option("--erp", metavar="PACK", help="The ERP's pack, over which the file of calls is laid.")
@as_json
@click.pass_obj
def compare(
    context: Context, *, a: str, b: str, calls: Path | None, erp: str | None, as_json: bool
) -> int:
    """Compare two interfaces: B beside A, say a test and a production system, or before an upgrade.

    A and B are WSDLs, OpenAPI or OData $metadata documents: files or addresses. An address is
    fetched with the login of the ERP account of the configuration that stands at the same scheme,
    host and port, else without one.

    Told are operations, fields, types, lengths, digits, words and what is mandatory, as far as they
    differ; a type that many operations share is told once. What hinders the file of calls (--calls)
    comes first, then what B takes or tells less, then what it takes or tells more. What B cannot
    take of a file of calls in each single value, 'adapter check --contract B' tells. Exit code 2
    when they differ.

    \b
    Examples:
      erp-sidecar adapter compare test.edmx production.edmx --calls calls.yaml
      erp-sidecar adapter compare test.edmx production.edmx --erp sap_s4 --calls own.yaml
      erp-sidecar adapter compare old.wsdl https://erp.example.com/orders?wsdl --json
    """
    ours, theirs = (contract_at(context, source) for source in (a, b))
    below = () if erp is None else (pack_named(erp).calls,)
    differences = ours.compare(theirs, (*below, *((calls,) if calls else ())), specs())
    if as_json:
        emit_json({"differences": differences})
    else:
        _print(differences)
    return _FINDINGS if differences else 0


def _print(differences: Sequence[ContractDifference]) -> None:
    for harm, group in groupby(differences, key=lambda one: one.harm):
        echo(_HARMS[harm])
        for one in group:
            echo(f"  {one.place}: {_change(one)} [{one.id}]")
            if one.sent_at is not None:
                echo(f"    {one.sent_at}")
        echo()
    counts = {harm: sum(one.harm == harm for one in differences) for harm in _HARMS}
    told = ", ".join(f"{count} {harm}" for harm, count in counts.items() if count)
    echo(f"{len(differences)} difference(s){f': {told}' if told else ''}")


def _change(one: ContractDifference) -> str:
    if one.after is None:
        was = "" if one.place.endswith(str(one.before)) else f" (was {one.before})"
        return f"is not there{was}"
    if one.before is None and one.place.endswith(one.after):
        return "is new"
    if one.before is None:
        return f"is new: {one.after}"
    return f"{one.before} → {one.after}"
