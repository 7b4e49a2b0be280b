"""An order that was booked in another currency is a difference, though all figures are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.rest import generic as rest
from adapters.soap import generic as soap
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.verify import differences
from sidecar.model.outcome import Accepted, Booked
from sidecar.model.settlement import Tolerances
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.erpsim import WSDL, ErpSim
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.netsuite_bench import EXAMPLE, make_adapter
from tests.contract.netsuite_server import NetSuiteServer

SHIPPED = Path(__file__).parents[2] / "config" / "mappings"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

Erp = Callable[[Path], AbstractContextManager[ErpAdapter]]


def sending_euros(folder: Path, shipped: str, field: str) -> Path:
    """The mapping with the mistake that is looked for: every order is sent as one in EUR."""
    text = (SHIPPED / shipped).read_text("utf-8")
    for carrier in ("order", "event.data"):
        text = text.replace(f"{field}: ={carrier}.order_currency_code", f"{field}: EUR")
    path = folder / shipped
    path.write_text(text, "utf-8")
    return path


@contextmanager
def rest_erp(folder: Path, shipped: str = "legacy-rest.yaml") -> Iterator[ErpAdapter]:
    calls = sending_euros(folder, shipped, "currency")
    with ErpSim.start() as erp, closing(rest.create(adapter_settings(erp.url, calls))) as adapter:
        yield adapter


@contextmanager
def batch_erp(folder: Path) -> Iterator[ErpAdapter]:
    with rest_erp(folder, "legacy-batch-rest.yaml") as adapter:
        yield adapter


@contextmanager
def soap_erp(folder: Path) -> Iterator[ErpAdapter]:
    calls = sending_euros(folder, "legacy-soap.yaml", "Currency")
    with ErpSim.start() as erp:
        of = adapter_settings(erp.endpoint("Document11"), calls, wsdl=str(WSDL))
        with closing(soap.create(of)) as adapter:
            yield adapter


def adapter_settings(url: str, calls: Path, wsdl: str | None = None) -> AdapterSettings:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return AdapterSettings(url, 5, 20, shop, calls=calls, wsdl=wsdl, domains=SPECS)


def classes(order: Order, booked: Booked) -> list[tuple[str, str, str]]:
    found = differences(order, booked, Tolerances())
    return [(one.kind, one.ours, one.theirs) for one in found]


@pytest.mark.parametrize("erp", [rest_erp, batch_erp, soap_erp])
def test_dollars_that_were_booked_as_euros_are_a_difference_wherever_the_erp_tells_it(
    tmp_path: Path, erp: Erp
) -> None:
    order = simple_order(order_currency_code="USD", base_currency_code="USD")
    with erp(tmp_path) as adapter:
        [result] = push_all(adapter, [placed(order)])
        [found] = adapter.probe("orders", [order.increment_id])[order.increment_id]
        [listed] = adapter.list("orders", LONG_AGO).rows

    assert isinstance(result.outcome, Accepted), result
    for booked in (result.outcome.booked, found, listed.booked):
        assert classes(order, booked) == [("currency", "USD", "EUR")]


def test_netsuite_tells_its_currency_by_a_number_when_it_is_asked(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").replace(
        "=event.data.order_currency_code | lookup('currency')", "4"
    )
    calls = tmp_path / "netsuite.yaml"
    calls.write_text(text, "utf-8")
    order = simple_order(order_currency_code="USD", base_currency_code="USD")
    with NetSuiteServer.start() as erp, closing(make_adapter(calls, erp.url)) as adapter:
        adapter.push([placed(order)])
        [found] = adapter.probe("orders", [order.increment_id])[order.increment_id]
        [listed] = adapter.list("orders", LONG_AGO).rows

    for booked in (found, listed.booked):
        assert ("currency", "USD", "EUR") in classes(order, booked)
        assert isinstance(booked.total, Decimal)
