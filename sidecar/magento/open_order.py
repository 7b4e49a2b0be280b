"""What of an order is still to be shipped, invoiced and refunded, line by line.

A document names the line without a parent (of a configurable product, of a bundle); of a bundle
that is shipped apart its children's (measured: facts, magento-rest 3).  An ERP knows lines by our
`order_item_id` or by SKU, and may name the child where Magento wants the parent.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema

_NONE = Decimal(0)
_BUNDLE = "bundle"
#: Magento's word for a bundle whose parts are shipped on their own.
_APART = "1"


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line and what became of it; `ships_apart`: a bundle whose parts go on their own."""

    item_id: int
    parent_item_id: int | None
    sku: str
    product_type: str
    is_virtual: bool
    by_fractions: bool
    ships_apart: bool
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    refunded: Decimal
    canceled: Decimal

    @property
    def to_ship(self) -> Decimal:
        """As Magento counts: what was refunded is not sent any more."""
        if self.is_virtual:
            return _NONE
        return max(_NONE, self.ordered - max(self.shipped, self.refunded) - self.canceled)

    @property
    def to_invoice(self) -> Decimal:
        """What no invoice has yet."""
        return max(_NONE, self.ordered - self.invoiced - self.canceled)

    @property
    def to_refund(self) -> Decimal:
        """What was invoiced and not given back."""
        return max(_NONE, self.invoiced - self.refunded)


Open = Callable[[OpenLine], Decimal]


class NamedLine(Protocol):
    """So much of a line, as the ERP names it."""

    @property
    def qty(self) -> Decimal: ...

    @property
    def order_item_id(self) -> int | None: ...

    @property
    def sku(self) -> str | None: ...


class Mismatch(Exception):
    """What the ERP names is not in the order, or cannot be said of it; `theirs` and `ours`."""

    def __init__(self, reason: str, theirs: str = "", ours: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.theirs = theirs
        self.ours = ours


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order of Magento as a document is to be made of it."""

    entity_id: int
    number: str
    state: str
    status: str
    currency: str
    lines: Mapping[int, OpenLine]

    def wanted(
        self, named: Iterable[NamedLine] | None, open_of: Open, *, shipping: bool
    ) -> dict[int, Decimal]:
        """Line that a document names → its quantity; `named` None: all that is open.

        Raises Mismatch for a line that is not there, for more than is open, and for a bundle of
        which only some parts are named where it goes as one.
        """
        if named is None:
            return {
                line.item_id: open_of(line)
                for line in self.lines.values()
                if self._is_named(line, shipping=shipping) and open_of(line) > 0
            }
        by_line: dict[int, Decimal] = defaultdict(Decimal)
        for one in named:
            for item_id, quantity in self._found(one, open_of, by_line, shipping=shipping):
                by_line[item_id] += quantity
        implied: dict[int, set[Decimal]] = defaultdict(set)
        for item_id, quantity in by_line.items():
            for target, of_target in self._targets(self.lines[item_id], quantity, shipping):
                implied[target].add(of_target)
        return {
            target: self._fitting(self.lines[target], quantities, open_of)
            for target, quantities in implied.items()
        }

    def is_as_wanted(
        self, stands: Mapping[int, Decimal], wanted: Mapping[int, Decimal], *, shipping: bool
    ) -> bool:
        """Whether a document has the lines that were sent; Magento adds those that hang on them."""
        named = {
            item_id: quantity
            for item_id, quantity in stands.items()
            if item_id in wanted
            or item_id not in self.lines
            or self._is_named(self.lines[item_id], shipping=shipping)
        }
        return named == dict(wanted)

    def _found(
        self,
        one: NamedLine,
        open_of: Open,
        taken: Mapping[int, Decimal],
        *,
        shipping: bool,
    ) -> list[tuple[int, Decimal]]:
        if one.qty <= 0:
            raise Mismatch(f"a line has the quantity {one.qty}", theirs=str(one.qty))
        if one.order_item_id is not None:
            if one.order_item_id not in self.lines:
                raise Mismatch(
                    f"the order has no line {one.order_item_id}", theirs=str(one.order_item_id)
                )
            return [(one.order_item_id, one.qty)]
        lines = [line for line in self.lines.values() if line.sku == one.sku]
        lines = [line for line in lines if self._is_named(line, shipping=shipping)] or lines
        if not lines:
            raise Mismatch(f"the order has no line with the SKU {one.sku}", theirs=str(one.sku))
        return _spread(one.qty, lines, open_of, taken)

    def _is_named(self, line: OpenLine, *, shipping: bool) -> bool:
        """Whether a document names this very line."""
        parent = self.lines.get(line.parent_item_id or 0)
        if shipping and line.product_type == _BUNDLE and line.ships_apart:
            return False
        return parent is None or (shipping and parent.ships_apart)

    def _targets(
        self, line: OpenLine, quantity: Decimal, shipping: bool
    ) -> list[tuple[int, Decimal]]:
        """The lines that a document names for so much of this one."""
        if self._is_named(line, shipping=shipping):
            return [(line.item_id, quantity)]
        parent = self.lines.get(line.parent_item_id or 0)
        if parent is None:
            # A bundle that is shipped apart is its parts.
            return [
                (child.item_id, quantity * child.ordered / line.ordered)
                for child in self.lines.values()
                if child.parent_item_id == line.item_id and line.ordered
            ]
        per_parent = line.ordered / parent.ordered if parent.ordered else Decimal(1)
        return [(parent.item_id, quantity / per_parent)]

    def _fitting(self, line: OpenLine, quantities: set[Decimal], open_of: Open) -> Decimal:
        if len(quantities) > 1:
            raise Mismatch(
                f"{line.sku} goes as one, and of its parts different numbers are named",
                theirs=", ".join(f"{quantity:f}" for quantity in sorted(quantities)),
            )
        (quantity,) = quantities
        if quantity > open_of(line):
            raise Mismatch(
                f"{line.sku} (line {line.item_id}): more than is open",
                theirs=f"{quantity.normalize():f}",
                ours=f"{open_of(line).normalize():f}",
            )
        if quantity % 1 and not line.by_fractions:
            raise Mismatch(
                f"{line.sku} (line {line.item_id}) is sold by the piece",
                theirs=f"{quantity.normalize():f}",
            )
        return quantity


def _spread(
    quantity: Decimal, lines: Sequence[OpenLine], open_of: Open, taken: Mapping[int, Decimal]
) -> list[tuple[int, Decimal]]:
    """A quantity over the lines of one SKU, the oldest first; the last takes what is too much."""
    spread: list[tuple[int, Decimal]] = []
    for line in lines[:-1]:
        part = min(quantity, max(_NONE, open_of(line) - taken.get(line.item_id, _NONE)))
        if part > 0:
            spread.append((line.item_id, part))
            quantity -= part
    if quantity > 0:
        spread.append((lines[-1].item_id, quantity))
    return spread


class OpenOrders:
    """Reads them; its tables and columns are those that the orders domain reads."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._order = (
            "SELECT entity_id, COALESCE(increment_id, '') AS number, COALESCE(state, '') AS state, "
            "COALESCE(status, '') AS status, COALESCE(order_currency_code, '') AS currency "
            f"FROM {schema.table('sales_order')} WHERE entity_id = %(id)s"
        )
        self._lines = (
            "SELECT item_id, parent_item_id, sku, product_type, is_virtual, is_qty_decimal, "
            "product_options, qty_ordered, qty_shipped, qty_invoiced, qty_refunded, qty_canceled "
            f"FROM {schema.table('sales_order_item')} WHERE order_id = %(id)s ORDER BY item_id"
        )

    def read(self, connection: sa.Connection, order_id: int) -> OpenOrder | None:
        """The order as it is now; None where Magento has none of this id."""
        found = connection.exec_driver_sql(self._order, {"id": order_id}).first()
        if found is None:
            return None
        rows = connection.exec_driver_sql(self._lines, {"id": order_id})
        lines = {row.item_id: _line(row) for row in rows}
        return OpenOrder(
            found.entity_id, found.number, found.state, found.status, found.currency, lines
        )


def _line(row: Any) -> OpenLine:
    return OpenLine(
        item_id=row.item_id,
        parent_item_id=row.parent_item_id,
        sku=row.sku or "",
        product_type=row.product_type or "",
        is_virtual=bool(row.is_virtual),
        by_fractions=bool(row.is_qty_decimal),
        ships_apart=row.product_type == _BUNDLE and _shipment_type(row.product_options) == _APART,
        ordered=row.qty_ordered or _NONE,
        shipped=row.qty_shipped or _NONE,
        invoiced=row.qty_invoiced or _NONE,
        refunded=row.qty_refunded or _NONE,
        canceled=row.qty_canceled or _NONE,
    )


def _shipment_type(options: str | None) -> str:
    """Magento keeps it in the line's options alone; what cannot be read says nothing of it."""
    try:
        found = json.loads(options or "{}")
    except ValueError:
        return ""
    return str(found.get("shipment_type", "")) if isinstance(found, dict) else ""
