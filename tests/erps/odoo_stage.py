"""A shop, a sidecar and a real Odoo, with a wire between them that can be cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from adapters.erps import odoo as pack
from sidecar.domains import SPECS
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.fault_proxy import FaultProxy
from sidecar.testing.magento_db import MagentoDatabase, Shop
from sidecar.testing.magento_db.shop import PlacedOrder
from tests.erps.odoo_server import OdooServer
from tests.pipeline import Pipeline

#: What the company of the tests says of itself; the rest is the pack's.
OWN = "tables: {odoo: {currency: EUR}}\n"
#: Each shop of the tests counts from 1, and all of them sell to one Odoo.
_NUMBERS = count(1)
_MORE = "    ref: {name}-{{increment_id}}\n"
_DOMAINS = "  refunds: {{ref: 'CM{name}-{{increment_id}}'}}\n"


def make_adapter(url: str, key: str, calls: Path, *, trust_absence_after: float = 0) -> ErpAdapter:
    """That of `erp: {adapter: odoo, url: …, calls: …}`."""
    return pack.PACK(
        AdapterSettings(
            url,
            connect_timeout=5,
            read_timeout=60,
            shop=ShopContext("main", UTC),
            calls=calls,
            auth={"bearer": {"token": Secret(key)}},
            domains=SPECS,
            trust_absence_after=trust_absence_after,
        )
    )


@dataclass
class Stage:
    """`wire` is what the adapter speaks to; `name` begins the shop's references."""

    pipeline: Pipeline
    shop: Shop
    odoo: OdooServer
    wire: FaultProxy
    name: str

    def order(self, placed: PlacedOrder) -> dict[str, Any]:
        """The only sale order with that number."""
        (found,) = self.odoo.orders(f"{self.name}-{placed.increment_id}")
        return found

    def credit_notes(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Those that name the sale order."""
        found: list[dict[str, Any]] = self.odoo.call(
            "account.move",
            "search_read",
            domain=[["invoice_origin", "=", order["name"]], ["move_type", "=", "out_refund"]],
            fields=["name", "ref", "state", "amount_total", "currency_id"],
        )
        return found


@contextmanager
def opened(
    odoo: OdooServer, magento: MagentoDatabase, shop: Shop, folder: Path, own: str = OWN
) -> Iterator[Stage]:
    """A sidecar that carries orders and refunds."""
    calls = folder / "own.yaml"
    calls.write_text(own, "utf-8")
    with ExitStack() as stack:
        wire = stack.enter_context(FaultProxy(odoo.url))
        adapter = make_adapter(wire.url, odoo.key, calls)
        stack.callback(adapter.close)
        name = f"S{next(_NUMBERS)}"
        more, domains = _MORE.format(name=name), _DOMAINS.format(name=name)
        pipeline = stack.enter_context(
            Pipeline(magento, folder / "sidecar", adapter=adapter, more=more, domains=domains)
        )
        yield Stage(pipeline, shop, odoo, wire, name)


def money(value: float) -> Decimal:
    """Odoo writes its amounts as floating point, rounded to the cent."""
    return Decimal(str(value)).quantize(Decimal("0.01"))
