"""The yardstick of SOAP: what a plain zeep loop books, with the orders that the sidecar sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import requests
import zeep

from adapters.calls.dialect import Dialect
from adapters.calls.mapping import read_calls
from adapters.soap.call import SoapCalls
from adapters.soap.documents import Documents
from adapters.soap.reply import RESPONSE
from adapters.soap.wsdl import Wsdl
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import decode_payload
from sidecar.ports import AdapterSettings, ShopContext
from sidecar.testing.erpsim import WSDL, ErpSim
from sidecar.testing.sample_order import placed
from tests.bench.stand import LEDGER, Stand


def arguments(stand: Stand, count: int) -> list[Mapping[str, Any]]:
    """The arguments of the calls that delivery makes of the ledger's first orders."""
    shop = ShopContext("bench", ZoneInfo("Europe/Berlin"))
    settings = AdapterSettings(
        url="", connect_timeout=1, read_timeout=1, shop=shop, wsdl=str(WSDL), domains=SPECS
    )
    wsdl = Wsdl.load(str(WSDL), Documents(settings))
    reader = SoapCalls(wsdl)
    dialect = Dialect(RESPONSE, reader.read, reader.KEYS, reader.begin)
    calls = read_calls(
        read_document(stand.folder / "calls.yaml"), "calls.yaml", dialect, domains=SPECS
    )
    push = next(one for one in calls.domains["orders"].pushes if ORDER_PLACED in one.events)
    rows = stand.sql(
        f"SELECT payload FROM {LEDGER}.event JOIN {LEDGER}.payload "
        "USING (kind, entity_id, sequence) WHERE type = 'order.placed' LIMIT %s",
        count,
    )
    orders = [decode_payload(SPEC.event(ORDER_PLACED), payload) for (payload,) in rows]
    return [
        push.call.body({"order": order, "event": placed(order).event})  # type: ignore[arg-type]
        for order in orders
    ]


def rate(sent: Sequence[Mapping[str, Any]], threads: int) -> float:
    """Calls per second: a client and a Session per thread, kept alive, every answer read."""
    with ErpSim.start() as erp:
        return _rate(erp.endpoint(), sent, threads)


def _rate(url: str, sent: Sequence[Mapping[str, Any]], threads: int) -> float:
    parts = [sent[start::threads] for start in range(threads)]
    ready = threading.Barrier(threads + 1)
    refused: list[str] = []

    def book(part: Sequence[Mapping[str, Any]]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            client = zeep.Client(str(WSDL), transport=zeep.Transport(session=session))
            service = client.create_service("{urn:erpsim:orders}Document11", url)
            ready.wait()
            for one in part:
                result = service.CreateOrder(**one)
                if result.ResultCode != "OK":
                    refused.append(result.ResultCode)

    workers = [threading.Thread(target=book, args=(part,)) for part in parts]
    for worker in workers:
        worker.start()
    ready.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - started
    if refused:
        raise RuntimeError(f"{len(refused)} calls were refused: {set(refused)}")
    return len(sent) / took
