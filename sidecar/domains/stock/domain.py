"""The stock domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.stock.applier import open_stock
from sidecar.domains.stock.demand import DemandTotals
from sidecar.domains.stock.examiner import LevelExaminer
from sidecar.domains.stock.search import LevelSearch
from sidecar.domains.stock.source_levels import SourceLevels
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference


def open_levels(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`; without MSI there are no reservations."""
    levels = SourceLevels(shop.schema)
    every = shop.settings.window.total_seconds()
    return Parts(
        examiner=LevelExaminer(levels),
        search=LevelSearch(levels, shop.entity_table),
        reference=Reference(shop.settings.ref),
        behind=levels.of_products,
        totals=DemandTotals(shop.schema, every) if levels.has_sources else None,
    )


DOMAIN = RegisteredDomain(SPEC, open_levels, inbound=open_stock)
