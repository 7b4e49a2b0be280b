"""Each order of a batch is sent under its own reference, whatever Magento's number of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.rest import generic as rest
from adapters.soap import generic as soap
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted
from sidecar.ports import AdapterSettings, Advising, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.erpsim import WSDL, ErpSim
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.netsuite_bench import make_adapter, without_customers
from tests.contract.netsuite_server import NetSuiteServer

SHIPPED = Path(__file__).parents[2] / "config" / "mappings"
OURS = Path(__file__).parent / "mappings"
NUMBER = "000000001"
SENDS_NUMBERS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {number: =order.increment_id, was: =link.ref}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""


def adapter_settings(url: str, calls: Path, **further: object) -> AdapterSettings:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return AdapterSettings(url, 5, 20, shop, calls=calls, **further, domains=SPECS)  # type: ignore[arg-type]


@contextmanager
def rest_batch(_folder: Path) -> Iterator[ErpAdapter]:
    with (
        ErpSim.start() as erp,
        closing(
            rest.create(adapter_settings(erp.url, SHIPPED / "legacy-batch-rest.yaml"))
        ) as adapter,
    ):
        yield adapter


@contextmanager
def soap_batch(_folder: Path) -> Iterator[ErpAdapter]:
    with ErpSim.start() as erp:
        of = adapter_settings(erp.endpoint("Document11"), OURS / "soap-batch.yaml", wsdl=str(WSDL))
        with closing(soap.create(of)) as adapter:
            yield adapter


@contextmanager
def netsuite(folder: Path) -> Iterator[ErpAdapter]:
    with (
        NetSuiteServer.start() as erp,
        closing(make_adapter(without_customers(folder), erp.url)) as adapter,
    ):
        yield adapter


@pytest.mark.parametrize("erp", [rest_batch, soap_batch, netsuite])
def test_orders_of_one_number_are_two_documents_and_each_is_found_by_its_reference(
    tmp_path: Path, erp: Callable[[Path], AbstractContextManager[ErpAdapter]]
) -> None:
    refs = (f"1-{NUMBER}", f"2-{NUMBER}")
    orders = [
        replace(placed(simple_order(NUMBER, entity_id=store)), ref=ref)
        for store, ref in enumerate(refs, 1)
    ]
    with erp(tmp_path) as adapter:
        results = push_all(adapter, orders)
        found = adapter.probe("orders", refs)

    booked = [one.outcome.booked.reference for one in results if isinstance(one.outcome, Accepted)]
    assert len(set(booked)) == 2, results
    assert [[each.reference for each in found[ref]] for ref in refs] == [[one] for one in booked]


@pytest.mark.parametrize(
    ("renamed", "calls", "warned"),
    [
        ({"orders"}, SENDS_NUMBERS, True),
        (set(), SENDS_NUMBERS, False),
        ({"orders"}, SENDS_NUMBERS.replace("=order.increment_id", "=ref"), False),
        ({"orders"}, SENDS_NUMBERS.replace("=order.increment_id", "='M2-' ~ event.ref"), False),
        ({"orders"}, SENDS_NUMBERS.replace("order.placed", "order.canceled"), False),
    ],
)
def test_a_call_that_places_orders_without_their_reference_is_told(
    tmp_path: Path, renamed: set[str], calls: str, warned: bool
) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(calls, "utf-8")
    with closing(
        rest.create(adapter_settings("http://erp", path, renamed=frozenset(renamed)))
    ) as made:
        assert isinstance(made, Advising)
        told = made.warnings()

    assert ["domains.orders.ref" in one and "calls.yaml:5" in one for one in told] == [
        True
    ] * warned


@pytest.mark.parametrize("name", ["legacy-rest", "legacy-batch-rest"])
def test_no_shipped_mapping_forgets_the_reference(name: str) -> None:
    of = adapter_settings("http://erp", SHIPPED / f"{name}.yaml", renamed=frozenset({"orders"}))
    with closing(rest.create(of)) as adapter:
        assert isinstance(adapter, Advising)
        assert list(adapter.warnings()) == []


def test_a_field_of_the_event_that_does_not_exist_is_told(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(SENDS_NUMBERS.replace("=order.increment_id", "=event.reff"), "utf-8")
    with pytest.raises(ConfigurationError, match="did you mean 'ref'"):
        rest.create(adapter_settings("http://erp", path))
