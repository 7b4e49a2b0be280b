"""The business facts of the customers domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.customers.payload import Customer, CustomerErased
from sidecar.model.domain_spec import EventSpec, Role

CUSTOMER_SAVED: Final = "customer.saved"
CUSTOMER_ERASED: Final = "customer.erased"

EVENTS = (
    # To say it twice does no harm: the ERP is told how the customer is, not what was changed.
    EventSpec(CUSTOMER_SAVED, Role.STATE, Customer, replaces=True),
    # A deleted row fires no trigger of ours.
    EventSpec(CUSTOMER_ERASED, Role.ENDS, CustomerErased, announced=False),
)
