"""Quantities by Magento's own API, which writes each level by itself and feeds its indexes.

It takes whatever it is told and compares nothing (a sale since the plan was made would be undone),
so what stands there is read once more right before each call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sidecar.database.connection import Database
from sidecar.domains.stock.change import OUT_OF_STOCK, Change
from sidecar.domains.stock.planning import number_of
from sidecar.domains.stock.rules import plain
from sidecar.magento.applier import Refusal, Written
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import BadData

#: Few, so that little time passes between reading and writing; the API may cut it further.
_TOGETHER = 100


class SourceItems(Protocol):
    """What is used of Magento's REST API."""

    def source_items(self, rows: Sequence[Mapping[str, object]]) -> object:
        """POST inventory/source-items; BadData where it refuses the rows, and wrote none."""


class ApiWriter:
    """Writes by `POST inventory/source-items`."""

    def __init__(self, database: Database, schema: MagentoSchema, api: SourceItems) -> None:
        self._database = database
        self._item = schema.table("inventory_source_item")
        self._api = api

    def write(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> Written:
        """Write what still stands as it was planned."""
        written, calls = 0, 0
        refused: list[Refusal] = []
        for at in range(0, len(changes), _TOGETHER):
            if stopping():
                break
            rows = self._unchanged(changes[at : at + _TOGETHER])
            done, asked = self._send(rows, refused)
            written, calls = written + done, calls + asked
        left = len(changes) - written - len(refused)
        return Written(written, tuple(refused), left, {"source-items": calls})

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

    def _send(self, rows: Sequence[tuple[Change, int]], refused: list[Refusal]) -> tuple[int, int]:
        """Rows written, and calls made.  What is refused is halved until it stands alone."""
        if not rows:
            return 0, 0
        try:
            self._api.source_items([_row(change, status) for change, status in rows])
        except BadData as why:
            if len(rows) == 1:
                change = rows[0][0]
                number = number_of(change.sku, change.source_code)
                refused.append(Refusal(number, why.message, plain(change.old), plain(change.new)))
                return 0, 1
            half = len(rows) // 2
            first, second = self._send(rows[:half], refused), self._send(rows[half:], refused)
            return first[0] + second[0], 1 + first[1] + second[1]
        return len(rows), 1


def _row(change: Change, status: int) -> dict[str, object]:
    return {
        "sku": change.sku,
        "source_code": change.source_code,
        "quantity": float(change.new),
        "status": change.status(status),
    }
