"""The customers' calls of the example work as they are written, over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.domains.customers.payload import Customer, CustomerErased
from sidecar.domains.customers.spec import SPEC
from sidecar.model.event import Event, schema_urn
from sidecar.model.outcome import Accepted, Rejected, name_of
from sidecar.ports import AdapterSettings, Delivery, ErpAdapter, Link, ShopContext
from sidecar.settings.load import load
from sidecar.testing.full_payloads import full_customer
from tests.contract.scripted_server import Received, answer, scripted_server

pytestmark = pytest.mark.shared


def adapter_of(shared: Path, folder: Path, url: str) -> ErpAdapter:
    text = (shared / "examples" / "domains-rest.yaml").read_text("utf-8")
    section = re.search(r"^customers:\n(?: .*\n)*", text, re.MULTILINE)
    assert section is not None
    calls = folder / "calls.yaml"
    calls.write_text(section[0], "utf-8")
    shop = ShopContext("main", ZoneInfo("UTC"))
    return generic.create(AdapterSettings(url, 5, 5, shop, calls=calls, domains=SPECS))


def delivery(payload: msgspec.Struct, type_: str, entity_id: int, link: Link | None) -> Delivery:
    event = Event(
        id=f"main.customer.{entity_id}.1",
        type=type_,
        source="/magento/main",
        subject=f"customer/{entity_id}",
        time=datetime(2026, 3, 28, tzinfo=UTC),
        dataschema=schema_urn(SPEC.event(type_)),
        data=payload,
        sequence=1,
    )
    return Delivery(event, f"CU{entity_id}", link)


def saved(entity_id: int, **fields: object) -> Delivery:
    customer = msgspec.structs.replace(full_customer(), entity_id=entity_id, **fields)
    assert isinstance(customer, Customer)
    return delivery(customer, "customer.saved", entity_id, None)


def test_customers_go_in_one_call_and_each_gets_its_own_answer(
    shared: Path, tmp_path: Path
) -> None:
    def script(received: Received) -> Iterable[bytes]:
        assert received.target == "/api/customers/bulk"
        return answer(
            200,
            json.dumps(
                {
                    "results": [
                        {"externalNumber": "CU8", "ok": False, "message": "no such VAT id"},
                        {"externalNumber": "CU7", "ok": True, "number": "K-7"},
                    ]
                }
            ),
        )

    with scripted_server(script) as server:
        adapter = adapter_of(shared, tmp_path, server.url)
        [call] = adapter.push([saved(7), saved(8)])
        adapter.close()

    taken, refused = (result.outcome for result in call.results)
    assert isinstance(taken, Accepted)
    assert taken.booked.reference == "K-7"
    assert isinstance(refused, Rejected)
    assert refused.message == "no such VAT id"
    [first, _] = json.loads(server.requests[0].body)["customers"]
    assert first == {
        "externalNumber": "CU7", "email": "oemer@example.com", "name": "Ömer Æther",
        "group": "Wholesale", "vatId": "DE123456789",
        "addresses": [
            {"street": "Große Ulrichstraße 1", "city": "Halle (Saale)", "zip": "06108",
             "country": "DE", "billing": True},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "outcome"), [(204, "accepted"), (404, "accepted"), (409, "rejected")]
)
def test_one_is_erased_by_what_the_erp_calls_him(
    shared: Path, tmp_path: Path, *, status: int, outcome: str
) -> None:
    with scripted_server(lambda _: answer(status, "" if status == 204 else "{}")) as server:
        adapter = adapter_of(shared, tmp_path, server.url)
        gone = delivery(CustomerErased(entity_id=7), "customer.erased", 7, Link("K-7"))
        [call] = adapter.push([gone])
        adapter.close()

    assert server.requests[0].head.startswith("DELETE /api/customers/K-7 ")
    assert [name_of(result.outcome) for result in call.results] == [outcome]


def test_the_section_of_the_example_is_taken_as_it_is(shared: Path, tmp_path: Path) -> None:
    text = (shared / "examples" / "sidecar-domains.yaml").read_text("utf-8")
    section = re.search(r"^  customers:\n(?:    .*\n)*", text, re.MULTILINE)
    assert section is not None
    file = tmp_path / "sidecar.yaml"
    file.write_text(
        "version: 1\nshop: {name: main, timezone: UTC, database: {name: m, user: u, "
        "password: {file: p}}}\nerp: {adapter: rest.generic, url: 'https://e.example.com', "
        f"calls: c.yaml}}\ndomains:\n{section[0]}",
        "utf-8",
    )

    customers = load(file).settings.domains.customers

    assert (customers.guests, customers.only.consent) == ("one_time", "privacy_accepted")
    assert customers.only.groups == ("General", "Wholesale")
