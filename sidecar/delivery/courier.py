"""One call to the ERP, and what the ledger is to write down of it.  Runs in the account's workers.

For each call a slot and a place in the throttle's window were taken; the place is given back here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

import msgspec
from msgspec import MsgspecError
from msgspec.structs import asdict, replace

from sidecar.delivery.account import ErpAccount
from sidecar.delivery.parcels import Parcel, Trust
from sidecar.delivery.parents import ParentDocument
from sidecar.delivery.pushed import Answer, answers, only
from sidecar.delivery.settle import Settler
from sidecar.delivery.within import document, within
from sidecar.host.crash_point import passing
from sidecar.ledger.claims import Claimed
from sidecar.ledger.journal import Attempt
from sidecar.ledger.settling import Ended
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.errors import (
    BadData,
    NotReached,
    NotUnderstood,
    PermissionDenied,
    SidecarError,
    Unavailable,
    described,
)
from sidecar.model.event import decode_payload, envelope
from sidecar.model.exchange import NONE_FITS, UNDERSTOOD
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Outcome,
    Rejected,
    Unfinished,
    Unknown,
    describe,
    name_of,
    reference_key,
    reference_of,
    unread,
)
from sidecar.model.settlement import UNFINISHED, Settlement
from sidecar.ports import (
    Clock,
    Delivery,
    ErpAdapter,
    Exchange,
    Link,
    Parent,
    Reading,
    Sleeper,
)

#: Between two calls of one parcel it is looked this often whether the daemon is stopping.
_LONGEST_WAIT = 1.0
#: The number that an end-to-end check asks for; Magento gives none like it.
NO_DOCUMENT = "erp-sidecar-check"


@dataclass(frozen=True, slots=True)
class Opened:
    """A claimed event with its payload read; `link`: what the ERP called the event's entity."""

    claimed: Claimed
    payload: msgspec.Struct
    link: Link | None
    parent: Parent | None = None


class Courier:
    """Used by several threads at once."""

    def __init__(
        self,
        adapter: ErpAdapter,
        account: ErpAccount,
        settler: Settler,
        *,
        spec: DomainSpec,
        source: str,
        clock: Clock,
        sleeper: Sleeper,
        parent: DomainSpec | None = None,
    ) -> None:
        """`parent`: the domain that this one's documents belong to."""
        self._parent_spec = parent
        self._adapter = adapter
        self._account = account
        self._settler = settler
        self._spec = spec
        self._source = source
        self._clock = clock
        self._sleeper = sleeper
        self._can_probe = adapter.capabilities(spec.name).probe
        self._calling_since: dict[int, float] = {}

    def longest_call(self) -> float:
        """Seconds for which the oldest call that is at the ERP has been there."""
        since = min(list(self._calling_since.values()), default=None)
        return 0.0 if since is None else self._clock.monotonic() - since

    def carry(self, parcel: Parcel) -> list[Ended]:
        """Make the call; events that were certainly not sent are not in the result.

        Whatever is raised on the way costs the events of this call their certainty, no more.
        """
        opened: list[Opened] = []
        unreadable: list[Ended] = []
        for claimed in parcel.events:
            try:
                payload = decode_payload(self._spec.event(claimed.type), claimed.payload)
                parent = self._parent(parcel.parents.get((claimed.kind, claimed.entity_id)))
                opened.append(Opened(claimed, payload, parcel.link(claimed), parent))
            except MsgspecError as wrong:
                # Somebody changed the ledger by hand, or the order could not be read at all.
                unreadable.append(self._unreadable(claimed, str(wrong)))
            except RecursionError as wrong:
                unreadable.append(self._unreadable(claimed, described(wrong)))
        try:
            return self._carry(parcel, opened) + unreadable
        except Exception as error:  # noqa: BLE001 - the net around an adapter and its answers
            message = self._account.broke(error)
            if parcel.probing:
                lost = [self._not_asked(one, message, reached=True) for one in opened]
            else:
                lost = [self._in_doubt(one, message) for one in opened]
            return lost + unreadable

    def ask_for_check(self) -> str:
        """Ask the ERP something harmless, for an end-to-end check; what it said.

        Where it can be asked for documents: for a number that none has.  Raises SidecarError.
        """
        return self._account.asked(self._something_harmless)

    def _something_harmless(self) -> str:
        if self._can_probe:
            found = self._adapter.probe(self._spec.name, [NO_DOCUMENT]).get(NO_DOCUMENT, ())
            held = ", ".join(booked.reference for booked in found)
            return f"asked for {NO_DOCUMENT}: it holds {held or 'none, as it should'}"
        ping = self._adapter.ping()
        if not ping.reachable:
            raise Unavailable(f"the ERP does not answer: {ping.message}", "is it up?")
        if not ping.authorised:
            raise PermissionDenied(f"the ERP refuses the login: {ping.message}", "see erp.auth")
        return f"it answers and takes the login (it cannot be asked for {self._spec.name})"

    def _carry(self, parcel: Parcel, opened: Sequence[Opened]) -> list[Ended]:
        if not opened or (parcel.probing and not self._can_probe):
            self._account.throttle.ended(0)
            return [self._unaskable(one) for one in opened]
        self._calling_since[id(parcel)] = self._clock.monotonic()
        try:
            if parcel.probing:
                return self._ask(opened, parcel.trust)
            return self._push(opened, parcel.trust)
        finally:
            self._calling_since.pop(id(parcel), None)

    def _another_place(self, trust: Trust) -> bool:
        """Wait for the throttle once more; False when the claim must not be used any more.

        True takes a place in the throttle's window, which the call gives back when it has ended.
        """
        while self._clock.monotonic() < trust.until:
            delay = self._account.delay()
            if delay <= 0:
                return True
            if self._account.is_quiet():
                # Given back: it may be an hour, and 'run --once' would stand still as long.
                return False
            if self._sleeper.wait(min(delay, _LONGEST_WAIT)):
                return False
        return False

    def _push(self, opened: Sequence[Opened], trust: Trust) -> list[Ended]:
        try:
            deliveries = [self._delivery(one) for one in opened]
        except Exception:
            self._account.throttle.ended(0)
            raise
        passing("delivery.sending")
        made = 1  # what an adapter that fails has sent is not known
        try:
            calls = self._adapter.push(deliveries)
            made = sum(call.exchange is not None for call in calls)
        except Exception as error:  # noqa: BLE001 - it was perhaps sent: that is all we know
            message = self._account.broke(error)
            self._account.failed(message)
            return [self._in_doubt(one, message) for one in opened]
        finally:
            self._account.throttle.ended(made)
        passing("delivery.answered")
        said = answers(self._account.note(calls))
        ended = [
            self._judged(one, delivery, said.pop(delivery.event.id, ()), trust)
            for one, delivery in zip(opened, deliveries, strict=True)
        ]
        if said:
            self._account.broke(BadData("it gave an outcome for an event that was not sent"))
        return ended

    def _judged(
        self, one: Opened, delivery: Delivery, said: Sequence[Answer], trust: Trust
    ) -> Ended:
        """What its answer comes to; without one that can be judged an event is in doubt."""
        try:
            return self._pushed(one, delivery, only(said), trust)
        except Exception as error:  # noqa: BLE001 - the others of the push have answers too
            exchange = said[-1].exchange if said else None
            return self._in_doubt(one, self._account.broke(error), exchange)

    def _in_doubt(self, one: Opened, message: str, exchange: Exchange | None = None) -> Ended:
        settlement = self._settler.of_push(one.claimed, one.payload, Unknown(message=message))
        attempt = Attempt("push", "unknown", message, exchange=exchange)
        return Ended(one.claimed, one.payload, settlement, attempt)

    def _pushed(self, one: Opened, delivery: Delivery, answer: Answer, trust: Trust) -> Ended:
        outcome = within(self._read_back(delivery, within(answer.outcome), trust))
        attempt = Attempt(
            "push",
            _named(outcome),
            describe(outcome),
            reference_of(outcome),
            outcome.code if isinstance(outcome, Rejected) else None,
            self._kept(one, answer.exchange),
            answer.reading,
            answer.events,
        )
        settlement = self._settler.of_push(one.claimed, one.payload, outcome, one.link)
        return self._ended(one, settlement, attempt)

    def _kept(self, one: Opened, exchange: Exchange | None) -> Exchange | None:
        """What is kept of a call: not who it was that the ERP erased."""
        ends = self._spec.role(one.claimed.type) is Role.ENDS
        if exchange is None or not (ends and self._spec.is_person):
            return exchange
        return dataclasses.replace(exchange, answer="")

    def _read_back(self, delivery: Delivery, outcome: Outcome, trust: Trust) -> Outcome:
        """Where an acceptance is silent about its figures, ask for them: silent losses are real."""
        if not isinstance(outcome, Accepted) or not self._can_probe:
            return outcome
        if not self._settler.wants_figures(delivery.event.type, outcome.booked):
            return outcome
        if not self._another_place(trust):
            return outcome
        try:
            found = self._adapter.probe(self._spec.name, [delivery.ref]).get(delivery.ref, ())
        except SidecarError:
            # It is accepted all the same; what could not be compared is no difference.
            return outcome
        except Exception as error:  # noqa: BLE001 - an adapter may be anybody's
            self._account.broke(error)
            return outcome
        finally:
            self._account.throttle.ended()
        own = reference_key(outcome.booked.reference)
        read = [booked for booked in found if reference_key(booked.reference) == own]
        return replace(outcome, booked=_filled(outcome.booked, read[0])) if read else outcome

    def _ask(self, opened: Sequence[Opened], trust: Trust) -> list[Ended]:
        """Ask about events; one place in the throttle's window was taken."""
        started = self._clock.monotonic()
        try:
            found = self._adapter.probe(self._spec.name, [one.claimed.ref for one in opened])
        except NotUnderstood as error:
            # An ERP that answers is reachable, whatever it says.
            self._account.answered()
            unread, exchange = error.message, error.exchange
        except SidecarError as error:
            reached = not isinstance(error, NotReached)
            if isinstance(error, NotReached) and error.lasting:
                return [self._misconfigured(one, error, len(opened)) for one in opened]
            self._account.failed(error.message)
            exchange = error.exchange if isinstance(error, Unavailable) else None
            return [
                self._not_asked(
                    one, error.message, reached=reached, exchange=exchange, events=len(opened)
                )
                for one in opened
            ]
        except Exception as error:  # noqa: BLE001 - an adapter may be anybody's
            unread, exchange = self._account.broke(error), None
            self._account.failed(unread)
        else:
            took = self._clock.monotonic() - started
            self._account.probed(len(opened), took)
            seen = Exchange("question by number", None, took)
            return [self._understood(one, found, seen, len(opened)) for one in opened]
        finally:
            self._account.throttle.ended()
        if len(opened) == 1:
            return [self._not_asked(opened[0], unread, reached=True, exchange=exchange)]
        # What cannot be read may be said of one of them: the others are asked about alone.
        return [
            ended
            for one in opened
            if self._another_place(trust)
            for ended in self._ask([one], trust)
        ]

    def _understood(
        self, one: Opened, found: Mapping[str, Sequence[Booked]], exchange: Exchange, events: int
    ) -> Ended:
        """What the answer to a question says of one event; one that says nonsense says nothing."""
        try:
            booked = [document(each) for each in found.get(one.claimed.ref, ())]
            return self._asked(one, booked, exchange, events)
        except BadData as error:
            return self._not_asked(one, error.message, reached=True)
        except Exception as error:  # noqa: BLE001 - the others that were asked for have answers too
            return self._not_asked(one, self._account.broke(error), reached=True)

    def _asked(
        self, one: Opened, booked: Sequence[Booked], exchange: Exchange, events: int
    ) -> Ended:
        settlement = self._settler.of_probe(one.claimed, one.payload, tuple(booked), one.link)
        references = ", ".join(dict.fromkeys(document.reference for document in booked))
        message = f"the ERP holds {references}" if booked else "the ERP does not hold it"
        message += "".join(map(unread, booked))
        attempt = Attempt(
            "probe", settlement.status.value, message, references or None, None, exchange,
            Reading(UNDERSTOOD), events,
        )  # fmt: skip
        return self._ended(one, settlement, attempt)

    def _not_asked(
        self,
        one: Opened,
        message: str,
        *,
        reached: bool,
        exchange: Exchange | None = None,
        events: int = 1,
    ) -> Ended:
        settlement = self._settler.of_failed_probe(one.claimed, message, reached=reached)
        # Only of an answer that says nothing to be understood there is one, and it was reached.
        reading = Reading(NONE_FITS) if exchange and exchange.status is not None else None
        attempt = Attempt(
            "probe",
            settlement.status.value,
            message,
            exchange=exchange,
            reading=reading,
            events=events,
        )
        return self._ended(one, settlement, attempt)

    def _misconfigured(self, one: Opened, error: NotReached, events: int) -> Ended:
        """No question can be put until a human acts: the ERP is not away, the domain stops."""
        settlement = self._settler.of_failed_probe(one.claimed, error.message, reached=False)
        attempt = Attempt(
            "probe", "misconfigured", error.message, exchange=error.exchange, events=events
        )
        return self._ended(one, settlement, attempt)

    def _unaskable(self, one: Opened) -> Ended:
        settlement = self._settler.of_unaskable(one.claimed, one.payload, one.link)
        attempt = Attempt("recover", settlement.status.value, "this ERP cannot be asked")
        return self._ended(one, settlement, attempt)

    def _ended(self, one: Opened, settlement: Settlement, attempt: Attempt) -> Ended:
        return Ended(
            one.claimed, one.payload, settlement, attempt, one.link, can_ask=self._can_probe
        )

    def _unreadable(self, claimed: Claimed, message: str) -> Ended:
        settlement = self._settler.of_unreadable(claimed, message)
        return Ended(claimed, None, settlement, Attempt("recover", "parked", message))

    def _parent(self, document: ParentDocument | None) -> Parent | None:
        """Raises MsgspecError for what its parent said first and cannot be read."""
        spec = self._parent_spec
        if spec is None or spec.opening is None or document is None or document.payload is None:
            return None
        payload = decode_payload(spec.event(spec.opening), document.payload)
        return Parent(payload, document.link)

    def _delivery(self, one: Opened) -> Delivery:
        claimed = one.claimed
        event = envelope(
            one.payload,
            id=claimed.event_id,
            event=self._spec.event(claimed.type),
            source=self._source,
            subject=f"{claimed.kind}/{claimed.number}",
            time=claimed.occurred_at.replace(tzinfo=UTC),
            sequence=claimed.sequence,
        )
        posted = claimed.posting_date.replace(tzinfo=UTC) if claimed.posting_date else None
        return Delivery(
            event, claimed.ref, one.link, one.parent, posted, unfinished=claimed.code == UNFINISHED
        )


def _named(outcome: Outcome) -> str:
    """A step that every order would fail at stops the domain as such a call does."""
    if isinstance(outcome, Unfinished) and outcome.cause == "misconfigured":
        return outcome.cause
    return name_of(outcome)


def _filled(answered: Booked, read: Booked) -> Booked:
    """The answer, and where it is silent what was read back."""
    silent = [name for name, figure in asdict(answered).items() if figure is None]
    return replace(
        answered,
        **{name: getattr(read, name) for name in silent},
        unread="; ".join(filter(None, (answered.unread, read.unread))),
    )
