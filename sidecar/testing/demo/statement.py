"""The statement at the end: the shop's orders against what the ERP really holds.

It asks Magento's tables and the ERP's books, never the daemon's own ledger, which could be wrong in
just the way that it was wrong before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape

from sidecar.testing.erpsim.books import Document
from sidecar.testing.magento_db.schema import MagentoDatabase

REFUSED_STATUS = "erp_rejected"
CANCELED = "CANCELED"


@dataclass(frozen=True)
class Placed:
    """One order as Magento holds it."""

    number: str
    state: str
    status: str
    ext_order_id: str | None
    grand_total: Decimal
    comment: str | None

    @property
    def is_refused(self) -> bool:
        """The ERP's refusal stands on it, with the order on hold."""
        return self.state == "holded" and self.status == REFUSED_STATUS and bool(self.comment)


@dataclass(frozen=True)
class Statement:
    """Numbers of orders in each class; `differing`: booked with another total."""

    placed: Sequence[Placed]
    accepted: Sequence[str]
    rejected: Sequence[Placed]
    acknowledged: Sequence[str]
    lost: Sequence[str]
    doubled: Sequence[str]
    differing: Sequence[str]

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing doubled, every answer stands on its order."""
        return not (self.lost or self.doubled) and len(self.acknowledged) == len(self.accepted)

    def counts(self) -> dict[str, int]:
        """The six figures of `--json`."""
        return {
            "placed": len(self.placed),
            "accepted": len(self.accepted),
            "rejected": len(self.rejected),
            "acknowledged": len(self.acknowledged),
            "lost": len(self.lost),
            "doubled": len(self.doubled),
        }

    def text(self) -> str:
        """The statement for a person."""
        counts = self.counts()
        width = max(map(len, counts))
        lines = ["", "Statement, checked against the ERP's own books"]
        lines += [f"  {name:<{width}}  {count:>3}" for name, count in counts.items()]
        lines += [f"    {order.number}: {unescape(order.comment or '')}" for order in self.rejected]
        lines += [f"  LOST: {number}" for number in self.lost]
        lines += [f"  DOUBLED: {number}" for number in self.doubled]
        lines += [f"  booked with another total: {number}" for number in self.differing]
        return "\n".join(lines)


def read_orders(magento: MagentoDatabase) -> list[Placed]:
    """Every order of the shop with its newest refusal, by number."""
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.increment_id, o.state, o.status, o.ext_order_id, o.grand_total, "
            "(SELECT h.comment FROM sales_order_status_history h WHERE h.parent_id = o.entity_id "
            "AND h.status = %s ORDER BY h.entity_id DESC LIMIT 1) "
            "FROM sales_order o ORDER BY o.entity_id",
            (REFUSED_STATUS,),
        )
        return [Placed(*row) for row in cursor.fetchall()]


def state(orders: Sequence[Placed], documents: Sequence[Document]) -> Statement:
    """Compare the two sides."""
    booked: dict[str, list[Document]] = {order.number: [] for order in orders}
    for document in documents:
        booked.setdefault(document.external, []).append(document)
    rejected = [order for order in orders if not booked[order.number] and order.is_refused]
    refused = {order.number for order in rejected}
    return Statement(
        placed=orders,
        accepted=[order.number for order in orders if booked[order.number]],
        rejected=rejected,
        acknowledged=[
            order.number
            for order in orders
            if order.ext_order_id in {document.number for document in booked[order.number]}
        ],
        lost=[
            order.number
            for order in orders
            if not booked[order.number] and order.number not in refused
        ],
        doubled=[number for number, found in booked.items() if len(found) > 1],
        differing=[
            order.number
            for order in orders
            if any(document.total != order.grand_total for document in booked[order.number])
        ],
    )


def is_settled(orders: Sequence[Placed], documents: Sequence[Document]) -> bool:
    """Whether every order has its answer, and the canceled one is canceled in the ERP too."""
    statement = state(orders, documents)
    canceled = {order.number for order in orders if order.state == "canceled"}
    canceled_there = {document.external for document in documents if document.state == CANCELED}
    return (
        not statement.lost
        and len(statement.acknowledged) == len(statement.accepted)
        and canceled <= canceled_there
    )
