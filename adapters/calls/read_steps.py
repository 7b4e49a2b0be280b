"""What stands around a call in the file: `login`, `first` and `then`."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Generic

from adapters.calls.answer import PREDICATES, VALUES, Answer
from adapters.calls.declared import Call, Find, FirstStep, Inquiry, Login, Make, Push, ThenStep
from adapters.calls.dialect import CallReader, answer_of, misconfigured
from adapters.calls.fields import ITEMS, Fields
from adapters.calls.section import Section
from adapters.calls.then import OF_LINK
from adapters.language.expression import Expression
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Keyed, Plain, Shape
from adapters.language.template import PAIRS, read_loop, read_when

_OF_MAKE = (*PREDICATES, "code", "message", "field", "after")
_OF_THEN = (*PREDICATES, *VALUES, ITEMS)
_ROUND = ("$each", "key", "$when", "as")
_OUR_LINK = Expression(
    "link.reference",
    frozenset({"link"}),
    Plain("text"),
    lambda values: operator.getitem(values["link"], "reference"),
    frozenset({"link.reference"}),
)


class StepReader(Generic[Call]):
    """Used while one file is read; problems are noted in the sections' source."""

    def __init__(self, calls: CallReader[Call]) -> None:
        self._calls = calls

    # --- login ------------------------------------------------------------------------------

    def login(self, section: Section, scope: Scope) -> Login[Call]:
        """How a session is made; its token is known to all calls but this one."""
        section.keys(("call", "answer", "headers", "renew"), ("call", "answer", "renew"))
        call = self._calls.call(section, scope)
        answer = section.section("answer")
        answer.keys(("ok", "token", "message", "misconfigured"), ("ok",))
        answered = self._calls.answered(scope)
        token = answer.expression("token", answered)
        carried = scope.with_names(token=ANYTHING, secret=self._calls.secret)
        headers = section.template("headers", carried, PAIRS)
        if headers is not None and token is None:
            section.problem("headers", "there is no answer.token that they could carry")
        return Login(
            call,
            answer.predicate("ok", answered),
            token,
            headers,
            section.predicate("renew", answered),
            answer.fields(("message",), answered),
            misconfigured(answer, answered),
        )

    # --- first ------------------------------------------------------------------------------

    def first(
        self, sections: tuple[Section, ...], scope: Scope
    ) -> tuple[tuple[FirstStep[Call], ...], Scope]:
        """The steps, and the scope of the call, which has their values as `first.NAME`."""
        steps: list[FirstStep[Call]] = []
        names: dict[str, Shape] = {}
        for section in sections:
            step = self._step(section, scope.with_names(first=Keyed("first", dict(names))))
            if step.name in names:
                section.problem("as", f"there is a step '{step.name}' already")
            if step.name:
                names[step.name] = ANYTHING
            steps.append(step)
        if names:
            scope = scope.with_names(first=Keyed("first", names))
        return tuple(steps), scope

    def _step(self, section: Section, scope: Scope) -> FirstStep[Call]:
        asks = "find" in section
        own = self._calls.dialect.own.first
        if asks:
            section.keys((*_ROUND, "keep", "find", "else"), ("find",))
        else:
            section.keys((*_ROUND, "call", "answer"), ("call",) if own else ("call", "answer"))
        name = _name(section)
        step: FirstStep[Call] = FirstStep(
            name, section.source.place(section.path), None, None, keep=section.seconds("keep")
        )
        if "$when" in section:
            when = read_when(section.data, scope, section.source, section.path)
            step = replace(step, when=when)
        if "$each" in section:
            loop = read_loop(section.data, scope, section.source, section.path)
            scope = loop.scope if loop is not None else scope
            step = replace(step, loop=loop, key=section.expression("key", scope))
            if "key" not in section:
                section.problem("$each", "'key' is missing: by which a round's value is named")
        elif "key" in section:
            section.problem("key", "a step is repeated by a key: $each is missing")
        if not asks:
            return replace(step, make=self._make(section, scope, name, own))
        step = replace(step, find=self._find(section.section("find"), scope, name, section))
        if "else" in section:
            making = section.section("else")
            making.keys(("call", "answer"), ("call",) if own else ("call", "answer"))
            step = replace(step, make=self._make(making, scope, name, own))
        return step

    def _find(self, section: Section, scope: Scope, name: str, step: Section) -> Find[Call]:
        section.keys(("call", "answer"), ("call", "answer"))
        answer = section.section("answer")
        inquiry: Inquiry[Call] = self._calls.inquiry(section, scope, answer, ("value",))
        if "else" not in step:
            # Nothing is made of it, so that none may be the ERP's word for "not there".
            inquiry = replace(inquiry, none_is_nothing=True)
        item = self._calls.answered(scope).with_names(item=ANYTHING)
        return Find(inquiry, self._value(answer, item, name))

    def _make(
        self, section: Section, scope: Scope, name: str, own: Mapping[str, object]
    ) -> Make[Call]:
        call = self._calls.call(section, scope)
        told = section.section("answer", own)
        told.keys((*_OF_MAKE, "value"), ("accepted",))
        answered = self._calls.answered(scope)
        answer = answer_of(told, answered)
        # Only that it is there matters, not what the ERP calls it.
        there = Fields({**answer.fields.leaves, "reference": "there"})
        return Make(call, Answer(answer.predicates, there), self._value(told, answered, name))

    def _value(self, answer: Section, scope: Scope, name: str) -> Expression | None:
        if name and "value" not in answer and answer.data:
            answer.problem("value", f"'value' is missing: what first.{name} is")
        return answer.expression("value", scope)

    # --- then -------------------------------------------------------------------------------

    def then(
        self, section: Section, scope: Scope, more: tuple[str, ...]
    ) -> tuple[ThenStep[Call], ...]:
        """Steps after acceptance; `more`: what the domain's probe reads of a document besides."""
        link = Keyed("link", dict.fromkeys((*OF_LINK, *more), ANYTHING))
        of_step = scope.with_names(link=link)
        steps = tuple(self._after(one, of_step) for one in section.sections("then"))
        names = [step.name for step in steps]
        for one, name in zip(section.sections("then"), names, strict=True):
            if name and names.count(name) > 1:
                one.problem("as", f"there are several steps '{name}'")
        return steps

    def _after(self, section: Section, scope: Scope) -> ThenStep[Call]:
        required = ("as", "unless", "call", "answer")
        section.keys(("$when", *required), required)
        when = None
        if "$when" in section:
            when = read_when(section.data, scope, section.source, section.path)
        call = self._calls.call(section, scope)
        told = section.section("answer")
        told.keys(_OF_THEN, ("accepted",))
        answer = answer_of(told, self._calls.answered(scope))
        fields = replace(answer.fields, leaves={"reference": _OUR_LINK, **answer.fields.leaves})
        return ThenStep(
            _name(section),
            when,
            section.predicate("unless", scope),
            call,
            Answer(answer.predicates, fields),
        )


def refuse_unaskable(section: Section, push: Push[Call], *, can_ask: bool) -> None:
    """Steps, and what tells no number, are asked for: the ERP must be askable, for one event."""
    if push.then and push.batch is not None:
        section.problem("then", "a call with steps carries one event: leave out 'batch'")
    if push.then and not can_ask:
        section.problem(
            "then", "a step is asked for before it is repeated: add probe to the domain"
        )
    told = section.section("answer")
    if "accepted_ask" not in told:
        return
    if not can_ask:
        told.problem(
            "accepted_ask", "the ERP is asked for the number then: add probe to the domain"
        )
    if not push.opens:
        told.problem("accepted_ask", "a change has no number to be asked for: write 'accepted'")


def _name(section: Section) -> str:
    name = section.text("as") or ""
    if name and not (name.isidentifier() and name.isascii()):
        section.problem("as", "a name has letters, digits and _ only")
    return name
