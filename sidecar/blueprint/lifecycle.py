"""What the lifecycle file says of an order's states in the ERP, as the blueprint shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sidecar.documents import read_document
from sidecar.model.duration import format_duration
from sidecar.settings.lifecycle import State, read_lifecycle


@dataclass(frozen=True, slots=True)
class Stage:
    """One state: what it means, what it does in Magento, what may follow it.

    `place`: file and line.
    """

    name: str
    meaning: str
    status: str | None
    label: str | None
    comment: str | None
    acts: tuple[str, ...]
    alarm: str
    following: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Stages:
    """All of them; `passing`: whether one that was passed unseen is taken."""

    stages: tuple[Stage, ...] = ()
    passing: bool = False


def read_stages(path: Path) -> Stages:
    """In the order of the file.  Raises ConfigurationError for one that is not right."""
    lifecycle, document = read_lifecycle(path), read_document(path)
    return Stages(
        tuple(
            Stage(
                name=name,
                meaning=state.meaning,
                status=state.status,
                label=state.label,
                comment=state.comment,
                acts=state.do,
                alarm=_alarm(state),
                following=lifecycle.transitions.get(name, ()),
                place=f"{document.where(('states', name))}: states.{name}",
            )
            for name, state in lifecycle.states.items()
        ),
        lifecycle.passing,
    )


def _alarm(state: State) -> str:
    told = ["at once"] if state.alarm else []
    if state.alarm_after is not None:
        told.append(f"after {format_duration(state.alarm_after)}")
    return ", ".join(told)
