"""A whole run of the ERP's quantities against Magento's: what would change, what must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains.stock.change import Change
from sidecar.domains.stock.levels import DEFAULT, NO_LEVEL, Level, LevelReader, Product, Source
from sidecar.domains.stock.news import StockLevel
from sidecar.domains.stock.reserved import Reservations, require_attributable
from sidecar.domains.stock.rules import NOTHING, RowRules
from sidecar.magento.applier import Plan, Refusal
from sidecar.magento.level_rows import NotTaken, percent, plain
from sidecar.settings.inbound import RunBoundsOfStock

#: Rows that are compared by one question to the database.
_TOGETHER = 3000
_Key = tuple[str, str]


class Planner:
    """Compares; `reservations` None: the ERP tells what is on hand."""

    def __init__(
        self,
        database: Database,
        reader: LevelReader,
        rules: RowRules,
        bounds: RunBoundsOfStock,
        reservations: Reservations | None,
    ) -> None:
        self._database = database
        self._reader = reader
        self._rules = rules
        self._bounds = bounds
        self._reservations = reservations

    def plan(self, rows: Iterable[StockLevel], *, whole: bool) -> Plan:
        """See `LevelApplier.plan`."""
        run = self._begin()
        pulled = iter(rows)
        # What the ERP is asked for comes while no transaction is open.
        while some := list(islice(pulled, _TOGETHER)):
            for source, of_source in _by_source(run.newest(some)).items():
                self._compare(run, source, of_source)
        return self._judged(run, whole)

    def _begin(self) -> _Run:
        with self._database.transaction("reading Magento's sources") as connection:
            sources = self._reader.sources(connection)
            options = self._reader.options(connection)
            if self._reservations is not None:
                require_attributable(sources.values())
            # By the database's clock, as the ledger notes when an order was booked.
            asked = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
        return _Run(sources, options, asked)

    def _compare(self, run: _Run, code: str, rows: Sequence[StockLevel]) -> None:
        try:
            source = self._rules.require_source(code, run.sources)
        except NotTaken as why:
            run.refuse(rows, why)
            return
        with self._database.transaction("comparing stock levels") as connection:
            skus = [row.sku for row in rows]
            levels = self._reader.levels(connection, code, skus)
            reserved: Mapping[str, Decimal] = {}
            if self._reservations is not None:
                reserved = self._reservations.of_orders_in_the_erp(
                    connection, source, skus, run.asked
                )
            run.take_as_equal(rows)
            others = [
                row
                for row in rows
                if not self._rules.stands(
                    row.quantity, levels.get(row.sku), reserved.get(row.sku, NOTHING)
                )
            ]
            products = self._products(connection, run, {row.sku for row in others})
        for row in others:
            level = levels.get(row.sku, NO_LEVEL)
            try:
                product = self._rules.require_product(row.sku, products)
                quantity = self._rules.quantity(
                    row.quantity, product, level, reserved.get(row.sku, NOTHING)
                )
            except NotTaken as why:
                run.refuse([row], why)
            else:
                run.note(row, product, level, quantity)

    def _products(
        self, connection: sa.Connection, run: _Run, skus: set[str]
    ) -> Mapping[str, Product]:
        """Asked for once in a run, whatever number of sources they change at."""
        found = self._reader.products(connection, skus - run.products.keys(), run.options)
        run.products |= found
        return found | {sku: run.products[sku] for sku in skus & run.products.keys()}

    def _judged(self, run: _Run, whole: bool) -> Plan:
        changes = [one for one in run.outcomes.values() if isinstance(one, Change)]
        with self._database.transaction("counting stock levels") as connection:
            known = self._reader.counted(connection, run.told_sources)
        to_zero = sum(change.falls_to_zero for change in changes)
        return Plan(
            changes,
            [one for one in run.outcomes.values() if isinstance(one, Refusal)],
            known=known,
            equal=sum(one is None for one in run.outcomes.values()),
            to_zero=to_zero,
            held=self._held(changes, known, to_zero, whole),
        )

    def _held(self, changes: Sequence[Change], known: int, to_zero: int, whole: bool) -> str | None:
        of = known + sum(not change.item_id for change in changes)
        beyond = []
        if len(changes) > self._bounds.changed * of:
            beyond.append(f"changed: {percent(self._bounds.changed)}")
        if to_zero > self._bounds.to_zero * of:
            beyond.append(f"to_zero: {percent(self._bounds.to_zero)}")
        if not beyond:
            return None
        told = "all that the ERP has" if whole else "what the ERP changed"
        return (
            f"{told} would change {len(changes)} of {of} levels ("
            f"{percent(Decimal(len(changes)) / of)}) and let {to_zero} fall to 0 "
            f"({percent(Decimal(to_zero) / of)}): more than domains.stock.bounds.run allows "
            f"({', '.join(beyond)})"
        )


class _Run:
    """What is known while the rows of one run are compared; `asked`: when the ERP was, or before.

    Of a row that is equal only its key is kept: a later one of the same key replaces what came of
    it.  Products are kept of which something is to change.
    """

    def __init__(
        self,
        sources: dict[str, Source],
        options: Mapping[str, Decimal],
        asked: datetime,
    ) -> None:
        self.sources = sources
        self.options = options
        self.asked = asked
        self.outcomes: dict[_Key, Change | Refusal | None] = {}
        self.products: dict[str, Product] = {}
        self._moments: dict[_Key, datetime] = {}

    @property
    def told_sources(self) -> set[str]:
        """Of which sources that Magento has the ERP spoke."""
        return {source for _, source in self.outcomes} & self.sources.keys()

    def newest(self, rows: Iterable[StockLevel]) -> list[StockLevel]:
        """The rows that count, each key once: the newest by `at`, else the last that was told."""
        counting: dict[_Key, StockLevel] = {}
        for row in rows:
            key = (row.sku, row.source_code)
            if row.at is not None:
                if row.at < self._moments.get(key, row.at):
                    continue
                self._moments[key] = row.at
            counting[key] = row
        return list(counting.values())

    def refuse(self, rows: Iterable[StockLevel], why: NotTaken) -> None:
        """These must not be written."""
        for row in rows:
            self.outcomes[row.sku, row.source_code] = Refusal(
                number_of(row.sku, row.source_code), why.reason, why.ours, plain(row.quantity)
            )

    def take_as_equal(self, rows: Iterable[StockLevel]) -> None:
        """These are as they should be, unless something else is noted of them afterwards."""
        self.outcomes.update(((row.sku, row.source_code), None) for row in rows)

    def note(self, row: StockLevel, product: Product, level: Level, quantity: Decimal) -> None:
        """This may be written, where it is not so already."""
        if quantity == level.quantity:
            return
        self.outcomes[row.sku, row.source_code] = Change(
            sku=row.sku,
            source_code=row.source_code,
            product_id=product.id,
            item_id=level.item_id,
            legacy_id=product.legacy_id if row.source_code == DEFAULT else 0,
            old=level.quantity,
            new=quantity,
            sells_beyond=product.sells_beyond,
            min_qty=product.min_qty,
        )


def number_of(sku: str, source_code: str) -> str:
    """What people call a level."""
    return f"{sku} @ {source_code}"


def _by_source(rows: Iterable[StockLevel]) -> Mapping[str, Sequence[StockLevel]]:
    found: dict[str, list[StockLevel]] = defaultdict(list)
    for row in rows:
        found[row.source_code].append(row)
    return found


def shown(changes: Sequence[Change], most: int) -> Iterator[dict[str, object]]:
    """The first changes, for a person."""
    for change in changes[:most]:
        yield {
            "number": number_of(change.sku, change.source_code),
            "sku": change.sku,
            "source_code": change.source_code,
            "is": change.old if change.item_id else None,
            "would_be": change.new,
        }
