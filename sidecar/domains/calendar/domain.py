"""The domain of the posting calendar, opened beside the ledger, where the calendar is kept."""

from __future__ import annotations

from sidecar.domains.calendar.apply import CalendarApplier
from sidecar.domains.calendar.spec import SPEC
from sidecar.ledger.store import LedgerStore
from sidecar.magento.applier import BesideMagento
from sidecar.magento.domain import RegisteredDomain


def open_calendar(beside: BesideMagento) -> CalendarApplier:
    """Needs nothing of Magento."""
    periods = LedgerStore(beside.ledger).periods
    return CalendarApplier(beside.database, periods, beside.account)


DOMAIN = RegisteredDomain(SPEC, inbound=open_calendar)
