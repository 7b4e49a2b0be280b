"""Send a frozen event to an ERP account that its domain does not go to: a new ERP, a test system.

At once and one by one, by whoever asks: the queue, the links and Magento are the domain's own
account's.  What that account calls its documents stands in the attempts and is no link: a link
names no account, and the ERP's own news would be taken for another document's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.within import within
from sidecar.ledger.journal import Attempt
from sidecar.ledger.records import WholeEvent
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import BadData, PermissionDenied, TryAgain
from sidecar.model.event import decode_payload, envelope
from sidecar.model.outcome import Booked, Outcome, Unknown, describe, name_of, reference_of
from sidecar.ports import Capabilities, Delivery, ErpAdapter, Exchange, Parent, Sleeper

#: Seconds for which it is slept at a time while the throttle lets nothing go.
_NAP = 5.0


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of one event there; `outcome`: `held` where it has it already."""

    event_id: str
    outcome: str
    reference: str | None
    message: str


class OtherAccount:
    """One account, for the time of one command.  `above`: the domain of the parents."""

    def __init__(
        self,
        name: str,
        adapter: ErpAdapter,
        account: ErpAccount,
        capabilities: Capabilities,
        database: Database,
        store: LedgerStore,
        *,
        above: DomainSpec | None,
        may_send: Callable[[sa.Connection], bool],
        source: str,
        owner: str,
        sleeper: Sleeper,
    ) -> None:
        self.capabilities = capabilities
        self._name = name
        self._adapter = adapter
        self._account = account
        self._database = database
        self._store = store
        self._above = above
        self._may_send = may_send
        self._source = source
        self._owner = owner
        self._sleeper = sleeper

    def send(self, spec: DomainSpec, event: WholeEvent) -> Resent:
        """Ask whether it has the document, where it can be asked; send it where it has not.

        Raises SidecarError where no trustworthy answer can be had before it is sent.
        """
        ref = event.ref or event.number
        delivery = self._delivery(spec, event, ref)
        if self.capabilities.probe:
            found = self._ask(spec, ref)
            if found:
                held = ", ".join(dict.fromkeys(one.reference for one in found))
                return self._record(event, "held", held, f"it holds {held}: nothing was sent")
        outcome, exchange = self._push(delivery)
        reference = reference_of(outcome)
        return self._record(event, name_of(outcome), reference, describe(outcome), exchange)

    def _ask(self, spec: DomainSpec, ref: str) -> tuple[Booked, ...]:
        self._wait_for_a_place()
        found = self._account.asked(lambda: self._adapter.probe(spec.name, [ref]))
        return tuple(found.get(ref, ()))

    def _push(self, delivery: Delivery) -> tuple[Outcome, Exchange | None]:
        self._wait_for_a_place()
        try:
            calls = self._account.note(self._adapter.push([delivery]))
        except Exception as error:  # noqa: BLE001 - it was perhaps sent: that is all we know
            return Unknown(message=self._account.broke(error)), None
        finally:
            self._account.throttle.ended()
        results = [(result, call.exchange) for call in calls for result in call.results]
        if len(results) != 1:
            return Unknown(message="the adapter gave no outcome, or several"), None
        result, exchange = results[0]
        return within(result.outcome), exchange

    def _wait_for_a_place(self) -> None:
        with self._database.transaction("asking whether this system may send") as connection:
            if not self._may_send(connection):
                raise PermissionDenied(
                    "nothing is sent: it is in doubt which system this is",
                    "'erp-sidecar identity show'",
                )
        while (delay := self._account.delay()) > 0:
            if self._sleeper.wait(min(delay, _NAP)):
                raise TryAgain("stopped before it was sent")

    def _delivery(self, spec: DomainSpec, event: WholeEvent, ref: str) -> Delivery:
        try:
            payload = decode_payload(spec.event(event.type), event.payload)
            parent = self._parent(event)
        except msgspec.MsgspecError as wrong:
            raise BadData(f"{event.event_id}: its payload cannot be read: {wrong}") from wrong
        told = envelope(
            payload,
            id=event.event_id,
            event=spec.event(event.type),
            source=self._source,
            subject=f"{event.kind}/{event.number}",
            time=event.occurred_at.replace(tzinfo=UTC),
            sequence=event.sequence,
        )
        return Delivery(told, ref, None, parent)

    def _parent(self, event: WholeEvent) -> Parent | None:
        above = self._above
        if above is None or above.opening is None:
            return None
        with self._database.transaction("reading a parent") as connection:
            known = self._store.entities.read(connection, event.kind, [event.entity_id])
            parent = known[event.entity_id].parent if event.entity_id in known else None
            if parent is None or parent[0] != above.kind:
                return None
            told = self._store.payloads.told(
                connection, above.kind, [parent[1]], newest=above.is_state
            )
        if parent[1] not in told:
            return None
        return Parent(decode_payload(above.event(above.opening), told[parent[1]]))

    def _record(
        self,
        event: WholeEvent,
        outcome: str,
        reference: str | None,
        message: str,
        exchange: Exchange | None = None,
    ) -> Resent:
        attempt = Attempt("replay", outcome, f"{self._name}: {message}", reference, None, exchange)
        with self._database.transaction("writing an attempt down") as connection:
            self._store.journal.record(connection, self._owner, [(event, attempt)])
        self._account.remember()
        return Resent(event.event_id, outcome, reference, message)
