"""The further columns of an order: which are read, and how they come into its totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.orders.amounts import fill
from sidecar.domains.orders.charges import Charge, charges_of
from sidecar.domains.orders.columns import CREDIT_COLUMNS
from sidecar.domains.orders.columns import ORDER as ORDER_ROW
from sidecar.domains.orders.payload import Order, OrderItem
from sidecar.domains.orders.totals import (
    ITEMS,
    ORDER,
    Amounts,
    ExtraTotal,
    candidates,
    explanation,
    extra_totals,
)
from sidecar.magento.live_schema import MagentoSchema

_ZERO = Decimal(0)


class OrderExtra:
    """What `domains.orders.totals` names, Commerce's own, and candidates for an explanation.

    `of_order` and `of_items` are the ends of select lists; `width` is how many columns
    `of_order` adds.
    """

    def __init__(self, schema: MagentoSchema, totals: Sequence[ExtraTotal] = ()) -> None:
        totals = totals or extra_totals((), schema.columns, {})
        self._of_order = [total for total in totals if total.table == ORDER]
        self._of_items = [total for total in totals if total.table == ITEMS]
        named_columns = {
            *ORDER_ROW.columns,
            *CREDIT_COLUMNS,
            *(name for total in self._of_order for name in (total.column, total.base) if name),
        }
        self._candidates = candidates(schema.amounts.get(ORDER, ()), named_columns)
        columns = [*_columns(self._of_order), *_columns(self._candidates)]
        self._named = len(_columns(self._of_order))
        self.width = len(columns)
        self.of_order = "".join(f", {_amount(name, 'o.')}" for name in columns)
        self.of_items = "".join(f", {_amount(name)}" for name in _columns(self._of_items))

    def values_of_order(self, row: Sequence[Any]) -> dict[str, Decimal]:
        """The named columns of an order by name; `row` is what `of_order` selected."""
        return dict(zip(_columns(self._of_order), row[: self._named], strict=True))

    def values_of_item(self, row: Sequence[Any]) -> dict[str, Decimal]:
        """The named columns of a line by name; `row` is what `of_items` selected."""
        return dict(zip(_columns(self._of_items), row, strict=True))

    def surcharges(
        self, row: Sequence[Any], items: Sequence[OrderItem], rate: Decimal | None
    ) -> tuple[Charge, ...]:
        """What of the named columns counts in the grand total."""
        values = self.values_of_order(row)
        charges = [_charge(total, values, rate) for total in self._of_order if total.counts]
        charges += [
            _charge(total, item.extra, rate, item.item_id)
            for item in items
            for total in self._of_items
            if total.counts
        ]
        return tuple(charge for charge in charges if charge.amount or charge.base_amount)

    def explained(self, order: Order, row: Sequence[Any], rate: Decimal | None) -> Order:
        """The order with the unnamed columns that explain why its total is not its parts'."""
        if not self._candidates:
            return order
        missing = next(
            (charge for charge in charges_of(order) if charge.name == "difference"), None
        )
        if missing is None:
            return order
        values = dict(zip(_columns(self._candidates), row[self._named :], strict=True))
        amounts = [_amounts(total, values, rate) for total in self._candidates]
        explaining = explanation(missing.amount, missing.base_amount, amounts)
        names = {
            name for part in explaining for name in (part.total.column, part.total.base) if name
        }
        return msgspec.structs.replace(
            order,
            surcharges=(*order.surcharges, *map(_explained, explaining)),
            extra={**order.extra, **{name: values[name] for name in values if name in names}},
        )


def _columns(totals: Sequence[ExtraTotal]) -> list[str]:
    return [name for total in totals for name in (total.column, total.base) if name]


def _amount(column: str, alias: str = "") -> str:
    quoted = column.replace("`", "``").replace("%", "%%")
    return f"CAST(COALESCE({alias}`{quoted}`, 0) AS DECIMAL(20, 4))"


def _charge(
    total: ExtraTotal,
    values: Mapping[str, Decimal],
    rate: Decimal | None,
    item_id: int | None = None,
) -> Charge:
    amounts = _amounts(total, values, rate)
    return Charge(
        name=total.column,
        amount=total.counts * amounts.amount,
        base_amount=total.counts * amounts.base_amount,
        item_id=item_id,
    )


def _amounts(total: ExtraTotal, values: Mapping[str, Decimal], rate: Decimal | None) -> Amounts:
    """In both currencies, also where the module keeps one only."""
    pair: dict[str, Any] = {
        "amount": values[total.column],
        "base": values[total.base] if total.base else None,
    }
    fill(pair, (("amount", "base"),), rate)
    return Amounts(total, pair["amount"], pair["base"] or _ZERO)


def _explained(amounts: Amounts) -> Charge:
    return Charge(name=amounts.total.column, amount=amounts.amount, base_amount=amounts.base_amount)
