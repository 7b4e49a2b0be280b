"""The conformance kit over the NetSuite pack."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.erps.netsuite_rest import PACK
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC as ORDER_STATUS
from sidecar.model.outcome import Accepted, Unknown
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp, probe, push_one, wait_for
from sidecar.testing.contract_domain import NUMBER, ORDERS, ContractDomain
from sidecar.testing.contract_news import ToldDomain, at
from sidecar.testing.erpsim import ErpSim, Line
from sidecar.testing.erpsim.books import Document
from sidecar.testing.sample_order import SampleLine, sample_order
from tests.contract.netsuite_rest_bench import ONE_CUSTOMER, overlay

_WORDS = {"PENDING FULFILLMENT": "OPEN", "PENDING APPROVAL": "DRAFT"}


def _status(count: int) -> OrderStatus:
    """NetSuite tells no moment of it that could be trusted to the hour."""
    return OrderStatus(status="PENDING FULFILLMENT", external=f"{count:09}")


def _say_status(erp: Any, adapter: ErpAdapter, row: OrderStatus) -> OrderStatus:
    external = row.external or ""
    if not erp.bookings(external):
        push_one(adapter, ORDERS.opening(external))
    [document] = erp.bookings(external)
    erp.set_state(document.number, _WORDS[row.status], None, at(int(external)))
    return msgspec.structs.replace(row, reference=document.number)


TOLD = (
    ToldDomain(
        ORDER_STATUS,
        _status,
        _say_status,
        "status",
        lambda row: msgspec.structs.replace(row, status="PENDING APPROVAL"),
    ),
)


class TestNetSuiteRest(AdapterContract):
    """With one customer for all, so that what breaks is the call itself."""

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = overlay(tmp_path, ONE_CUSTOMER)

    @pytest.fixture(params=TOLD, ids=lambda domain: f"news-of-{domain.name}")
    def told(self, request: pytest.FixtureRequest, erp: Erp) -> ToldDomain:
        """What NetSuite tells of, as it tells it."""
        domain: ToldDomain = request.param
        return domain

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        return ErpSim.start(page_size=3, interface="netsuite")

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        return PACK(self.adapter_settings(url, read_timeout, calls=self.calls))

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books discounts, shipping and charges as items of their own."""
        return [line for line in document.lines if not line.sku.startswith("MAGENTO-")]
