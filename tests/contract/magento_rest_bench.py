"""Plain requests to the stand-in of Magento's REST API, and a look at the tables behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from sidecar.testing.magento_db import Line, Shop
from sidecar.testing.magento_db.session import Row
from sidecar.testing.magento_rest import MagentoRest

PATIENCE = 20.0
Body = Mapping[str, Any] | list[Any] | None


@dataclass(frozen=True)
class Answer:
    """A status with what came: decoded JSON, or the text where it is none."""

    status: int
    body: Any
    text: str
    content_type: str

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def parameters(self) -> Any:
        return self.body.get("parameters")


def answer_of(response: requests.Response) -> Answer:
    kind = response.headers["Content-Type"]
    body = response.json() if kind.startswith("application/json") else None
    return Answer(response.status_code, body, response.text, kind)


class RestBench:
    """The shop, its API and what tests ask of both."""

    def __init__(self, shop: Shop, served: MagentoRest) -> None:
        self.shop = shop
        self.served = served
        self.token = served.token()

    def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        base: str = "/rest/V1/",
        authorization: str | None = None,
        patience: float = PATIENCE,
        **headers: str,
    ) -> Answer:
        """One request; `authorization` None is the admin's token, empty none at all."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        given = f"Bearer {self.token}" if authorization is None else authorization
        if given:
            sent["Authorization"] = given
        return answer_of(
            requests.request(
                method,
                f"{self.served.url}{base}{path}",
                json=body,
                headers=sent,
                timeout=patience,
            )
        )

    def get(self, path: str, **kw: Any) -> Answer:
        return self.call("GET", path, **kw)

    def post(self, path: str, body: Body = None, **kw: Any) -> Answer:
        return self.call("POST", path, body, **kw)

    def put(self, path: str, body: Body = None, **kw: Any) -> Answer:
        return self.call("PUT", path, body, **kw)

    def order(self, *lines: Line, **options: Any) -> int:
        """A fresh order (two mugs and a teapot unless told otherwise)."""
        return self.shop.place(list(lines) or [Line("MUG", 2), Line("TEAPOT")], **options).entity_id

    def lines(self, order_id: int) -> list[Row]:
        return self.rows(
            "SELECT * FROM sales_order_item WHERE order_id = %s ORDER BY item_id", order_id
        )

    def state(self, order_id: int) -> tuple[str, str]:
        (row,) = self.rows("SELECT state, status FROM sales_order WHERE entity_id = %s", order_id)
        return row["state"], row["status"]

    def shipped(self, order_id: int) -> list[Decimal]:
        return [line["qty_shipped"] for line in self.lines(order_id)]

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        return self.shop.session.select(sql, parameters)

    def count(self, table: str, order_id: int) -> int:
        """How many rows of an order there are."""
        (row,) = self.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE order_id = %s", order_id)
        return int(row["n"])

    def until_shipped(self, order_id: int) -> None:
        """Wait for the shipment of a call whose answer nobody waited for."""
        end = time.monotonic() + PATIENCE
        while not self.count("sales_shipment", order_id):
            assert time.monotonic() < end, "no shipment was made"
            time.sleep(0.02)

    @contextmanager
    def configured(self, **settings: object) -> Iterator[None]:
        """Settings of the shop for a while; `__` in a name stands for the slash."""
        paths = {name.replace("__", "/"): value for name, value in settings.items()}
        before = {
            row["path"]: row["value"]
            for row in self.rows("SELECT path, value FROM core_config_data WHERE scope_id = 0")
        }
        for path, value in paths.items():
            self.served.configure(path, value)
        try:
            yield
        finally:
            for path in paths:
                self.served.configure(path, before.get(path))

    def changelog(self, view: str) -> int:
        (row,) = self.rows(f"SELECT COALESCE(MAX(version_id), 0) AS v FROM {view}_cl")
        return int(row["v"])


def criteria(field: str, value: object, condition: str = "eq", **more: object) -> str:
    """`searchCriteria` with one filter."""
    start = "searchCriteria[filter_groups][0][filters][0]"
    parts = [f"{start}[field]={field}", f"{start}[value]={value}"]
    parts.append(f"{start}[condition_type]={condition}")
    parts += [f"searchCriteria[{name}]={given}" for name, given in more.items()]
    return "&".join(parts)
