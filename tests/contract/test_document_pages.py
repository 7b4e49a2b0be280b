"""What the calls of docs/invoices.md and docs/shipments.md say to an ERP, request by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.rest import generic
from sidecar.model.outcome import Accepted
from sidecar.ports import ErpAdapter, Link
from sidecar.testing.sample_documents import OfOrder, delivery, invoice_of, shipment_of
from sidecar.testing.sample_order import simple_order
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server
from tests.contract.test_rest_generic_adapter import adapter_settings
from tests.document_calls import calls_of

ORDER = simple_order()
ORDER_LINK = Link("SO-100001")


def taken(received: Received) -> list[bytes]:
    """201 for what is new, 200 for what is changed."""
    is_new = received.head.startswith("POST") and not received.target.endswith("/cancel")
    return answer(201 if is_new else 200, '{"number": "D-7", "total": 75.89, "tax": 11.34}')


@contextmanager
def erp(folder: Path) -> Iterator[tuple[ScriptedServer, ErpAdapter]]:
    calls = folder / "calls.yaml"
    calls.write_text(calls_of("invoices.md", "shipments.md"), "utf-8")
    with scripted_server(taken) as server:
        adapter = generic.create(adapter_settings(calls, server.url))
        try:
            yield server, adapter
        finally:
            adapter.close()


def said(folder: Path, document: OfOrder, event: str, link: Link | None = None) -> tuple[str, Any]:
    """First line and body of the one request."""
    with erp(folder) as (server, adapter):
        [call] = adapter.push([delivery(document, event, ORDER, ORDER_LINK, link=link)])
        [result] = call.results
        assert isinstance(result.outcome, Accepted), result.outcome
        [request] = server.requests
    line = request.head.split("\r\n")[0].removesuffix(" HTTP/1.1")
    return line, json.loads(request.body) if request.body else None


def test_an_invoice_names_its_order_s_document_its_payment_and_its_lines(tmp_path: Path) -> None:
    invoice = invoice_of(ORDER, transaction_id="ch_1")

    line, body = said(tmp_path, invoice, "invoice.issued")

    assert line == "POST /api/invoices"
    assert (body["externalNumber"], body["salesOrder"]) == ("IN000000042", "SO-100001")
    assert (body["transaction"], body["paid"], body["total"]) == ("ch_1", True, 75.89)
    assert [one["sku"] for one in body["lines"]] == [item.sku for item in invoice.sellable_items]


def test_one_that_is_canceled_ends_the_erp_s_document(tmp_path: Path) -> None:
    line, _ = said(tmp_path, invoice_of(ORDER, state=3), "invoice.canceled", Link("IV-9"))

    assert line == "POST /api/invoices/IV-9/cancel"


def test_a_shipment_names_source_lines_and_parcels(tmp_path: Path) -> None:
    line, body = said(tmp_path, shipment_of(ORDER), "shipment.created")

    assert line == "POST /api/shipments"
    assert (body["externalNumber"], body["salesOrder"]) == ("SH000000042", "SO-100001")
    assert body["warehouse"] == "default"
    assert body["parcels"] == [{"carrier": "UPS", "number": "1Z000000042"}]
    assert [one["lineId"] for one in body["lines"]] == [item.item_id for item in ORDER.items]


def test_its_later_tracks_change_the_document_that_there_is(tmp_path: Path) -> None:
    line, body = said(tmp_path, shipment_of(ORDER), "shipment.tracked", Link("SH-9"))

    assert line == "PUT /api/shipments/SH-9"
    assert [one["number"] for one in body["parcels"]] == ["1Z000000042"]
