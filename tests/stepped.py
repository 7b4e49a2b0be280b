"""An installation whose ERP takes an order in steps, and who says whether all of them were made."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sidecar.testing.erpsim import VALIDATED, Document
from sidecar.testing.magento_db import PrivateServer
from tests.rig import Interface, Rig

USER, PASSWORD = "shop", "of-the-erp"
_SETTINGS = "  secrets: {user: {file: erp-user}, password: {file: erp-password}}\n"
#: The lines are the goods and the shipping.
_ORDERS = """
    SELECT o.increment_id, o.ext_order_id, o.grand_total, o.tax_amount, o.discount_amount,
      (SELECT COUNT(*) FROM sales_order_item i
       WHERE i.order_id = o.entity_id AND i.parent_item_id IS NULL) + (o.shipping_amount > 0),
      LOWER(o.customer_email), b.vat_id
    FROM sales_order o LEFT JOIN sales_order_address b ON b.entity_id = o.billing_address_id
"""
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Ordered:
    """What Magento has of an order whose rows are all goods."""

    number: str
    reference: str | None
    total: Decimal
    tax: Decimal
    discount: Decimal
    lines: int
    email: str
    vat_id: str | None

    @property
    def steps(self) -> int:
        """Drafted, perhaps discounted, validated."""
        return 3 if self.discount else 2

    def essence(self, unconfirmed: frozenset[str]) -> tuple[Any, ...]:
        """What the ERP must have of it, see `_essence`."""
        confirmed = self.vat_id is not None and self.vat_id not in unconfirmed
        figures = (one.quantize(_CENT) for one in (self.total, self.tax, self.discount))
        return (*figures, self.lines, self.email, confirmed)


@dataclass(frozen=True)
class Verdict:
    """What is wrong, by order; `repeated`: a step came twice; `customers` are not there once."""

    lost: Sequence[str]
    doubled: Sequence[str]
    unfinished: Sequence[str]
    repeated: Sequence[str]
    incomplete: Sequence[str]
    unacknowledged: Sequence[str]
    customers: Sequence[str]

    @property
    def is_clean(self) -> bool:
        return self == Verdict([], [], [], [], [], [], [])


class SteppedRig(Rig):
    """`calls` is a file of calls for `python -m sidecar.testing.erpsim --interface steps`."""

    def __init__(
        self,
        server: PrivateServer,
        folder: Path,
        name: str,
        calls: str,
        *,
        search_lag: float = 1,
        trust_absence_after: str = "3s",
        **simulator: Any,
    ) -> None:
        for file, secret in (("erp-user", USER), ("erp-password", PASSWORD)):
            (folder / file).touch(mode=0o600)
            (folder / file).write_text(secret, "utf-8")
        setup = {"interface": "steps", "user": USER, "password": PASSWORD, "search_lag": search_lag}
        interface = Interface(calls, _SETTINGS, {**setup, **simulator}, trust_absence_after)
        self._unconfirmed = frozenset(simulator.get("vat_ids_invalid", ()))
        super().__init__(server, folder, name, interface=interface)

    def verdict(self) -> Verdict:
        """Both sides are asked, the ledger is not."""
        state = self.erp.state()
        orders = self._ordered()
        held: defaultdict[str, list[Document]] = defaultdict(list)
        for document in state.documents:
            held[document.external].append(document)
        customers = Counter((customer.email or "").lower() for customer in self.erp.customers())
        known = {order.email for order in orders}
        booked = [(order, held[order.number][0]) for order in orders if held[order.number]]
        return Verdict(
            lost=sorted(order.number for order in orders if not held[order.number]),
            doubled=sorted(number for number, found in held.items() if len(found) > 1),
            unfinished=sorted(order.number for order, one in booked if one.state != VALIDATED),
            repeated=sorted(order.number for order, one in booked if one.version > order.steps),
            incomplete=sorted(
                order.number
                for order, one in booked
                if order.essence(self._unconfirmed) != _essence(one)
            ),
            unacknowledged=sorted(
                order.number for order, one in booked if order.reference != one.number
            ),
            customers=sorted(
                email for email in known | set(customers) if customers[email] != (email in known)
            ),
        )

    def until_made(self, seconds: float = 120.0, *, requeue: bool = False) -> None:
        """Wait until all is well; the failure says what is not.

        `requeue`: with an operator (`send_parked_again`).
        """
        deadline = time.monotonic() + seconds
        while not (verdict := self.verdict()).is_clean:
            if requeue:
                self.send_parked_again()
            if time.monotonic() > deadline:
                waiting = self.sidecar("queue", "list")
                raise AssertionError(
                    f"not within {seconds} s\n{verdict}\n{waiting}\n{self.log_tail()}"
                )
            time.sleep(0.2)

    def held(self) -> list[int]:
        """The ids of orders that are held in Magento, as the ERP refused them."""
        [rows] = self.look("SELECT entity_id FROM sales_order WHERE status = 'erp_rejected'")
        return [int(entity_id) for (entity_id,) in rows]

    def differences(self) -> list[tuple[str, str]]:
        """What the sidecar found to be otherwise in the ERP: order and class of difference."""
        [rows] = self.look(
            f"SELECT number, class FROM {self.magento.name}_ledger.difference ORDER BY number"
        )
        return [(str(number), str(kind)) for number, kind in rows]

    def _ordered(self) -> list[Ordered]:
        [rows] = self.look(_ORDERS)
        return [
            Ordered(
                number=number,
                reference=reference,
                total=total,
                tax=tax,
                discount=abs(discount),
                lines=lines,
                email=email,
                vat_id=vat_id,
            )
            for number, reference, total, tax, discount, lines, email, vat_id in rows
        ]


def _essence(document: Document) -> tuple[Any, ...]:
    customer = document.customer if isinstance(document.customer, dict) else {}
    return (
        document.total,
        document.tax.quantize(_CENT),
        document.discount.quantize(_CENT),
        len(document.lines),
        str(customer.get("email")).lower(),
        document.other["reverseCharge"],
    )
