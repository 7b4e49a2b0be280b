"""One call to the ERP, and what the ledger is to write down of it.  Runs in the pump's workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from msgspec.structs import asdict, replace

from sidecar.crash_point import passing
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.settle import Settler
from sidecar.domain.errors import SidecarError
from sidecar.domain.event import Event, decode_payload, schema_urn
from sidecar.domain.outcome import (
    Accepted,
    Booked,
    Duplicate,
    Outcome,
    Partial,
    Rejected,
    describe,
    name_of,
    unread,
)
from sidecar.domain.settlement import Settlement
from sidecar.ledger.claims import Claimed
from sidecar.ledger.journal import Attempt
from sidecar.ledger.settling import Ended
from sidecar.ports import Clock, Delivery, ErpAdapter, Exchange, Link, Result, Sleeper

#: A worker looks this often whether the daemon is stopping while the throttle makes it wait.
_LONGEST_WAIT = 1.0


@dataclass(slots=True)
class Trust:
    """Until when (monotonic) this process may use a claim; each renewal of the lease extends it.

    It ends before the lease does, counted from before the lease was asked for.  After a SIGSTOP
    past it somebody else may be sending the very same event.
    """

    until: float


@dataclass(frozen=True, slots=True)
class Parcel:
    """Claimed events that go in one call, or are asked for in one (`probing`)."""

    events: tuple[Claimed, ...]
    links: dict[tuple[str, int], Link]
    trust: Trust
    probing: bool = False

    def link(self, claimed: Claimed) -> Link | None:
        """What the ERP called the event's entity."""
        return self.links.get((claimed.kind, claimed.entity_id))


class Courier:
    """Used by several threads at once."""

    def __init__(
        self,
        adapter: ErpAdapter,
        account: ErpAccount,
        settler: Settler,
        *,
        domain: str,
        source: str,
        clock: Clock,
        sleeper: Sleeper,
    ) -> None:
        self._adapter = adapter
        self._account = account
        self._settler = settler
        self._domain = domain
        self._source = source
        self._clock = clock
        self._sleeper = sleeper
        self._can_probe = adapter.capabilities(domain).probe

    def carry(self, parcel: Parcel) -> list[Ended]:
        """Make the call; an empty list when it was certainly not made."""
        if parcel.probing and not self._can_probe:
            return [self._unaskable(claimed, parcel.link(claimed)) for claimed in parcel.events]
        slots = self._account.slots
        while not slots.take(_LONGEST_WAIT):
            if self._sleeper.wait(0) or self._clock.monotonic() >= parcel.trust.until:
                return []
        try:
            if not self._turn(parcel.trust):
                return []
            return self._ask(parcel) if parcel.probing else self._push(parcel)
        finally:
            slots.give()

    def _turn(self, trust: Trust) -> bool:
        """Wait for the throttle; False when the claim must not be used any more.

        True takes a place in the throttle's window, which the call gives back when it has ended.
        """
        while self._clock.monotonic() < trust.until:
            delay = self._account.throttle.delay()
            if delay <= 0:
                return True
            if self._sleeper.wait(min(delay, _LONGEST_WAIT)):
                return False
        return False

    def _push(self, parcel: Parcel) -> list[Ended]:
        deliveries = [self._delivery(claimed, parcel) for claimed in parcel.events]
        passing("delivery.sending")
        try:
            results = self._adapter.push(deliveries)
        finally:
            self._account.throttle.ended()
        passing("delivery.answered")
        self._account.note(deliveries, results)
        return [
            self._pushed(claimed, delivery, result, parcel.trust)
            for claimed, delivery, result in zip(parcel.events, deliveries, results, strict=True)
        ]

    def _pushed(self, claimed: Claimed, delivery: Delivery, result: Result, trust: Trust) -> Ended:
        outcome = self._read_back(delivery, result.outcome, trust)
        payload = delivery.event.data
        attempt = Attempt(
            "push",
            name_of(outcome),
            describe(outcome),
            _reference(outcome),
            outcome.code if isinstance(outcome, Rejected) else None,
            result.exchange,
        )
        settlement = self._settler.of_push(claimed, payload, outcome)
        return Ended(claimed, payload, settlement, attempt)

    def _read_back(self, delivery: Delivery, outcome: Outcome, trust: Trust) -> Outcome:
        """Where an acceptance is silent about its figures, ask for them: silent losses are real."""
        if not isinstance(outcome, Accepted) or not self._can_probe:
            return outcome
        if not self._settler.wants_figures(delivery.event.type, outcome.booked):
            return outcome
        if not self._turn(trust):
            return outcome
        try:
            found = self._adapter.probe(self._domain, [delivery.ref]).get(delivery.ref, ())
        except SidecarError:
            # It is accepted all the same; what could not be compared is no difference.
            return outcome
        finally:
            self._account.throttle.ended()
        read = [booked for booked in found if booked.reference == outcome.booked.reference]
        return replace(outcome, booked=_filled(outcome.booked, read[0])) if read else outcome

    def _ask(self, parcel: Parcel) -> list[Ended]:
        payloads = [decode_payload(claimed.type, claimed.payload) for claimed in parcel.events]
        started = self._clock.monotonic()
        try:
            found = self._adapter.probe(
                self._domain, [claimed.increment_id for claimed in parcel.events]
            )
        except SidecarError as error:
            self._account.failed(error.message)
            attempt = Attempt("probe", "unknown", error.message)
            return [
                Ended(
                    claimed,
                    payload,
                    self._settler.of_failed_probe(claimed, error.message),
                    attempt,
                )
                for claimed, payload in zip(parcel.events, payloads, strict=True)
            ]
        finally:
            self._account.throttle.ended()
        took = self._clock.monotonic() - started
        self._account.probed(len(parcel.events), took)
        exchange = Exchange("question by number", None, took)
        return [
            self._asked(claimed, payload, parcel, found.get(claimed.increment_id, ()), exchange)
            for claimed, payload in zip(parcel.events, payloads, strict=True)
        ]

    def _asked(
        self,
        claimed: Claimed,
        payload: object,
        parcel: Parcel,
        booked: Sequence[Booked],
        exchange: Exchange,
    ) -> Ended:
        linked = parcel.link(claimed) is not None
        settlement = self._settler.of_probe(claimed, payload, tuple(booked), linked=linked)
        references = ", ".join(document.reference for document in booked)
        message = f"the ERP holds {references}" if booked else "the ERP does not hold it"
        message += "".join(map(unread, booked))
        attempt = Attempt(
            "probe", settlement.status.value, message, references or None, None, exchange
        )
        return Ended(claimed, payload, settlement, attempt)

    def _unaskable(self, claimed: Claimed, link: Link | None) -> Ended:
        payload = decode_payload(claimed.type, claimed.payload)
        settlement: Settlement = self._settler.of_unaskable(claimed, payload, link)
        attempt = Attempt("recover", settlement.status.value, "this ERP cannot be asked")
        return Ended(claimed, payload, settlement, attempt)

    def _delivery(self, claimed: Claimed, parcel: Parcel) -> Delivery:
        event = Event(
            id=claimed.event_id,
            type=claimed.type.value,
            source=self._source,
            subject=f"{claimed.kind}/{claimed.increment_id}",
            time=claimed.occurred_at.replace(tzinfo=UTC),
            dataschema=schema_urn(claimed.type),
            data=decode_payload(claimed.type, claimed.payload),
            sequence=claimed.sequence,
        )
        return Delivery(event, claimed.increment_id, parcel.link(claimed))


def _reference(outcome: Outcome) -> str | None:
    match outcome:
        case Accepted(booked=booked) | Partial(booked=booked):
            return booked.reference
        case Duplicate(reference=reference):
            return reference
        case _:
            return None


def _filled(answered: Booked, read: Booked) -> Booked:
    """The answer, and where it is silent what was read back."""
    silent = [name for name, figure in asdict(answered).items() if figure is None]
    return replace(
        answered,
        **{name: getattr(read, name) for name in silent},
        unread="; ".join(filter(None, (answered.unread, read.unread))),
    )
