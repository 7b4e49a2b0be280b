"""`erp-sidecar adapter describe`: what an interface offers, and a file of calls to begin with."""

from __future__ import annotations

import click

from sidecar.app.domains import specs
from sidecar.app.erp_adapters import open_sample
from sidecar.cli.adapter_files import opened_contract
from sidecar.cli.context import Context, as_json
from sidecar.cli.domains import TOLD
from sidecar.cli.erp_account import account_option
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.model.errors import UsageError
from sidecar.ports import Contract


@click.command()
@click.argument("contract", required=False)
@click.argument("operation", required=False)
@click.option("--skeleton", is_flag=True, help="Print a file of calls to fill in instead.")
@click.option(
    "--changes",
    type=TOLD,
    help="With --skeleton: as the call that asks what changed in this domain.",
)
@click.option(
    "--sample",
    nargs=2,
    metavar="REQUEST ANSWER",
    help="Instead of CONTRACT: two files that show a call, JSON or SOAP; prints a file of calls.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Which type is meant where there are several (NetSuite: --type SalesOrder).",
)
@click.option("--depth", default=4, show_default=True, type=click.IntRange(1, 20),
              help="How many levels of nested types are told.")  # fmt: skip
@account_option
@as_json
@click.pass_obj
def describe(
    context: Context,
    *,
    contract: str | None,
    operation: str | None,
    skeleton: bool,
    changes: str | None,
    sample: tuple[str, str] | None,
    types: tuple[str, ...],
    depth: int,
    account: str | None,
    as_json: bool,
) -> None:
    """Tell what an interface offers: all operations, or one with all that it takes.

    CONTRACT is a WSDL (file or address), an OpenAPI or an EDMX file, or what Odoo tells of a model
    (/doc-bearer/sale.order.json); '-' or none is the `wsdl` of the configuration, of the ERP
    account --account where there are several.

    \b
    Example:
      erp-sidecar adapter describe legacy.wsdl
      erp-sidecar adapter describe legacy.wsdl CreateOrder
      erp-sidecar adapter describe legacy.wsdl CreateOrder --skeleton > calls.yaml
      erp-sidecar adapter describe legacy.wsdl ListDeliveries --skeleton --changes shipments
      erp-sidecar adapter describe --sample request.json answer.json > calls.yaml
    """
    if sample is not None:
        if contract is not None:
            raise UsageError("--sample stands instead of CONTRACT", "name one of them")
        opened = open_sample(*sample)
        operation, skeleton = next(iter(opened.operations())), not as_json
    else:
        opened = opened_contract(context, contract, account)
    if operation is None:
        if skeleton:
            raise UsageError("--skeleton is for one operation", "name the operation too")
        _print_operations(opened, as_json=as_json)
    elif skeleton:
        news = None if changes is None else next(one for one in specs() if one.name == changes)
        echo_lines(opened.skeleton(operation, types, news))
    else:
        described = opened.describe(operation, types, depth)
        if as_json:
            emit_json(described.tree)
        else:
            echo_lines("\n".join(described.lines))


def _print_operations(contract: Contract, *, as_json: bool) -> None:
    operations = contract.operations()
    if as_json:
        emit_json([{"name": name, "takes": takes} for name, takes in operations.items()])
        return
    for name, takes in operations.items():
        echo(f"{name}{takes}")
