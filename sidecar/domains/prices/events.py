"""The business facts of the prices domain, where Magento owns it."""

from __future__ import annotations

from typing import Final

from sidecar.domains.prices.payload import Price
from sidecar.model.domain_spec import EventSpec, Role

PRICE_CHANGED: Final = "price.changed"

# No trigger may sit on Magento's tables of prices.
EVENTS = (EventSpec(PRICE_CHANGED, Role.STATE, Price, announced=False, numbered=False),)
