"""The yardstick: what a plain `requests` loop posts, with the bodies that the sidecar sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import requests

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.http.transport import NotSent, Request
from adapters.rest.call import RESPONSE, read_http_call
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import decode_payload
from sidecar.ports import AdapterSettings, Exchange, ShopContext
from sidecar.testing.sample_order import placed
from tests.bench.stand import LEDGER, Stand


class _Collector:
    """Stands in for the transport: keeps each request and sends none."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def send(self, request: Request) -> NoReturn:
        self.requests.append(request)
        raise NotSent("only collected", Exchange(str(request), None, 0.0))

    def redact(self, text: str) -> str:
        return text

    def close(self) -> None:
        pass


def bodies(stand: Stand, count: int) -> list[Request]:
    """The first `count` requests that delivery makes of the ledger's orders, not sent."""
    document = read_document(stand.folder / "calls.yaml")
    calls: Any = read_calls(
        document, "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
    )
    collector = _Collector()
    shop = ShopContext("bench", ZoneInfo("Europe/Berlin"))
    settings = AdapterSettings(url="", connect_timeout=1, read_timeout=1, shop=shop, domains=SPECS)
    adapter = GenericAdapter(calls, collector, settings, Request("HEAD", ""))  # type: ignore[arg-type]
    rows = stand.sql(
        f"SELECT payload FROM {LEDGER}.event JOIN {LEDGER}.payload "
        "USING (kind, entity_id, sequence) WHERE type = 'order.placed' LIMIT %s",
        count,
    )
    orders = [decode_payload(SPEC.event(ORDER_PLACED), payload) for (payload,) in rows]
    adapter.push([placed(order) for order in orders if isinstance(order, Order)])
    return collector.requests


def rate(url: str, sent: Sequence[Request], threads: int) -> float:
    """Requests per second: a Session per thread, kept alive, every answer read."""
    parts = [sent[start::threads] for start in range(threads)]
    ready = threading.Barrier(threads + 1)
    refused: list[int] = []

    def post(part: Sequence[Request]) -> None:
        with requests.Session() as session:
            # As the sidecar's own: looking for proxies costs a third of a call.
            session.trust_env = False
            ready.wait()
            for one in part:
                answer = session.post(url + one.path, data=one.body, headers=dict(one.headers))
                if answer.status_code != 201:
                    refused.append(answer.status_code)

    workers = [threading.Thread(target=post, args=(part,)) for part in parts]
    for worker in workers:
        worker.start()
    ready.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    if refused:
        raise RuntimeError(f"the ERP answered the bare loop with {refused[0]}")
    return len(sent) / (time.perf_counter() - started)
