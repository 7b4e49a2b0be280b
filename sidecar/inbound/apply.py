"""Carry what the ERP said into Magento, one news at a time; what it came to is written down.

A call that writes to Magento is written down before it is made.  Where its answer did not come, or
the process died, the applier looks in Magento for the mark that the call would have left, before
anything is repeated: a shipment made twice is a parcel sent twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.inbound.owners import owner_of
from sidecar.ledger import fit
from sidecar.ledger.incoming import IncomingRow, Verdict
from sidecar.ledger.store import LedgerStore
from sidecar.magento.applier import DocumentApplier
from sidecar.model.bulkhead import MOST_ALIKE
from sidecar.model.errors import (
    ConfigurationError,
    PermissionDenied,
    SidecarError,
    described,
    is_of_one,
)
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
from sidecar.model.settlement import Difference
from sidecar.model.write_back import Detail
from sidecar.ports import Narrator

_BATCH = 50
#: Seconds before a document that Magento does not have yet is looked for again.
_ABSENT_WAIT = 60.0
#: A call that was not answered may still be at work for so long (measured: the work of a client
#: that went away was done 0.5 s later).
_DOUBT_WAIT = 5.0
_LONGEST_WAIT = 600.0
#: How often the ERP may bring a document into one state within `_ROUND_HOURS`.
_MOST_ROUNDS = 3
_ROUND_HOURS = 24
_UNREADABLE = "what is kept of it cannot be read"
_UNREADABLE_REMEDY = (
    "did somebody change it, or another version write it? 'erp-sidecar incoming drop' ends it"
)


class Applying:
    """One domain's news; `run_once` is called by one thread at a time."""

    def __init__(
        self,
        applier: DocumentApplier,
        database: Database,
        ledger: LedgerStore,
        narrator: Narrator,
        *,
        may_work: Callable[[sa.Connection], bool],
        give_up_after: float,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """`give_up_after`: seconds that a news waits for what it needs before it is parked."""
        self._applier = applier
        self._spec = applier.spec
        self._database = database
        self._ledger = ledger
        self._narrator = narrator
        self._may_work = may_work
        self._give_up_after = give_up_after
        self._progress = progress
        self._alike: Counter[str] = Counter()

    def run_once(self) -> int:
        """Apply what is due; gives how many were tried."""
        with self._database.transaction("reading what the ERP said") as connection:
            if not self._may_work(connection):
                return 0
            due = self._ledger.incoming.due(connection, self._spec.name, _BATCH)
        for row in due:
            with self._database.transaction("asking whether to go on") as connection:
                if not self._may_work(connection):
                    return 0
            self._settle(row, self._judged(row))
            self._progress()
        return len(due)

    def _judged(self, row: IncomingRow) -> Application:
        try:
            application = self._apply(row)
        except (ConfigurationError, PermissionDenied):
            # Magento's rights or ours: every news would fail alike.
            raise
        except Exception as error:
            if not is_of_one(error):
                if isinstance(error, SidecarError):
                    return Waits(error.message, _backoff(row))
                raise
            return self._odd(error)
        self._alike.clear()
        return application

    def _odd(self, error: Exception) -> NeedsPerson:
        """A news that cannot be handled; a defect that several in a row meet is everybody's."""
        message = described(error)
        if not isinstance(error, SidecarError):
            self._alike[message] += 1
            if self._alike[message] >= MOST_ALIKE:
                raise error
        remedy = error.remedy if isinstance(error, SidecarError) else ""
        return NeedsPerson(message, remedy or "'erp-sidecar incoming show' has what the ERP said")

    def _apply(self, row: IncomingRow) -> Application:
        tells = self._spec.tells
        if tells is None:
            raise TypeError(f"the ERP tells nothing of {self._spec.name}")
        try:
            news_row = tells.decoder.decode(row.payload)
        except msgspec.MsgspecError:
            return NeedsPerson(_UNREADABLE, _UNREADABLE_REMEDY)
        with self._database.transaction("looking for what the ERP speaks of") as connection:
            if self._ledger.incoming.is_overtaken(connection, row) and not row.as_is:
                return Superseded("the ERP said something newer of it, which was applied")
            owner, present, has_entered = row.entity_id, None, True
            if tells.of:
                found = owner_of(connection, self._ledger, self._spec, news_row)
                if found.entity_id is None:
                    return self._ownerless(row, found.name, ambiguous=found.ambiguous)
                kind, owner = tells.of[0], found.entity_id
                self._ledger.incoming.belongs_to(connection, row.id, kind, owner)
                if loop := self._loop(connection, row, kind, owner):
                    return loop
                present, has_entered = self._present(connection, kind, owner)
        news = News(
            id=row.id,
            number=row.number,
            row=news_row,
            account=row.account,
            entity_id=owner,
            asked_ago=row.asked_ago,
            memory=row.memory,
            told_at=row.told_at,
            as_is=row.as_is,
            present=present,
            has_entered=has_entered,
        )
        application = self._applier.apply(news, lambda memory: self._asking(row, memory))
        passing("inbound.applied")
        return application

    def _asking(self, row: IncomingRow, memory: str) -> None:
        with self._database.transaction("writing down a call to Magento") as connection:
            if not self._may_work(connection):
                raise ConfigurationError(
                    "this may be a copy of the shop: nothing is written to Magento",
                    "'erp-sidecar identity show' says why",
                )
            self._ledger.incoming.asking(connection, row.id, memory)
        passing("inbound.asking")

    def _ownerless(self, row: IncomingRow, name: str, *, ambiguous: bool) -> Application:
        if ambiguous:
            return NeedsPerson(
                f"several documents are called {name}",
                "give each store's documents their own external reference (the domain's key ref), "
                "then 'erp-sidecar incoming apply' it",
            )
        if row.waited >= self._give_up_after:
            return NeedsPerson(
                f"Magento has no document that the ERP could mean by {name or 'nothing'}",
                "was it placed before the sidecar was installed, or in another shop? "
                "'erp-sidecar incoming drop' ends it, 'incoming apply' looks once more",
            )
        return Waits(f"no document is known by {name or 'an empty name'} yet", _ABSENT_WAIT)

    def _present(
        self, connection: sa.Connection, kind: str, entity_id: int
    ) -> tuple[str | None, bool]:
        """The state in which the ERP's last word left a document; whether a news brought it there.

        Else its acceptance did, and what the state does was not done yet.
        """
        state = self._ledger.incoming.state_of(connection, self._spec.name, kind, entity_id)
        if state is not None:
            return state, True
        link = self._ledger.journal.links(connection, kind, [entity_id]).get(entity_id)
        return (link.status if link else None), False

    def _loop(
        self, connection: sa.Connection, row: IncomingRow, kind: str, entity_id: int
    ) -> NeedsPerson | None:
        """A document that goes round in circles is stopped, with both who move it."""
        if row.as_is:
            return None
        states = Counter(self._ledger.incoming.rounds(connection, kind, entity_id, _ROUND_HOURS))
        most = states.most_common(1)
        if not most or most[0][1] < _MOST_ROUNDS:
            return None
        state, times = most[0]
        ours = self._ledger.events.sent_of_late(connection, kind, entity_id, _ROUND_HOURS)
        writers = ", ".join(f"{type_} {count} times" for type_, count in ours.items())
        return NeedsPerson(
            f"a loop: the ERP account {row.account} brought it into {state} {times} times within "
            f"{_ROUND_HOURS} h; from Magento went meanwhile: {writers or 'nothing'}",
            "find out which of the two answers the other, then 'erp-sidecar incoming apply' it",
        )

    def _settle(self, row: IncomingRow, application: Application) -> None:
        verdict = self._verdict(row, application)
        with self._database.transaction("writing down what became of the ERP's news") as connection:
            held = self._ledger.incoming.settle(connection, row.id, verdict)
            if held:
                self._follow(connection, row, application)
        passing("inbound.settled")
        if not held:
            return
        # Without what it came to in words: they may be the ERP's or Magento's.
        told = {"domain": self._spec.name, "account": row.account, "number": row.number}
        match verdict.status:
            case "applied":
                self._narrator.tell("inbound.applied", **told)
            case "differs":
                self._narrator.tell("inbound.differs", **told)
            case "parked":
                self._narrator.tell("inbound.parked", **told)
            case "superseded":
                self._narrator.tell("inbound.superseded", **told)
            case "asked":
                self._narrator.tell("inbound.in_doubt", **told)
            case _ if row.tries == 0:
                # Once: it is looked for every minute, perhaps for days.
                self._narrator.tell("inbound.waits", **told)

    def _follow(self, connection: sa.Connection, row: IncomingRow, said: Application) -> None:
        """What comes of it beside the news itself, in the same transaction."""
        of = self._spec.tells.of if self._spec.tells else None
        if of is None or isinstance(said, Waits | InDoubt | NeedsPerson | Superseded):
            return
        kind = of[0]
        entity_id = self._ledger.incoming.entity_of(connection, row.id)
        if entity_id is None:
            return
        # As settlement and write-back do: what follows of a document is written by one at a time.
        self._ledger.entities.lock(connection, kind, [entity_id])
        for one in (said,) if isinstance(said, Differs) else said.differences:
            difference = Difference(one.class_, one.ours, one.theirs)
            self._ledger.differences.add_told(
                connection, self._spec.name, kind, entity_id, difference
            )
        if isinstance(said, Differs):
            return
        if said.status or said.comment or said.hold:
            detail = Detail(status=said.status, comment=said.comment, hold=said.hold)
            self._ledger.write_backs.add_told(connection, kind, entity_id, row.id, detail)
        if self._is_further_document(row):
            self._ledger.journal.link_further(connection, kind, entity_id, row.number, None)

    def _is_further_document(self, row: IncomingRow) -> bool:
        """Whether its number is that of a document of its own (a delivery), not the order's.

        One that is longer than the ledger's column holds is kept in `incoming` alone.
        """
        tells = self._spec.tells
        if tells is None or tells.of is None or tells.of[2] in tells.number:
            return False
        return fit.whole_text("link", "reference", row.number)

    def _verdict(self, row: IncomingRow, application: Application) -> Verdict:
        match application:
            case Applied(what=what, document=document, reached=reached):
                return Verdict("applied", what, document=document, state=reached)
            case Waits(reason=reason, seconds=seconds):
                if row.waited >= self._give_up_after:
                    return Verdict("parked", reason, "'erp-sidecar incoming apply' tries once more")
                return Verdict("waiting", reason, due_in=seconds)
            case InDoubt(reason=reason):
                return Verdict("asked", reason, due_in=max(_DOUBT_WAIT, _backoff(row)))
            case NeedsPerson(reason=reason, remedy=remedy):
                return Verdict("parked", reason, remedy)
            case Differs(reason=reason):
                return Verdict(
                    "differs",
                    reason,
                    "'erp-sidecar incoming apply NUMBER --reason' lets it through all the same",
                )
            case Superseded(reason=reason):
                return Verdict("superseded", reason)


def _backoff(row: IncomingRow) -> float:
    return float(min(_LONGEST_WAIT, _DOUBT_WAIT * 2 ** min(row.tries, 10)))
