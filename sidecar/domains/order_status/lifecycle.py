"""Whether an order may come into a state, by the lifecycle file; what is wrong with the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sidecar.settings.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class Steps:
    """The states that an order enters, in their order; none where it is there already."""

    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """It may not, and why."""

    reason: str


def steps(lifecycle: Lifecycle, present: str | None, told: str) -> Steps | Forbidden:
    """How an order comes from `present` (None: nothing was heard of it yet) to `told`.

    A present state that the file does not name says nothing: the file was changed since, or the
    ERP accepts with words of its own.
    """
    if told not in lifecycle.states:
        return Forbidden(f"the lifecycle has no state {told}")
    if present is None or present not in lifecycle.states:
        return Steps((told,))
    if present == told:
        return Steps(())
    following = lifecycle.transitions
    if told in following.get(present, ()):
        return Steps((told,))
    if lifecycle.passing and (way := _way(following, present, told)):
        return Steps(way)
    allowed = ", ".join(following.get(present, ())) or "nothing"
    return Forbidden(f"after {present} may come {allowed}, and not {told}")


def _way(following: Mapping[str, tuple[str, ...]], present: str, told: str) -> tuple[str, ...]:
    """The shortest way of allowed steps, without the present state; empty where there is none."""
    ways: deque[tuple[str, ...]] = deque([(present,)])
    seen = {present}
    while ways:
        way = ways.popleft()
        for state in following.get(way[-1], ()):
            if state == told:
                return (*way[1:], state)
            if state not in seen:
                seen.add(state)
                ways.append((*way, state))
    return ()


@dataclass(frozen=True, slots=True)
class LifecycleFinding:
    """What an operator should look at in the file."""

    id: str
    state: str
    text: str


def findings(lifecycle: Lifecycle) -> list[LifecycleFinding]:
    """States that nothing leads to, that lead nowhere, or that go round for ever."""
    return [*_unreachable(lifecycle), *_dead_ends(lifecycle), *_endless(lifecycle)]


def _unreachable(lifecycle: Lifecycle) -> Iterator[LifecycleFinding]:
    """The first state of the file is where an order begins."""
    if not lifecycle.states:
        return
    begin = next(iter(lifecycle.states))
    reached = _reached(lifecycle.transitions, begin)
    for state in lifecycle.states:
        if state not in reached:
            yield LifecycleFinding(
                "unreachable",
                state,
                f"no transition leads from {begin} to {state}: every order that comes into it is a "
                "difference",
            )


def _dead_ends(lifecycle: Lifecycle) -> Iterator[LifecycleFinding]:
    """A state that an order never leaves, and whose meaning is no end."""
    for name, state in lifecycle.states.items():
        is_end = state.meaning.lower() in _ENDS
        if not lifecycle.transitions.get(name) and not is_end:
            yield LifecycleFinding(
                "dead-end",
                name,
                f"nothing follows {name} ({state.meaning}): an order stays there for ever; where "
                f"that is meant, call its meaning one of {', '.join(sorted(_ENDS))}",
            )


def _endless(lifecycle: Lifecycle) -> Iterator[LifecycleFinding]:
    ends = {name for name in lifecycle.states if not lifecycle.transitions.get(name)}
    for name in lifecycle.states:
        if name not in ends and not ends & _reached(lifecycle.transitions, name):
            yield LifecycleFinding("endless", name, f"from {name} no order ever comes to an end")


def _reached(following: Mapping[str, tuple[str, ...]], begin: str) -> set[str]:
    reached, todo = {begin}, [begin]
    while todo:
        for state in following.get(todo.pop(), ()):
            if state not in reached:
                reached.add(state)
                todo.append(state)
    return reached


#: Meanings after which nothing has to come.
_ENDS = frozenset({"closed", "canceled", "cancelled", "rejected", "completed", "ended"})
