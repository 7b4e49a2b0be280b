"""Carry the state that an order has in the ERP onto the Magento order, as the lifecycle allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from sidecar.domains.order_status.lifecycle import Forbidden, steps
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC
from sidecar.model.errors import BadData
from sidecar.model.in_page import in_page
from sidecar.model.news import (
    Application,
    Applied,
    Differs,
    InDoubt,
    NeedsPerson,
    News,
    Superseded,
    Waits,
)
from sidecar.settings.lifecycle import Lifecycle, State

#: The class of a difference that the lifecycle forbids.
LIFECYCLE = "lifecycle"
#: That of one into whose state somebody must look (`alarm` of the lifecycle).
ALARM = "erp_state"
_NO_INVOICES = NeedsPerson(
    "the lifecycle says that an invoice is made, and there is no way to Magento's own API",
    "configure shop.api, then 'erp-sidecar incoming apply' it",
)


class MakesInvoices(Protocol):
    """Invoices what is open of an order, with its payment captured, once for each mark."""

    def invoice_open(
        self, news: News, order_id: int, mark: str, writing: Callable[[str], None]
    ) -> Application: ...


class OrderStatusApplier:
    """See `sidecar.magento.applier.DocumentApplier`."""

    spec = SPEC

    def __init__(self, lifecycle: Lifecycle, invoices: MakesInvoices | None) -> None:
        self._lifecycle = lifecycle
        self._invoices = invoices

    @property
    def longest_stays(self) -> Mapping[str, float]:
        """See `LimitsStays`: `alarm_after` of the lifecycle."""
        return {
            name: state.alarm_after.total_seconds()
            for name, state in self._lifecycle.states.items()
            if state.alarm_after is not None
        }

    def apply(self, news: News, writing: Callable[[str], None]) -> Application:
        """See `DocumentApplier`."""
        row = news.row
        if not isinstance(row, OrderStatus) or news.entity_id is None:
            raise BadData("this is no order's status")
        way = steps(self._lifecycle, news.present, row.status)
        if isinstance(way, Forbidden) and not (news.as_is and row.status in self._lifecycle.states):
            return Differs(LIFECYCLE, news.present or "", row.status, way.reason)
        entered = () if isinstance(way, Forbidden) else way.states
        if not entered and row.status == news.present and news.has_entered:
            return Superseded(f"it is {row.status} already")
        entered = entered or (row.status,)
        for name in entered:
            if "invoice" in self._lifecycle.states[name].do:
                made = self._invoice(news, news.entity_id, name, writing)
                if isinstance(made, Waits | InDoubt | NeedsPerson | Differs):
                    return made
        return self._applied(row, entered)

    def _invoice(
        self, news: News, order_id: int, state: str, writing: Callable[[str], None]
    ) -> Application:
        if self._invoices is None:
            return _NO_INVOICES
        mark = f"ERP {news.number} {state}"
        return self._invoices.invoice_open(news, order_id, mark, writing)

    def _applied(self, row: OrderStatus, entered: tuple[str, ...]) -> Applied:
        """What the states say together: the last status, each comment, every hold."""
        states = [(name, self._lifecycle.states[name]) for name in entered]
        comments = [text for name, state in states if (text := _comment(row, name, state))]
        alarms = tuple(
            Differs(ALARM, "", name, state.meaning) for name, state in states if state.alarm
        )
        statuses = [state.status for _, state in states if state.status]
        return Applied(
            what=f"the order is {' → '.join(entered)} in the ERP",
            status=statuses[-1] if statuses else None,
            comment="\n".join(comments) or None,
            hold=any("hold" in state.do for _, state in states),
            reached=row.status,
            differences=alarms,
        )


def _comment(row: OrderStatus, name: str, state: State) -> str | None:
    if state.comment is None:
        return None
    values = {"reference": row.reference, "status": name, "code": None, "message": row.message}
    return state.comment.format_map({key: in_page(value or "") for key, value in values.items()})
