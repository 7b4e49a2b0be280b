"""`erp-sidecar adapter test`: what a file of calls makes of events, without the ERP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from sidecar.app.domains import specs
from sidecar.app.mapping_tests import adapter_for, head_from
from sidecar.cli.adapter_files import configured_calls
from sidecar.cli.context import Context, as_json
from sidecar.cli.domains import TYPES
from sidecar.cli.erp_account import account_option, chosen_account
from sidecar.cli.outlet import echo, emit_json
from sidecar.documents import read_document
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError
from sidecar.operate.rehearsal.case import CaseFile, beside, read_cases
from sidecar.operate.rehearsal.differences import lines
from sidecar.operate.rehearsal.play import Played, play, send
from sidecar.operate.rehearsal.stand_ins import StandIns
from sidecar.operate.rehearsal.writing import head_of, tree_of_case, updated, with_case
from sidecar.ports import Delivery

_DIFFERS = 2


@click.command("test")
@click.argument("names", nargs=-1, metavar="[CASE]...")
@click.option(
    "--calls", type=click.Path(path_type=Path), metavar="FILE", help="Mapping; else erp.calls."
)
@click.option(
    "--record",
    "numbers",
    multiple=True,
    metavar="NUMBER",
    help="Add a case of this document, out of the ledger or Magento; people become stand-ins.",
)
@click.option("--kind", metavar="KIND", help="With --record: what it is the number of (order).")
@click.option(
    "--event", type=TYPES, help="With --record: which event; else the one that opens a document."
)
@click.option("--update", is_flag=True, help="Write down what is sent now as what is expected.")
@account_option
@as_json
@click.pass_obj
def test(
    context: Context,
    *,
    names: tuple[str, ...],
    calls: Path | None,
    numbers: tuple[str, ...],
    kind: str | None,
    event: str | None,
    update: bool,
    account: str | None,
    as_json: bool,
) -> int:
    """Play the cases beside a mapping: is what it sends still what it should send?

    The cases of calls.yaml are in calls.tests.yaml. No network and no database is used; with
    --calls no configuration either. --record needs both configuration and database.
    Exit code 2 when a case differs.

    \b
    Examples:
      erp-sidecar adapter test --record 000000042
      erp-sidecar adapter test
      erp-sidecar adapter test --calls legacy-rest.yaml "order 000000042" --json
    """
    path = calls or configured_calls(context, account)
    if numbers and (update or names):
        raise UsageError("--record writes new cases", "play or --update them afterwards")
    if (kind or event) and not numbers:
        raise UsageError("--kind and --event say what is recorded", "name it: --record NUMBER")
    if numbers:
        named = [f"{kind}/{number}" if kind else number for number in numbers]
        recorded = _record(context, path, named, event, account)
        if as_json:
            emit_json({"file": str(beside(path)), "recorded": recorded})
        else:
            for name in recorded:
                echo(f"{beside(path)}: {name}")
        return 0
    file = read_cases(beside(path), specs())
    if update:
        changed = _update(file, path, names)
        if as_json:
            emit_json({"file": str(file.document.path), "changed": changed})
        else:
            echo(f"{len(changed)} case(s) changed{''.join(f', {name}' for name in changed)}")
        return 0
    played = _play(file, path, names)
    if as_json:
        emit_json({"file": str(file.document.path), "cases": played})
    else:
        _print(played)
    return 0 if all(one.ok for one in played) else _DIFFERS


def _chosen(file: CaseFile, names: Sequence[str]) -> CaseFile:
    there = [case.name for case in file.cases]
    for name in names:
        if name not in there:
            raise UsageError(
                f"{file.document.path} has no case '{name}'",
                f"there are {', '.join(there) or 'none'}",
            )
    cases = tuple(case for case in file.cases if not names or case.name in names)
    return CaseFile(file.document, file.head, cases)


def _play(file: CaseFile, calls: Path, names: Sequence[str]) -> list[Played]:
    adapter, rehearsing = adapter_for(file.head, calls)
    with closing(adapter):
        return [play(rehearsing, case) for case in _chosen(file, names).cases]


def _update(file: CaseFile, calls: Path, names: Sequence[str]) -> list[str]:
    """Rewrite what differs; the names of those cases."""
    changed = []
    path = file.document.path
    adapter, rehearsing = adapter_for(file.head, calls)
    with closing(adapter):
        for case in _chosen(file, names).cases:
            if play(rehearsing, case).ok:
                continue
            tree = updated(case, send(rehearsing, case.delivery, case.calls))
            _write(path, path.read_text("utf-8-sig"), case.name, tree)
            changed.append(case.name)
    return changed


def _record(
    context: Context, calls: Path, numbers: Sequence[str], event: str | None, account: str | None
) -> list[str]:
    """Write a case of each document; their names."""
    path, settings = beside(calls), context.loaded.settings
    if path.exists():
        head = read_cases(path, specs()).head
    else:
        head = head_from(settings, chosen_account(context, account))
    with context.sidecar() as sidecar:
        found = [one for number in numbers for one in sidecar.dry_run().deliveries(number, event)]
    stand_ins = StandIns()
    recorded = []
    adapter, rehearsing = adapter_for(head, calls)
    with closing(adapter):
        for spec, delivery in found:
            name = _name(spec, delivery)
            anonymous = stand_ins.of_delivery(delivery, specs())
            tree = tree_of_case(anonymous, send(rehearsing, anonymous, ()))
            text = path.read_text("utf-8-sig") if path.exists() else head_of(head, calls)
            _write(path, text, name, tree)
            recorded.append(name)
    return recorded


def _write(path: Path, text: str, name: str, tree: Mapping[str, Any]) -> None:
    document = read_document(path) if path.exists() else None
    path.write_text(with_case(text, document, name, tree), encoding="utf-8")


def _name(spec: DomainSpec, delivery: Delivery) -> str:
    """What a person calls the case: the document, and its event where that opens none."""
    number = delivery.event.subject.partition("/")[2]
    event = delivery.event.type
    return f"{spec.noun} {number}" if event == spec.opening else f"{event} {number}"


def _print(played: Sequence[Played]) -> None:
    for one in played:
        echo(f"{one.name}: {'ok' if one.ok else 'differs'}")
        for number in sorted({difference.call for difference in one.differences}):
            if number:
                known = one.requests[number - 1 : number]
                echo(f"  call {number}{''.join(f', {request}' for request in known)}")
            else:
                echo(f"  the answers come to: {one.comes_to}")
            for difference in one.differences:
                if difference.call == number:
                    for line in lines(difference):
                        echo(f"    {line}")
    wrong = sum(not one.ok for one in played)
    echo(f"{len(played)} case(s), {wrong} differ(s)")
