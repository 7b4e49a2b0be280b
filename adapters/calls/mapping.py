"""The declarative file of calls (`erp.calls`), shared by the generic REST and SOAP adapters.

Read once, checked whole: every problem of the file is told in one ConfigurationError, each with
its file and line.  What a single `call` looks like is the protocol's business: `read_call`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

from adapters.calls.answer import (
    PREDICATES,
    VALUES,
    WHOLE,
    Answer,
    BatchAnswer,
    named_by_us,
)
from adapters.calls.declared import Call, Calls, DomainCalls, Inquiry, Push, Telling
from adapters.calls.dialect import CallReader, Dialect, Keys, answer_of, misconfigured
from adapters.calls.fields import BOOKED, ITEMS, Fields
from adapters.calls.names import REF, names_of, names_of_event
from adapters.calls.read_steps import StepReader, refuse_unaskable
from adapters.calls.row_form import is_row, read_row_form
from adapters.calls.section import Section, misplaced
from adapters.language.expression import Expression
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Many, Plain, Record, Shape, either, shape_of, suggest
from adapters.language.template import Source
from sidecar.documents import Document
from sidecar.model.domain_spec import DomainSpec, EventSpec, Role
from sidecar.model.news import NewsSpec
from sidecar.ports import ShopContext

_TEXT, _TIME = Plain("text"), Plain("time")
_EACH = ("external", *BOOKED)
_LISTED = frozenset({*_EACH, ITEMS})
_INQUIRY = ("call", "answer", "each")
_QUESTIONS = ("probe", "list", "changes")
_ANSWER = (*PREDICATES, *VALUES, ITEMS)
_OF_ONE_RESULT = frozenset({"result", "event", "link", "ref", "posting_date"})


def read_calls(
    document: Document,
    name: str,
    dialect: Dialect[Call],
    domains: Sequence[DomainSpec],
    secrets: Collection[str] = (),
) -> Calls[Call]:
    """Read and check a whole file.

    `name` is what messages call it, `domains` those that it may have, `secrets` the names under
    `erp.secrets`.  Raises ConfigurationError with all problems at once.
    """
    source = Source(document)
    calls = _Reader(source, dialect, domains, secrets).file(document.data, name)
    source.raise_problems()
    return calls


class _Reader(Generic[Call]):
    def __init__(
        self,
        source: Source,
        dialect: Dialect[Call],
        domains: Sequence[DomainSpec],
        secrets: Collection[str],
    ) -> None:
        self._source = source
        self._domains = {spec.name: spec for spec in domains}
        self._names = names_of(domains)
        self._of_one_result = _OF_ONE_RESULT | {
            name
            for names in self._names.values()
            for name in (names.payload, names.parent, f"{names.parent}_link")
            if name
        }
        self._dialect = dialect
        self._response = dialect.response
        #: What only a call may name: each is new in every request.
        self._once: Mapping[str, Shape] = {
            "nonce": Plain("text", longest=32),
            "now": _TIME,
            "secret": Record("secret", dict.fromkeys(secrets, _TEXT)),
        }
        self._calls = CallReader[Call](dialect, self._once)
        self._steps = StepReader[Call](self._calls)
        self._scope = Scope({"shop": shape_of(ShopContext)})

    def file(self, data: object, name: str) -> Calls[Call]:
        top = Section(self._source, (), data)
        top.keys(("tables", "dedupe", "login", "ping", *self._dialect.keys, *self._domains))
        self._scope = Scope(self._scope.names, _tables(top))
        login = None
        if "login" in top:
            # What holds for all calls may name the token: in the login's own call it is none.
            self._once = {**self._once, "token": ANYTHING}
        self._dialect.begin(top, self._scope.with_names(**self._once))
        if "login" in top:
            login = self._steps.login(top.section("login"), self._scope)
            self._calls = CallReader(self._dialect, self._once)
            self._steps = StepReader(self._calls)
        dedupe = top.data.get("dedupe", self._dialect.dedupe)
        if not isinstance(dedupe, bool):
            top.problem("dedupe", "this must be true or false")
        domains = {
            name: self._domain(top.section(name), spec)
            for name, spec in self._domains.items()
            if name in top
        }
        if not domains:
            self._source.problem((), f"there is no domain; there are {', '.join(self._domains)}")
        ping = self._ping(top.section("ping")) if "ping" in top else None
        warnings = tuple(self._source.warnings)
        return Calls(name, domains, dedupe is True, ping, warnings, login)

    def _domain(self, section: Section, spec: DomainSpec) -> DomainCalls[Call]:
        names = []
        for name in section.data:
            if hint := misplaced(name):
                section.problem(name, hint)
            elif name not in _QUESTIONS:
                names.append(name)
        probe = self._probe(section.section("probe")) if "probe" in section else None
        pushes = tuple(self._push(section.section(name), name, spec, probe) for name in names)
        _each_event_once(section, pushes)
        self._refuse_withheld(section, spec)
        calls = DomainCalls(pushes, probe)
        if "list" in section:
            calls = self._with_list(calls, section.section("list"), spec)
        if "changes" in section:
            calls = replace(calls, changes=self._changes(section, spec))
        return calls

    def _with_list(
        self, calls: DomainCalls[Call], section: Section, spec: DomainSpec
    ) -> DomainCalls[Call]:
        """Of documents that we sent, or of all that the ERP has to say: `each` tells which."""
        if spec.tells and is_row(section.section("each").data, spec, _LISTED):
            return replace(calls, whole=self._telling(section, spec, spec.tells))
        return replace(calls, list=self._list(section))

    def _changes(self, section: Section, spec: DomainSpec) -> Telling[Call] | None:
        if spec.tells is None:
            section.problem("changes", f"the ERP tells nothing of {spec.name} by itself")
            return None
        return self._telling(section.section("changes"), spec, spec.tells)

    def _telling(self, section: Section, spec: DomainSpec, news: NewsSpec) -> Telling[Call]:
        own = self._dialect.own.list
        section.keys(_INQUIRY, ("call", *("answer",) * (not own), "each"))
        since = replace(_TIME, optional=True)
        scope = self._scope.with_names(since=since, page=ANYTHING)
        inquiry = self._calls.inquiry(section, scope, section.section("answer", own), ("next",))
        item = scope.with_names(response=self._response, item=ANYTHING)
        return Telling(inquiry, read_row_form(section.section("each"), spec, news, item))

    def _push(
        self,
        section: Section,
        name: str,
        spec: DomainSpec,
        probe: Inquiry[Call] | None,
    ) -> Push[Call]:
        envelope = self._dialect.envelope if "batch" in section else None
        # One call with all of the events, whose answer has a result for each.
        is_one = "batch" in section and envelope is None
        own = self._dialect.own.batch if is_one else self._dialect.own.answer
        section.keys(
            ("on", "batch", "first", "call", "answer", "then"),
            ("call",) if own else ("call", "answer"),
        )
        if "on" not in section:
            hint = suggest(name, _QUESTIONS)
            self._source.problem(section.path, f"'on' is missing: which events it carries{hint}")
        events = _events(section, spec)
        payload = either(tuple(shape_of(carried.payload) for carried in events) or (ANYTHING,))
        opens = any(carried.role is Role.OPENS for carried in events)
        of_event = names_of_event(spec, payload, self._domains.values())
        batch = section.count("batch", self._dialect.most)
        single = self._scope.with_names(**of_event)
        first, of_call = self._steps.first(section.sections("first"), single)
        if is_one:
            of_call = self._scope.with_names(events=Many(of_event["event"]))
        call = self._calls.call(section, of_call)
        if envelope is not None and (why := envelope.refuses(call)):
            section.problem("batch", why)
        answered = self._scope.with_names(response=self._response)
        # Later events find the reference in their link; a placement has none yet.
        is_numbered = any(carried.numbered for carried in events)
        told = section.section("answer", own)
        required = ("reference",) if opens and is_numbered and "accepted" in told else ()
        if "accepted_ask" not in told:
            required = ("accepted", *required)
        answer: Answer | BatchAnswer
        if is_one:
            results = answered.with_names(**of_event, result=ANYTHING)
            answer = self._batch_answer(told, answered, results, required)
        else:
            answer = self._answer(told, answered.with_names(**of_event), required)
        if events and not is_numbered:
            answer = named_by_us(answer)
        then = self._steps.then(section, single, tuple(probe.more.leaves) if probe else ())
        is_named = self._source.reads((*section.path, "call"), _names_by_reference)
        unnamed = self._source.place((*section.path, "call")) if opens and not is_named else ""
        types = frozenset(carried.type for carried in events)
        push = Push(name, types, batch, call, answer, first, then, opens, unnamed, envelope)
        refuse_unaskable(section, push, can_ask=probe is not None)
        return push

    def _refuse_withheld(self, section: Section, spec: DomainSpec) -> None:
        """What may not leave Magento is empty when it comes here: to read it is a mistake."""
        above = next((one for one in self._domains.values() if one.kind == spec.parent), None)
        for one, named in ((spec, "data"), (above, "parent")):
            if one is None:
                continue
            places = (one.payload, f"event.{named}")
            withheld = {f"{place}.{name}": name for place in places for name in one.withheld}
            for path, read in self._source.readers(section.path, withheld.__contains__):
                self._source.problem(
                    path,
                    f"'{read}' may not leave Magento: domains.{one.name}.fields does not name "
                    f"{withheld[read]}",
                )

    def _answer(self, section: Section, scope: Scope, required: Collection[str]) -> Answer:
        section.keys(_ANSWER, required)
        return answer_of(section, scope)

    def _batch_answer(
        self, section: Section, answered: Scope, results: Scope, required: Collection[str]
    ) -> BatchAnswer:
        of_batch = ("ok", "results", "match")
        section.keys((*of_batch, *_ANSWER), (*of_batch, *required))
        each = answer_of(section, results)
        match = section.expression("match", answered.with_names(result=ANYTHING))
        expression = section.expression("results", answered)
        return BatchAnswer(
            ok=section.predicate("ok", answered),
            results=expression or _UNREAD,
            match=match or _UNREAD,
            each=each,
            whole=Answer(
                tuple(
                    predicate
                    for predicate in each.predicates
                    if predicate.name in WHOLE and not predicate.names & self._of_one_result
                ),
                each.fields.free_of(self._of_one_result),
            ),
        )

    def _probe(self, section: Section) -> Inquiry[Call]:
        own = self._dialect.own.probe
        section.keys((*_INQUIRY, "batch"), self._required_of_inquiry(own))
        batch = section.count("batch", self._dialect.most)
        is_batch = "batch" in section
        asked: dict[str, Shape] = {"refs": Many(REF)} if is_batch else {"ref": REF}
        required = ("external", "reference") if is_batch else ("reference",)
        scope = self._scope.with_names(**asked)
        inquiry = self._calls.inquiry(section, scope, section.section("answer", own))
        each = self._documents(section, scope, required, ("more",))
        item = self._calls.answered(scope).with_names(item=ANYTHING)
        more = section.section("each", self._dialect.own.each).section("more")
        return replace(inquiry, batch=batch, each=each, more=more.fields(tuple(more.data), item))

    def _list(self, section: Section) -> Inquiry[Call]:
        own = self._dialect.own.list
        section.keys(_INQUIRY, self._required_of_inquiry(own))
        scope = self._scope.with_names(since=_TIME, page=ANYTHING)
        inquiry = self._calls.inquiry(section, scope, section.section("answer", own), ("next",))
        each = self._documents(section, scope, ("external", "reference"))
        return replace(inquiry, each=each)

    def _required_of_inquiry(self, own: Keys) -> tuple[str, ...]:
        answer, each = ("answer",) * (not own), ("each",) * (not self._dialect.own.each)
        return ("call", *answer, *each)

    def _documents(
        self,
        section: Section,
        scope: Scope,
        required: Collection[str],
        further: Collection[str] = (),
    ) -> Fields:
        each = section.section("each", self._dialect.own.each)
        each.keys((*_EACH, ITEMS, *further), required)
        return each.document(_EACH, scope.with_names(response=self._response, item=ANYTHING))

    def _ping(self, section: Section) -> Inquiry[Call]:
        section.keys(("call", "answer"), ("call", "answer"))
        answer = section.section("answer")
        answer.keys(("ok", "misconfigured"), ("ok",))
        answered = self._scope.with_names(response=self._response)
        return Inquiry(
            self._calls.call(section, self._scope),
            answer.predicate("ok", answered),
            misconfigured(answer, answered),
        )


#: Stands in for an expression that was noted as a problem: the file is refused before it is used.
_UNREAD = Expression("", frozenset(), ANYTHING, lambda _: None)


def _names_by_reference(read: str) -> bool:
    """`ref`, or that of an event in a round of `$each`, whatever the round calls it.

    An event's own `id` does as well: it is the same whenever the event is sent.
    """
    return read in ("ref", "event.id") or (read.endswith(".ref") and read != "link.ref")


def _events(section: Section, spec: DomainSpec) -> tuple[EventSpec, ...]:
    given = section.data.get("on", [])
    known = spec.types
    if not isinstance(given, list) or not given:
        if "on" in section:
            section.problem("on", f"this must be a list of event types: {', '.join(known)}")
        return ()
    for index, name in enumerate(given):
        if name not in known:
            hint = suggest(str(name), known) or f"; there are {', '.join(known)}"
            section.source.problem(
                (*section.path, "on", index), f"there is no event '{name}'{hint}"
            )
    return tuple(spec.event(name) for name in given if name in known)


def _each_event_once(section: Section, pushes: Collection[Push[Any]]) -> None:
    taken: dict[str, str] = {}
    for push in pushes:
        for event in sorted(push.events):
            if event in taken:
                section.problem(
                    push.name, f"'{event}' is carried by '{taken[event]}' already: name it once"
                )
            taken[event] = push.name


def _tables(top: Section) -> Mapping[str, Mapping[str, Any]]:
    if "tables" not in top:
        return {}
    section = top.section("tables")
    return {name: section.section(name).data for name in section.data}
