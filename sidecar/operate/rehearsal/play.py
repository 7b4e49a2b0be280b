"""Plays a case: the adapter sends the event, the case answers, and what was sent is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.outcome import Outcome, Retry, Unmapped, describe, name_of
from sidecar.operate.rehearsal.case import Case, ExpectedCall
from sidecar.operate.rehearsal.differences import Difference, differences
from sidecar.ports import Delivery, RehearsedCall, Rehearsing, WireAnswer

_WANTED = "one: without it the event's own call is not made, and not compared"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a case; `comes_to`: what its answers came to, in one line."""

    name: str
    ok: bool
    differences: tuple[Difference, ...]
    requests: tuple[str, ...]
    comes_to: str


@dataclass(frozen=True, slots=True)
class Sent:
    """All calls of an event, and what the answers came to."""

    calls: tuple[RehearsedCall, ...]
    outcome: Outcome


def send(adapter: Rehearsing, delivery: Delivery, expected: tuple[ExpectedCall, ...]) -> Sent:
    """Have the event sent to a script that knows the answers to these calls, in their order."""
    made: list[RehearsedCall] = []

    def answer(call: RehearsedCall) -> WireAnswer | None:
        made.append(call)
        return expected[len(made) - 1].answer if len(made) <= len(expected) else None

    outcome = adapter.rehearse(delivery, answer, delivery.event.time)
    return Sent(tuple(made), outcome)


def play(adapter: Rehearsing, case: Case) -> Played:
    """Compare what is sent, call by call, and what comes of it."""
    sent = send(adapter, case.delivery, case.calls)
    found = tuple(_found(case, sent))
    requests = tuple(call.request for call in sent.calls)
    return Played(case.name, not found, found, requests, describe(sent.outcome))


def told_of(outcome: Outcome) -> dict[str, Any]:
    """What a case may say under `comes_to`: the outcome's name, and its fields that are not none.

    Those of the document that was booked stand among them.
    """
    fields = msgspec.to_builtins(outcome, builtin_types=(Decimal,))
    fields |= fields.pop("booked", {})
    fields.pop("type", None)
    return {
        "outcome": name_of(outcome),
        **{name: value for name, value in fields.items() if value not in (None, "")},
    }


def _found(case: Case, sent: Sent) -> Iterator[Difference]:
    for index in range(max(len(case.calls), len(sent.calls))):
        number = index + 1
        if index >= len(sent.calls):
            request = case.calls[index].request
            yield Difference(call=number, place="call", kind="missing", expected=request)
        elif index >= len(case.calls):
            request = sent.calls[index].request
            yield Difference(call=number, place="call", kind="unexpected", found=request)
        else:
            yield from _of_call(number, case.calls[index], sent.calls[index])
    told = told_of(sent.outcome)
    if case.comes_to is not None:
        asked = {name: told[name] for name in case.comes_to if name in told}
        yield from differences(0, "comes_to", case.comes_to, asked)
    elif isinstance(sent.outcome, Unmapped):
        yield Difference(call=0, place="comes_to", kind="unexpected", found=told)
    elif isinstance(sent.outcome, Retry) and case.calls and case.calls[-1].answer is None:
        # A login, or a question, that nobody answered: "ok" would be said of nothing.
        last = len(case.calls)
        yield Difference(call=last, place="answer", kind="missing", expected=_WANTED)


def _of_call(number: int, expected: ExpectedCall, found: RehearsedCall) -> Iterator[Difference]:
    yield from differences(number, "request", expected.request, found.request)
    yield from differences(number, "headers", _named(expected.headers), _named(found.headers))
    yield from differences(number, "body", expected.body, found.body)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """In no order, and in any case."""
    return {name.lower(): headers[name] for name in sorted(headers, key=str.lower)}
