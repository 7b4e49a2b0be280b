"""A SOAP adapter and a server that answers it, for tests that say what is on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.soap import generic
from sidecar.domains import SPECS
from sidecar.model.outcome import Outcome
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server

WSDLS = Path(__file__).parent / "wsdl"
LEGACY = WSDLS / "legacy.wsdl"
SOAP = {"s": "http://schemas.xmlsoap.org/soap/envelope/", "t": "urn:legacy"}

CALLS = """
orders:
  push:
    on: [order.placed]
    call:
      operation: CreateOrder
      header: {ClientId: magento}
      body:
        request:
          ExternalId: =ref
          Currency: =order.order_currency_code
          Lines:
            Line:
              $each: item in order.items if item.is_sellable
              $do: {Sku: =item.sku, Qty: =item.qty_ordered, Price: =item.price}
          Total: =order.grand_total
    answer:
      accepted: =not response.fault and response.body.ResultCode == 'OK'
      duplicate: =response.body.ResultCode == 'DUPLICATE'
      rejected: =response.fault.code in ['Client', 'Sender'] or response.body.ResultCode == 'CREDIT'
      retry: =response.fault.code in ['Server', 'Receiver']
      reference: =response.body.OrderNo
      total: =response.body.Total
      message: =response.body.Message | default(response.fault.message)
  probe:
    call: {operation: FindOrder, body: {ExternalId: =ref}}
    answer: {ok: =not response.fault, found: =response.body.Order}
    each: {reference: =item.OrderNo, status: =item.Status, total: =item.Total}
"""

ACCEPTED = (
    '<t:CreateOrderResponse xmlns:t="urn:legacy"><t:CreateOrderResult>'
    "<t:ResultCode>OK</t:ResultCode><t:OrderNo>SO-1</t:OrderNo><t:Total>70.78</t:Total>"
    "</t:CreateOrderResult></t:CreateOrderResponse>"
)


@dataclass
class Peer:
    """The adapter, the server it talks to, and what that server received."""

    adapter: ErpAdapter
    server: ScriptedServer

    def push(self) -> Outcome:
        """Send one order."""
        [result] = push_all(self.adapter, [placed(simple_order())])
        return result.outcome

    @property
    def received(self) -> Received:
        """The last call."""
        return self.server.requests[-1]

    @property
    def envelope(self) -> Any:
        """The last call's envelope."""
        return etree.fromstring(self.received.body)


def envelope(body: str, namespace: str = SOAP["s"]) -> str:
    """What surrounds a body on the wire."""
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body>{body}</s:Body></s:Envelope>'


def fault(code: str, message: str = "it is so") -> str:
    """A fault of SOAP 1.1."""
    return envelope(
        f"<s:Fault><faultcode>{code}</faultcode><faultstring>{message}</faultstring></s:Fault>"
    )


def answering(status: int, content: str | bytes, **headers: str) -> Callable[[Received], Any]:
    """A script that gives every call the same answer."""
    return lambda _: answer(status, content, **{"Content-Type": "text/xml", **headers})


def accepting(_: Received) -> Any:
    """A script that books everything."""
    return answer(200, envelope(ACCEPTED), Content_Type="text/xml")


def adapter_settings(calls: Path, url: str, **further: Any) -> AdapterSettings:
    """What `app` would hand to the factory; `further` are fields of AdapterSettings."""
    given: dict[str, Any] = {"wsdl": str(LEGACY), **further}
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return AdapterSettings(
        url=url,
        connect_timeout=5,
        read_timeout=20,
        shop=shop,
        calls=calls,
        **given,
        domains=SPECS,
    )


@contextmanager
def peer(
    folder: Path, script: Callable[[Received], Any], calls: str = CALLS, **further: Any
) -> Iterator[Peer]:
    """An adapter of the file's text before a server that follows the script."""
    path = folder / "calls.yaml"
    path.write_text(calls)
    with (
        scripted_server(script) as server,
        closing(generic.create(adapter_settings(path, server.url, **further))) as adapter,
    ):
        yield Peer(adapter, server)
