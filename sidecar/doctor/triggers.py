"""Triggers: ours as they should be, others beside them, and what Magento makes of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sidecar.capture.outbox import Outbox
from sidecar.capture.trigger_plan import OURS, LiveTrigger, changelogs
from sidecar.capture.triggers import State
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.magento.composer_lock import numbers, release

_MENDS = "erp-sidecar triggers install --user root --password-file /root/.db-password"
_RESUMES = "erp-sidecar triggers resume --user root --password-file /root/.db-password"
_TAKES_OFF = "erp-sidecar triggers remove --user root --password-file /root/.db-password"
#: Releases whose setup:upgrade fails at a foreign trigger on an Mview table.
_BREAKS_SINCE, _BREAKS_UNTIL = (2, 4, 6), (2, 4, 8)
_ERRORS = {
    1146: "the outbox is gone",
    1142: "the definer may not write it",
    1054: "a column of Magento's changed",
    1114: "no space",
    1205: "somebody locked it",
}


def _amiss(examined: ExaminedInstallation) -> Iterator[Observation]:
    examined.need("ledger")
    if examined.triggers.suspension():
        return
    for trigger in examined.triggers.status():
        if trigger.state is not State.OK:
            detail = f" ({trigger.detail})" if trigger.detail else ""
            yield Observation(
                f"{trigger.name} on {trigger.table} is {trigger.state.value}{detail}", _MENDS
            )


def _suspended(examined: ExaminedInstallation) -> Iterator[Observation]:
    examined.need("ledger")
    if note := examined.triggers.suspension():
        yield Observation(
            f"{note.who} suspended them at {note.since:%Y-%m-%d %H:%M} UTC: {note.why}", _RESUMES
        )


def _upgrade(examined: ExaminedInstallation) -> Iterator[Observation]:
    watched = {
        trigger.table for trigger in examined.live.triggers if changelogs(trigger) is not None
    }
    in_the_way = [trigger for trigger in _not_magentos(examined) if trigger.table in watched]
    shop_release = _release(examined)
    if not in_the_way or (
        shop_release and not _BREAKS_SINCE <= numbers(shop_release[1]) < _BREAKS_UNTIL
    ):
        return
    version = (
        f"{shop_release[0]} {shop_release[1]}"
        if shop_release
        else "Magento 2.4.6 and 2.4.7 (which is it?)"
    )
    for foreign in in_the_way:
        yield Observation(
            f"{foreign.name} sits on {foreign.table}, which Magento's Mview watches: the next "
            f"setup:upgrade of {version} would fail",
            _TAKES_OFF if foreign.name.startswith(OURS) else f"DROP TRIGGER `{foreign.name}`;",
        )


def _release(examined: ExaminedInstallation) -> tuple[str, str] | None:
    root: Path | None = examined.configuration.settings.shop.database.magento_root
    root = examined.magento_root or root
    return release(root) if root else None


def _not_magentos(examined: ExaminedInstallation) -> list[LiveTrigger]:
    return [trigger for trigger in examined.live.triggers if changelogs(trigger) is None]


def _foreign(examined: ExaminedInstallation) -> Iterator[Observation]:
    planned = {plan.table for plan in examined.triggers.plan().planned}
    for trigger in _not_magentos(examined):
        if trigger.table in planned and not trigger.name.startswith(OURS):
            yield Observation(
                f"{trigger.name} ({trigger.timing} {trigger.event}, runs as {trigger.definer}) "
                f"on {trigger.table}"
            )


def _faults(examined: ExaminedInstallation) -> Iterator[Observation]:
    with examined.database.transaction("reading trigger faults") as connection:
        faults = Outbox(examined.ledger.names).faults(connection)
    counted = Counter(fault.errno for fault in faults)
    newest = {fault.errno: fault.created_at for fault in reversed(faults)}
    table = examined.ledger.names("outbox_fault")
    for errno, count in counted.items():
        means = _ERRORS.get(errno or 0, "see the table's column message")
        yield Observation(
            f"{count} hint(s) could not be written: error {errno}, {means}; the newest "
            f"{newest[errno]:%Y-%m-%d %H:%M} UTC",
            f"DELETE FROM {table} WHERE errno = {errno}; when the cause is corrected",
        )


CHECKS = (
    Check(
        id="triggers-amiss",
        severity="warning",
        title="triggers are missing, changed, or where the plan has none",
        cause="A dump and restore, a schema tool that swaps tables, an upgrade that changed a "
        "column, a new Mview subscription.",
        symptom="Orders still arrive, through the sweep, up to a minute later. *wrong definer*: if "
        "that user is dropped, every order fails.",
        remedy=f"`{_MENDS}`",
        look=_amiss,
    ),
    Check(
        id="triggers-suspended",
        severity="warning",
        title="the triggers are taken off for a deploy",
        cause="`erp-sidecar triggers suspend`, and nobody resumed them.",
        symptom="Orders arrive through the sweep, up to a minute later.",
        remedy=f"`{_RESUMES}`",
        look=_suspended,
    ),
    Check(
        id="setup-upgrade-fails",
        severity="error",
        title="Magento's next `setup:upgrade` would fail",
        cause="On Magento 2.4.6 and 2.4.7 a foreign trigger on a table that Magento's own Mview "
        "triggers watch makes it end with exit code 1, before the data patches run. The release is "
        "read from composer.lock in `magento_root`; where it is not known, this is reported too.",
        symptom="`Trying to access array offset on value of type null`, in "
        "Mview/View/Subscription.php, and the deploy stops half-way.",
        remedy=f"`{_TAKES_OFF}` before the deploy; a trigger of somebody else's: `DROP TRIGGER`, "
        "and again after it.",
        look=_upgrade,
    ),
    Check(
        id="triggers-foreign",
        severity="info",
        title="somebody else's triggers sit on tables of ours",
        cause="Another module or integration watches orders too.",
        symptom="Nothing, unless theirs fails: then the order fails, and it is not ours.",
        remedy="None is needed; know whose it is.",
        look=_foreign,
    ),
    Check(
        id="outbox-faults",
        severity="warning",
        title="triggers could not write their hints",
        cause="The outbox was gone, locked or full, or the right to insert was missing.",
        symptom="The orders went through; the sweep found them.",
        remedy="Fix the cause by its error number, then delete the notes.",
        look=_faults,
    ),
)
