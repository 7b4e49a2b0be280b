"""`erp-sidecar adapter`."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import click
import msgspec

from sidecar.app.domains import specs
from sidecar.app.erp_adapters import installed, load_adapter
from sidecar.cli.adapter_check import check
from sidecar.cli.adapter_describe import describe
from sidecar.cli.adapter_test import test
from sidecar.cli.compare import compare
from sidecar.cli.context import Context, as_json, table, text
from sidecar.cli.domains import TOLD, TYPES
from sidecar.cli.erp_account import account_option, chosen_account
from sidecar.cli.learn import learn
from sidecar.cli.moments import moment_of
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.model.domain_spec import DomainSpec
from sidecar.operate.dry_run import Rehearsed
from sidecar.operate.news import ShownNews, ask_for_news, preview_of_news
from sidecar.ports import OWN_CALL, Preview

_FINDINGS = 2


@click.group()
def adapter() -> None:
    """What the ERP's interface wants, and what a mapping makes of an order."""


adapter.add_command(describe)
adapter.add_command(check)
adapter.add_command(test)
adapter.add_command(compare)
adapter.add_command(learn)


@adapter.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the adapters that are installed (`erp.adapter` names one).

    \b
    Example:
      erp-sidecar adapter list
    """
    found = installed()
    if as_json:
        emit_json(found)
        return
    rows = [(one.name, one.package, one.version, one.factory) for one in found]
    table(rows, ("adapter", "package", "version", "factory"))


@adapter.command("dry-run")
@click.argument("order")
@click.option(
    "--event",
    type=TYPES,
    help="Which event; else the one that waits, else order.placed.",
)
@click.option(
    "--ask",
    is_flag=True,
    help="Really ask what the mapping asks for first (find), and show the order's call with it.",
)
@as_json
@click.pass_obj
def dry_run(context: Context, *, order: str, event: str | None, ask: bool, as_json: bool) -> None:
    """Print the exact calls that an order would make, secrets struck out, and make none.

    All of them, in their order: what is asked for and made first, its own, what follows once it is
    accepted.  What only a call would tell stands there as ‹first.customer› or ‹link.key›; with
    --ask the questions are made (they change nothing in the ERP), and nothing else is.

    \b
    Example:
      erp-sidecar adapter dry-run 000000042
      erp-sidecar adapter dry-run 000000042 --ask
    """
    with context.sidecar() as sidecar:
        shown = sidecar.dry_run().show(order, event, ask=ask)
    if as_json:
        emit_json(shown)
        return
    for one in shown:
        _print_call(one)


@adapter.command()
@click.argument("domain", type=TOLD)
@click.option(
    "--since",
    default="24h",
    show_default=True,
    metavar="WHEN",
    help="2d, 12h, or a time such as 2026-11-24T06:00 (UTC).",
)
@click.option("--all", "whole", is_flag=True, help="Of all that the ERP has, not of what changed.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000),
              help="The first so many rows.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the first call, and make none.")
@account_option
@as_json
@click.pass_obj
def changes(
    context: Context,
    *,
    domain: str,
    since: str,
    whole: bool,
    most: int,
    dry_run: bool,
    account: str | None,
    as_json: bool,
) -> int:
    """Ask the ERP what it tells of a domain by itself, and show the rows; nothing is written.

    Exit code 2 when a row cannot be read.

    \b
    Examples:
      erp-sidecar adapter changes shipments --since 2d
      erp-sidecar adapter changes stock --all --most 10 --json
      erp-sidecar adapter changes prices --dry-run
    """
    loaded = context.loaded
    begin = None if whole else moment_of("--since", since)
    enabled = domain in loaded.settings.domains.enabled() and account is None
    name = loaded.settings.account_of(domain) if enabled else chosen_account(context, account)
    with closing(load_adapter(loaded.settings, name, origin=loaded.origin)) as opened:
        if dry_run:
            preview = preview_of_news(opened, _spec(domain), begin)
            if as_json:
                emit_json(preview)
            else:
                _print_request(preview)
            return 0
        shown = ask_for_news(opened, _spec(domain), begin, most)
    if as_json:
        emit_json(shown)
    else:
        _print_news(shown)
    return _FINDINGS if shown.unreadable else 0


def _spec(domain: str) -> DomainSpec:
    return next(spec for spec in specs() if spec.name == domain)


def _print_call(one: Rehearsed) -> None:
    made = "as it waits in the ledger" if one.frozen else "made of it as Magento has it now"
    echo(f"{one.kind} {one.number} (entity {one.entity_id}), {one.event}, {made}")
    echo(f"event {one.event_id}")
    for problem in one.broken:
        echo(f"would be parked: {problem}")
    if not one.calls:
        echo(f"the mapping has no call for {one.event}: nothing would be sent")
    for number, call in enumerate(one.calls, 1):
        if len(one.calls) > 1:
            what = f"the {one.kind} itself" if call.step == OWN_CALL else call.step
            echo()
            echo(f"{number} of {len(one.calls)}, {what}:")
        _print_request(call)


def _print_request(call: Preview) -> None:
    if call.exception is not None:
        echo(f"by {call.exception}")
    echo(call.request)
    for name, value in call.headers.items():
        echo(f"{name}: {value}")
    if call.shown is not None:
        echo_lines(f"\n{call.shown}")


def _print_news(shown: ShownNews) -> None:
    when = "all that it has" if shown.since is None else f"since {text(shown.since)} UTC"
    echo(f"what the ERP tells of {shown.domain}, {when}: {len(shown.rows)} row(s)")
    for row in shown.rows:
        told = {name: value for name, value in row.items() if value is not None}
        echo()
        for name, value in told.items():
            echo(f"  {name}: {_shown(value)}")
    for one in shown.unreadable:
        echo(f"unreadable: {one.number or '(no number)'}: {one.reason}")
    if shown.more:
        echo("there is more: --most")


def _shown(value: object) -> str:
    """One value in a line; a list as JSON has it."""
    if isinstance(value, str | Decimal):
        return str(value)
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()
