"""Quantities by Magento's own API, which writes each level by itself and feeds its indexes.

It takes whatever it is told and compares nothing (a sale since the plan was made would be undone),
so what stands there is read once more right before each call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.database.connection import Database
from sidecar.domains.stock.change import OUT_OF_STOCK, Change
from sidecar.domains.stock.planning import number_of
from sidecar.magento.applier import Refusal, Written
from sidecar.magento.level_rows import plain
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.stock import SourceItem, write_source_items

#: Few, so that little time passes between reading and writing; the API may cut it further.
_TOGETHER = 100


class ApiWriter:
    """Writes by `POST inventory/source-items`."""

    def __init__(self, database: Database, schema: MagentoSchema, api: MagentoRest) -> None:
        self._database = database
        self._item = schema.table("inventory_source_item")
        self._api = api

    def write(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> Written:
        """Write what still stands as it was planned."""
        written = 0
        refused: list[Refusal] = []
        for at in range(0, len(changes), _TOGETHER):
            if stopping():
                break
            rows = self._unchanged(changes[at : at + _TOGETHER])
            written += self._send(rows, refused)
        left = len(changes) - written - len(refused)
        return Written(written, tuple(refused), left)

    def _unchanged(self, part: Sequence[Change]) -> list[tuple[Change, int]]:
        """Those of which nobody has changed the quantity, with their present status."""
        with self._database.transaction("reading stock levels again") as connection:
            rows = connection.exec_driver_sql(
                f"SELECT source_item_id, quantity, status FROM {self._item} "
                "WHERE source_item_id IN %s",
                ([one.item_id for one in part],),
            )
            present = {row[0]: (row[1], int(row[2])) for row in rows}
        return [
            (one, present[one.item_id][1] if one.item_id else OUT_OF_STOCK)
            for one in part
            if not one.item_id or present.get(one.item_id, (None, 0))[0] == one.old
        ]

    def _send(self, rows: Sequence[tuple[Change, int]], refused: list[Refusal]) -> int:
        """Rows written; what Magento refuses is added to `refused`."""
        changes = {(change.sku, change.source_code): change for change, _ in rows}
        answers = write_source_items(self._api, [_row(change, status) for change, status in rows])
        for answer in answers:
            change = changes[answer.row.sku, answer.row.source_code]
            number = number_of(change.sku, change.source_code)
            reason = "; ".join(answer.reasons)
            refused.append(Refusal(number, reason, plain(change.old), plain(change.new)))
        return len(rows) - len(answers)


def _row(change: Change, status: int) -> SourceItem:
    return SourceItem(
        sku=change.sku,
        source_code=change.source_code,
        quantity=change.new,
        status=change.status(status),
    )
