"""`erp-sidecar order`."""

from __future__ import annotations

import json
from typing import Any

import click

from sidecar.cli.context import Context, as_json, text
from sidecar.cli.outlet import echo, emit_json


@click.group()
def order() -> None:
    """Everything about one order, from its number."""


@order.command()
@click.argument("number")
@click.option("--no-erp", is_flag=True, help="Do not ask the ERP, tell what the ledger knows.")
@as_json
@click.pass_obj
def show(context: Context, *, number: str, no_erp: bool, as_json: bool) -> None:
    """Tell an order's whole story: Magento, each event and attempt, the ERP, what was written back.

    \b
    Example:
      erp-sidecar order show 000000042
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        stories = sidecar.stories(number, ask_erp=not no_erp)
    if as_json:
        emit_json(stories)
        return
    for story in stories:
        _print(story)


def _print(story: dict[str, Any]) -> None:
    magento, known = story["magento"], story["ledger"]
    echo(f"order {story['number']}  (entity {known['entity_id']})")
    if magento is None:
        echo("magento  deleted")
    else:
        echo(
            f"magento  {magento['state']}/{magento['status']}  {magento['grand_total']:.2f} "
            f"{magento['currency']} incl. {magento['tax_amount']:.2f} tax, {magento['lines']} "
            f"line(s), {magento['payment_method']}, store {magento['store_code']}, placed "
            f"{text(magento['created_at'])}, ext_order_id {magento['ext_order_id'] or '-'}"
        )
    for event in story["events"]:
        why = event["reason"] or event["waiting"] or ""
        echo(
            f"event    {text(event['created_at'])} {event['type']} {event['status']}"
            f"{f': {why}' if why else ''}"
        )
        if event["remedy"]:
            echo(f"           remedy: {event['remedy']}")
        for attempt in event["attempts"]:
            took = f" {attempt['milliseconds']} ms" if attempt["milliseconds"] is not None else ""
            code = f" HTTP {attempt['http_status']}" if attempt["http_status"] else ""
            echo(
                f"  {text(attempt['at'])} {attempt['operation']} {attempt['request'] or ''}{code}"
                f"{took}: {attempt['message']}"
            )
    echo(f"erp      {_erp(story)}")
    for difference in story["differences"]:
        ended = difference["resolved_at"]
        echo(
            f"differs  {difference['class']}: ours {difference['ours']}, theirs "
            f"{difference['theirs']}{f' (ended {text(ended)})' if ended else ''}"
        )
    for back in story["write_backs"]:
        times = f" {back['applied']} times" if back["applied"] > 1 else ""
        note = f" ({back['message']})" if back["message"] else ""
        echo(
            f"written  {text(back['applied_at'])} {back['verdict']}: {back['state']}{times}"
            f"{_wrote(back)}{note}"
        )
    for act in story["audit"]:
        echo(f"audit    {text(act['at'])} {act['who']}: {act['command']} {act['reason'] or ''}")
        for change in json.loads(act["detail"] or "{}").get("changes", ()):
            echo(f"           {change['path']}: {change['old']} → {change['new']}")


def _wrote(back: dict[str, Any]) -> str:
    """What stands in Magento of it; of one that waits or was refused, nothing does."""
    if back["state"] != "applied":
        return ""
    status, number = back["wrote_status"], back["wrote_number"]
    wrote = [f"status {status}" if status else "status left as it was"]
    wrote += [f"ext_order_id {number}"] if number else []
    return f", {', '.join(wrote)}"


def _erp(story: dict[str, Any]) -> str:
    link, asked = story["link"], story["erp"]
    if isinstance(asked, str):
        return f"{link['reference'] if link else 'not linked'}; {asked}"
    if asked is None:
        return _booked(link) if link else "nothing is known of it"
    if not asked:
        return "does not hold it"
    return "; ".join(_booked(document) for document in asked)


def _booked(document: dict[str, Any]) -> str:
    lines = document.get("lines", document.get("line_count"))
    return (
        f"{document['reference']} {document['status'] or ''} total {text(document['total'])}, "
        f"tax {text(document['tax'])}, {lines if lines is not None else '-'} line(s)"
    )
