"""What the shop sells, to whom, where and at which rate: the facts behind the reference rows.

One place, so that the tables (`reference`), the arithmetic (`cart`) and a test speak of the same
products.  Names hold quotes, umlauts and symbols on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

D = Decimal

GOODS = 2  # tax_class_id of taxable goods on a fresh install
REDUCED = 4


@dataclass(frozen=True)
class Component:
    """A simple product inside a bundle: so many pieces of it per bundle."""

    sku: str
    qty: Decimal
    option_id: int
    option_label: str
    selection_id: int


@dataclass(frozen=True)
class Product:
    """A product; `price` in base currency without tax, `weight` in kg (None: nothing to ship).

    `variants` maps the label of a configurable's option to the child's SKU; `components` make a
    bundle, whose price is its own (`fixed_price`) or the sum of theirs; `members` are the SKUs of
    a grouped product, which itself is never in an order.
    """

    entity_id: int
    sku: str
    name: str
    type_id: str
    price: Decimal
    weight: Decimal | None = None
    tax_class_id: int = GOODS
    is_qty_decimal: bool = False
    fixed_price: bool = False
    variants: Mapping[str, str] = field(default_factory=dict)
    components: tuple[Component, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def is_virtual(self) -> bool:
        return self.type_id in ("virtual", "downloadable")

    @property
    def has_stock(self) -> bool:
        return self.type_id not in ("configurable", "bundle", "grouped")


@dataclass(frozen=True)
class Store:
    """A store view, with the currency its orders are placed in and that currency's rate."""

    store_id: int
    code: str
    name: str
    website_id: int
    website_code: str
    website_name: str
    group_name: str
    order_currency: str
    base_to_order_rate: Decimal
    base_currency: str = "EUR"

    @property
    def store_name(self) -> str:
        """As `sales_order.store_name` spells it: website, store, view, one a line."""
        return f"{self.website_name}\n{self.group_name}\n{self.name}"


@dataclass(frozen=True)
class Address:
    """A postal address; `street` may have several lines."""

    firstname: str
    lastname: str
    street: str
    city: str
    postcode: str
    country_id: str
    telephone: str
    region: str | None = None
    region_id: int | None = None
    company: str | None = None
    vat_id: str | None = None


@dataclass(frozen=True)
class Customer:
    """A registered customer; `address_id` is the default address in the address book."""

    entity_id: int
    email: str
    firstname: str
    lastname: str
    group_id: int
    store_id: int
    address_id: int
    address: Address


@dataclass(frozen=True)
class Coupon:
    """A cart price rule with its code: a percentage, or an amount in base currency off the cart."""

    rule_id: int
    code: str
    name: str
    simple_action: str
    amount: Decimal


@dataclass(frozen=True)
class TaxRate:
    """One rate of the tax of a place, in percent."""

    code: str
    percent: Decimal


BOX = D("1.5")
PRODUCTS: tuple[Product, ...] = (
    Product(1, "MUG", 'Mug "Blue & White"', "simple", D("9.99"), BOX),
    Product(2, "TEAPOT", "Teekanne für Zwei ☕", "simple", D("24.50"), BOX),
    Product(3, "DESK", "Desk, oak", "simple", D("349.00"), D("32")),
    Product(4, "LAMP", "O'Hara's lamp", "simple", D("79.90"), D("2.25")),
    Product(5, "SCREW", "Screw M4 × 20 <zinc>", "simple", D("0.49"), D("0.004")),
    Product(6, "RIBBON", "Ribbon, metre", "simple", D("1.29"), D("0.02"), is_qty_decimal=True),
    Product(7, "WARRANTY", "Warranty, two years", "virtual", D("19.00")),
    Product(8, "EBOOK", "The book of tea (PDF)", "downloadable", D("12.00"), None, REDUCED),
    Product(9, "SHIRT-RED", "Shirt, red", "simple", D("29.95"), D("0.3")),
    Product(10, "SHIRT-GREEN", "Shirt, green", "simple", D("29.95"), D("0.3")),
    Product(
        11,
        "SHIRT",
        "Shirt",
        "configurable",
        D("29.95"),
        variants={"Red": "SHIRT-RED", "Green": "SHIRT-GREEN"},
    ),
    Product(
        12,
        "TEASET",
        "Tea set",
        "bundle",
        D(0),
        components=(
            Component("MUG", D(2), 1, "Mug", 1),
            Component("TEAPOT", D(1), 2, "Pot", 2),
        ),
    ),
    Product(
        13,
        "GIFTBOX",
        "Gift box",
        "bundle",
        D("59.00"),
        D("2"),
        fixed_price=True,
        components=(
            Component("LAMP", D(1), 3, "Lamp", 3),
            Component("MUG", D(2), 4, "Mug", 4),
        ),
    ),
    Product(14, "CHAIR-A", "Chair, beech", "simple", D("49.00"), D("5.5")),
    Product(15, "CHAIR-B", "Chair, walnut", "simple", D("65.00"), D("6")),
    Product(16, "CHAIRS", "Chairs", "grouped", D(0), members=("CHAIR-A", "CHAIR-B")),
)
CATALOGUE: Mapping[str, Product] = {product.sku: product for product in PRODUCTS}

STORES: Mapping[str, Store] = {
    "default": Store(
        1, "default", "Default Store View", 1, "base", "Main Website", "Main Website Store",
        "EUR", D(1),
    ),
    "us": Store(2, "us", "US Store View", 2, "us", "US Website", "US Store", "USD", D("1.1")),
}  # fmt: skip

BERLIN = Address(
    "Jana", "Dörfel", "Lindenallee 1\n2. Stock", "Berlin", "10115", "DE", "030 555 1234"
)
VIENNA = Address("Otto", "Weiß", "Ringstraße 22", "Wien", "1010", "AT", "+43 1 555 99")
NEW_YORK = Address(
    "Grace", "O'Neill", "5th Ave 350\nSuite 7", "New York", "10118", "US", "+1 212 555 0100",
    region="New York", region_id=43, company="Tea & Sons, Inc.",
)  # fmt: skip
PORTLAND = Address(
    "Max", "Müller-Lüdenscheidt", "SW Main 12", "Portland", "97204", "US", "+1 503 555 0100",
    region="Oregon", region_id=49,
)  # fmt: skip
COLOGNE = Address(
    "Günther", "d'Artois", "Domgasse 7\nHinterhaus", "Köln", "50667", "DE", "0221 55",
    company="Tee & Söhne GmbH", vat_id="DE123456789",
)  # fmt: skip
ADDRESSES: tuple[Address, ...] = (BERLIN, VIENNA, NEW_YORK, PORTLAND, COLOGNE)

CUSTOMERS: tuple[Customer, ...] = (
    Customer(1, "jana@example.com", "Jana", "Dörfel", 1, 1, 1, BERLIN),
    Customer(2, "otto@example.at", "Otto", "Weiß", 2, 1, 2, VIENNA),
    Customer(3, "grace@example.us", "Grace", "O'Neill", 1, 2, 3, NEW_YORK),
)

COUPONS: Mapping[str, Coupon] = {
    "SAVE10": Coupon(1, "SAVE10", "10% off with a coupon", "by_percent", D(10)),
    "FIVE": Coupon(2, "FIVE", "5 off the cart", "cart_fixed", D(5)),
}

# Percent by country and tax class; New York has two rates on one line, other states have none.
_VALUE_ADDED_TAX: Mapping[str, tuple[str, str]] = {
    "DE": ("19", "7"),
    "AT": ("20", "10"),
    "NL": ("21", "9"),
}
_NEW_YORK_TAX = (TaxRate("US-NY State", D("4")), TaxRate("US-NY City", D("4.875")))


def tax_rates(address: Address, tax_class_id: int) -> tuple[TaxRate, ...]:
    """The rates that apply to a tax class at an address; empty where nothing is taxed."""
    if address.country_id in _VALUE_ADDED_TAX:
        normal, reduced = _VALUE_ADDED_TAX[address.country_id]
        if tax_class_id == REDUCED:
            return (TaxRate(f"{address.country_id} VAT reduced", D(reduced)),)
        return (TaxRate(f"{address.country_id} VAT", D(normal)),)
    return _NEW_YORK_TAX if address.region == "New York" else ()
