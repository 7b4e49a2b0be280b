"""The refunds of one history: how Magento issues them, and what must hold of each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sidecar.domains.refunds.spec import CANCELED, OPEN, REFUNDED
from sidecar.ledger.events import BEHIND_ANOTHER
from sidecar.model.errors import BadData
from sidecar.testing.magento_db import Shop
from tests.crash.remembering_erp import Content, RememberingErp
from tests.pipeline import Pipeline

KIND = "creditmemo"
_ACCEPTED = "ERP document "


@dataclass(frozen=True)
class Issued:
    """One credit memo and the order that it gives money back on."""

    entity_id: int
    number: str
    order_id: int
    order_number: str

    @property
    def ref(self) -> str:
        return f"CM{self.number}"


class Refunds:
    """Named by `pick` like orders; those of an order that was deleted are gone with it."""

    def __init__(self, pipeline: Pipeline, shop: Shop, erp: RememberingErp) -> None:
        self._pipeline = pipeline
        self._shop = shop
        self._erp = erp
        self._issued: list[Issued] = []
        self._select, self._table = shop.session.select, shop.session.table

    # --- what happens ---------------------------------------------------------------------------

    def issue(self, order_id: int, order_number: str, *, whole: bool, is_open: bool) -> None:
        """Of one piece of each line, or of all that is left; `is_open`: the money is not back."""
        part: dict[str, Any] = {} if whole else {"qty": 1, "shipping": Decimal(0)}
        with suppress(BadData):  # nothing is left to refund
            memo = self._shop.refund(order_id, **part)
            issued = Issued(memo.entity_id, memo.increment_id, order_id, order_number)
            self._issued.append(issued)
            if is_open:
                self._set_state(issued, OPEN)

    def give_money_back(self, pick: int) -> None:
        if memo := self._pick(pick, OPEN):
            self._set_state(memo, REFUNDED)

    def cancel(self, pick: int) -> None:
        """As modules do; Magento's own service cancels no credit memo."""
        if memo := self._pick(pick, OPEN, REFUNDED):
            self._set_state(memo, CANCELED)

    def requeue(self, pick: int) -> None:
        memo = self._pick(pick, OPEN, REFUNDED, CANCELED)
        if memo and self._may_requeue(memo):
            self._requeue(memo)

    def finish_draft(self, pick: int) -> None:
        if memo := self._pick(pick, OPEN, REFUNDED, CANCELED):
            self._erp.finish(memo.ref)

    def mend(self) -> None:
        """People do what the remedies say, and all money is given back."""
        waiting = self._waiting()
        for memo in self._issued:
            self._erp.finish(memo.ref)
            if memo.entity_id in waiting and self._may_requeue(memo):
                self._requeue(memo)
            if self._state(memo) == OPEN:
                self._set_state(memo, REFUNDED)

    # --- what must hold -------------------------------------------------------------------------

    def check(self) -> None:
        """Each is told once of its document, in both places alike."""
        for memo in self._issued:
            if self._state(memo) is None:
                continue
            of_memo, of_order = self._comments(memo)
            told = self.story(memo)
            assert of_memo == of_order, told
            accepted = [text for text in of_memo if text.startswith(_ACCEPTED)]
            assert len(accepted) <= 1, told
            own = [document.reference for document in self._erp.of(memo.ref)]
            assert all(text.removeprefix(_ACCEPTED) in own for text in accepted), told

    def check_waits(self, event: Any, others: list[Any], *, open_orders: set[int]) -> None:
        """A pending one waits for what is there: another event, its money, its order's document."""
        memo = next(one for one in self._issued if one.entity_id == event.entity_id)
        told = self.story(memo)
        if event.waiting == BEHIND_ANOTHER:
            assert others, f"waits for nothing: {told}"
        elif event.waiting.startswith("gate state"):
            assert self._state(memo) in (OPEN, None), f"waits at an open gate: {told}"
        else:
            assert event.waiting.startswith("gate parent"), told
            living = [one for one in self._erp.of(memo.order_number) if not one.canceled]
            is_gone = self._state(memo) is None
            order_is_open = memo.order_id in open_orders
            assert order_is_open or is_gone or not living, f"its order is there: {told}"

    def check_end(self) -> None:
        """Booked once and told, or canceled; what nobody can know is left to a person."""
        waiting = self._waiting()
        for memo in self._issued:
            state, documents, told = self._state(memo), self._erp.of(memo.ref), self.story(memo)
            if state is None:
                continue
            if memo.entity_id in waiting:
                waits_for_order = self._order_waits(memo)
                assert waits_for_order or not (self._erp.probes or self._erp.dedupes), told
                assert waits_for_order or documents, told
            elif state == CANCELED:
                assert all(document.canceled for document in documents), told
            else:
                [document] = documents
                assert (document.canceled, document.content) == (False, self._content(memo)), told
                assert f"{_ACCEPTED}{document.reference}" in self._comments(memo)[0], told

    # --- how it is done -------------------------------------------------------------------------

    def story(self, memo: Issued) -> str:
        """All that the reader of a failure wants to know of a refund."""
        lines = [
            f"refund {memo.number} of order {memo.order_number}: state {self._state(memo)}",
            f"in the ERP: {self._erp.of(memo.ref)}",
            f"told: {self._comments(memo)}",
            *(f"  given {line}" for line in self._erp.history if line.startswith(memo.ref)),
            *(f"  {line}" for line in self._erp.violations if memo.ref in line),
        ]
        for event in self._pipeline.events(memo.entity_id, KIND):
            why = event.reason or event.waiting or ""
            lines.append(f"#{event.sequence} {event.type} {event.status} {why}")
        return "\n".join(lines)

    def stories(self) -> str:
        return "\n".join(map(self.story, self._issued))

    def _pick(self, pick: int, *states: str) -> Issued | None:
        if not self._issued:
            return None
        memo = self._issued[pick % len(self._issued)]
        return memo if self._state(memo) in states else None

    def _may_requeue(self, memo: Issued) -> bool:
        """Where the ERP cannot be asked, a person looks there first."""
        if self._erp.probes or self._erp.dedupes:
            return True
        living = [one for one in self._erp.of(memo.ref) if not one.canceled]
        return not living and not self._erp.is_working_on(memo.ref)

    def _requeue(self, memo: Issued) -> None:
        entity = self._pipeline.sidecar.names("entity")
        known = f"SELECT 1 FROM {entity} WHERE kind = %s AND entity_id = %s"
        if self._pipeline.sql(known, KIND, memo.entity_id):
            self._pipeline.requeue(f"{KIND}/{memo.number}")

    def _waiting(self) -> set[int]:
        return {one.entity_id for one in self._pipeline.open_events() if one.kind == KIND}

    def _order_waits(self, memo: Issued) -> bool:
        open_ = self._pipeline.open_events()
        return any(one.kind == "order" and one.entity_id == memo.order_id for one in open_)

    def _state(self, memo: Issued) -> str | None:
        rows = self._select(
            f"SELECT state FROM {self._table('sales_creditmemo')} WHERE entity_id = %s",
            [memo.entity_id],
        )
        return str(rows[0]["state"]) if rows else None

    def _set_state(self, memo: Issued, state: str) -> None:
        self._pipeline.sql(
            f"UPDATE `{self._pipeline.magento.name}`.{self._table('sales_creditmemo')} "
            "SET state = %s, updated_at = NOW() WHERE entity_id = %s",
            state,
            memo.entity_id,
        )

    def _comments(self, memo: Issued) -> tuple[list[str], list[str]]:
        """What the ERP said, as it stands at the credit memo and at its order."""
        of_memo = self._select(
            f"SELECT comment FROM {self._table('sales_creditmemo_comment')} WHERE parent_id = %s "
            "ORDER BY entity_id",
            [memo.entity_id],
        )
        prefix = f"Credit memo {memo.number}: "
        of_order = self._select(
            f"SELECT comment FROM {self._table('sales_order_status_history')} "
            "WHERE parent_id = %s AND comment LIKE %s ORDER BY entity_id",
            [memo.order_id, f"{prefix}%"],
        )
        return (
            [row["comment"] for row in of_memo],
            [row["comment"].removeprefix(prefix) for row in of_order],
        )

    def _content(self, memo: Issued) -> Content:
        """What Magento holds of the refund, read without the sidecar's own reader."""
        [document] = self._select(
            f"SELECT grand_total, tax_amount FROM {self._table('sales_creditmemo')} "
            "WHERE entity_id = %s",
            [memo.entity_id],
        )
        lines = self._select(
            f"SELECT i.sku, i.qty, i.row_total FROM {self._table('sales_creditmemo_item')} i "
            f"JOIN {self._table('sales_order_item')} o ON o.item_id = i.order_item_id "
            "WHERE i.parent_id = %s AND o.parent_item_id IS NULL ORDER BY i.entity_id",
            [memo.entity_id],
        )
        return Content(
            total=document["grand_total"].normalize(),
            tax=document["tax_amount"].normalize(),
            lines=tuple(
                (row["sku"], row["qty"].normalize(), row["row_total"].normalize()) for row in lines
            ),
        )
