"""`erp-sidecar adapter test`: cases are recorded of real orders, and play without anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sidecar.app.mapping_tests import adapter_for
from sidecar.documents import read_document
from sidecar.operate.rehearsal.case import Head
from sidecar.operate.rehearsal.play import send
from sidecar.operate.rehearsal.writing import head_of, tree_of_case, with_case
from sidecar.ports import ShopContext
from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.sample_order import placed, simple_order
from tests.rig import Rig

PROJECT = Path(__file__).parents[2]
NAME = "order 000000042"
STEPS = """\
orders:
  push:
    on: [order.placed]
    first:
      - call:
          method: PUT
          path: "='/customers/' ~ ref"
          headers: {X-Key: =secret.key}
          json: {email: =order.customer_email}
        answer:
          accepted: =response.status == 200
          rejected: =response.status == 422
          message: =response.body.error
    call:
      method: POST
      path: /sales-orders
      headers: {X-Once: =nonce, X-At: "=now | date('%Y-%m-%d')"}
      json: {number: =ref, total: =order.grand_total}
    answer:
      accepted: =response.status == 201
      rejected: =response.status == 422
      reference: =response.body.number
      total: =response.body.total
"""


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "mapping_tests", refunds=True) as installed:
        yield installed


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with neither configuration nor database: files alone."""
    code = "from sidecar.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "adapter", "test", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "ERP_SIDECAR_CONFIG": "/nowhere.yaml"},
    )


def played(folder: Path, *arguments: str) -> Any:
    done = alone(folder, "--calls", "calls.yaml", "--json", *arguments)
    assert done.returncode in (0, 2), done.stderr
    return json.loads(done.stdout, parse_float=Decimal)["cases"]


def cases(folder: Path) -> Any:
    return read_document(folder / "calls.tests.yaml").data["cases"]


def edit(folder: Path, name: str, *changes: tuple[str, str]) -> None:
    text = (folder / name).read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mapping and a case of it, as `--record` writes it."""
    calls = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
    return written(tmp_path, calls)


def written(folder: Path, calls: str) -> Path:
    path = folder / "calls.yaml"
    path.write_text(calls, encoding="utf-8")
    head = Head("rest.generic", ShopContext("main", ZoneInfo("Europe/Berlin")), secrets=("key",))
    adapter, rehearsing = adapter_for(head, path)
    delivery = placed(simple_order())
    tree = tree_of_case(delivery, send(rehearsing, delivery, ()))
    adapter.close()
    text = with_case(head_of(head, path), None, NAME, tree)
    (folder / "calls.tests.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_case_that_ends_before_the_orders_own_call_is_not_ok(tmp_path: Path) -> None:
    [case] = played(written(tmp_path, STEPS))

    assert not case["ok"]
    assert [(one["call"], one["place"]) for one in case["differences"]] == [(1, "answer")]
    assert alone(tmp_path, "--calls", "calls.yaml").returncode == 2


def recorded(rig: Rig) -> str:
    """The number of an order whose case is written down."""
    with Shop(rig.magento) as shop:
        number = shop.place().increment_id
    rig.sidecar("adapter", "test", "--record", number)
    return number


def test_a_recorded_order_plays_with_files_alone(rig: Rig) -> None:
    number = recorded(rig)

    [one] = played(rig.folder)

    assert (one["name"], one["ok"], one["differences"]) == (f"order {number}", True, [])
    assert one["requests"] == ["POST /sales-orders"]
    [call] = cases(rig.folder)[f"order {number}"]["calls"]
    assert call["body"]["externalNumber"] == number
    assert set(call["headers"]) == {"Idempotency-Key", "Content-Type"}
    assert rig.erp.requests() == []


def test_a_person_is_recorded_as_a_stand_in_that_is_the_same_everywhere(rig: Rig) -> None:
    number = recorded(rig)
    text = (rig.folder / "calls.tests.yaml").read_text("utf-8")
    [[(email, first, last)]] = rig.look(
        "SELECT customer_email, customer_firstname, customer_lastname FROM sales_order"
    )
    [streets, phones] = rig.look(
        "SELECT street FROM sales_order_address", "SELECT telephone FROM sales_order_address"
    )

    people = {email, first, last, *(one for (one,) in [*streets, *phones])} - {None}
    assert len(people) > 2
    assert [one for one in people if one.lower() in text.lower()] == []
    [case] = cases(rig.folder).values()
    payload, [call] = case["event"]["payload"], case["calls"]
    assert len(payload["customer_email"]) == len(email)
    assert payload["customer_email"] == payload["billing_address"]["email"]
    assert payload["customer_email"] == call["body"]["customer"]["email"]
    assert payload["billing_address"]["country_id"] in ("DE", "US", "GB", "FR")
    assert payload["increment_id"] == number


def test_a_change_of_the_mapping_shows_as_a_difference(folder: Path) -> None:
    edit(
        folder,
        "calls.yaml",
        ("path: /sales-orders\n", "path: /orders\n"),
        ("Idempotency-Key", "X-Key"),
        ("currency: =order.order_currency_code", "currency: =order.order_currency_code | lower"),
        ("unitPrice: =item.unit_price", "unit: =item.unit_price"),
    )

    done = alone(folder, "--calls", "calls.yaml")

    assert done.returncode == 2, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    for line in (
        '- request: "POST /sales-orders"',
        '+ request: "POST /orders"',
        '- body.currency: "EUR"',
        '+ body.currency: "eur"',
    ):
        assert line in lines, done.stdout
    assert any(line.startswith("- body.lines[0].unitPrice: ") for line in lines)
    assert any(line.startswith("+ body.lines[0].unit: ") for line in lines)
    assert any(line.startswith("+ headers.x-key: ") for line in lines)
    assert lines[-1] == "1 case(s), 1 differ(s)"


def test_what_is_meant_is_written_down_and_comments_stay(folder: Path) -> None:
    edit(folder, "calls.tests.yaml", ("cases:\n", "# Ours.\ncases:\n"))
    edit(folder, "calls.yaml", ("path: /sales-orders\n", "path: /orders\n"))

    updated = alone(folder, "--calls", "calls.yaml", "--update")

    assert updated.stdout == f"1 case(s) changed, {NAME}\n", updated.stderr
    assert [one["ok"] for one in played(folder)] == [True]
    assert "# Ours.\n" in (folder / "calls.tests.yaml").read_text("utf-8")
    assert cases(folder)[NAME]["calls"][0]["request"] == "POST /orders"


def test_answers_lead_to_the_next_call_and_to_an_outcome(folder: Path) -> None:
    written(folder, STEPS)
    edit(
        folder,
        "calls.tests.yaml",
        ("        body:", "        answer: {status: 200}\n        body:"),
    )

    alone(folder, "--calls", "calls.yaml", "--update")
    case = cases(folder)[NAME]
    assert [call["request"] for call in case["calls"]] == [
        "PUT /customers/000000042",
        "POST /sales-orders",
    ]
    # No secret, and nothing that is new each time.
    assert case["calls"][0]["headers"]["X-Key"] == "***"
    assert case["calls"][1]["headers"]["X-Once"] == "0" * 32
    assert [one["ok"] for one in played(folder)] == [True]

    edit(
        folder,
        "calls.tests.yaml",
        (
            "    event:\n",
            "        answer: {status: 201, body: {number: SO-7, total: 1.50}}\n"
            "    comes_to: {outcome: accepted, reference: SO-8, total: 1.5}\n    event:\n",
        ),
    )
    [one] = played(folder)
    assert [(each["place"], each["expected"], each["found"]) for each in one["differences"]] == [
        ("comes_to.reference", "SO-8", "SO-7")
    ]
    assert one["comes_to"] == "accepted as SO-7"


def test_a_refusal_of_what_comes_first_is_an_outcome_too(folder: Path) -> None:
    written(folder, STEPS)
    edit(
        folder,
        "calls.tests.yaml",
        (
            "    event:\n",
            "        answer: {status: 422, body: {error: no such country}}\n"
            "    comes_to: {outcome: rejected, message: 'first, PUT'}\n    event:\n",
        ),
    )

    [one] = played(folder)

    [difference] = one["differences"]
    assert difference["place"] == "comes_to.message"
    assert difference["found"].endswith("no such country")


def test_a_refund_is_recorded_with_the_order_that_it_belongs_to(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
        shop.invoice(placed.entity_id)
        rig.sidecar("run", "--once")
        memo = shop.refund(placed.entity_id)
        rig.sidecar("run", "--once")

    rig.sidecar("adapter", "test", "--record", memo.increment_id, "--kind", "refund")

    [one] = played(rig.folder)
    assert (one["name"], one["ok"]) == (f"refund {memo.increment_id}", True)
    event = cases(rig.folder)[one["name"]]["event"]
    assert event["parent"]["increment_id"] == placed.increment_id
    assert event["parent_link"]["reference"].startswith("SO-")
    assert "link" not in event


def test_an_order_is_recorded_as_it_was_sent(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once")
        number = placed.increment_id
        rig.look(f"UPDATE sales_order SET store_name = 'Later' WHERE increment_id = '{number}'")

        rig.sidecar("adapter", "test", "--record", number)

    event = cases(rig.folder)[f"order {number}"]["event"]
    assert event["payload"]["store_name"] != "Later"
    # What was placed had no document yet.
    assert "link" not in event


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("order.placed", "order.plased"), "there is no event 'order.plased'"),
        (("customer_email:", "customer_mail:"), "Order has no field 'customer_mail'"),
        (("request:", "reqest:"), "there is no key 'reqest' here"),
        (("timezone: ", "timezone: X"), "there is no such time zone"),
        (("adapter: rest.generic", "adapter: rest.gneric"), 'did you mean "rest.generic"'),
        (("subtotal: ", "subtotal: x"), "this is no order.placed: "),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    folder: Path, change: tuple[str, str], message: str
) -> None:
    edit(folder, "calls.tests.yaml", change)

    done = alone(folder, "--calls", "calls.yaml")

    assert done.returncode == 78, done.stdout
    assert message in done.stderr


def test_what_makes_no_sense_is_refused(folder: Path) -> None:
    for arguments, message in (
        (("--record", "1", "--update"), "--record writes new cases"),
        (("--kind", "order"), "--kind and --event say what is recorded"),
        (("--calls", "calls.yaml", "order 9"), "has no case 'order 9'"),
    ):
        done = alone(
            folder, *arguments, *(() if "--calls" in arguments else ("--calls", "calls.yaml"))
        )
        assert done.returncode == 64, done.stdout
        assert message in done.stderr
