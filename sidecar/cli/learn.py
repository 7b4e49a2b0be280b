"""`erp-sidecar adapter learn`."""

from __future__ import annotations

from itertools import groupby

import click

from sidecar.cli.context import Context, as_json, table, text
from sidecar.cli.domains import NAMES
from sidecar.cli.erp_account import account_option, chosen_account
from sidecar.cli.moments import moment_of
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.errors import UsageError
from sidecar.model.exchange import AFTER, BEFORE, NONE_FITS, PROTOCOL, UNDERSTOOD
from sidecar.operate.learning import OTHERS, Learnt, LearntAnswer

_TAKEN = {
    BEFORE: "a call before it (first)",
    AFTER: "a step after it (then)",
    NONE_FITS: "NO LINE FITS",
    PROTOCOL: "by the protocol itself",
    UNDERSTOOD: "understood",
    None: "by no file of calls",
}
_FORMS = {
    None: "",
    "nothing": "an empty body",
    "page": "a page of HTML",
    "text": "a text",
    OTHERS: "bodies of other shapes",
}


@click.command()
@account_option
@click.option("--domain", type=NAMES, help="Only this domain.")
@click.option(
    "--since",
    default="7d",
    show_default=True,
    metavar="WHEN",
    help="2d, 12h, or a time such as 2026-11-24T06:00 (UTC).",
)
@as_json
@click.pass_obj
def learn(
    context: Context, *, account: str | None, domain: str | None, since: str, as_json: bool
) -> None:
    """Tell what the ERP really answered, which line took it, and when it is slow.

    Out of the attempts in the ledger; nothing is sent or changed. Answers that are alike are told
    as one: HTTP status, code, the shape of the body (names and kinds, no values), the line that
    took it and the outcome, how often, and the newest document as an example: 'order show NUMBER'
    has the words. Where no line fits, the order is in doubt each time: a line is suggested, which
    you put into the file of calls only when you know what the ERP means.

    Below: calls by the hour of the day, in the shop's time zone.

    \b
    Examples:
      erp-sidecar adapter learn
      erp-sidecar adapter learn --domain orders --since 24h
      erp-sidecar adapter learn --account wms --since 2026-11-24T06:00 --json
    """
    begin = moment_of("--since", since)
    name = _account(context, account, domain)
    carried = context.loaded.settings.domains_of(name)
    if domain is not None and domain not in carried:
        raise UsageError(
            f"{domain} does not go to the ERP account {name}", f"there go {', '.join(carried)}"
        )
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        learnt = sidecar.learn(begin, carried if domain is None else (domain,))
    if as_json:
        emit_json(learnt)
    else:
        _print(learnt)


def _account(context: Context, account: str | None, domain: str | None) -> str:
    """A domain names its account by itself."""
    settings = context.loaded.settings
    if account is None and domain in settings.domains.enabled():
        return settings.account_of(str(domain))
    return chosen_account(context, account)


def _print(learnt: Learnt) -> None:
    count = sum(one.count for one in learnt.answers)
    echo(f"{', '.join(learnt.domains)}: {count} attempt(s) since {text(learnt.since)} UTC")
    for (event, operation), answers in groupby(
        learnt.answers, key=lambda one: (one.event, one.operation)
    ):
        echo()
        echo(f"{event}, {'asked for' if operation == 'probe' else 'sent'}:")
        for one in answers:
            _print_answer(one)
    if learnt.hours:
        echo()
        echo(f"by the hour of the day ({learnt.timezone}):")
        rows = [
            (
                f"{one.hour:02}",
                one.calls,
                _ms(one.median),
                _ms(one.worst),
                one.timeouts,
                one.unanswered,
            )
            for one in learnt.hours
        ]  # fmt: skip
        table(rows, ("hour", "calls", "median", "worst", "timeouts", "broken"))


def _print_answer(one: LearntAnswer) -> None:
    if one.http_status is not None:
        what = f"HTTP {one.http_status}"
    elif one.predicate == UNDERSTOOD:
        what = "answered"
    else:
        what = "no answer in time" if one.timed_out else "no answer"
    code = f" {one.code}" if one.code else ""
    line = _TAKEN.get(one.predicate, one.predicate)
    is_silent = one.http_status is None and one.predicate is None
    taken = "" if is_silent else f"{line} → "
    echo(f"  {one.count:>6} × {what}{code}: {taken}{one.outcome}, e.g. {one.example}")
    shape = f"{one.form} {one.shape}" if one.shape else _FORMS.get(one.form, one.form)
    if shape:
        echo(f"           {shape}")
    if one.held or one.absent:
        echo(f"           asked afterwards, the ERP held {one.held} and did not hold {one.absent}")
    if one.doubt:
        echo(f"           why: {one.doubt}")
    if one.suggestion is not None:
        echo(f"           {one.suggestion.why}")
        for line in one.suggestion.lines:
            echo(f"           suggestion: {line}")


def _ms(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds} ms"
