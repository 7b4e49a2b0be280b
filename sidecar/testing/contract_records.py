"""What the conformance kit tells an ERP that is no document: customers, products, prices, stock.

Most of it are states: how something is from now on, which an ERP replaces and which the sidecar
tells again wherever it is in doubt.  Demand is a sum that must count once.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from sidecar.domains.customers.events import CUSTOMER_SAVED
from sidecar.domains.customers.payload import Customer, CustomerErased
from sidecar.domains.customers.spec import SPEC as CUSTOMERS_SPEC
from sidecar.domains.orders.payload import Order
from sidecar.domains.prices.events import PRICE_CHANGED
from sidecar.domains.prices.payload import Price
from sidecar.domains.prices.spec import SPEC as PRICES_SPEC
from sidecar.domains.products.events import PRODUCT_SAVED
from sidecar.domains.products.payload import Product, ProductRemoved
from sidecar.domains.products.spec import SPEC as PRODUCTS_SPEC
from sidecar.domains.stock.events import STOCK_ADJUSTED, STOCK_DEMAND
from sidecar.domains.stock.payload import Demand, SourceLevel
from sidecar.domains.stock.spec import SPEC as STOCK_SPEC
from sidecar.testing import full_payloads
from sidecar.testing.contract_documents import FIGURES
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.erpsim import Customer as BookedCustomer
from sidecar.testing.erpsim import Demand as BookedDemand
from sidecar.testing.erpsim import ShopLevel, ShopPrice, ShopProduct

_NO_DOCUMENT = {
    **dict.fromkeys(FIGURES, "it has no lines and no sum"),
    "lines": "it has no lines",
    "draft_on_201": "it is no document, of which there are drafts",
    "double_booking": "told twice under one reference it is there once",
}
_A_STATE = {
    **_NO_DOCUMENT,
    "duplicate_answer": "a state is told as often as it changes: none is a duplicate",
    "wrong_duplicate": "a state is told as often as it changes: none is a duplicate",
    "probe": "a state is not asked for: where it is in doubt it is told again",
    "stale_read": "a state is not asked for: where it is in doubt it is told again",
}
_UNNUMBERED = dict.fromkeys(("number_reused", "wrong_duplicate"), "the ERP gives it no number")


def _customer(order: Order) -> Customer:
    return Customer(
        entity_id=order.entity_id,
        email=f"{order.increment_id}@example.com",
        firstname="Ada",
        lastname=order.items[0].sku,
        taxvat="DE123456789",
        group_code="Wholesale",
    )


def _product(order: Order) -> Product:
    [line, *_] = order.items
    return msgspec.structs.replace(
        full_payloads.full_product(),
        entity_id=order.entity_id,
        sku=line.sku,
        name=f"Item {line.sku}",
        weight=line.qty_ordered,
    )


def _removed(product: Product) -> ProductRemoved:
    return ProductRemoved(entity_id=product.entity_id, sku=product.sku)


def _level(order: Order) -> SourceLevel:
    [line, *_] = order.items
    return SourceLevel(
        entity_id=order.entity_id,
        sku=line.sku,
        source_code="default",
        quantity=line.qty_ordered,
        status=1,
    )


def _demand(order: Order) -> Demand:
    [line, *_] = order.items
    until = order.created_at
    return Demand(
        sku=line.sku,
        stock_id=1,
        quantity=line.qty_ordered,
        since=until - timedelta(minutes=5),
        until=until,
    )


def _price(order: Order) -> Price:
    [line, *_] = order.items
    whole = full_payloads.full_price()
    tiers = tuple(
        msgspec.structs.replace(tier, price=line.price, percentage=None)
        for tier in whole.tier_prices
    )
    return msgspec.structs.replace(
        whole, entity_id=order.entity_id, sku=line.sku, price=line.price, tier_prices=tiers
    )


def _facts_of_price(price: Price) -> tuple[Any, ...]:
    tiers = [(one.customer_group, one.quantity, one.price) for one in price.tier_prices]
    days = [day and date.fromisoformat(day) for day in (price.special_from, price.special_to)]
    return (price.sku, price.website_code, price.price, price.special_price, *days, tiers)


def _noted_price(price: ShopPrice) -> tuple[Any, ...]:
    scales = [(one.group, one.quantity, one.price) for one in price.scales]
    days = (price.promo_from, price.promo_to)
    return (price.sku, price.channel, price.price, price.promo, *days, scales)


CUSTOMERS = ContractDomain(
    spec=CUSTOMERS_SPEC,
    opens=CUSTOMER_SAVED,
    kind=BookedCustomer,
    made_of=_customer,
    ref_of=lambda number: f"CU{int(number)}",
    facts=lambda one: (f"{one.firstname} {one.lastname}", one.email, one.group_code, one.taxvat),
    noted=lambda one: (one.name, one.email, one.group, one.vat_id),
    ended=lambda one: CustomerErased(entity_id=one.entity_id),
    unplayed={**_A_STATE, "unknown_item": "a customer names no item"},
)
PRODUCTS = ContractDomain(
    spec=PRODUCTS_SPEC,
    opens=PRODUCT_SAVED,
    kind=ShopProduct,
    made_of=_product,
    ref_of=lambda number: f"PR{int(number)}",
    facts=lambda one: (one.sku, one.name, one.weight, one.status == 1),
    noted=lambda one: (one.sku, one.name, one.weight, one.active),
    ended=_removed,
    unplayed=_A_STATE,
)
PRICES = ContractDomain(
    spec=PRICES_SPEC,
    opens=PRICE_CHANGED,
    kind=ShopPrice,
    made_of=_price,
    ref_of=lambda number: f"PC{int(number)}",
    facts=_facts_of_price,
    noted=_noted_price,
    unplayed=_UNNUMBERED | _A_STATE,
)
LEVELS = ContractDomain(
    spec=STOCK_SPEC,
    opens=STOCK_ADJUSTED,
    kind=ShopLevel,
    made_of=_level,
    ref_of=lambda number: f"ST{int(number)}",
    facts=lambda one: (one.sku, one.source_code, one.quantity),
    noted=lambda one: (one.sku, one.warehouse, one.quantity),
    unplayed=_UNNUMBERED | _A_STATE,
    title="stock-levels",
)
DEMAND = ContractDomain(
    spec=STOCK_SPEC,
    opens=STOCK_DEMAND,
    kind=BookedDemand,
    made_of=_demand,
    ref_of=lambda number: f"ST{int(number)}",
    facts=lambda one: (one.sku, one.stock_id, one.quantity, one.since, one.until),
    noted=lambda one: (one.sku, one.stock, one.quantity, one.since, one.until),
    unplayed={
        **_NO_DOCUMENT,
        **_UNNUMBERED,
        "stale_read": "the simulator shows what it was told of demand as it is now",
    },
    title="stock-demand",
)
RECORDS = (CUSTOMERS, PRODUCTS, PRICES, LEVELS, DEMAND)
