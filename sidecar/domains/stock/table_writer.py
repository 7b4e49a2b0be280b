"""Quantities into Magento's tables, where its own triggers tell its indexes of them.

Checkout and shipments write the same rows.  A transaction of ours locks the rows of one chunk
without waiting for any (so no deadlock can have it as a part), leaves alone what changed since the
plan was made, and is over within ten milliseconds: the chunk's size follows what it takes, and
between two there is a rest.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains.stock.change import OUT_OF_STOCK, Change
from sidecar.domains.stock.needs import LEGACY_CHANGELOG, SOURCE_CHANGELOG
from sidecar.domains.stock.noted_table import NewRow, NotedTable
from sidecar.magento.applier import Written
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError, TryAgain

#: Magento's indexers that quantities feed; each has its changelog.
_INDEXERS = ("cataloginventory_stock", "inventory")
#: What the statements of a transaction should take, in seconds.  A row may be held for 50 ms, but
#: checkout's commits wait for ours on their way to the same disk: with 25 ms and no rest 99 of 100
#: orders took 7 to 8 ms more, with these 3 ms, and a run half as long again (docs/benchmarks.md).
_AIM = 0.005
#: How long checkout has processors and disk for itself, as a share of what we took.
_REST = 0.5
_FIRST, _FEWEST, _MOST = 50, 20, 1000
#: How often a level is tried in one run that somebody else holds.
_TRIES = 3


@dataclass(slots=True)
class ChunkSize:
    """How many rows a transaction has, by what the statements of the last one took."""

    rows: int = _FIRST

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a transaction: at once less, in steps more."""
        fitting = int(rows * _AIM / max(seconds, 1e-6))
        self.rows = max(_FEWEST, min(_MOST, self.rows * 3 // 2, fitting))

    def gave_way(self) -> None:
        """Somebody held what we wanted: fewer rows meet fewer people."""
        self.rows = max(_FEWEST, self.rows // 2)


@dataclass(slots=True)
class _Run:
    """What one run has learnt; `proved`: tables whose changes Magento's triggers noted."""

    size: ChunkSize = field(default_factory=ChunkSize)
    proved: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Pass:
    """What came of the changes of one pass; `held`: by somebody else."""

    written: int = 0
    left: int = 0
    held: list[Change] = field(default_factory=list)


class TableWriter:
    """Writes `inventory_source_item`, and of the default source `cataloginventory_stock_item`.

    `skip_locked`: the server knows SKIP LOCKED; without it one row that somebody holds keeps its
    whole chunk back.
    """

    def __init__(self, database: Database, schema: MagentoSchema, *, skip_locked: bool) -> None:
        self._database = database
        self._unseen = [
            name for name in (SOURCE_CHANGELOG, LEGACY_CHANGELOG) if not schema.has_table(name)
        ]
        self._product = schema.table("catalog_product_entity")
        self._view = schema.table("mview_state")
        lock = "FOR UPDATE SKIP LOCKED" if skip_locked else "FOR UPDATE NOWAIT"
        self._items = NotedTable(
            schema.table("inventory_source_item"),
            schema.table(SOURCE_CHANGELOG),
            "source_item_id",
            ("quantity", "status"),
            lock,
        )
        self._legacy = NotedTable(
            schema.table("cataloginventory_stock_item"),
            schema.table(LEGACY_CHANGELOG),
            "item_id",
            ("qty", "is_in_stock"),
            lock,
        )

    def not_possible(self) -> str | None:
        """Why Magento's indexes would not learn of what is written here, None where they do."""
        if self._unseen:
            return (
                f"Magento has no table {self._unseen[0]} (no index was ever on schedule), or the "
                "right SELECT on it is missing"
            )
        with self._database.transaction("reading the modes of Magento's indexers") as connection:
            rows = connection.exec_driver_sql(
                f"SELECT view_id FROM {self._view} WHERE mode = 'enabled' AND view_id IN %s",
                (list(_INDEXERS),),
            )
            missing = sorted(set(_INDEXERS) - {row[0] for row in rows})
        return f"the indexer {missing[0]} is not on schedule" if missing else None

    def write(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> Written:
        """Write what still stands as it was planned.

        Raises ConfigurationError where Magento's indexes would not learn of it; nothing is written
        then.
        """
        if why := self.not_possible():
            raise ConfigurationError(
                f"quantities cannot be written into tables: {why}",
                "bin/magento indexer:set-mode schedule inventory cataloginventory_stock; or write "
                "domains.stock.write: rest",
            )
        run = _Run()
        there = [change for change in changes if change.item_id]
        there += self._made([change for change in changes if not change.item_id], stopping)
        written, left = 0, len(changes) - len(there)
        for _ in range(_TRIES):
            if not there:
                break
            done = self._pass(there, run, stopping)
            written, left, there = written + done.written, left + done.left, done.held
        return Written(written, left=left + len(there))

    def _made(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> list[Change]:
        """The levels that Magento does not have, made as 0, which says the same."""
        of_source: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            of_source[change.source_code].append(change)
        made: list[Change] = []
        for source, missing in of_source.items():
            for at in range(0, len(missing), _FIRST):
                if stopping():
                    return made
                part = missing[at : at + _FIRST]
                try:
                    with self._database.transaction("making stock levels") as connection:
                        ids = self._make(connection, source, part)
                except TryAgain:
                    continue  # somebody saves the source itself: these come with the next run
                made += [
                    _with_item(change, ids[change.product_id])
                    for change in part
                    if change.product_id in ids
                ]
        return made

    def _make(
        self, connection: sa.Connection, source: str, changes: Sequence[Change]
    ) -> dict[int, int]:
        """Product → its level there, made by us or, meanwhile, by somebody else."""
        row = f"(%s, %s, 0, {OUT_OF_STOCK})"
        connection.exec_driver_sql(
            f"INSERT IGNORE INTO {self._items.name} (source_code, sku, quantity, status) "
            f"VALUES {', '.join([row] * len(changes))}",
            tuple(value for change in changes for value in (source, change.sku)),
        )
        rows = connection.exec_driver_sql(
            f"SELECT p.entity_id, i.source_item_id FROM {self._product} AS p "
            f"JOIN {self._items.name} AS i ON i.source_code = %s AND i.sku = p.sku "
            "WHERE p.entity_id IN %s",
            (source, [change.product_id for change in changes]),
        )
        return {row[0]: row[1] for row in rows}

    def _pass(self, changes: list[Change], run: _Run, stopping: Callable[[], bool]) -> _Pass:
        """Try each once, by source: where no copy is kept there is half as much to ask."""
        changes.sort(key=attrgetter("source_code", "item_id"))
        result, at = _Pass(), 0
        while at < len(changes):
            if stopping():
                result.left += len(changes) - at
                break
            part = changes[at : at + run.size.rows]
            at += len(part)
            taken = time.monotonic()
            try:
                with self._database.transaction("writing stock levels") as connection:
                    began = time.monotonic()
                    written, held = self._chunk(connection, part, run.proved)
                    # Without the commit: a slow disk makes it no quicker to write fewer rows.
                    seconds = time.monotonic() - began
            except TryAgain:
                run.size.gave_way()
                result.held += part
                continue
            run.size.took(len(part), seconds)
            time.sleep(_REST * (time.monotonic() - taken))
            result.written += written
            result.held += held
            result.left += len(part) - written - len(held)
        return result

    def _chunk(
        self, connection: sa.Connection, part: Sequence[Change], proved: set[str]
    ) -> tuple[int, list[Change]]:
        """How many were written, and those that somebody holds."""
        items = self._items.locked(connection, [one.item_id for one in part])
        ours = [one for one in part if one.item_id in items]
        copies = self._legacy.locked(connection, [one.legacy_id for one in ours if one.legacy_id])
        held = [one for one in part if one.item_id not in items]
        rows, copied = [], []
        for one in ours:
            if one.legacy_id and one.legacy_id not in copies:
                held.append(one)
                continue
            quantity, present = items[one.item_id]
            if quantity != one.old:
                continue
            status = one.status(present)
            rows.append(NewRow(one.item_id, one.item_id, (one.new, status)))
            if one.legacy_id:
                copy = (one.new, one.legacy_status(status))
                if copies[one.legacy_id] != copy:
                    copied.append(NewRow(one.legacy_id, one.product_id, copy))
        self._items.update(connection, rows, proved)
        self._legacy.update(connection, copied, proved)
        return len(rows), held


def _with_item(change: Change, item_id: int) -> Change:
    return msgspec.structs.replace(change, item_id=item_id)
