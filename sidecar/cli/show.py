"""`erp-sidecar show`, and the same for each domain's noun: `order show`, `refund show`, …"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache

import click

from sidecar.app.domains import found
from sidecar.cli.context import Context, as_json, text
from sidecar.cli.erase import erase_command
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.records import LinkRow, WriteBackRow
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.outcome import Booked
from sidecar.model.write_back import WriteBackState
from sidecar.operate.story import Story

_no_erp = click.option(
    "--no-erp", is_flag=True, help="Do not ask the ERP, tell what the ledger knows."
)


@click.command()
@click.argument("name", metavar="KIND/NUMBER")
@_no_erp
@as_json
@click.pass_obj
def show(context: Context, *, name: str, no_erp: bool, as_json: bool) -> None:
    """Tell the whole story of an order, a refund, …: Magento, each attempt, the ERP, its answers.

    A number alone is an order's.

    \b
    Examples:
      erp-sidecar show 000000042
      erp-sidecar show creditmemo/000000007
    """
    _show(context, name, no_erp=no_erp, as_json=as_json)


@cache
def nouns() -> dict[str, click.Group]:
    """A group for each domain whose events can be had, by its noun."""
    return {domain.spec.noun: _noun(domain.spec) for domain in found().usable if domain.spec.events}


def _noun(spec: DomainSpec) -> click.Group:
    group = click.Group(spec.noun, help=f"Everything about one {spec.noun}, from its number.")

    @click.argument("number")
    @_no_erp
    @as_json
    @click.pass_obj
    def show_one(context: Context, *, number: str, no_erp: bool, as_json: bool) -> None:
        _show(context, f"{spec.kind}/{number}", no_erp=no_erp, as_json=as_json)

    show_one.__doc__ = f"""Tell one {spec.noun}'s whole story: Magento, each attempt, the ERP.

    \b
    Example:
      erp-sidecar {spec.noun} show 000000042
    """
    group.add_command(click.command("show")(show_one))
    if spec.is_person:
        group.add_command(erase_command(spec))
    return group


def _show(context: Context, name: str, *, no_erp: bool, as_json: bool) -> None:
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        stories = sidecar.stories(name, ask_erp=not no_erp)
        by_kind = {spec.kind: spec for spec in sidecar.specs}
    if as_json:
        emit_json(stories)
        return
    for story in stories:
        _print(by_kind[story.kind], story)


def _print(spec: DomainSpec, story: Story) -> None:
    magento, known = story.magento, story.ledger
    echo(f"{spec.noun} {story.number}  (entity {known.entity_id})")
    if story.magento_unread:
        echo(f"magento  cannot be read: {story.magento_unread}")
    elif magento is None:
        echo("magento  deleted")
    else:
        echo(f"magento  {_sentence(spec, magento)}")
    for event in story.events:
        why = event.reason or event.waiting or ""
        echo(
            f"event    {text(event.created_at)} {event.type} {event.status}"
            f"{f': {why}' if why else ''}"
        )
        if event.remedy:
            echo(f"           remedy: {event.remedy}")
        for attempt in event.attempts:
            took = f" {attempt.milliseconds} ms" if attempt.milliseconds is not None else ""
            code = f" HTTP {attempt.http_status}" if attempt.http_status else ""
            echo(
                f"  {text(attempt.at)} {attempt.operation} {attempt.request or ''}{code}"
                f"{took}: {attempt.message}"
            )
    echo(f"erp      {_erp(story)}")
    for further in story.further_links:
        key = f" (key {further.erp_key})" if further.erp_key else ""
        echo(f"further  {further.reference}{key}, known since {text(further.booked_at)}")
    for difference in story.differences:
        ended = difference.resolved_at
        echo(
            f"differs  {difference.class_}: ours {difference.ours}, theirs "
            f"{difference.theirs}{f' (ended {text(ended)})' if ended else ''}"
        )
    for back in story.write_backs:
        times = f" {back.applied} times" if back.applied > 1 else ""
        note = f" ({back.message})" if back.message else ""
        echo(
            f"written  {text(back.applied_at)} {back.action}: {back.state}{times}"
            f"{_wrote(back)}{note}"
        )
    for news in story.news:
        why = f": {news.what}" if news.what else ""
        echo(
            f"told     {text(news.told_at or news.created_at)} {news.domain} {news.number} "
            f"{news.status}{why}"
        )
        if news.remedy and news.status in ("parked", "differs"):
            echo(f"           remedy: {news.remedy}")
    for act in story.audit:
        echo(f"audit    {text(act.at)} {act.who}: {act.command} {act.reason or ''}")
        for change in json.loads(act.detail or "{}").get("changes", ()):
            echo(f"           {change['path']}: {change['old']} → {change['new']}")


def _sentence(spec: DomainSpec, magento: Mapping[str, object]) -> str:
    words = {
        name: text(value) if value is None or isinstance(value, datetime) else value
        for name, value in magento.items()
    }
    return spec.sentence.format_map(words)


def _wrote(back: WriteBackRow) -> str:
    """What stands in Magento of it; of one that waits or was refused, nothing does."""
    if back.state is not WriteBackState.APPLIED:
        return ""
    status, number = back.wrote_status, back.wrote_reference
    wrote = [f"status {status}" if status else "status left as it was"]
    wrote += [f"ext_order_id {number}"] if number else []
    return f", {', '.join(wrote)}"


def _erp(story: Story) -> str:
    link, asked = story.link, story.erp
    if isinstance(asked, str):
        return f"{link.reference if link else 'not linked'}; {asked}"
    if asked is None:
        return _booked(link, link.line_count) if link else "nothing is known of it"
    if not asked:
        return "does not hold it"
    return "; ".join(_booked(document, document.lines) for document in asked)


def _booked(document: LinkRow | Booked, lines: int | None) -> str:
    return (
        f"{document.reference} {document.status or ''} total {text(document.total)}, "
        f"tax {text(document.tax)}, {lines if lines is not None else '-'} line(s)"
    )
