"""What operators do to events that are over: send them again, to their ERP account or another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.records import EventRow, Records, WholeEvent
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.errors import BadData, UsageError
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.operate.other_account import OtherAccount, Resent
from sidecar.operate.queue import By
from sidecar.ports import Capabilities


@dataclass(frozen=True, slots=True)
class Range:
    """Days of the shop's own calendar on which the documents were made, the last one included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Replayed:
    """`events`: ids of what is sent again; `left_out`: name → why not.

    `resent`: what became of each, where it went to another account: at once, and not by the daemon.
    """

    account: str
    events: tuple[str, ...]
    money: dict[str, Decimal]
    left_out: dict[str, str]
    resent: tuple[Resent, ...] = ()


class ReplayOperations:
    """Of one domain.

    `account`: the ERP account that it goes to; `other`: makes another one, by its name.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        spec: DomainSpec,
        account: str,
        can: Callable[[], Capabilities],
        other: Callable[[str], OtherAccount],
        timezone: ZoneInfo,
    ) -> None:
        self._database = database
        self._store = store
        self._spec = spec
        self._account = account
        self._can = can
        self._other = other
        self._timezone = timezone
        self._records = Records(store.tables)

    def replay(
        self,
        names: Sequence[str],
        within: Range | None,
        by: By,
        *,
        to: str | None = None,
        most: int,
        even_if_booked: bool = False,
        dry_run: bool = False,
    ) -> Replayed:
        """Send again what was accepted of these numbers (or event ids), or of a time.

        Of a number the event that opened the document.  UsageError where it could be booked twice
        unseen, unless `even_if_booked`.
        """
        names = [*names, *(self._of(within, most) if within else ())]
        if len(names) > most:
            raise UsageError(f"more than {most} events match", "raise --limit if that is meant")
        chosen, left_out = self._choose(names)
        other = None if to in (None, self._account) else self._other(str(to))
        can = other.capabilities if other else self._can()
        if not dry_run and not even_if_booked:
            self._require_once(can, to or self._account, chosen)
        done = Replayed(
            to or self._account,
            tuple(event.event_id for event in chosen),
            _money(chosen),
            left_out,
        )
        if dry_run:
            return done
        if other is None:
            return self._again(done, chosen, can, by)
        # Before the first goes: whatever ends this, who did it stands written down.
        with self._database.transaction("noting a replay") as connection:
            self._note(connection, chosen, by, {"to": to})
        resent = [other.send(self._spec, self._frozen(event.event_id)) for event in chosen]
        return replace(done, resent=tuple(resent))

    def _of(self, within: Range, most: int) -> list[str]:
        if self._spec.opening is None:
            raise UsageError(f"nothing opens a {self._spec.noun}", "name events by their ids")
        first, after = (
            datetime.combine(day, time(), self._timezone)
            for day in (within.first, within.last + timedelta(days=1))
        )
        with self._database.transaction("looking for accepted events") as connection:
            return self._store.replays.accepted(
                connection, self._spec.name, self._spec.opening, first, after, most + 1
            )

    def _choose(self, names: Sequence[str]) -> tuple[list[EventRow], dict[str, str]]:
        chosen: dict[int, EventRow] = {}
        left_out: dict[str, str] = {}
        with self._database.transaction("looking for accepted events") as connection:
            for name in dict.fromkeys(names):
                event = self._records.event(connection, name)
                if event is not None and event.kind != self._spec.kind:
                    raise UsageError(f"{name} is no event of a {self._spec.noun}")
                if event is not None:
                    entities = [event.entity_id]
                else:
                    of_number = self._store.entities.by_number(connection, self._spec.kind, name)
                    entities = [known.entity_id for known in of_number]
                if not entities:
                    raise BadData(f"the ledger knows no {self._spec.noun} {name}")
                links = self._store.journal.links(connection, self._spec.kind, entities)
                for entity_id in entities:
                    rows = self._records.events_of(connection, self._spec.kind, entity_id)
                    found = self._replayable(rows, name if event else None)
                    link = links.get(entity_id)
                    if isinstance(found, EventRow) and link and link.ended and self._opens(found):
                        found = f"{link.reference} was canceled: it would live again"
                    if isinstance(found, str):
                        left_out[name] = found
                    else:
                        chosen[found.id] = found
        return list(chosen.values()), left_out

    def _replayable(self, rows: Sequence[EventRow], event_id: str | None) -> EventRow | str:
        """The event of an entity that is meant, or why it is not sent again."""
        if waiting := [row for row in rows if row.status in OPEN]:
            return f"{waiting[0].event_id} of it is {waiting[0].status}: it goes first"
        accepted = [row for row in rows if row.status is EventStatus.ACCEPTED]
        if event_id is not None:
            found = [row for row in accepted if row.event_id == event_id]
            return found[0] if found else "the ERP never accepted it"
        opening = [row for row in accepted if row.type == self._spec.opening]
        return opening[-1] if opening else "no event of it opened a document in the ERP"

    def _require_once(self, can: Capabilities, account: str, chosen: Sequence[EventRow]) -> None:
        if any(map(self._opens, chosen)) and not can.clears_doubt:
            raise UsageError(
                f"the ERP account {account} can neither be asked what it has nor does it refuse "
                "duplicates: what it has would be booked twice",
                "look there first; --even-if-booked sends it all the same",
            )

    def _again(
        self, done: Replayed, chosen: Sequence[EventRow], can: Capabilities, by: By
    ) -> Replayed:
        why = f"sent again by {by.who}: {by.reason}"
        opens = [one for one in chosen if self._opens(one)]
        others = [one for one in chosen if one not in opens]
        with self._database.transaction("sending accepted events again") as connection:
            self._store.entities.lock(
                connection, self._spec.kind, sorted({one.entity_id for one in chosen})
            )
            for events, in_doubt in ((opens, True), (others, False)):
                ids = [one.id for one in events]
                self._store.replays.begin(
                    connection, ids, in_doubt=in_doubt, ask=in_doubt and can.probe, why=why
                )
            self._note(connection, chosen, by, {})
        return done

    def _opens(self, event: EventRow) -> bool:
        return self._spec.role(event.type) is Role.OPENS

    def _frozen(self, event_id: str) -> WholeEvent:
        with self._database.transaction("reading an event") as connection:
            event = self._records.event(connection, event_id)
        if event is None:
            raise BadData(f"there is no event {event_id} any more")
        return event

    def _note(
        self,
        connection: sa.Connection,
        events: Sequence[EventRow],
        by: By,
        detail: dict[str, object],
    ) -> None:
        for event in events:
            self._store.audit.note(
                connection,
                who=by.who,
                command=f"{self._spec.noun} replay",
                subject=event.number,
                reason=by.reason,
                detail={"event": event.event_id, **detail},
            )


def _money(events: Sequence[EventRow]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for event in events:
        if event.amount is not None and event.currency is not None:
            total[event.currency] += event.amount
    return dict(total)
