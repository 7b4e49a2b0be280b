"""`erp-sidecar adapter check`: a mapping against the ERP's interface description."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.app.domains import specs
from sidecar.cli.adapter_files import layered_calls, opened_contract
from sidecar.cli.context import Context, as_json
from sidecar.cli.context import reason as reason_option
from sidecar.cli.erp_account import account_option
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.errors import UsageError
from sidecar.operate.accepted_findings import Sorted, accept, beside, read_accepted, sort_out

_FINDINGS = 2


@click.command()
@click.option("--contract", metavar="FILE", help="WSDL, OpenAPI or EDMX; else erp.wsdl.")
@click.option(
    "--calls", type=click.Path(path_type=Path), metavar="FILE", help="Mapping; else erp.calls."
)
@click.option("--erp", metavar="PACK", help="The ERP's pack over which the mapping is laid.")
@click.option("--strict", is_flag=True, help="Exit code 2 for warnings too.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="ID",
    help="Findings that do not count this time, by their id (missing); may be repeated.",
)
@click.option(
    "--accepted",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Findings that are known and right; else the mapping's NAME.findings.yaml.",
)
@click.option(
    "--accept",
    "accepting",
    is_flag=True,
    help="Add what is found now to that file; needs --reason.",
)
@reason_option
@account_option
@as_json
@click.pass_obj
def check(
    context: Context,
    *,
    contract: str | None,
    calls: Path | None,
    erp: str | None,
    strict: bool,
    ignore: tuple[str, ...],
    accepted: Path | None,
    accepting: bool,
    reason: str | None,
    account: str | None,
    as_json: bool,
) -> int:
    """Compare a mapping with the interface: names, types, lengths, what is mandatory.

    Sends nothing and reads no order.  Exit code 2 when the ERP cannot take what is mapped.

    \b
    Examples:
      erp-sidecar adapter check --contract metadata.edmx --calls calls.yaml
      erp-sidecar adapter check --contract metadata.edmx --erp sap_s4 --calls own.yaml
      erp-sidecar adapter check --ignore missing
      erp-sidecar adapter check --accept --reason "the WSDL calls everything mandatory"
    """
    if accepting and not reason:
        raise UsageError("--accept needs --reason", 'write why: --reason "…"')
    opened = opened_contract(context, contract, account)
    *below, own = layered_calls(context, calls, erp, account)
    findings = opened.check(own, specs(), below)
    file = accepted or beside(own)
    known = read_accepted(file) if file.exists() or (accepted and not accepting) else ()
    found = sort_out(findings, known, ignore)
    if accepting:
        count = accept(file, found.findings, reason or "")
        if as_json:
            emit_json({"file": str(file), "accepted": count})
        else:
            echo(f"{file}: {count} finding(s) accepted")
        return 0
    if as_json:
        emit_json(found)
    else:
        _print(found)
    serious = [one for one in found.findings if strict or one.severity == "error"]
    return _FINDINGS if serious else 0


def _print(found: Sorted) -> None:
    for one in found.findings:
        echo(f"{one.place}: {one.severity}: {one.text} [{one.id}]")
        if one.remedy:
            echo(f"  remedy: {one.remedy}")
    errors = sum(one.severity == "error" for one in found.findings)
    further = [f"; {found.accepted} accepted"] * bool(found.accepted)
    further += [f"; {count} ignored ({name})" for name, count in found.ignored.items()]
    echo(f"{errors} error(s), {len(found.findings) - errors} warning(s){''.join(further)}")
