"""The business facts of the stock domain, where Magento owns it."""

from __future__ import annotations

from typing import Final

from sidecar.domains.stock.payload import Demand, SourceLevel
from sidecar.model.domain_spec import EventSpec, Role

STOCK_ADJUSTED: Final = "stock.adjusted"
STOCK_DEMAND: Final = "stock.demand"

EVENTS = (
    # A trigger points at those of the default source alone: others the sweep finds.
    EventSpec(STOCK_ADJUSTED, Role.STATE, SourceLevel, announced=False, numbered=False),
    # Each message is an entity of its own: none replaces another, and none may be said twice.
    EventSpec(STOCK_DEMAND, Role.OPENS, Demand, announced=False, numbered=False),
)
