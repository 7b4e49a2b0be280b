"""What an ERP tells by itself, over REST or SOAP: what changed since a moment, in no order."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sidecar.testing.erpsim import WSDL
from sidecar.testing.soap_server import Call, SoapServer
from tests.contract.scripted_server import Received, answer, scripted_server

_REST = """\
{domain}:
  changes:
    call:
      method: GET
      path: /{asked}
      query: {{since: "=since | date('%Y-%m-%dT%H:%M:%SZ')", page: =page}}
    answer: {{ok: =response.status == 200, found: =response.body.items, next: =response.body.next}}
    each: {each}
"""
_SOAP = """\
{domain}:
  changes:
    call: {{operation: {asked}, body: {{ChangedSince: =since, Page: =page}}}}
    answer:
      ok: =response.status == 200 and response.body.ResultCode == 'OK'
      found: =response.body.{found}
      next: =response.body.NextPage
    each: {each}
"""
#: Of each protocol: domain → what is asked for, the list in the answer, a row.
_ASKED = {
    "rest": {
        "shipments": (
            "deliveries",
            "",
            "{number: =item.number, order: =item.order, at: =item.at, "
            "items: {$each: line in item.lines, $do: {sku: =line.sku, qty: =line.qty}}}",
        ),
        "order_status": (
            "states",
            "",
            "{external: =item.order, status: =item.state, at: =item.at}",
        ),
        "stock": (
            "levels",
            "",
            "{sku: =item.sku, source_code: default, quantity: =item.quantity, at: =item.at}",
        ),
    },
    "soap": {
        "shipments": (
            "ListDeliveries",
            "Delivery",
            "{number: =item.DeliveryNo, order: =item.ExternalOrder, at: =item.ChangedAt, "
            "items: {$each: line in item.Lines.Line, $do: {sku: =line.Sku, qty: =line.Qty}}}",
        ),
        "order_status": (
            "ListOrders",
            "Order",
            "{external: =item.ExternalId, status: =item.Status, at: =item.ChangedAt}",
        ),
        "stock": (
            "ListStock",
            "Level",
            "{sku: =item.Sku, source_code: default, quantity: =item.Qty, at: =item.ChangedAt}",
        ),
    },
}
#: SOAP's operation → what it tells of.
_TOLD = {"ListDeliveries": "deliveries", "ListOrders": "states", "ListStock": "levels"}


def calls_of(protocol: str) -> str:
    """The file of calls of an account that tells."""
    form = {"rest": _REST, "soap": _SOAP}[protocol]
    return "".join(
        form.format(domain=domain, asked=asked, found=found, each=each)
        for domain, (asked, found, each) in _ASKED[protocol].items()
    )


_TO_A_PAGE = 5
#: How much older than what it told before a row may be: what its database committed late.
_LATEST = 4.0


@dataclass
class Warehouse:
    """`rows`: what it has to tell, by the last part of the path; `account`: how it is reached.

    Each question is answered with all that changed since, shuffled, five rows to a page.
    """

    rng: random.Random
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    url: str = ""
    account: str = ""
    asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, what: str, **row: object) -> None:
        """From now on it is told; its moment may be before that of others that were told."""
        at = datetime.now(UTC) - timedelta(seconds=self.rng.uniform(0, _LATEST))
        with self._lock:
            self.rows.setdefault(what, []).append({**row, "at": at.isoformat()})

    def tell_in_order(self, what: str, rows: list[dict[str, object]]) -> None:
        """The states of one thing: their moments are in their order, what comes first is not."""
        begin = datetime.now(UTC) - timedelta(seconds=_LATEST)
        stamped = [
            {**row, "at": (begin + timedelta(seconds=place)).isoformat()}
            for place, row in enumerate(rows)
        ]
        self.rng.shuffle(stamped)
        with self._lock:
            self.rows.setdefault(what, []).extend(stamped)

    def answer(self, request: Received) -> list[bytes]:
        """See `scripted_server`."""
        asked = urlsplit(request.target)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        since, begin = datetime.fromisoformat(query["since"]), int(query.get("page") or 0)
        page, following = self._page(asked.path.rpartition("/")[2], since, begin)
        return answer(200, json.dumps({"items": page, "next": following}))

    def reply(self, call: Call) -> dict[str, Any]:
        """See `soap_server.Handler`."""
        what = _TOLD[call.operation]
        page, following = self._page(what, call.body.ChangedSince, call.body.Page or 0)
        element = next(
            found for asked, found, _ in _ASKED["soap"].values() if asked == call.operation
        )
        rows = [_ELEMENTS[what](row) for row in page]
        result = {"ResultCode": "OK", element: rows, "NextPage": following}
        return {f"{call.operation}Result": result}

    def _page(
        self, what: str, since: datetime, begin: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        with self._lock:
            self.asked += 1
            rows = self.rows.get(what, [])
            found = [row for row in rows if datetime.fromisoformat(str(row["at"])) >= since]
            end = begin + _TO_A_PAGE
            page = found[begin:end]
            self.rng.shuffle(page)
        return page, end if end < len(found) else None


def _changed(row: dict[str, Any]) -> dict[str, Any]:
    return {"ChangedAt": datetime.fromisoformat(row["at"])}


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    lines = [{"Sku": line["sku"], "Qty": line["qty"]} for line in row["lines"]]
    names = {"DeliveryNo": row["number"], "ExternalOrder": row["order"]}
    return {**names, "Lines": {"Line": lines}, **_changed(row)}


def _state(row: dict[str, Any]) -> dict[str, Any]:
    """The WSDL wants figures, too."""
    figures = dict.fromkeys(("Total", "Tax", "Shipping", "Version"), 0)
    names = {"OrderNo": f"SO-{row['order']}", "ExternalId": row["order"], "Status": row["state"]}
    return {**names, **figures, "Lines": {}, **_changed(row)}


def _level(row: dict[str, Any]) -> dict[str, Any]:
    return {"Sku": row["sku"], "Warehouse": "MAIN", "Qty": row["quantity"], **_changed(row)}


_ELEMENTS = {"deliveries": _delivery, "states": _state, "levels": _level}


@contextmanager
def warehouse(seed: int, protocol: str = "rest") -> Iterator[Warehouse]:
    """One that listens."""
    made = Warehouse(random.Random(seed))
    if protocol == "rest":
        with scripted_server(made.answer) as server:
            made.url = server.url
            made.account = f"adapter: rest.generic, url: '{server.url}'"
            yield made
    else:
        with SoapServer.start(WSDL, dict.fromkeys(_TOLD, made.reply), port="Document11") as served:
            made.url = served.url
            made.account = f"adapter: soap.generic, wsdl: {WSDL}, endpoint: '{served.url}'"
            yield made
