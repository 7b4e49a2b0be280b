"""What a test holds of a running simulator: its address, its books and its rules."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from sidecar.model.errors import Unavailable, UsageError
from sidecar.testing.erpsim import control
from sidecar.testing.erpsim.books import Document
from sidecar.testing.erpsim.control import State, Telling
from sidecar.testing.erpsim.news_books import (
    DeliveryNote,
    Entry,
    GoodsReturn,
    ItemPrice,
    OfLine,
    OwnInvoice,
    Parcel,
    StockLevel,
)
from sidecar.testing.erpsim.sessions import SessionLimits
from sidecar.testing.erpsim.side_books import AnyRecord, Customer
from sidecar.testing.erpsim.steps_control import Renumbering, SearchLag
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import HOST

#: The simulator's own WSDL, and the ports of its one service.
WSDL = Path(__file__).with_name("orders.wsdl")
SOAP_PORTS = ("Document11", "Document12", "Rpc11", "Rpc12")
#: Those of the interface that takes orders in steps.
STEPS_WSDL = Path(__file__).with_name("steps.wsdl")
STEPS_PORTS = ("Steps11",)

_SECONDS = 10


class ErpSimClient:
    """Talks to the control face; every call is a connection of its own, so threads may share it.

    Raises UsageError when the simulator refuses a call and Unavailable when it does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = urlsplit(url).port or 80

    @property
    def soap_url(self) -> str:
        """The SOAP face; its ports are below it."""
        return f"{self.url}/soap"

    @property
    def wsdl_url(self) -> str:
        return f"{self.soap_url}?wsdl"

    def endpoint(self, port: str = "Document11") -> str:
        """The address of a port of the WSDL: Document11, Document12, Rpc11 or Rpc12;
        Steps11 of the interface in steps."""
        return f"{self.soap_url}/{port}"

    def state(self) -> State:
        return control.read_state(self._call("GET", "state"))

    def documents(self) -> list[Document]:
        """Every document of whichever kind in its newest version, by number."""
        return self.state().documents

    def count(self) -> int:
        """How many documents there are: cheap, for whoever waits for the next one."""
        return int(json.loads(self._call("GET", "count"))["documents"])

    def bookings(self, external: str) -> list[Document]:
        """The documents booked for an external number; more than one is a double booking."""
        answer = self._call("GET", f"state?externalNumber={quote(external, safe='')}")
        return control.read_state(answer).documents

    def history(self, external: str) -> list[Document]:
        """Every version of what was booked for an external number, oldest first."""
        answer = self._call("GET", f"history?externalNumber={quote(external, safe='')}")
        return control.read_history(answer)

    def requests(self) -> list[Exchange]:
        """The last 10,000 requests that the ERP got, oldest first."""
        return control.read_requests(self._call("GET", "requests"))

    def rule(self, name: str, **settings: Any) -> None:
        """Let the ERP misbehave: parameters of the misbehaviour and match fields together, as in
        `rule("answer_late", seconds=2, external="000000042", times=1)`."""
        self._call("POST", "rules", {"name": name, **settings})

    def clear_rules(self) -> None:
        self._call("DELETE", "rules")

    def set_state(
        self,
        number: str,
        state: str,
        note: str | None = None,
        changed: datetime | None = None,
    ) -> Document:
        """Change a document's state inside the ERP, as a clerk does: any word, backwards too.

        `changed`: when, by the ERP's own word; else now.
        """
        change = {"number": number, "state": state, "note": note, "changed": changed}
        return control.read_document(self._call("POST", "documents", change))

    def tell(self, entry: Entry, changed: datetime | None = None) -> None:
        """Let the ERP tell of it from now on, in the place of what it told of the same number.

        `changed`: the moment that the ERP gives for it, else now.
        """
        self._call("POST", "news", Telling(entry=entry, changed=changed))

    def tell_delivery(
        self,
        number: str,
        external_order: str,
        lines: Sequence[tuple[str, int | str]],
        *,
        warehouse: str = "MAIN",
        parcels: Sequence[str] = (),
        changed: datetime | None = None,
    ) -> None:
        """A delivery of so many of each SKU, with the numbers of its parcels."""
        note = DeliveryNote(
            number=number,
            external_order=external_order,
            warehouse=warehouse,
            lines=_lines(lines),
            parcels=tuple(Parcel(carrier="DHL", number=parcel) for parcel in parcels),
        )
        self.tell(note, changed)

    def stock(self) -> list[StockLevel]:
        """What lies in the warehouses."""
        told = (one.entry for one in self.state().news)
        return [entry for entry in told if isinstance(entry, StockLevel)]

    def set_price(self, sku: str, price: int | str, **further: Any) -> None:
        """Let an item cost so much; `further` are fields of ItemPrice."""
        self.tell(ItemPrice(sku=sku, price=Decimal(price), **further))

    def tell_invoice(
        self, number: str, external_order: str, lines: Sequence[tuple[str, int | str]]
    ) -> None:
        """An invoice that the ERP made of so many of each SKU."""
        self.tell(OwnInvoice(number=number, external_order=external_order, lines=_lines(lines)))

    def tell_return(
        self, number: str, external_order: str, lines: Sequence[tuple[str, int | str]]
    ) -> None:
        """Goods that came back, with the credit note that the ERP made."""
        self.tell(GoodsReturn(number=number, external_order=external_order, lines=_lines(lines)))

    def records(self, kind: type[AnyRecord]) -> list[AnyRecord]:
        """What the shop told of a kind: Customer, ShopProduct, ShopPrice, ShopLevel or Demand."""
        return [one for one in self.state().records if isinstance(one, kind)]

    def customers(self) -> list[Customer]:
        return self.records(Customer)

    def set_stock(self, sku: str, quantity: int | str, warehouse: str = "MAIN") -> None:
        """Let so much of an item lie in a warehouse."""
        self.tell(StockLevel(sku=sku, warehouse=warehouse, quantity=Decimal(quantity)))

    def limit_sessions(self, *, requests: int = 0, seconds: float = 0) -> None:
        """How long a session lives from now on; 0: without an end."""
        self._call("POST", "sessions", SessionLimits(requests=requests, seconds=seconds))

    def expire_sessions(self) -> None:
        """End every session now."""
        self._call("DELETE", "sessions")

    def set_search_lag(self, seconds: float) -> None:
        """How long a new customer is not found."""
        self._call("POST", "search", SearchLag(seconds=seconds))

    def renumber(self, sku: str) -> int:
        """Keep an item under another id from now on, which is given back."""
        return int(json.loads(self._call("POST", "products", Renumbering(sku=sku)))["id"])

    def reset(self) -> None:
        """Empty books, no rules, empty log."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, payload: Any = None) -> bytes:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_SECONDS)
        body = None if payload is None else msgspec.json.encode(payload)
        try:
            connection.request(method, control.PREFIX + path, body)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as gone:
            raise Unavailable(
                f"the ERP simulator at {self.url} does not answer: {gone!r}",
                "it was stopped or killed; restart() brings it back with its books",
            ) from gone
        finally:
            connection.close()
        if answer.status >= 400:
            raise UsageError(json.loads(content)["error"])
        return content


def _lines(lines: Sequence[tuple[str, int | str]]) -> tuple[OfLine, ...]:
    return tuple(OfLine(sku=sku, quantity=Decimal(quantity)) for sku, quantity in lines)
