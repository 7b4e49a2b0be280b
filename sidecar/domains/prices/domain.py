"""The prices domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.prices.applier import open_prices as open_inbound
from sidecar.domains.prices.examiner import PriceExaminer
from sidecar.domains.prices.reader import PriceReader
from sidecar.domains.prices.search import PriceSearch
from sidecar.domains.prices.spec import SPEC
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference


def open_prices(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    reader = PriceReader(shop.schema)
    return Parts(
        examiner=PriceExaminer(reader),
        search=PriceSearch(reader, shop.entity_table),
        reference=Reference(shop.settings.ref),
    )


DOMAIN = RegisteredDomain(SPEC, open_prices, inbound=open_inbound)
