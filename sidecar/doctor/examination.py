"""Making the checks: what is found, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.blueprint.answering import Answering
from sidecar.doctor.catalogue import SECTIONS, named
from sidecar.doctor.check import Check, Observation, Severity
from sidecar.doctor.examined import ExaminedInstallation, Unseen
from sidecar.model.errors import SidecarError

_RANK = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding."""

    id: str
    severity: Severity
    section: str
    found: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Overlooked:
    """A check that could not be made."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, the worst first; what could not be looked at."""

    findings: tuple[Diagnosis, ...]
    unseen: tuple[Overlooked, ...]
    checks: int

    @property
    def needs_somebody(self) -> bool:
        """Whether anything is worse than good to know."""
        return any(finding.severity != "info" for finding in self.findings)


def examine(examined: ExaminedInstallation, only: tuple[str, ...] = ()) -> Report:
    """Make all checks, or those that are named; UsageError for an id that no check has."""
    wanted = {named(name).id for name in only}
    findings: list[Diagnosis] = []
    unseen: list[Overlooked] = []
    made = 0
    for section, checks in SECTIONS.items():
        for check in checks:
            if wanted and check.id not in wanted:
                continue
            made += 1
            try:
                findings += _findings(examined, section, check)
            except Unseen as reason:
                unseen.append(Overlooked(check.id, str(reason)))
            except SidecarError as error:
                unseen.append(Overlooked(check.id, error.message))
            except OSError as error:
                unseen.append(Overlooked(check.id, f"{error.filename}: {error.strerror}"))
    findings.sort(key=lambda finding: _RANK[finding.severity])
    return Report(tuple(findings), tuple(unseen), made)


def _findings(examined: ExaminedInstallation, section: str, check: Check) -> Iterator[Diagnosis]:
    for observation in check.look(examined):
        yield Diagnosis(
            id=check.id,
            severity=check.severity,
            section=section,
            found=_addressed(examined, observation),
            cause=_plain(check.cause),
            remedy=observation.remedy or _plain(check.remedy),
        )


def _addressed(examined: ExaminedInstallation, observation: Observation) -> str:
    """What was found, and who answers for the domains that it is about."""
    if not observation.domains:
        return observation.found
    answering = Answering.by(examined.configuration.settings)
    return answering.after(observation.found, observation.domains)


def _plain(text: str) -> str:
    """A sentence of the page for a terminal."""
    return text.replace("`", "")
