"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sidecar.doctor.examined import ExaminedInstallation

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was found; `remedy`: where it can be said more exactly than by the check.

    `domains`: those that it is about; whoever answers for them is named with it.
    """

    found: str
    remedy: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of fault.

    `id` is stable: scripts name it.  `error`: the promises do not hold or nothing is carried;
    `warning`: they will not hold for long, or somebody must look; `info`: good to know.
    `look` may raise `Unseen` or any SidecarError: then the check counts as not made.
    """

    id: str
    severity: Severity
    title: str
    cause: str
    symptom: str
    remedy: str
    look: Callable[[ExaminedInstallation], Iterable[Observation]]
