"""Carries the ERP's quantities into Magento: plans by difference, writes by table or by API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sidecar.database.connection import Database, knows_skip_locked
from sidecar.domains.stock.api_writer import ApiWriter
from sidecar.domains.stock.change import Change
from sidecar.domains.stock.levels import LevelReader
from sidecar.domains.stock.news import StockLevel
from sidecar.domains.stock.planning import Planner, shown
from sidecar.domains.stock.reserved import Reservations
from sidecar.domains.stock.rules import RowRules
from sidecar.domains.stock.spec import SPEC
from sidecar.domains.stock.table_writer import TableWriter
from sidecar.magento.applier import BesideMagento, Plan, Written
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.settings.inbound import Stock


class Writer(Protocol):
    """One way into Magento."""

    def write(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> Written:
        """Write what still stands as it was planned."""


class StockApplier:
    """`writer`: what writes; asked for each run, as one command changes the mode of an index."""

    spec: DomainSpec = SPEC

    def __init__(self, planner: Planner, writer: Callable[[], Writer]) -> None:
        self._planner = planner
        self._writer = writer

    def plan(self, rows: Iterable[StockLevel], *, whole: bool) -> Plan:
        """Compare with Magento; writes nothing."""
        return self._planner.plan(rows, whole=whole)

    def write(self, plan: Plan, stopping: Callable[[], bool]) -> Written:
        """Write what differs; a level that changed after the plan was made is left alone."""
        return self._writer().write(plan.changes, stopping) if plan.changes else Written(0)

    def shown(self, plan: Plan, most: int) -> Sequence[Mapping[str, object]]:
        """The first changes: number, SKU, source, what is and what would be."""
        return list(shown(plan.changes, most))


def open_stock(beside: BesideMagento) -> StockApplier:
    """Raises ConfigurationError for `write: rest` without access to Magento's API."""
    settings: Stock = beside.settings
    planner = Planner(
        beside.database,
        LevelReader(beside.schema),
        RowRules(settings.bounds.row),
        settings.bounds.run,
        Reservations(beside.schema, beside.ledger) if settings.basis == "available" else None,
    )
    return StockApplier(planner, _writer(beside, settings))


def _writer(beside: BesideMagento, settings: Stock) -> Callable[[], Writer]:
    """By `domains.stock.write`."""
    database: Database = beside.database
    tables = TableWriter(database, beside.schema, skip_locked=knows_skip_locked(database.server()))
    if settings.write == "sql" or (settings.write == "auto" and beside.api is None):
        return lambda: tables
    if beside.api is None:
        raise ConfigurationError(
            "domains.stock.write: rest, and the configuration has no access to Magento's REST API",
            "give it that access, or write domains.stock.write: sql",
        )
    api = ApiWriter(database, beside.schema, beside.api)
    if settings.write == "rest":
        return lambda: api
    return lambda: api if tables.not_possible() else tables
