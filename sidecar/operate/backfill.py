"""What operators do about documents from before the sidecar: send them, stop that, go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sidecar.database.connection import Database
from sidecar.ledger.backfills import Backfill, Chosen, Extent, Progress
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import TryAgain, UsageError
from sidecar.model.settlement import REFUSED, WAITING, EventStatus
from sidecar.operate.queue import By

#: Numbers that one backfill may name.
_MOST_NUMBERS = 100_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Days of the shop's own calendar, the last one included; or numbers."""

    since: date | None = None
    until: date | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What a backfill would send, or sends from now on (`backfill`: its id).

    `left_out`: numbers that nobody knows, or that were sent, or of which something waits.
    """

    domain: str
    documents: int
    first: datetime | None
    last: datetime | None
    money: Mapping[str, Decimal]
    left_out: Sequence[str] = ()
    backfill: int | None = None


@dataclass(frozen=True, slots=True)
class BackfillStanding:
    """How far a backfill came: `state` is at work, canceled or finished.

    `waiting`: whose turn has not come; `under_way`: the daemon goes on with them; `refused`: a
    person is to act; `left_out`: those of which there was nothing to send any more.
    """

    domain: str
    backfill: int
    state: str
    documents: int
    waiting: int
    under_way: int
    accepted: int
    refused: int
    left_out: int
    per_minute: int | None
    asked_by: str
    asked_at: datetime
    reason: str | None


class BackfillOperations:
    """`clears_doubt`: whether the ERP itself tells in a domain what it has (`Capabilities`)."""

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        domains: Sequence[DomainSpec],
        clears_doubt: Callable[[str], bool],
        timezone: ZoneInfo,
    ) -> None:
        self._database = database
        self._store = store
        self._domains = {spec.name: spec for spec in domains}
        self._clears_doubt = clears_doubt
        self._timezone = timezone

    def begin(
        self,
        domain: str,
        wanted: Wanted,
        by: By,
        *,
        per_minute: int | None = None,
        even_if_booked: bool = False,
        dry_run: bool = False,
    ) -> Planned:
        """Write down what is to be sent; the daemon sends it.

        UsageError where one of the domain is not over, or the ERP could book a document twice.
        """
        chosen = self._chosen(domain, wanted)
        if not even_if_booked and not dry_run and not self._clears_doubt(domain):
            raise UsageError(
                f"the ERP of {domain} can neither be asked what it has nor does it refuse "
                "duplicates: what it has already would be booked twice",
                "--even-if-booked, where it certainly has none of them",
            )
        with self._database.transaction("beginning a backfill") as connection:
            newest = self._store.backfills.newest(connection, domain, locked=True)
            if newest is not None and not newest.is_over and not dry_run:
                raise TryAgain(
                    f"a backfill of {domain} is at work",
                    f"'erp-sidecar backfill {domain} --status' tells how far; --cancel ends it",
                )
            extent = self._store.backfills.extent(connection, chosen)
            planned = _planned(domain, extent, self._store.backfills.left_out(connection, chosen))
            if dry_run or not extent.documents:
                return planned
            backfill = self._store.backfills.begin(
                connection, domain, chosen, per_minute=per_minute, who=by.who, reason=by.reason
            )
            detail = {
                "backfill": backfill,
                "documents": extent.documents,
                "since": wanted.since,
                "until": wanted.until,
                "per_minute": per_minute,
                "money": extent.money,
                "even_if_booked": even_if_booked,
            }
            self._store.audit.note(
                connection,
                who=by.who,
                command="backfill",
                subject=domain,
                reason=by.reason,
                detail=detail,
            )
        return replace(planned, backfill=backfill)

    def standing(self, domain: str) -> BackfillStanding | None:
        """How far the domain's newest backfill came; None where there was none."""
        opening = self._opening(domain)
        with self._database.transaction("looking at a backfill") as connection:
            newest = self._store.backfills.newest(connection, domain)
            if newest is None:
                return None
            return _standing(newest, self._store.backfills.progress(connection, newest.id, opening))

    def cancel(self, domain: str, by: By) -> BackfillStanding:
        """Send no more of it; what is on its way goes on.  UsageError where none is at work."""
        return self._set_canceled(domain, by, canceled=True)

    def resume(self, domain: str, by: By) -> BackfillStanding:
        """Go on with one that was canceled.  UsageError where there is none."""
        return self._set_canceled(domain, by, canceled=False)

    def _set_canceled(self, domain: str, by: By, *, canceled: bool) -> BackfillStanding:
        opening = self._opening(domain)
        with self._database.transaction("changing a backfill") as connection:
            newest = self._store.backfills.newest(connection, domain, locked=True)
            state = None if newest is None else _state(newest)
            wanted = "at work" if canceled else "canceled"
            if newest is None or state != wanted:
                raise UsageError(
                    f"no backfill of {domain} is {wanted}"
                    + (f": the newest is {state}" if state else ""),
                    f"'erp-sidecar backfill {domain} --status' tells how it stands",
                )
            self._store.backfills.set_canceled(connection, newest.id, canceled=canceled)
            self._store.audit.note(
                connection,
                who=by.who,
                command="backfill --cancel" if canceled else "backfill --resume",
                subject=domain,
                reason=by.reason,
                detail={"backfill": newest.id},
            )
            changed = self._store.backfills.newest(connection, domain) or newest
            progress = self._store.backfills.progress(connection, newest.id, opening)
        return _standing(changed, progress)

    def _chosen(self, domain: str, wanted: Wanted) -> Chosen:
        if len(wanted.numbers) > _MOST_NUMBERS:
            raise UsageError(f"more than {_MOST_NUMBERS} numbers", "send them in several backfills")
        until = wanted.until + timedelta(days=1) if wanted.until else None
        return Chosen(
            self._domains[domain].kind if domain in self._domains else "",
            self._opening(domain),
            self._midnight(wanted.since),
            self._midnight(until),
            wanted.numbers,
        )

    def _midnight(self, day: date | None) -> datetime | None:
        return datetime.combine(day, time(), self._timezone) if day else None

    def _opening(self, domain: str) -> str:
        spec = self._domains.get(domain)
        if spec is None or spec.opening is None:
            carried = ", ".join(name for name, one in self._domains.items() if one.opening)
            raise UsageError(f"nothing of {domain} goes to the ERP here", f"there are {carried}")
        return spec.opening


def _planned(domain: str, extent: Extent, left_out: Sequence[str]) -> Planned:
    return Planned(
        domain, extent.documents, extent.first, extent.last, extent.money, tuple(left_out)
    )


def _standing(backfill: Backfill, progress: Progress) -> BackfillStanding:
    events, closed = progress.events, progress.events[EventStatus.SUPERSEDED.value]
    return BackfillStanding(
        backfill.domain,
        backfill.id,
        _state(backfill),
        progress.documents,
        progress.documents - progress.pointed,
        _sum(events, WAITING),
        events[EventStatus.ACCEPTED.value],
        _sum(events, REFUSED),
        # Until the end some of them are only pointed at, and not looked at yet.
        progress.pointed - events.total() + closed if backfill.finished_at else closed,
        backfill.per_minute,
        backfill.asked_by,
        backfill.asked_at,
        backfill.reason,
    )


def _state(backfill: Backfill) -> str:
    if backfill.finished_at is not None:
        return "finished"
    return "at work" if backfill.canceled_at is None else "canceled"


def _sum(events: Counter[str], statuses: Sequence[EventStatus]) -> int:
    return sum(events[status.value] for status in statuses)
