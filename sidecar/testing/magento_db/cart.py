"""The arithmetic of an order: what Magento's quote totals make of a cart.

Every amount exists twice, in base currency (`base_…`) and in the order's currency; each is
computed by itself, with its own rounding, as Magento does.  Rounding is half up to cents, and the
fraction that one row's tax lost is carried to the next row of the same rate (Magento's delta
rounding in its default algorithm), so that the sum of rows is the tax of the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from sidecar.model.errors import BadData
from sidecar.testing.magento_db.catalogue import (
    CATALOGUE,
    COUPONS,
    GOODS,
    Address,
    Coupon,
    Product,
    TaxRate,
    tax_rates,
)

CENT = Decimal("0.01")
ZERO = Decimal(0)
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Line:
    """One position of a cart.

    `sku` names the product as it lies in the cart: the configurable (`option` picks its variant),
    the bundle, or for a grouped product one of its members with `group` set.  `price` replaces
    the catalogue's base price, as a special or negotiated price does.  `ship_separately` sells a
    bundle whose parts are shipped one by one (*Ship Bundle Items: Separately*).
    """

    sku: str
    qty: Decimal | int = 1
    option: str | None = None
    group: str | None = None
    price: Decimal | None = None
    ship_separately: bool = False


@dataclass
class Amounts:
    """The money of one item in one currency; all of it for the whole row but the prices."""

    original_price: Decimal = ZERO
    price: Decimal = ZERO
    row_total: Decimal = ZERO
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_compensation: Decimal = ZERO
    price_incl_tax: Decimal = ZERO
    row_total_incl_tax: Decimal = ZERO


@dataclass
class Item:
    """An order item to be.  `carries_price` tells the sellable ones from their companions: a
    configurable's child and a fixed bundle's children cost nothing, a dynamic bundle is the sum
    of its children."""

    line: Line
    product: Product
    qty: Decimal
    parent: Item | None = None
    children: list[Item] = field(default_factory=list)
    carries_price: bool = True
    rates: tuple[TaxRate, ...] = ()
    discount_percent: Decimal = ZERO
    base: Amounts = field(default_factory=Amounts)
    order: Amounts = field(default_factory=Amounts)


@dataclass(frozen=True)
class RateAmount:
    """What one rate comes to on one item, or on the shipping (`item` is None)."""

    rate: TaxRate
    item: Item | None
    base: Decimal
    order: Decimal


@dataclass(frozen=True)
class Shipping:
    """Shipping without and with tax."""

    amount: Decimal
    tax: Decimal

    @property
    def incl_tax(self) -> Decimal:
        return self.amount + self.tax


@dataclass(frozen=True)
class PricedCart:
    """A cart with its totals; `base` and `order` name the currency."""

    items: Sequence[Item]
    taxes: Sequence[RateAmount]
    coupon: Coupon | None
    base_shipping: Shipping
    order_shipping: Shipping
    base_to_order_rate: Decimal

    @property
    def sellable(self) -> list[Item]:
        return [item for item in self.items if item.carries_price]

    @property
    def is_virtual(self) -> bool:
        return all(item.product.is_virtual for item in self.items)

    def totals(self, basis: str) -> dict[str, Decimal]:
        """subtotal, discount, tax, shipping, tax_compensation, incl_tax, grand_total of `basis`
        ("base" or "order"); the discount is positive here."""
        rows: list[Amounts] = [getattr(item, basis) for item in self.sellable]
        shipping = self.base_shipping if basis == "base" else self.order_shipping
        subtotal = sum((row.row_total for row in rows), ZERO)
        discount = sum((row.discount for row in rows), ZERO)
        tax = sum((row.tax for row in rows), shipping.tax)
        compensation = sum((row.tax_compensation for row in rows), ZERO)
        return {
            "subtotal": subtotal,
            "discount": discount,
            "tax": tax,
            "shipping": shipping.amount,
            "tax_compensation": compensation,
            "incl_tax": sum((row.row_total_incl_tax for row in rows), ZERO),
            "grand_total": subtotal + shipping.amount + tax + compensation - discount,
        }


def cents(amount: Decimal) -> Decimal:
    """Magento's price rounding: half up to two places."""
    return amount.quantize(CENT, ROUND_HALF_UP)


class DeltaRounding:
    """Rounds to cents and carries what was lost to the next amount of the same key."""

    def __init__(self) -> None:
        self._lost: dict[str, Decimal] = {}

    def __call__(self, key: str, amount: Decimal) -> Decimal:
        if not amount:
            return ZERO
        # Magento starts with a millionth, so that a float's x.xx4999 still rounds up.
        exact = amount + self._lost.get(key, Decimal("0.000001"))
        rounded = cents(exact)
        self._lost[key] = exact - rounded
        return rounded


def price_cart(
    lines: Sequence[Line],
    address: Address,
    *,
    base_to_order_rate: Decimal = Decimal(1),
    coupon: str | None = None,
    shipping: Decimal | None = None,
    prices_include_tax: bool = False,
    catalogue: Mapping[str, Product] = CATALOGUE,
) -> PricedCart:
    """Price a cart.

    `shipping` is the base amount without tax (None: Magento's flat rate, 5 a piece).  With
    `prices_include_tax` the catalogue's prices are gross and the discount is taken from gross.
    Raises `BadData` for a line or coupon that does not exist.
    """
    items = [item for line in lines for item in _items(line, catalogue)]
    if not items:
        raise BadData("A cart without lines cannot become an order.")
    sellable = [item for item in items if item.carries_price]
    for item in sellable:
        item.rates = tax_rates(address, item.product.tax_class_id)
    _set_prices(sellable, base_to_order_rate)
    rule = _coupon(coupon)
    if rule:
        _discount(sellable, rule, base_to_order_rate)
    # Magento carries the lost fractions from the lines on to the shipping.
    base_rounding, order_rounding = DeltaRounding(), DeltaRounding()
    base_tax = _tax(sellable, "base", prices_include_tax, base_rounding)
    order_tax = _tax(sellable, "order", prices_include_tax, order_rounding)
    taxes = [
        RateAmount(rate, item, base_tax[index, rate.code], order_tax[index, rate.code])
        for index, item in enumerate(sellable)
        for rate in item.rates
    ]
    shipped = [item for item in items if item.parent is None and not item.product.is_virtual]
    if shipping is None:
        shipping = 5 * sum((item.qty for item in shipped), ZERO)
    base_shipping = cents(shipping) if shipped else ZERO
    order_shipping = cents(shipping * base_to_order_rate) if shipped else ZERO
    # The shipping's tax is noted per rate even when it is nothing.
    shipping_taxes = [
        RateAmount(
            rate,
            None,
            base_rounding(rate.code, base_shipping * rate.percent / HUNDRED),
            order_rounding(rate.code, order_shipping * rate.percent / HUNDRED),
        )
        for rate in tax_rates(address, GOODS)
    ]
    for item in items:
        _sum_children(item)
    return PricedCart(
        items=items,
        taxes=[*taxes, *shipping_taxes],
        coupon=rule,
        base_shipping=Shipping(base_shipping, sum((tax.base for tax in shipping_taxes), ZERO)),
        order_shipping=Shipping(order_shipping, sum((tax.order for tax in shipping_taxes), ZERO)),
        base_to_order_rate=base_to_order_rate,
    )


def _items(line: Line, catalogue: Mapping[str, Product]) -> list[Item]:
    product = _product(line.sku, catalogue)
    qty = Decimal(line.qty)
    if product.type_id == "grouped":
        raise BadData(
            f"{line.sku} is a grouped product, which is never ordered itself.",
            f"Order its members ({', '.join(product.members)}) with group={line.sku!r}.",
        )
    top = Item(line, product, qty)
    if product.type_id == "configurable":
        if line.option is None or line.option not in product.variants:
            raise BadData(
                f"{line.sku} has no variant {line.option!r}.",
                f"Choose an option: {', '.join(product.variants)}.",
            )
        child = _product(product.variants[line.option], catalogue)
        top.children = [Item(line, child, qty, top, carries_price=False)]
    if product.type_id == "bundle":
        top.carries_price = product.fixed_price
        top.children = [
            Item(
                line,
                _product(component.sku, catalogue),
                qty * component.qty,
                top,
                carries_price=not product.fixed_price,
            )
            for component in product.components
        ]
    return [top, *top.children]


def _product(sku: str, catalogue: Mapping[str, Product]) -> Product:
    if sku not in catalogue:
        raise BadData(f"The shop has no product {sku!r}.", f"It has {', '.join(catalogue)}.")
    return catalogue[sku]


def _coupon(code: str | None) -> Coupon | None:
    if code is None:
        return None
    if code not in COUPONS:
        raise BadData(f"The shop has no coupon {code!r}.", f"It has {', '.join(COUPONS)}.")
    return COUPONS[code]


def _set_prices(sellable: Sequence[Item], rate: Decimal) -> None:
    for item in sellable:
        own_line = item.parent is None and item.line.price is not None
        price = item.line.price if own_line and item.line.price is not None else item.product.price
        item.base = _row(price, item.qty)
        item.order = _row(price * rate, item.qty)


def _row(price: Decimal, qty: Decimal) -> Amounts:
    rounded = cents(price)
    row_total = cents(rounded * qty)
    return Amounts(
        original_price=price.quantize(Decimal("0.0001"), ROUND_HALF_UP),
        price=rounded,
        row_total=row_total,
        price_incl_tax=rounded,
        row_total_incl_tax=row_total,
    )


def _discount(sellable: Sequence[Item], rule: Coupon, rate: Decimal) -> None:
    for basis, factor in (("base", Decimal(1)), ("order", rate)):
        rows: list[Amounts] = [getattr(item, basis) for item in sellable]
        if rule.simple_action == "by_percent":
            shares = [row.row_total * rule.amount / HUNDRED for row in rows]
            rounding = DeltaRounding()
            discounts = [rounding("percent", share) for share in shares]
        else:
            discounts = _shares(
                min(cents(rule.amount * factor), sum((row.row_total for row in rows), ZERO)),
                [row.row_total for row in rows],
            )
        for row, discount in zip(rows, discounts, strict=True):
            row.discount = min(discount, row.row_total)
    if rule.simple_action == "by_percent":
        for item in sellable:
            item.discount_percent = rule.amount


def _shares(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Split `amount` by weight into cents; the last row takes what the others left."""
    total = sum(weights, ZERO)
    if not total:
        return [ZERO for _ in weights]
    rounding = DeltaRounding()
    shares = [rounding("share", amount * weight / total) for weight in weights[:-1]]
    return [*shares, amount - sum(shares, ZERO)]


def _tax(
    sellable: Sequence[Item], basis: str, prices_include_tax: bool, after: DeltaRounding
) -> dict[tuple[int, str], Decimal]:
    """Set the items' tax in one currency; returns the amount by (index of item, rate).

    What counts is the tax after the discount; the one before it makes the prices with tax.
    """
    before = DeltaRounding()
    amounts: dict[tuple[int, str], Decimal] = {}
    for index, item in enumerate(sellable):
        row: Amounts = getattr(item, basis)
        if prices_include_tax:
            per_rate = _tax_inside(row, item, before, after)
        else:
            per_rate = _tax_on_top(row, item, before, after)
        amounts |= {(index, code): amount for code, amount in per_rate.items()}
    return amounts


def _tax_on_top(
    row: Amounts, item: Item, before: DeltaRounding, after: DeltaRounding
) -> dict[str, Decimal]:
    undiscounted = ZERO
    per_rate: dict[str, Decimal] = {}
    for rate in item.rates:
        undiscounted += before(rate.code, row.row_total * rate.percent / HUNDRED)
        taxable = row.row_total - row.discount
        per_rate[rate.code] = after(rate.code, taxable * rate.percent / HUNDRED)
    row.tax = sum(per_rate.values(), ZERO)
    row.row_total_incl_tax = row.row_total + undiscounted
    row.price_incl_tax = cents(row.row_total_incl_tax / item.qty)
    return per_rate


def _tax_inside(
    row: Amounts, item: Item, before: DeltaRounding, after: DeltaRounding
) -> dict[str, Decimal]:
    percent = sum((rate.percent for rate in item.rates), ZERO)
    part = percent / (HUNDRED + percent)
    # Magento carries fractions of tax inside prices apart from those of tax on top.
    key = "inside " + "+".join(rate.code for rate in item.rates)
    gross = row.row_total
    undiscounted = before(key, gross * part)
    row.tax = after(key, (gross - row.discount) * part)
    # What the discount took from the tax inside the price stays in the total: it was no part of
    # the net row total, which is computed from the undiscounted gross.
    row.tax_compensation = undiscounted - row.tax
    row.row_total_incl_tax, row.price_incl_tax = gross, row.price
    row.row_total = gross - undiscounted
    row.price = cents(row.row_total / item.qty)
    shares = _shares(row.tax, [rate.percent for rate in item.rates])
    return {rate.code: share for rate, share in zip(item.rates, shares, strict=True)}


def _sum_children(item: Item) -> None:
    """A dynamic bundle shows the sum of its children; its discount stays with them."""
    if item.carries_price or not item.children:
        return
    for basis in ("base", "order"):
        rows: list[Amounts] = [getattr(child, basis) for child in item.children]
        summed = Amounts(
            row_total=sum((row.row_total for row in rows), ZERO),
            tax=sum((row.tax for row in rows), ZERO),
            row_total_incl_tax=sum((row.row_total_incl_tax for row in rows), ZERO),
            original_price=sum(
                (
                    row.original_price * child.qty / item.qty
                    for row, child in zip(rows, item.children, strict=True)
                ),
                ZERO,
            ),
        )
        summed.price = cents(summed.row_total / item.qty)
        summed.price_incl_tax = cents(summed.row_total_incl_tax / item.qty)
        setattr(item, basis, summed)
