"""The calls that an event would make, with those before it and after it, shown and not made.

Questions are made only where that is asked for; what only a call that is not made would tell stands
in its place as a text in ‹ ›.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic
from urllib.parse import unquote

from adapters.calls.conversation import Conversation
from adapters.calls.declared import Calls, FirstStep, Push
from adapters.calls.first import HeldUp, rounds
from adapters.calls.outgoing import Outgoing
from adapters.calls.pushing import Pushing
from adapters.calls.then import OF_LINK
from adapters.calls.wire_call import Call
from adapters.language.filters import ExpressionError
from adapters.language.placeholder import Placeholder
from adapters.language.scope import Values
from adapters.language.template import NOTHING
from sidecar.ports import OWN_CALL, Delivery, Preview


@dataclass(slots=True)
class _Shown:
    """What is known of the steps before a call."""

    first: dict[str, Any]
    is_guessed: bool = False


class PushPreview(Generic[Call]):
    """`calls` of one account's file."""

    def __init__(
        self, calls: Calls[Call], conversation: Conversation[Call], pushing: Pushing[Call]
    ) -> None:
        self._calls = calls
        self._conversation = conversation
        self._pushing = pushing

    def calls(self, delivery: Delivery, *, ask: bool) -> list[Preview]:
        """In their order; none where nothing carries the event.

        Raises ExpressionError for an event that cannot be mapped.
        """
        declared = self._pushing.declared(delivery.event.type)
        if declared is None:
            return []
        domain, push = declared
        outgoing = Outgoing(delivery, self._pushing.values(delivery, domain))
        known = _Shown({})
        shown = [one for step in push.first for one in self._step(step, outgoing, known, ask=ask)]
        of_call = replace(outgoing, values={**outgoing.values, "first": known.first})
        shown.append(self._own(push, of_call, known))
        return [*shown, *self._then(push, domain, outgoing)]

    def _own(self, push: Push[Call], outgoing: Outgoing, known: _Shown) -> Preview:
        values = self._pushing.call_values(push, [outgoing])
        step = OWN_CALL if push.first or push.then else ""
        try:
            return self._named(step, push.call, values)
        except ExpressionError as error:
            if known.is_guessed:
                return _untold(step, f"it needs what `first` tells, --ask asks: {error.message}")
            raise

    def _step(
        self, step: FirstStep[Call], outgoing: Outgoing, known: _Shown, *, ask: bool
    ) -> list[Preview]:
        """The calls of a step, as far as they can be said."""
        shown: list[Preview] = []
        try:
            shown.extend(self._first(step, outgoing, known, ask=ask))
        except ExpressionError as error:
            if not known.is_guessed:
                raise
            told = f"first.{step.name}" if step.name else "first"
            shown.append(_untold(told, f"it needs what stands before it: {error.message}"))
            if step.name:
                known.first[step.name] = Placeholder.of(told)
        return shown

    def _first(
        self, step: FirstStep[Call], outgoing: Outgoing, known: _Shown, *, ask: bool
    ) -> Iterator[Preview]:
        values = {**outgoing.values, "first": dict(known.first)}
        if step.when is not None and not step.when(values):
            return
        by_key: dict[str, Any] = {}
        for key, told, of_round in rounds(step, values):
            value: Any = NOTHING
            asked = False
            if step.find is not None:
                question = self._named(f"{told} is asked for", step.find.inquiry.call, of_round)
                yield question
                # Nobody is asked for what has no name yet.
                asked = ask and _is_whole(question)
                value = self._asked(step, of_round) if asked else NOTHING
            if step.make is not None and value is NOTHING:
                made = told if step.find is None else f"{told} is made, where there is none"
                yield self._named(made, step.make.call, of_round)
            if value is NOTHING and not (asked and step.make is None):
                value, known.is_guessed = Placeholder.of(told), True
            if value is not NOTHING:
                by_key[key] = value
        if step.name and step.loop is not None:
            known.first[step.name] = by_key
        elif step.name and by_key:
            known.first[step.name] = by_key[""]

    def _asked(self, step: FirstStep[Call], values: Values) -> Any:
        try:
            return self._pushing.first.asked(step, values)
        except HeldUp as obstacle:
            message = getattr(obstacle.outcome, "message", "")
            raise ExpressionError(message) from obstacle

    def _then(self, push: Push[Call], domain: str, outgoing: Outgoing) -> Iterator[Preview]:
        probe = self._calls.domains[domain].probe
        names = (*OF_LINK, *(probe.more.leaves if probe else ()))
        link: Mapping[str, Any] = {name: Placeholder.of(f"link.{name}") for name in names}
        values = {**outgoing.values, "link": link}
        for step in push.then:
            if step.when is not None and not step.when(values):
                continue
            try:
                yield self._named(f"then.{step.name}", step.call, values)
            except ExpressionError as error:
                yield _untold(f"then.{step.name}", f"it needs the document: {error.message}")

    def _named(self, step: str, call: Call, values: Values) -> Preview:
        return replace(self._conversation.shown(call, values), step=step)


def _untold(step: str, why: str) -> Preview:
    """In the place of a call that computes with what is not known yet."""
    return Preview(f"(not known yet: {why})", {}, step=step)


def _is_whole(shown: Preview) -> bool:
    """Whether nothing in the request holds the place of something else."""
    whole = unquote(f"{shown.request}{shown.headers}{shown.body}")
    return "‹first" not in whole
