"""The customers domain."""

from __future__ import annotations

from sidecar.domains.customers.events import EVENTS
from sidecar.domains.customers.needs import NEEDS, WATCHES
from sidecar.model.domain_spec import DomainSpec

#: Where a customer's account is in Magento, and where he has none.
REGISTERED, A_GUEST = "registered", "guest"

SPEC = DomainSpec(
    name="customers",
    kind="customer",
    noun="customer",
    payload="customer",
    events=EVENTS,
    identity=("entity_id",),
    watches=WATCHES,
    needs=NEEDS,
    priority=3,
    sentence="{state}, group {group_id}, website {website_code}, {addresses} address(es), "
    "since {created_at}, changed {updated_at}{left_out}",
    told_when_needed=True,
    is_person=True,
)
