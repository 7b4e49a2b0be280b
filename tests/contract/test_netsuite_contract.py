"""The conformance kit over `soap.netsuite`, with the orders of the example as they are written.

It carries no refunds: the example has none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from sidecar.model.outcome import Accepted, Misconfigured, Unknown
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import (
    Erp,
    open_sockets,
    probe,
    push_all,
    push_one,
    wait_for,
)
from sidecar.testing.contract_documents import ORDERS
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.erpsim import Line
from sidecar.testing.erpsim.books import Document
from sidecar.testing.fault_proxy import FaultProxy
from tests.contract.netsuite_bench import make_adapter, without_customers
from tests.contract.netsuite_server import NetSuiteServer


class TestNetSuite(AdapterContract):
    domains = (ORDERS,)
    told_domains = ()

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        # What is cut on the wire shall be the order's own call: of others nothing is in doubt.
        self.calls = without_customers(tmp_path)

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        return make_adapter(self.calls, url, read_timeout=read_timeout)

    def sold(self, document: Document) -> Sequence[Line]:
        """The example books shipping and charges as items of their own."""
        return [line for line in document.lines if not line.sku.startswith("MAGENTO-")]

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        return NetSuiteServer.start()

    def test_a_probe_shows_every_document_of_a_double_booking(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """There is none: the external id makes the second sending the same order."""
        first, second = (push_one(adapter, domain.opening()) for _ in range(2))

        [document] = erp.bookings(domain.ref)
        for outcome in (first, second):
            assert isinstance(outcome, Accepted)
            assert outcome.booked.reference == document.number
        assert len(probe(adapter, domain)) == 1

    def test_the_half_of_a_batch_that_was_not_answered_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """All of it is: results belong to orders by their position only."""
        erp.rule("half_batch")

        results = push_all(adapter, [domain.opening(f"{number:09}") for number in range(1, 5)])

        assert [type(result.outcome) for result in results] == [Unknown] * 4
        assert len(erp.documents()) == 2

    def test_a_request_that_the_wire_doubled_is_seen_twice_by_the_probe(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, domain: ContractDomain
    ) -> None:
        """Its twin has a passport that was used: booked once, and the answer is a failed login."""
        proxy.rule("duplicate", times=1)

        outcome = push_one(proxied, domain.opening())

        assert isinstance(outcome, Misconfigured)
        assert [each.number for each in erp.bookings(domain.ref)] == [
            each.reference for each in probe(proxied, domain)
        ]

    def test_a_closed_adapter_leaves_no_thread_and_no_socket(
        self, erp: Erp, domain: ContractDomain
    ) -> None:
        """The server's threads are in this process too, and end a moment after their clients."""
        threads, sockets = threading.active_count(), open_sockets()

        with closing(self.make_adapter(erp.url, 20)) as adapter:
            push_one(adapter, domain.opening())
            probe(adapter, domain)

        wait_for(lambda: threading.active_count() <= threads and open_sockets() <= sockets)
