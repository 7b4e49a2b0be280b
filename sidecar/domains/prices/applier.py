"""Carries the ERP's prices into Magento: plans by difference, writes by Magento's bulk calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sidecar.domains.prices.news import PriceLevel
from sidecar.domains.prices.planning import Planner, shown
from sidecar.domains.prices.present import PriceReader
from sidecar.domains.prices.rules import RowRules
from sidecar.domains.prices.shop import PriceShopReader
from sidecar.domains.prices.spec import SPEC
from sidecar.domains.prices.writer import PriceWriter
from sidecar.magento.applier import BesideMagento, Plan, Written
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.settings.inbound import Prices


class PriceApplier:
    """One shop's prices."""

    spec: DomainSpec = SPEC

    def __init__(self, planner: Planner, writer: PriceWriter) -> None:
        self._planner = planner
        self._writer = writer

    def plan(self, rows: Iterable[PriceLevel], *, whole: bool) -> Plan:
        """Compare with Magento; writes nothing."""
        return self._planner.plan(rows, whole=whole)

    def write(self, plan: Plan, stopping: Callable[[], bool]) -> Written:
        """Write what differs; a price that changed after the plan was made is left alone."""
        return self._writer.write(plan.changes, stopping) if plan.changes else Written(0)

    def shown(self, plan: Plan, most: int) -> Sequence[Mapping[str, object]]:
        """The first changes: number, SKU, website, what is and what would be."""
        return list(shown(plan.changes, most))


def open_prices(beside: BesideMagento) -> PriceApplier:
    """Raises ConfigurationError without access to Magento's API."""
    if beside.api is None:
        raise ConfigurationError(
            "domains.prices: shop.api is missing: Magento's own calls write prices, as they know "
            "which store's row a price stands in and tell the indexes",
            "configure shop.api (docs/magento-api.md)",
        )
    settings: Prices = beside.settings
    shops, prices = PriceShopReader(beside.schema), PriceReader(beside.schema)
    return PriceApplier(
        Planner(beside.database, shops, prices, RowRules(settings.bounds.row), settings.bounds.run),
        PriceWriter(beside.database, shops, prices, beside.api),
    )
