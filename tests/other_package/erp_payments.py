"""A domain as another package has it: what was invoiced in Magento is a payment in the ERP.

Uses what `sidecar.model` and `sidecar.magento` offer, and nothing of the shipped domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.magento.documents import DocumentSearch, DocumentTable, Outlines
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.domain_spec import DomainSpec, EventSpec, Needs, Role, Watch
from sidecar.model.entity import Comparison, KnownEntity, Snapshot
from sidecar.model.reference import Reference

_TABLE = "sales_invoice"
_INVOICES = DocumentTable(_TABLE)
_LINES = "sales_invoice_item"
_COLUMNS = (
    "entity_id", "increment_id", "order_id", "store_id", "state", "grand_total",
    "order_currency_code", "created_at", "updated_at",
)  # fmt: skip
RECEIVED = "payment.received"


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """What the ERP is told of an invoice."""

    entity_id: int
    increment_id: str
    grand_total: Decimal
    order_currency_code: str


SPEC = DomainSpec(
    name="payments",
    kind="payment",
    noun="payment",
    payload="payment",
    events=(EventSpec(RECEIVED, Role.OPENS, Payment, revives=True),),
    # The table of the invoices themselves is the shipped domain's to watch.
    watches=(Watch(_LINES, "INSERT", "parent_id"),),
    needs=Needs({_TABLE: _COLUMNS, _LINES: ("parent_id",)}),
    parent="order",
    worth=lambda payload: (payload.grand_total, payload.order_currency_code),
    sentence="state {state}  {grand_total:.2f} {currency}",
)


class PaymentExaminer:
    """See `sidecar.magento.examiner.Examiner`."""

    spec = SPEC

    def __init__(self, table: str, outlines: Outlines) -> None:
        self._select = f"SELECT {', '.join(_COLUMNS)} FROM {table} WHERE "
        self._outlines = outlines

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        rows = view.exec_driver_sql(f"{self._select} entity_id IN %s", (sorted(set(ids)),))
        return {
            row.entity_id: Snapshot(
                entity_id=row.entity_id,
                number=row.increment_id,
                payload=Payment(
                    entity_id=row.entity_id,
                    increment_id=row.increment_id,
                    grand_total=row.grand_total,
                    order_currency_code=row.order_currency_code,
                ),
                state=str(row.state or 0),
                amount=row.grand_total,
                currency=row.order_currency_code,
                store_id=row.store_id,
                made_at=row.created_at,
                updated_at=row.updated_at,
                parent=("order", row.order_id),
            )
            for row in rows
        }

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        return self._outlines.of(connection, entity_id)

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        return Comparison((RECEIVED,) if known is None else ())

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        return f"1:{snapshot.amount}"

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        return []

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        return []

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        return None

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        rows = connection.exec_driver_sql(f"{self._select} increment_id = %s", (number,))
        return [row.entity_id for row in rows]

    def payload_of(self, type_: str, snapshot: Snapshot) -> msgspec.Struct:
        return snapshot.payload

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        return {
            "state": snapshot.state,
            "grand_total": snapshot.amount,
            "currency": snapshot.currency,
        }

    def of_unread(self, known: KnownEntity | None, outline: Snapshot) -> str:
        return RECEIVED


def open_payments(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=PaymentExaminer(shop.schema.table(_TABLE), Outlines(shop.schema, _INVOICES)),
        search=DocumentSearch(SPEC, shop.schema, _INVOICES, shop.entity_table),
        reference=Reference(shop.settings.ref),
    )


DOMAIN = RegisteredDomain(SPEC, open_payments)
