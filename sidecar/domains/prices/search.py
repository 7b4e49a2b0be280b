"""The sweep's questions about prices (`sidecar.magento.examiner.Search`).

Magento's calls for prices move nothing but the values (facts: magento-flows 11), so each price is
read and compared with the ledger's memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.domains.prices.examiner import PriceExaminer, number_of
from sidecar.domains.prices.payload import Price
from sidecar.domains.prices.reader import WEBSITES, PriceReader
from sidecar.domains.prices.spec import SPEC
from sidecar.magento.state_examiner import fingerprint_of


@dataclass(frozen=True, slots=True)
class _Known:
    fingerprint: str | None
    is_gone: bool


class PriceSearch:
    """`entity_table`: the ledger's memory, its full name quoted."""

    spec = SPEC

    def __init__(self, reader: PriceReader, entity_table: str) -> None:
        self._reader = reader
        self._entity = entity_table
        self._known = (
            f"SELECT entity_id, fingerprint, vanished_at IS NOT NULL FROM {entity_table} "
            "WHERE kind = 'price' AND entity_id > %(after)s AND entity_id <= %(upto)s"
        )
        # Of products that are gone; one that has no price any more is remembered as it was.
        self._gone = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {reader.products_table} p ON p.entity_id = e.entity_id DIV {WEBSITES} "
            "WHERE e.kind = 'price' AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s "
            "AND e.vanished_at IS NULL AND p.entity_id IS NULL ORDER BY e.entity_id"
        )
        self._remembered = (
            "SELECT COALESCE(MIN(entity_id), 0), COALESCE(MAX(entity_id), 0) "
            f"FROM {entity_table} WHERE kind = 'price'"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """See `Search`."""
        first, last = self._reader.span(connection)
        lowest, highest = connection.exec_driver_sql(self._remembered).one()
        ends = [first * WEBSITES, int(lowest)]
        # The last product's in every website.
        upto = last * WEBSITES + (WEBSITES - 1) * bool(last)
        return min(filter(None, ends), default=0), max(upto, int(highest))

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        known = self._known_in(connection, after, upto)
        return sorted(
            id_
            for id_, price in self._there(connection, after, upto).items()
            if id_ not in known
            or known[id_].is_gone
            or known[id_].fingerprint != _fingerprint(price)
        )

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        rows = connection.exec_driver_sql(self._gone, {"after": after, "upto": upto})
        return [int(row[0]) for row in rows]

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """See `Search`."""
        known = self._known_in(connection, after, upto)
        there = self._there(connection, after, upto)
        rows = [
            (id_, number_of(price), _fingerprint(price), price.product_id)
            for id_, price in there.items()
            if id_ not in known
        ]
        insert_rows(
            connection,
            f"{self._entity} (kind, entity_id, number, state, status, fingerprint, looked_at, "
            "parent_kind, parent_id)",
            "('price', %s, %s, 'set', '', %s, UTC_TIMESTAMP(3), 'product', %s)",
            rows,
        )
        return len(rows)

    def _there(self, connection: sa.Connection, after: int, upto: int) -> dict[int, Price]:
        first, last = (after + 1) // WEBSITES, upto // WEBSITES
        products = self._reader.products(connection, first, last)
        prices = self._reader.read(connection, products)
        return {id_: price for id_, price in prices.items() if after < id_ <= upto}

    def _known_in(self, connection: sa.Connection, after: int, upto: int) -> dict[int, _Known]:
        rows = connection.exec_driver_sql(self._known, {"after": after, "upto": upto})
        return {int(id_): _Known(digest, bool(gone)) for id_, digest, gone in rows}


def _fingerprint(price: Price) -> str:
    return fingerprint_of(price, PriceExaminer.no_content)
