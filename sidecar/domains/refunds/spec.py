"""The refunds domain."""

from __future__ import annotations

from sidecar.domains.refunds.events import EVENTS
from sidecar.domains.refunds.invariants import problems_of
from sidecar.domains.refunds.needs import NEEDS, WATCHES
from sidecar.domains.refunds.news import NEWS
from sidecar.magento.money_document_figures import verify, worth
from sidecar.model.domain_spec import DomainSpec

#: Magento's states of a credit memo.
OPEN, REFUNDED, CANCELED = "1", "2", "3"

SPEC = DomainSpec(
    name="refunds",
    kind="creditmemo",
    noun="refund",
    payload="refund",
    events=EVENTS,
    watches=WATCHES,
    needs=NEEDS,
    parent="order",
    priority=2,
    sentence="of order {order}, state {state}  {grand_total:.2f} {currency} incl. "
    "{tax_amount:.2f} tax, {lines} line(s), shipping {shipping_amount:.2f}, adjustment "
    "{adjustment:.2f}, issued {created_at}",
    finished=(REFUNDED, CANCELED),
    verify=verify,
    worth=worth,
    problems=problems_of,
    tells=NEWS,
)
