"""A person who is erased stands in no table of ours, and what was proven stays proven."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.ledger.retention import Retention
from sidecar.ledger.tables import TABLES
from sidecar.model.erasure import ERASED
from sidecar.model.errors import BadData, UsageError
from sidecar.model.guest import guest_id
from sidecar.model.outcome import Rejected
from sidecar.operate.queue import By
from sidecar.ports import Exchange
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.acceptance.test_json_schemas import read_as_the_schema_says
from tests.database.test_customers import ALL_FIELDS, CALLS, EVENTS
from tests.harness import ANSWERED, TAKES, ScriptedErp
from tests.pipeline import DEMO_CALLS, Pipeline

#: Column of a customer, an address or an order → what stands there and must not be found later.
OF_CUSTOMER = {
    "email": "kanari@canary.example", "prefix": "Kanarprefix", "firstname": "Kanarvorname",
    "middlename": "Kanarmitte", "lastname": "Kanarname", "suffix": "Kanarsuffix",
    "taxvat": "KANARTAX99", "dob": "1917-03-17",
}  # fmt: skip
OF_ADDRESS = {
    "firstname": "Kanaradresse", "lastname": "Kanarlastname", "company": "Kanar GmbH",
    "street": "Kanariengasse 99\nKanarhinterhaus", "city": "Kanarstadt", "postcode": "KAN-99",
    "region": "Kanarregion", "telephone": "0049555123456", "fax": "0049555999999",
    "vat_id": "KANARVAT99", "prefix": "Kanardr", "middlename": "Kanarzwischen",
    "suffix": "Kanarjun",
}  # fmt: skip
OF_ORDER = {
    "customer_email": "kanari@canary.example", "customer_firstname": "Kanarvorname",
    "customer_lastname": "Kanarname", "customer_taxvat": "KANARTAX99",
    "customer_prefix": "Kanarprefix", "customer_middlename": "Kanarmitte",
    "customer_suffix": "Kanarsuffix", "customer_note": "Kanarnotiz",
    "customer_dob": "1917-03-17 00:00:00", "remote_ip": "203.0.113.77",
}  # fmt: skip
CANARIES = sorted(
    {
        part
        for values in (OF_CUSTOMER, OF_ADDRESS, OF_ORDER)
        for value in values.values()
        for part in value.removesuffix(" 00:00:00").split("\n")
    }
    | {"Kanarkommentar", "Kanarmemo"}
)
WORDS = "the ERP says: " + ", ".join(CANARIES)
REASON = By("test", "request 2026-117")


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "erasing")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    refunds = frozenset({"refund.issued"})
    erp = ScriptedErp(subscriptions=TAKES | EVENTS | refunds, batch=10)
    erp.exchange = Exchange("POST /people/kanari@canary.example", 200, 0.01, WORDS)
    return erp


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    customers = f"{{fields: {ALL_FIELDS}, guests: create}}"
    domains = f"  refunds: {{}}\n  customers: {customers}\n"
    calls = DEMO_CALLS + CALLS
    with Pipeline(
        magento, tmp_path, calls=calls, adapter=erp, domains=domains, concurrency=1
    ) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def write(php: Shop, table: str, values: dict[str, str], **key: Any) -> None:
    php.session.update(table, values, **key)


def place(php: Shop, customer_id: int | None) -> int:
    """An order of the person's, as a guest or by his account."""
    order = php.place(email=OF_CUSTOMER["email"]).entity_id
    write(php, "sales_order", OF_ORDER, entity_id=order)
    write(php, "sales_order_address", OF_ADDRESS | {"email": OF_CUSTOMER["email"]}, parent_id=order)
    php.session.insert(
        "sales_order_status_history",
        {"parent_id": order, "comment": "Kanarkommentar", "status": "pending"},
    )
    if customer_id is not None:
        php.register_guest(order, customer_id)
    php.invoice(order)
    return order


def somebody(php: Shop) -> int:
    """An account with something personal in each field, and an address."""
    customer = php.create_customer(OF_CUSTOMER["email"], "Kanarvorname", "Kanarname")
    write(php, "customer_entity", OF_CUSTOMER | {"gender": "1"}, entity_id=customer)
    php.session.insert(
        "customer_address_entity",
        OF_ADDRESS | {"parent_id": str(customer), "country_id": "DE"},
    )
    return customer


def all_rows(pipeline: Pipeline) -> dict[str, list[Any]]:
    names = pipeline.sidecar.names
    return {table: pipeline.sql(f"SELECT * FROM {names(table)}") for table in TABLES}


def found_in(rows: dict[str, list[Any]]) -> set[tuple[str, str]]:
    """(table, canary) of each canary that stands somewhere."""
    return {
        (table, canary)
        for table, of_table in rows.items()
        for row in of_table
        for canary in CANARIES
        if canary.casefold() in str(tuple(row)).casefold()
    }


def proof(pipeline: Pipeline) -> tuple[list[Any], list[Any]]:
    """What was placed and what became of it, and what the ERP calls it."""
    names = pipeline.sidecar.names
    one = "SELECT event_id, type, status, amount, currency, number FROM {} WHERE kind <> 'customer'"
    events = pipeline.sql(
        f"{one.format(names('event'))} UNION ALL {one.format(names('event_archive'))} ORDER BY 1"
    )
    links = pipeline.sql(
        f"SELECT kind, entity_id, reference, total FROM {names('link')} ORDER BY 1, 2"
    )
    return [tuple(row) for row in events], [tuple(row) for row in links]


def archive(pipeline: Pipeline) -> None:
    sidecar = pipeline.sidecar
    names = sidecar.names("event")
    pipeline.sql(f"UPDATE {names} SET finished_at = finished_at - INTERVAL 2 DAY")
    while Retention(sidecar.database, sidecar.store, timedelta(days=1)).run_once():
        pass


def test_nothing_of_a_person_is_left_and_all_that_was_proven_is(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    customer = somebody(php)
    order = place(php, customer)
    pipeline.run()
    archive(pipeline)
    memo = php.refund(order)
    write(php, "sales_creditmemo", {"customer_note": "Kanarmemo"}, entity_id=memo.entity_id)
    stranger = php.place(email="somebody.else@example.com")
    pipeline.run()
    by_guest = place(php, None)
    pipeline.run()
    write(php, "sales_order", {"customer_note": "Kanarnotiz"}, entity_id=by_guest)
    refused = place(php, customer)
    number = f"{refused:09}"
    erp.answers[number] = [Rejected(message=WORDS, code=WORDS)] * 9
    pipeline.run()
    draft = pipeline.sidecar.operations.draft(number)
    text = draft.with_values(["/customer_note=Kanarnotiz, call him"])
    pipeline.sidecar.operations.edit(draft, text, By("test", "he rang"))
    pipeline.run()
    php.delete_customer(customer)
    pipeline.run()
    before = found_in(all_rows(pipeline))
    assert {table for table, _ in before} >= {"payload", "attempt", "event", "audit"}
    assert {canary for _, canary in before} >= set(CANARIES) - {"203.0.113.77"}
    proven = proof(pipeline)

    done = pipeline.sidecar.eraser("customers").erase(OF_CUSTOMER["email"], REASON)
    erp.exchange = replace(ANSWERED, answer=WORDS)
    pipeline.run(sweep=False)

    assert found_in(all_rows(pipeline)) == set()
    assert done.people == (customer, guest_id(OF_CUSTOMER["email"], "base"))
    assert done.documents["order"] == 3
    assert done.closed == (f"order/{number} order.placed",)
    events, links = proof(pipeline)
    closed = [
        (*event[:2], "superseded", *event[3:]) if event[2] == "rejected" else event
        for event in proven[0]
    ]
    assert (events, links) == (closed, proven[1])
    [[whole]] = pipeline.sql(
        f"SELECT payload FROM {pipeline.sidecar.names('payload')} "
        "WHERE kind = 'order' AND entity_id = %s",
        stranger.entity_id,
    )
    assert "somebody.else@example.com" in whole
    assert ERASED not in whole


def test_the_erp_that_holds_a_person_is_told(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    place(php, None)
    pipeline.run()
    guest = guest_id(OF_CUSTOMER["email"], "base")

    done = pipeline.sidecar.eraser("customers").erase(str(guest), REASON)
    erp.exchange = ANSWERED
    pipeline.run()

    assert done.told == (guest,)
    told = [(delivery.event.type, delivery.ref) for delivery in erp.pushed]
    assert told[-1] == ("customer.erased", f"CU{guest}")
    assert found_in(all_rows(pipeline)) == set()


def test_a_dry_run_says_what_would_be_changed_and_changes_nothing(
    pipeline: Pipeline, php: Shop
) -> None:
    place(php, None)
    pipeline.run()
    before = all_rows(pipeline)
    eraser = pipeline.sidecar.eraser("customers")

    would = eraser.erase(OF_CUSTOMER["email"], REASON, dry_run=True)

    assert all_rows(pipeline) == before
    assert eraser.erase(OF_CUSTOMER["email"], REASON) == would
    assert would.rows["payload"] == 2


def test_who_is_still_in_magento_is_not_erased_because_he_would_come_back(
    pipeline: Pipeline, php: Shop
) -> None:
    customer = somebody(php)
    pipeline.run()

    with pytest.raises(UsageError, match=f"Magento still has customer/{customer}"):
        pipeline.sidecar.eraser("customers").erase(str(customer), REASON)


def test_what_is_on_its_way_is_not_erased(pipeline: Pipeline, php: Shop) -> None:
    pipeline.pause()
    place(php, None)
    pipeline.work()

    with pytest.raises(UsageError, match="order/000000001 has not arrived in the ERP yet"):
        pipeline.sidecar.eraser("customers").erase(OF_CUSTOMER["email"], REASON)


def test_a_reason_that_names_the_person_is_refused(pipeline: Pipeline, php: Shop) -> None:
    place(php, None)
    pipeline.run()

    with pytest.raises(UsageError, match="the reason names the person"):
        pipeline.sidecar.eraser("customers").erase(
            OF_CUSTOMER["email"], By("test", f"{OF_CUSTOMER['email']} asked for it")
        )


@pytest.mark.parametrize("name", ["4711", "nobody@example.com"])
def test_of_somebody_unknown_it_says_so(pipeline: Pipeline, name: str) -> None:
    with pytest.raises(BadData, match="the ledger knows nothing of this customer"):
        pipeline.sidecar.eraser("customers").erase(name, REASON)


def test_the_amounts_of_an_erased_order_are_exact(pipeline: Pipeline, php: Shop) -> None:
    place(php, None)
    pipeline.run()
    payload = f"SELECT payload FROM {pipeline.sidecar.names('payload')} WHERE kind = 'order'"
    [[before]] = pipeline.sql(payload)
    pipeline.sidecar.eraser("customers").erase(OF_CUSTOMER["email"], REASON)

    [[after]] = pipeline.sql(payload)

    def total(text: str) -> Decimal:
        return Decimal(text.split('"grand_total":')[1].split(",")[0])

    assert str(total(after)) == str(total(before))


def test_no_log_line_names_a_person(pipeline: Pipeline, php: Shop, erp: ScriptedErp) -> None:
    erp.answers[f"CU{guest_id(OF_CUSTOMER['email'], 'base')}"] = [
        Rejected(message="this customer is blocked", code="blocked")
    ]
    place(php, None)
    php.delete_customer(somebody(php))
    pipeline.run()
    pipeline.sidecar.eraser("customers").erase(OF_CUSTOMER["email"], REASON)
    pipeline.run(sweep=False)

    said = str(pipeline.told.lines).casefold()
    assert [canary for canary in CANARIES if canary.casefold() in said] == []


def test_the_command_says_what_it_did_and_keeps_no_name_in_the_audit(
    pipeline: Pipeline, php: Shop, tmp_path: Path
) -> None:
    place(php, None)
    pipeline.run()
    guest = guest_id(OF_CUSTOMER["email"], "base")

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "from sidecar.cli import main; main()"
        config = str(tmp_path / "sidecar.yaml")
        line = [sys.executable, "-c", code, "--config", config, "customer", "erase", *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    nobody = command("nobody@example.com", "--reason", "request 2026-117")
    assert (nobody.returncode, nobody.stdout) == (65, "")
    would = command(OF_CUSTOMER["email"], "--reason", "request 2026-117", "--dry-run")
    assert "2 row(s) of payload would be changed" in would.stdout
    assert f"the ERP would be told to erase customer {guest}" in would.stdout

    done = command(OF_CUSTOMER["email"], "--reason", "request 2026-117", "--json")

    assert read_as_the_schema_says("customer-erase", done.stdout)["people"] == [guest]
    rows = pipeline.sql(
        f"SELECT subject, reason FROM {pipeline.sidecar.names('audit')} WHERE command = %s",
        "customer erase",
    )
    assert [tuple(row) for row in rows] == [(str(guest), "request 2026-117")]
    assert found_in(all_rows(pipeline)) == set()
