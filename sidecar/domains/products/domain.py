"""The products domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.products.examiner import ProductExaminer
from sidecar.domains.products.reader import ProductReader
from sidecar.domains.products.search import ProductSearch
from sidecar.domains.products.spec import SPEC
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference


def open_products(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=ProductExaminer(ProductReader(shop.schema, shop.settings.attributes)),
        search=ProductSearch(shop.schema, shop.entity_table),
        reference=Reference(shop.settings.ref),
    )


DOMAIN = RegisteredDomain(SPEC, open_products)
