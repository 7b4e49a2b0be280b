"""The orders domain."""

from __future__ import annotations

from sidecar.domains.orders.events import EVENTS
from sidecar.domains.orders.invariants import problems_of
from sidecar.domains.orders.needs import NEEDS, WATCHES
from sidecar.domains.orders.verify import verify, worth
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="orders",
    kind="order",
    noun="order",
    payload="order",
    events=EVENTS,
    watches=WATCHES,
    needs=NEEDS,
    finished=("complete", "closed", "canceled"),
    plain_numbers=True,
    priority=1,
    sentence="{state}/{status}  {grand_total:.2f} {currency} incl. {tax_amount:.2f} tax, "
    "{lines} line(s), {payment_method}, store {store_code}, placed {created_at}, "
    "ext_order_id {ext_order_id}",
    verify=verify,
    worth=worth,
    problems=problems_of,
    may_need=("customer",),
    sent_again_by=" (a corrected address or Unhold sends it by itself)",
)
