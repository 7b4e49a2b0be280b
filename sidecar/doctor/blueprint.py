"""The blueprint: whether what was signed is in force, and which exceptions end."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.app.erp_adapters import ending_exceptions
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation


def _changed(examined: ExaminedInstallation) -> Iterator[Observation]:
    examined.need("ledger")
    yield from map(Observation, examined.sidecar.signed.outdated())


def _ending(examined: ExaminedInstallation) -> Iterator[Observation]:
    loaded = examined.configuration
    yield from map(Observation, ending_exceptions(loaded.settings, loaded.origin))


CHECKS = (
    Check(
        id="blueprint-changed",
        severity="warning",
        title="what is configured is not what was signed",
        cause="The configuration, the lifecycle or a file of calls was changed after somebody "
        "signed the blueprint.",
        symptom="Documents go by rules that the one who answers for them has not seen.",
        remedy="`erp-sidecar blueprint diff` shows each value, signed and now; take the change "
        "back, or have it signed: `erp-sidecar blueprint sign --as OWNER`.",
        look=_changed,
    ),
    Check(
        id="exception-ends",
        severity="warning",
        title="an exception ends soon, or is over",
        cause="The date under `expires` of an exception is less than two weeks away, or past.",
        symptom="From the day after, what it would take is parked and goes no other way.",
        remedy="Set a later day under `expires`, or take the exception out; then "
        "`erp-sidecar queue requeue`.",
        look=_ending,
    ),
)
