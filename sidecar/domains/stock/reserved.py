"""What is reserved in Magento for orders that the ERP has taken off its own quantity already.

Magento keeps what lies in the warehouse, and what may be sold of it is that quantity plus its
reservations (negative ones, until an order is shipped).  An ERP that tells what is *available* has
subtracted the orders that it knows; Magento subtracts them again.  So what is reserved for these
is added to the ERP's number, and what is reserved for orders that the ERP has not seen is not:

    quantity = available + reserved(orders that the ERP had when it was asked)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.domains.stock.levels import Source
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError


class _Metadata(msgspec.Struct):
    """Why a reservation was made; at placing an order has no id yet, only its number."""

    object_type: str = ""
    object_increment_id: str = ""


_metadata = msgspec.json.Decoder(_Metadata)


def require_attributable(sources: Iterable[Source]) -> None:
    """Raise ConfigurationError where it cannot be said what a reservation lowers.

    A reservation is of a stock, not of a source.
    """
    of_stock: dict[int, list[str]] = defaultdict(list)
    for source in sources:
        if len(source.stocks) > 1:
            raise ConfigurationError(
                f"domains.stock.basis: available: source {source.code} belongs to several stocks, "
                "and each lowers it by its own reservations only",
                "let the ERP tell what lies there (basis: on_hand)",
            )
        for stock in source.stocks:
            of_stock[stock].append(source.code)
    for stock, codes in of_stock.items():
        if len(codes) > 1:
            raise ConfigurationError(
                f"domains.stock.basis: available: stock {stock} has several sources "
                f"({', '.join(codes)}), and Magento does not say which of them a reservation "
                "lowers",
                "let the ERP tell what lies at each of them (basis: on_hand)",
            )


class Reservations:
    """Magento's reservations beside the ledger's links; `ledger`: full names of its tables."""

    def __init__(self, schema: MagentoSchema, ledger: Callable[[str], str]) -> None:
        self._reservation = schema.table("inventory_reservation")
        self._entity = ledger("entity")
        self._link = ledger("link")

    def of_orders_in_the_erp(
        self, connection: sa.Connection, source: Source, skus: Collection[str], asked: datetime
    ) -> Mapping[str, Decimal]:
        """SKU → what is reserved of it for orders that the ERP had when it was `asked`.

        Positive numbers.  To be read after the levels: a shipment in between lowers what is
        reserved, and the level, which is then no longer what was compared, and is left alone.
        """
        by_order: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for sku, quantity, metadata in self._rows(connection, source, skus):
            by_order[_order_of(metadata)][sku] -= quantity
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for number in self._in_the_erp(connection, by_order, asked):
            for sku, quantity in by_order[number].items():
                sums[sku] += quantity
        return sums

    def _rows(
        self, connection: sa.Connection, source: Source, skus: Collection[str]
    ) -> Iterable[tuple[str, Decimal, str | None]]:
        if not source.stocks:
            return ()
        rows = connection.exec_driver_sql(
            f"SELECT sku, quantity, metadata FROM {self._reservation} "
            "WHERE stock_id IN %s AND sku IN %s",
            (list(source.stocks), list(skus)),
        )
        return ((row[0], row[1], row[2]) for row in rows)

    def _in_the_erp(
        self, connection: sa.Connection, numbers: Collection[str], asked: datetime
    ) -> set[str]:
        """Which of these orders have a living document there, and had it then.

        Where stores share a number, all that carry it must: a reservation does not name the store.
        """
        if not numbers:
            return set()
        rows = connection.exec_driver_sql(
            f"SELECT e.number FROM {self._entity} AS e LEFT JOIN {self._link} AS l "
            "ON l.kind = e.kind AND l.entity_id = e.entity_id AND l.ended_at IS NULL "
            "AND l.booked_at < %s WHERE e.kind = 'order' AND e.number IN %s GROUP BY e.number "
            "HAVING COUNT(DISTINCT e.entity_id) = COUNT(DISTINCT l.entity_id)",
            (asked, list(numbers)),
        )
        return {row[0] for row in rows} & set(numbers)


def _order_of(metadata: str | None) -> str:
    """The order that a reservation was made for; empty where another module's does not say."""
    try:
        why = _metadata.decode(metadata or "{}")
    except msgspec.DecodeError:
        return ""
    return why.object_increment_id if why.object_type == "order" else ""
