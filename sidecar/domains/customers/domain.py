"""The customers domain, opened beside a shop."""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.domains.customers.consent import Only
from sidecar.domains.customers.examiner import CustomerExaminer
from sidecar.domains.customers.guests import GuestReader
from sidecar.domains.customers.reader import CustomerReader
from sidecar.domains.customers.search import CustomerSearch
from sidecar.domains.customers.spec import SPEC
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference


def open_customers(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    customers = shop.settings
    only = Only(customers.only.groups, customers.only.consent)
    creates = shop.guests.policy == "create"
    reader = CustomerReader(
        shop.schema,
        shop.entity_table,
        shop.stores,
        fields=customers.fields,
        only=only,
        guests=GuestReader(shop.schema, shop.entity_table) if creates else None,
    )

    def require_known(connection: sa.Connection) -> None:
        only.require_known(connection, shop.schema, shop.origin)

    return Parts(
        examiner=CustomerExaminer(reader, shop.schema),
        search=CustomerSearch(
            shop.schema, shop.entity_table, mark=reader.mark, consent=only.consent
        ),
        reference=Reference(customers.ref),
        require_known=require_known,
    )


DOMAIN = RegisteredDomain(SPEC, open_customers)
