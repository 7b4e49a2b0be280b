"""The ledger: its version and shape, and what waits in it."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.ledger.control import DomainControl
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.overview import Overview, Waiting
from sidecar.ledger.records import Records
from sidecar.model.errors import ConfigurationError
from sidecar.model.gates import waiting_at
from sidecar.model.settlement import REFUSED, EventStatus
from sidecar.operate.naming import name_of

#: Where each is looked at: refusals by their cause.
_LISTED = {
    EventStatus.REJECTED: "erp-sidecar rejections list",
    EventStatus.PARKED: "erp-sidecar queue list --status parked",
}
_RESUME = "erp-sidecar domain resume {domain}"
_INSTALL = "erp-sidecar install --user root --password-file /root/.db-password"
_MIGRATE = "erp-sidecar migrate --user root --password-file /root/.db-password"


def _ledger(examined: ExaminedInstallation) -> Ledger:
    examined.need("database")  # before the Sidecar makes one, which asserts fitness
    return examined.sidecar.ledger


def _absent(examined: ExaminedInstallation) -> Iterator[Observation]:
    if not _ledger(examined).applied():
        yield Observation(
            f"there is no ledger in the schema {examined.sidecar.names.schema}", _INSTALL
        )


def _older(examined: ExaminedInstallation) -> Iterator[Observation]:
    ledger = _ledger(examined)
    if not ledger.applied():
        return
    try:
        pending = ledger.pending()
    except ConfigurationError:
        return
    if pending:
        names = ", ".join(f"{migration.version:04d}_{migration.name}" for migration in pending)
        yield Observation(f"the ledger lacks {names}", _MIGRATE)


def _newer(examined: ExaminedInstallation) -> Iterator[Observation]:
    try:
        _ledger(examined).pending()
    except ConfigurationError as error:
        yield Observation(error.message, error.remedy)


def _outbox_shape(examined: ExaminedInstallation) -> Iterator[Observation]:
    names = examined.ledger.names
    place = (names.schema, f"{names.prefix}outbox")
    for (engine,) in examined.ask(
        "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        *place,
        database=examined.database,
    ):
        if engine != "InnoDB":
            yield Observation(
                f"{names('outbox')} is {engine}", f"ALTER TABLE {names('outbox')} ENGINE = InnoDB;"
            )
    for (key,) in examined.ask(
        "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s "
        "AND TABLE_NAME = %s AND INDEX_NAME <> 'PRIMARY'",
        *place,
        database=examined.database,
    ):
        yield Observation(
            f"{names('outbox')} has a key {key}",
            f"SET lock_wait_timeout = 1; ALTER TABLE {names('outbox')} DROP KEY `{key}`;",
        )


def _controls(examined: ExaminedInstallation) -> Iterator[tuple[str, DomainControl]]:
    for name, domain in examined.vitals.domains.items():
        yield name, domain.control
    for name, told in examined.vitals.inbound.items():
        yield name, told.control


def _stopped(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, control in _controls(examined):
        if control.stopped_at is not None:
            yield Observation(
                f"{name} stopped at {control.stopped_at:%Y-%m-%d %H:%M} UTC: "
                f"{control.stopped_reason}",
                f"correct that, then: {_RESUME.format(domain=name)}",
            )


def _pause(examined: ExaminedInstallation) -> Iterator[Observation]:
    vitals = examined.vitals
    forgotten = {name for name, domain in vitals.domains.items() if domain.pause_forgotten}
    forgotten |= {name for name, domain in vitals.inbound.items() if domain.pause_forgotten}
    for name, control in _controls(examined):
        if name in forgotten:
            hours, why = control.paused_for / 3600, control.paused_reason or "no reason given"
            yield Observation(
                f"{name} has been paused for {hours:.1f} h by {control.paused_by}: {why}",
                _RESUME.format(domain=name),
            )


def _nobody(examined: ExaminedInstallation) -> Iterator[Observation]:
    if examined.vitals.holder is None:
        yield Observation("no daemon holds the ledger's lease")


def _hints(examined: ExaminedInstallation) -> Iterator[Observation]:
    hints = examined.vitals.hints
    if hints.oldest is not None and hints.oldest > examined.thresholds.hint:
        more = " or more" if hints.capped else ""
        minutes = hints.oldest.total_seconds() // 60
        yield Observation(f"{hints.count}{more} hint(s) wait, the oldest for {minutes:.0f} min")


def _late(examined: ExaminedInstallation, domain: str, status: EventStatus) -> Waiting:
    """Events of this status that should have gone on by now."""
    seconds = examined.thresholds.overdue.total_seconds()
    with examined.database.transaction("looking for late events") as connection:
        return Overview(examined.ledger.tables).late(connection, domain, status, seconds)


def _overdue(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.domains.items():
        if not domain.control.may_work:
            continue
        late = _late(examined, name, EventStatus.PENDING)
        if late.count:
            yield Observation(
                f"{name}: {late.count} event(s) are due and not sent, the oldest for "
                f"{_minutes(late)} min"
            )


def _unknown(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name in examined.sidecar.domains:
        late = _late(examined, name, EventStatus.UNKNOWN)
        if late.count:
            yield Observation(
                f"{name}: {late.count} event(s) have no known outcome, the oldest for "
                f"{_minutes(late)} min"
            )


def _refused(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.domains.items():
        for status in REFUSED:
            if count := domain.events[status]:
                yield Observation(f"{name}: {count} event(s) are {status}", _LISTED[status])


def _gated(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.domains.items():
        if told := waiting_at(domain.gates, name):
            yield Observation(f"of the {name} {', '.join(told)}")


def _differences(examined: ExaminedInstallation) -> Iterator[Observation]:
    found = examined.vitals.differing
    if found.differences:
        yield Observation(
            f"{found.differences} difference(s) in {found.documents} document(s) are open"
        )


def _stations(examined: ExaminedInstallation) -> Iterator[Observation]:
    for one in examined.vitals.failing:
        yield Observation(
            f"{one.name} has been failing since {one.since:%Y-%m-%d %H:%M} UTC, {one.failures} "
            f"time(s): {one.message}",
            one.remedy,
        )


def _late_write_backs(examined: ExaminedInstallation) -> Iterator[Observation]:
    if late := examined.vitals.late_write_backs:
        yield Observation(
            f"{late.count} answer(s) of the ERP are not in Magento, the oldest for "
            f"{_minutes(late)} min"
        )


def _parked_write_backs(examined: ExaminedInstallation) -> Iterator[Observation]:
    count = examined.vitals.write_backs_parked
    if not count:
        return
    with examined.database.transaction("looking for parked write-backs") as connection:
        newest = Records(examined.ledger.tables).parked_write_backs(connection, 3)
    told = "; ".join(
        f"{name_of(examined.sidecar.specs, one.kind, one.number)}: {one.message}" for one in newest
    )
    yield Observation(f"{count} answer(s) of the ERP cannot be written into Magento: {told}")


def _minutes(waiting: Waiting) -> int:
    return int((waiting.longest or 0) // 60)


CHECKS = (
    Check(
        id="ledger-missing",
        severity="error",
        title="there is no ledger",
        cause="Not installed yet, or its schema was dropped, or `ledger.schema` names another.",
        symptom="Exit code 78 at start. If there was one: what was sent is forgotten; restore it "
        "from a backup before you install again.",
        remedy=f"`{_INSTALL}`",
        look=_absent,
    ),
    Check(
        id="ledger-older",
        severity="error",
        title="the ledger is older than this sidecar",
        cause="The program was updated, its tables were not.",
        symptom="Exit code 78 at start.",
        remedy=f"`{_MIGRATE}`; `--dry-run` shows the statements first.",
        look=_older,
    ),
    Check(
        id="ledger-newer",
        severity="error",
        title="the ledger is not of this sidecar's making",
        cause="It was written by a newer version, or the shipped migrations were changed.",
        symptom="Exit code 78 at start.",
        remedy="Install the newer version again.",
        look=_newer,
    ),
    Check(
        id="outbox-changed",
        severity="error",
        title="the outbox has more than its primary key, or another engine",
        cause="Somebody altered the table.",
        symptom="The trigger's insert can wait for a lock, and checkout with it.",
        remedy="`ALTER TABLE … DROP KEY …;` or `ENGINE = InnoDB;`",
        look=_outbox_shape,
    ),
    Check(
        id="domain-stopped",
        severity="error",
        title="the domain stopped itself",
        cause="The ERP refused the login, or a call failed in a way in which every call would.",
        symptom="Nothing is sent; `domain.stopped` in the log.",
        remedy="Fix the cause; `systemctl reload erp-sidecar` (SIGHUP) takes up what you changed "
        "in the configuration, the file of calls or a secret; then "
        "`erp-sidecar domain resume orders`.",
        look=_stopped,
    ),
    Check(
        id="pause-forgotten",
        severity="warning",
        title="a pause has no end, or has lasted long",
        cause="Longer than `domains.orders.pause_alarm`.",
        symptom="Nothing is sent; `domain.pause_forgotten` in the log.",
        remedy="`erp-sidecar domain resume orders`, or pause again with `--until`.",
        look=_pause,
    ),
    Check(
        id="daemon-absent",
        severity="warning",
        title="no daemon works",
        cause="The unit is stopped, or ends at start.",
        symptom="Orders wait. Checkout is not touched.",
        remedy="`systemctl start erp-sidecar`; why it ended: `journalctl -u erp-sidecar -n 50`",
        look=_nobody,
    ),
    Check(
        id="hints-old",
        severity="warning",
        title="hints wait in the outbox",
        cause="No daemon works, intake fails, or it does not keep up.",
        symptom="Orders reach the ERP late.",
        remedy="`journalctl -u erp-sidecar -n 50`; look for `station.failed`.",
        look=_hints,
    ),
    Check(
        id="station-failing",
        severity="error",
        title="a station of the daemon fails",
        cause="What the message says; the daemon tries it again and again.",
        symptom="Its work waits: intake learns of no order, delivery sends none, the write-back "
        "writes nothing to Magento. `reload`: a changed configuration was refused, the former one "
        "works.",
        remedy="What the message says; `station.failed` in the log has the same.",
        look=_stations,
    ),
    Check(
        id="write-backs-late",
        severity="warning",
        title="answers of the ERP do not get into Magento",
        cause="No daemon works, its write-back fails, or somebody holds the orders' rows.",
        symptom="Orders keep their former status in Magento, although the ERP has them.",
        remedy="`erp-sidecar status`; `SHOW PROCESSLIST` on the server for what holds the rows.",
        look=_late_write_backs,
    ),
    Check(
        id="write-backs-parked",
        severity="warning",
        title="an answer of the ERP cannot be written into Magento",
        cause="A value that Magento's column does not hold, or a trigger of another module that "
        "refuses the row.",
        symptom="The ERP has the order; in Magento it keeps its former status. The others go on.",
        remedy="Correct what the message names, then `erp-sidecar queue requeue NUMBER`.",
        look=_parked_write_backs,
    ),
    Check(
        id="events-overdue",
        severity="warning",
        title="events are due and are not sent",
        cause="No daemon works, the breaker is open, or more arrives than the throttle lets go.",
        symptom="Orders reach the ERP late.",
        remedy="`erp-sidecar status`; raise `erp.throttle.requests` if the ERP bears it.",
        look=_overdue,
    ),
    Check(
        id="events-unknown",
        severity="warning",
        title="outcomes have been unknown for long",
        cause="A call broke off, and the ERP does not answer the question what became of it, or "
        "cannot be asked.",
        symptom="These orders are not sent again until it is known.",
        remedy="`erp-sidecar queue list --status unknown`, `erp-sidecar order show NUMBER`",
        look=_unknown,
    ),
    Check(
        id="events-refused",
        severity="warning",
        title="events wait for a person",
        cause="The ERP refused them, or they were given up or put aside.",
        symptom="These orders are not in the ERP.",
        remedy="`erp-sidecar rejections list`",
        look=_refused,
    ),
    Check(
        id="orders-gated",
        severity="info",
        title="orders wait at a gate",
        cause="Their payment is not there yet, the customer is still paying, or a person put them "
        "on hold. By default a method whose money comes later (`checkmo`, `banktransfer`) waits "
        "until it is there.",
        symptom="These orders are not in the ERP, and nothing is wrong.",
        remedy="Where they should go at once: `domains.orders.gate.payment: {checkmo: always}`, "
        "`gate.states: {fraud: go}`; "
        "`erp-sidecar queue list --status pending` names each with what it waits for.",
        look=_gated,
    ),
    Check(
        id="differences-open",
        severity="warning",
        title="the ERP booked other figures than were sent",
        cause="Rounding, a lost line, a price list of the ERP's.",
        symptom="The amounts in the ERP are not those that the customer paid.",
        remedy="`erp-sidecar differences list`",
        look=_differences,
    ),
)
