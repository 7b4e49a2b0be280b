"""Levels that Magento owns, as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.domains.stock.events import STOCK_ADJUSTED
from sidecar.domains.stock.payload import SourceLevel
from sidecar.domains.stock.source_levels import SourceLevels
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.state_examiner import StateExaminer
from sidecar.magento.totals import MESSAGES_FROM
from sidecar.model.entity import KnownEntity, Snapshot

#: Between a SKU and its source in what people call a level.
AT = "@"
_LONGEST = 64


class _Facts(msgspec.Struct, frozen=True):
    """What is kept of a level, to be told when it is gone."""

    sku: str
    source_code: str


_FACTS = msgspec.json.Decoder(_Facts)


class LevelExaminer(StateExaminer):
    """A level is called SKU@SOURCE."""

    spec = SPEC
    state = STOCK_ADJUSTED
    no_content = frozenset({"at", "stock_ids"})

    def __init__(self, levels: SourceLevels) -> None:
        self._levels = levels

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`; messages with a sum are nowhere in Magento."""
        there = self._levels.read(view, [one for one in ids if one < MESSAGES_FROM])
        return {entity_id: snapshot(level) for entity_id, level in there.items()}

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """By SKU@SOURCE, or by the SKU alone at all sources."""
        sku, at, source = number.rpartition(AT)
        found = self._levels.ids_of(connection, sku, source) if at else []
        return found or self._levels.ids_of(connection, number, None)

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """One that is gone is 0: an ERP that was told of a quantity would keep it for ever."""
        if known.entity_id >= MESSAGES_FROM or known.facts is None:
            return None
        facts = _FACTS.decode(known.facts)
        return STOCK_ADJUSTED, SourceLevel(
            entity_id=known.entity_id,
            sku=facts.sku,
            source_code=facts.source_code,
            quantity=Decimal("0.0000"),
            status=0,
        )

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        level = snapshot.payload
        if not isinstance(level, SourceLevel):
            raise TypeError(f"{snapshot.number} is no level")
        return {
            "sku": level.sku,
            "source_code": level.source_code,
            "quantity": level.quantity,
            "in_stock": bool(level.status),
            "stocks": ", ".join(map(str, level.stock_ids)) or "none",
        }


def snapshot(level: SourceLevel) -> Snapshot:
    """A level with what the ledger keeps of it: the search compares quantity and status."""
    return Snapshot(
        entity_id=level.entity_id,
        number=f"{level.sku}{AT}{level.source_code}"[:_LONGEST],
        payload=level,
        state=f"{level.quantity:f}",
        status=str(level.status),
        facts=msgspec.json.encode(_Facts(level.sku, level.source_code)).decode(),
    )
