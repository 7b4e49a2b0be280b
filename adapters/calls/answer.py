"""From an ERP's answer to an outcome: predicates decide, in the order of the file.

The first predicate that is true decides.  One that cannot be evaluated (the answer has no such
field, because it is a proxy's page or the ERP changed its schema) is passed over and remembered;
when none is true the outcome is Unknown and names what was missing.  Nothing is guessed towards
success: an acceptance without its reference is Unknown too.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from adapters.calls.fields import BOOKED, Fields
from adapters.language.expression import Expression
from adapters.language.filters import ExpressionError, as_text, kind, truth
from adapters.language.scope import Values
from adapters.language.shape import Plain
from sidecar.model.exchange import NONE_FITS, PROTOCOL
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Taken,
    Throttled,
    Unknown,
    name_of,
)
from sidecar.ports import Reading

PREDICATES = (
    "accepted",
    "accepted_ask",
    "partial",
    "duplicate",
    "rejected",
    "throttled",
    "retry",
    "conflict",
    "misconfigured",
)
VALUES = (*BOOKED, "code", "message", "field", "what", "after")
#: What may not be believed of an answer that is not the ERP's own: each says "not booked".
DENIALS = frozenset({"rejected", "throttled", "retry", "misconfigured"})
#: What says "it is booked".
BOOKINGS = frozenset({"accepted", "accepted_ask", "partial", "duplicate"})
#: What may be decided of a whole batch without looking at its results: that nothing was booked.
WHOLE = ("rejected", "throttled", "retry", "conflict", "misconfigured")

_SHORT = 500
_NAMELESS = "the answer has no reference"
#: Where an answer's own words are; a `result` is a part of them.
_WORDS = frozenset(
    {
        *("response.body", "response.xml", "response.fault", "result"),
        *("response.document", "response.documents", "response.error"),
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the transport knows of an answer beside its content.

    `summary` is for a person ("HTTP 502"), `excerpt` the beginning of the body, `after` the seconds
    that the ERP asked to wait, `unreadable` why a success must not be believed (a broken body).
    `verdict` is what the protocol itself says whatever the file does (the login was refused),
    `otherwise` what it says where no line of the file fits (the ERP is busy), `doubtful` that an
    answer which asks to try again may have come after the booking (a SOAP server's fault).
    """

    summary: str
    excerpt: str = ""
    #: Whose answer it is, where it is not certainly the ERP's own (a gateway's): such an answer
    #: may have come after the booking, whatever a line of the file says of it.
    stranger: str = ""
    #: The same for lines that do not look at the body: it is not what the ERP's API answers.
    wordless: str = ""
    #: Why a line that does not look at the body is no proof of a booking: the body is for people.
    page: str = ""
    after: float | None = None
    unreadable: str = ""
    verdict: Outcome | None = None
    otherwise: Outcome | None = None
    doubtful: bool = False

    def doubt_of(self, predicate: Predicate) -> str:
        """Why "not booked" must not be believed; empty where it may be."""
        return self.stranger or ("" if predicate.reads_body else self.wordless)

    def doubt_of_booking(self, predicate: Predicate) -> str:
        """Why "booked" must not be believed; empty where it may be."""
        return self.unreadable or ("" if predicate.reads_body else self.page)

    def believed(self, verdict: Outcome) -> Outcome:
        """What the protocol itself says, unless it may be a gateway that speaks it."""
        if not self.stranger:
            return verdict
        return Unknown(message=f"{name_of(verdict)}, but {self.stranger}; {self.told}")

    @property
    def told(self) -> str:
        """Summary and the beginning of the body in one line."""
        excerpt = " ".join(self.excerpt.split())[:_SHORT]
        return f"{self.summary}: {excerpt}" if excerpt else self.summary


@dataclass(frozen=True, slots=True)
class Judged:
    """What the answer to one event came to, and by which line of the file."""

    outcome: Outcome
    reading: Reading


@dataclass(frozen=True, slots=True)
class Predicate:
    """A question to the answer; a constant where the file says true or false.

    `compared`: parts of the answer of which it asks whether they are something else.
    """

    name: str
    ask: Expression | bool
    compared: tuple[Expression, ...] = ()

    def holds(self, values: Values) -> bool:
        """Whether it is true.  Raises ExpressionError when that cannot be said."""
        return self.ask if isinstance(self.ask, bool) else truth(self.ask(values), self.ask.source)

    def silence(self, values: Values) -> str:
        """Which of the compared parts the answer leaves empty: of nothing all else is different.

        An upgrade, or a gateway, may have dropped what stood there (docs/mapping.md).
        """
        for part in self.compared:
            try:
                value = part(values)
            except ExpressionError:
                continue
            if value is None or (isinstance(value, str) and not value.strip()):
                return f"{part.source} is empty"
        return ""

    @property
    def names(self) -> frozenset[str]:
        """What the question looks at."""
        return frozenset() if isinstance(self.ask, bool) else self.ask.names

    @property
    def reads_body(self) -> bool:
        """Whether the question looks at what the ERP said, not only at the status."""
        return not isinstance(self.ask, bool) and not _WORDS.isdisjoint(self.ask.reads)


@dataclass(frozen=True, slots=True)
class Answer:
    """How the answer to one event is read."""

    predicates: tuple[Predicate, ...]
    fields: Fields

    def judged(
        self, values: Values, events: Sequence[Values], evidence: Evidence
    ) -> tuple[list[Judged] | None, str]:
        """As `BatchAnswer.judged`, for a call that carried one event."""
        return [self.judge({**values, **event}, evidence) for event in events], ""

    def outcome(self, values: Values, evidence: Evidence) -> Outcome:
        """What the answer comes to; never raises for what the ERP said."""
        return self.judge(values, evidence).outcome

    def judge(self, values: Values, evidence: Evidence) -> Judged:
        """The same, and which line of the file said it."""
        if evidence.verdict is not None:
            return _by_protocol(evidence, evidence.verdict)
        decided, passed_over = self._decide(values)
        if decided is None:
            if evidence.otherwise is not None:
                return Judged(evidence.otherwise, Reading(PROTOCOL))
            told = "; ".join(f"{', '.join(names)}: {why}" for why, names in passed_over.items())
            reasons = f" ({told})" if told else ""
            unknown = Unknown(message=f"no line of the answer fits{reasons}; {evidence.told}")
            return Judged(unknown, Reading(NONE_FITS, told))
        name = decided.name
        doubt = ""
        if name in BOOKINGS:
            doubt = evidence.doubt_of_booking(decided)
        elif name in DENIALS:
            doubt = evidence.doubt_of(decided) or decided.silence(values)
        if doubt:
            unknown = Unknown(message=f"{name}, but {doubt}; {evidence.told}")
            return Judged(unknown, Reading(name, doubt))
        outcome = self._described(name, values, evidence)
        # Of what is booked and not said to be, only the reference can be missing.
        return Judged(outcome, Reading(name, _NAMELESS * isinstance(outcome, Unknown)))

    def _decide(self, values: Values) -> tuple[Predicate | None, dict[str, list[str]]]:
        """The predicate that holds, and which could not be asked, by reason."""
        passed_over: dict[str, list[str]] = {}
        for predicate in self.predicates:
            try:
                if predicate.holds(values):
                    return predicate, passed_over
            except ExpressionError as error:
                passed_over.setdefault(error.message, []).append(predicate.name)
        return None, passed_over

    def _described(self, decided: str, values: Values, evidence: Evidence) -> Outcome:
        message = self.fields.text("message", values)
        told = message or evidence.told
        match decided:
            case "accepted" | "partial":
                return self._booked(decided, message or "", values, evidence)
            case "accepted_ask":
                return Taken(message=message or "")
            case "duplicate":
                return Duplicate(reference=self.fields.reference(values), message=message or "")
            case "rejected":
                code, field = (self.fields.text(name, values) for name in ("code", "field"))
                return Rejected(message=told, code=code, field=field)
            case "throttled":
                return Throttled(message=told, after=self._after(values, evidence))
            case "retry":
                return Retry(message=told, after=self._after(values, evidence))
            case "conflict":
                return Conflict(message=told)
            case "misconfigured":
                return Misconfigured(message=told)
        raise ValueError(decided)

    def _booked(
        self, decided: str, message: str, values: Values, evidence: Evidence
    ) -> Accepted | Partial | Unknown:
        booked = self.fields.booked(values)
        if booked is None:
            return Unknown(
                message=f"{decided}, but {_NAMELESS}: has its schema changed? {evidence.told}"
            )
        if decided == "accepted":
            return Accepted(booked=booked, message=message)
        what = self.fields.text("what", values) or booked.status or "not a finished document"
        return Partial(booked=booked, what=what, message=message)

    def _after(self, values: Values, evidence: Evidence) -> float | None:
        """Seconds to wait: as mapped, else as the transport's header says."""
        try:
            mapped = self.fields.amount("after", values)
        except ExpressionError:
            mapped = None
        return evidence.after if mapped is None else max(0.0, float(mapped))


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """How one answer to many events is read: whether it is an answer, and each event's part."""

    ok: Predicate
    results: Expression
    match: Expression
    each: Answer
    #: Decides, where the answer is none, whether at least nothing was booked.
    whole: Answer

    def judged(
        self, values: Values, events: Sequence[Values], evidence: Evidence
    ) -> tuple[list[Judged] | None, str]:
        """One outcome per event, in their order, and what the answer had besides.

        None instead: the ERP refused the batch as a whole and booked nothing of it, so that the
        bad event can be found by sending smaller ones.  `values` are those of the call; an
        event's own values have its `ref` and `event`.
        """
        if evidence.verdict is not None:
            return _of_all(_by_protocol(evidence, evidence.verdict), events), ""
        try:
            if not self.ok.holds(values):
                return _of_all(self.whole.judge(values, evidence), events), ""
            if evidence.unreadable:
                raise ExpressionError(evidence.unreadable)
            matched, strays = self._by_key(values)
        except ExpressionError as error:
            if evidence.otherwise is not None:
                return [Judged(evidence.otherwise, Reading(PROTOCOL))] * len(events), ""
            told = f"the batch's answer is unusable: {error.message}"
            return [Judged(Unknown(message=told), Reading(NONE_FITS, told))] * len(events), ""
        keys = _keys(events)
        judged = [
            self._one(
                [result for key in mine for result in matched.get(key, ())], of_event, evidence
            )
            for mine, of_event in zip(keys, ({**values, **each} for each in events), strict=True)
        ]
        for key in chain.from_iterable(keys):
            matched.pop(key, None)
        strays += sum(map(len, matched.values()))
        return judged, f"{strays} results belong to nothing that was sent" if strays else ""

    def _by_key(self, values: Values) -> tuple[dict[str, list[Any]], int]:
        results = self.results(values)
        if not isinstance(results, list | tuple):
            raise ExpressionError(f"{self.results.source}: {kind(results)} is not a list")
        matched: dict[str, list[Any]] = {}
        strays = 0
        for result in results:
            try:
                key = as_text(self.match({**values, "result": result}))
            except ExpressionError:
                strays += 1
            else:
                matched.setdefault(key, []).append(result)
        return matched, strays

    def _one(self, mine: Sequence[Any], event: Values, evidence: Evidence) -> Judged:
        if len(mine) == 1:
            return self.each.judge({**event, "result": mine[0]}, evidence)
        doubt = f"the batch's answer has {len(mine)} results for it"
        if not mine:
            doubt = "the batch's answer says nothing of it"
        return Judged(Unknown(message=f"{doubt}; {evidence.summary}"), Reading(NONE_FITS, doubt))


def _by_protocol(evidence: Evidence, verdict: Outcome) -> Judged:
    return Judged(evidence.believed(verdict), Reading(PROTOCOL, evidence.stranger))


def _of_all(judged: Judged, events: Sequence[Values]) -> list[Judged] | None:
    """The same of all events; None for a refusal of several, of which one may be the cause."""
    if isinstance(judged.outcome, Rejected) and len(events) > 1:
        return None
    return [judged] * len(events)


def named_by_us(answer: Answer | BatchAnswer) -> Answer | BatchAnswer:
    """The same for events that get no number in the ERP: our reference stands for it.

    An answer that tells a number is believed.
    """
    if isinstance(answer, BatchAnswer):
        return replace(answer, each=_named_by_us(answer.each))
    return _named_by_us(answer)


def _named_by_us(answer: Answer) -> Answer:
    leaves = {"reference": _OUR_REFERENCE, **answer.fields.leaves}
    return replace(answer, fields=replace(answer.fields, leaves=leaves))


_OUR_REFERENCE = Expression(
    "ref", frozenset({"ref"}), Plain("text"), operator.itemgetter("ref"), frozenset({"ref"})
)


def _keys(events: Sequence[Values]) -> list[tuple[str, ...]]:
    """What a result may call each event: our reference, the event's own id, or the entity's own
    number (an event's subject is KIND/NUMBER).

    A number that two of them share, or that is another's name, names none of them.
    """
    numbers = [event["event"].subject.partition("/")[2] for event in events]
    of_each = [
        dict.fromkeys((sent["ref"], sent["event"].id, number))
        for sent, number in zip(events, numbers, strict=True)
    ]
    names = Counter(chain.from_iterable(of_each))
    return [
        tuple(name for name in mine if name == sent["ref"] or names[name] == 1)
        for sent, mine in zip(events, of_each, strict=True)
    ]
