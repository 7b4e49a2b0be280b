"""The invoices domain."""

from __future__ import annotations

from sidecar.domains.invoices.events import EVENTS
from sidecar.domains.invoices.invariants import problems_of
from sidecar.domains.invoices.needs import NEEDS, WATCHES
from sidecar.domains.invoices.news import NEWS
from sidecar.magento.money_document_figures import verify, worth
from sidecar.model.domain_spec import DomainSpec

#: Magento's states of an invoice.
OPEN, PAID, CANCELED = "1", "2", "3"

SPEC = DomainSpec(
    name="invoices",
    kind="invoice",
    noun="invoice",
    payload="invoice",
    events=EVENTS,
    watches=WATCHES,
    needs=NEEDS,
    parent="order",
    priority=3,
    sentence="of order {order}, state {state}  {grand_total:.2f} {currency} incl. "
    "{tax_amount:.2f} tax, {lines} line(s), shipping {shipping_amount:.2f}, issued {created_at}",
    finished=(PAID, CANCELED),
    verify=verify,
    worth=worth,
    problems=problems_of,
    tells=NEWS,
)
