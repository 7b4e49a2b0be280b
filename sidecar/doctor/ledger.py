"""The ledger: its version and shape, and what waits in it."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.doctor.check import Check, Fault
from sidecar.doctor.patient import Patient
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


def _ledger(patient: Patient) -> Ledger:
    patient.need("database")  # before the Sidecar makes one, which asserts fitness
    return patient.login.ledger


def _absent(patient: Patient) -> Iterator[Fault]:
    if not _ledger(patient).applied():
        yield Fault(f"there is no ledger in the schema {patient.login.names.schema}", _INSTALL)


def _older(patient: Patient) -> Iterator[Fault]:
    ledger = _ledger(patient)
    if not ledger.applied():
        return
    try:
        pending = ledger.pending()
    except ConfigurationError:
        return
    if pending:
        names = ", ".join(f"{one.version:04d}_{one.name}" for one in pending)
        yield Fault(f"the ledger lacks {names}", _MIGRATE)


def _newer(patient: Patient) -> Iterator[Fault]:
    try:
        _ledger(patient).pending()
    except ConfigurationError as error:
        yield Fault(error.message, error.remedy)


def _outbox_shape(patient: Patient) -> Iterator[Fault]:
    names = patient.ledger.names
    place = (names.schema, f"{names.prefix}outbox")
    for (engine,) in patient.ask(
        "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        *place,
        database=patient.database,
    ):
        if engine != "InnoDB":
            yield Fault(
                f"{names('outbox')} is {engine}", f"ALTER TABLE {names('outbox')} ENGINE = InnoDB;"
            )
    for (key,) in patient.ask(
        "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s "
        "AND TABLE_NAME = %s AND INDEX_NAME <> 'PRIMARY'",
        *place,
        database=patient.database,
    ):
        yield Fault(
            f"{names('outbox')} has a key {key}",
            f"SET lock_wait_timeout = 1; ALTER TABLE {names('outbox')} DROP KEY `{key}`;",
        )


def _stopped(patient: Patient) -> Iterator[Fault]:
    for name, domain in patient.vitals.domains.items():
        control = domain.control
        if control.stopped_at is not None:
            yield Fault(
                f"{name} stopped at {control.stopped_at:%Y-%m-%d %H:%M} UTC: "
                f"{control.stopped_reason}",
                f"correct that, then: {_RESUME.format(domain=name)}",
            )


def _pause(patient: Patient) -> Iterator[Fault]:
    for name, domain in patient.vitals.domains.items():
        control = domain.control
        if domain.pause_forgotten:
            hours, why = control.paused_for / 3600, control.paused_reason or "no reason given"
            yield Fault(
                f"{name} has been paused for {hours:.1f} h by {control.paused_by}: {why}",
                _RESUME.format(domain=name),
            )


def _nobody(patient: Patient) -> Iterator[Fault]:
    if patient.vitals.holder is None:
        yield Fault("no daemon holds the ledger's lease")


def _hints(patient: Patient) -> Iterator[Fault]:
    hints = patient.vitals.hints
    if hints.oldest is not None and hints.oldest > patient.patience.hint:
        more = " or more" if hints.capped else ""
        minutes = hints.oldest.total_seconds() // 60
        yield Fault(f"{hints.count}{more} hint(s) wait, the oldest for {minutes:.0f} min")


def _late(patient: Patient, domain: str, status: EventStatus) -> Waiting:
    """Events of this status that should have gone on by now."""
    seconds = patient.patience.overdue.total_seconds()
    with patient.database.transaction("looking for late events") as connection:
        return Overview(patient.ledger.tables).late(connection, domain, status, seconds)


def _overdue(patient: Patient) -> Iterator[Fault]:
    for name, domain in patient.vitals.domains.items():
        if not domain.control.may_work:
            continue
        late = _late(patient, name, EventStatus.PENDING)
        if late.count:
            yield Fault(
                f"{name}: {late.count} event(s) are due and not sent, the oldest for "
                f"{_minutes(late)} min"
            )


def _unknown(patient: Patient) -> Iterator[Fault]:
    for name in patient.login.domains:
        late = _late(patient, name, EventStatus.UNKNOWN)
        if late.count:
            yield Fault(
                f"{name}: {late.count} event(s) have no known outcome, the oldest for "
                f"{_minutes(late)} min"
            )


def _refused(patient: Patient) -> Iterator[Fault]:
    for name, domain in patient.vitals.domains.items():
        for status in REFUSED:
            if count := domain.events[status]:
                yield Fault(f"{name}: {count} event(s) are {status}", _LISTED[status])


def _gated(patient: Patient) -> Iterator[Fault]:
    for name, domain in patient.vitals.domains.items():
        if told := waiting_at(domain.gates, name):
            yield Fault(f"of the {name} {', '.join(told)}")


def _differences(patient: Patient) -> Iterator[Fault]:
    found = patient.vitals.differing
    if found.differences:
        yield Fault(f"{found.differences} difference(s) in {found.documents} document(s) are open")


def _stations(patient: Patient) -> Iterator[Fault]:
    for one in patient.vitals.failing:
        yield Fault(
            f"{one.name} has been failing since {one.since:%Y-%m-%d %H:%M} UTC, {one.failures} "
            f"time(s): {one.message}",
            one.remedy,
        )


def _late_write_backs(patient: Patient) -> Iterator[Fault]:
    if late := patient.vitals.late_write_backs:
        yield Fault(
            f"{late.count} answer(s) of the ERP are not in Magento, the oldest for "
            f"{_minutes(late)} min"
        )


def _parked_write_backs(patient: Patient) -> Iterator[Fault]:
    count = patient.vitals.write_backs_parked
    if not count:
        return
    with patient.database.transaction("looking for parked write-backs") as connection:
        newest = Records(patient.ledger.tables).parked_write_backs(connection, 3)
    told = "; ".join(
        f"{name_of(patient.login.specs, one.kind, one.number)}: {one.message}" for one in newest
    )
    yield Fault(f"{count} answer(s) of the ERP cannot be written into Magento: {told}")


def _minutes(waiting: Waiting) -> int:
    return int((waiting.longest or 0) // 60)


CHECKS = (
    Check(
        id="ledger-missing",
        severity="error",
        title="there is no ledger",
        cause="Not installed yet, or its schema was dropped, or `ledger.schema` names another.",
        shows="Exit code 78 at start. If there was one: what was sent is forgotten; restore it "
        "from a backup before you install anew.",
        remedy=f"`{_INSTALL}`",
        look=_absent,
    ),
    Check(
        id="ledger-older",
        severity="error",
        title="the ledger is older than this sidecar",
        cause="The program was updated, its tables were not.",
        shows="Exit code 78 at start.",
        remedy=f"`{_MIGRATE}`; `--dry-run` shows the statements first.",
        look=_older,
    ),
    Check(
        id="ledger-newer",
        severity="error",
        title="the ledger is not of this sidecar's making",
        cause="It was written by a newer version, or the shipped migrations were changed.",
        shows="Exit code 78 at start.",
        remedy="Install the newer version again.",
        look=_newer,
    ),
    Check(
        id="outbox-changed",
        severity="error",
        title="the outbox has more than its primary key, or another engine",
        cause="Somebody altered the table.",
        shows="The trigger's insert can wait for a lock, and checkout with it.",
        remedy="`ALTER TABLE … DROP KEY …;` or `ENGINE = InnoDB;`",
        look=_outbox_shape,
    ),
    Check(
        id="domain-stopped",
        severity="error",
        title="the domain stopped itself",
        cause="The ERP refused the login, or a call failed in a way in which every call would.",
        shows="Nothing is sent; `domain.stopped` in the log.",
        remedy="Mend the cause; `systemctl reload erp-sidecar` (SIGHUP) takes up what you changed "
        "in the configuration, the file of calls or a secret; then "
        "`erp-sidecar domain resume orders`.",
        look=_stopped,
    ),
    Check(
        id="pause-forgotten",
        severity="warning",
        title="a pause has no end, or has lasted long",
        cause="Longer than `domains.orders.pause_alarm`.",
        shows="Nothing is sent; `domain.pause_forgotten` in the log.",
        remedy="`erp-sidecar domain resume orders`, or pause again with `--until`.",
        look=_pause,
    ),
    Check(
        id="daemon-absent",
        severity="warning",
        title="no daemon works",
        cause="The unit is stopped, or ends at start.",
        shows="Orders wait. Checkout is not touched.",
        remedy="`systemctl start erp-sidecar`; why it ended: `journalctl -u erp-sidecar -n 50`",
        look=_nobody,
    ),
    Check(
        id="hints-old",
        severity="warning",
        title="hints wait in the outbox",
        cause="No daemon works, intake fails, or it does not keep up.",
        shows="Orders reach the ERP late.",
        remedy="`journalctl -u erp-sidecar -n 50`; look for `station.failed`.",
        look=_hints,
    ),
    Check(
        id="station-failing",
        severity="error",
        title="a station of the daemon fails",
        cause="What the message says; the daemon tries it again and again.",
        shows="Its work waits: intake learns of no order, delivery sends none, the write-back "
        "tells Magento nothing. `reload`: a changed configuration was refused, the former one "
        "works.",
        remedy="What the message says; `station.failed` in the log has the same.",
        look=_stations,
    ),
    Check(
        id="write-backs-late",
        severity="warning",
        title="answers of the ERP do not get into Magento",
        cause="No daemon works, its write-back fails, or somebody holds the orders' rows.",
        shows="Orders keep their former status in Magento, although the ERP has them.",
        remedy="`erp-sidecar status`; `SHOW PROCESSLIST` on the server for what holds the rows.",
        look=_late_write_backs,
    ),
    Check(
        id="write-backs-parked",
        severity="warning",
        title="an answer of the ERP cannot be written into Magento",
        cause="A value that Magento's column does not hold, or a trigger of another module that "
        "refuses the row.",
        shows="The ERP has the order; in Magento it keeps its former status. The others go on.",
        remedy="Correct what the message names, then `erp-sidecar queue requeue NUMBER`.",
        look=_parked_write_backs,
    ),
    Check(
        id="events-overdue",
        severity="warning",
        title="events are due and are not sent",
        cause="No daemon works, the breaker is open, or more arrives than the throttle lets go.",
        shows="Orders reach the ERP late.",
        remedy="`erp-sidecar status`; raise `erp.throttle.requests` if the ERP bears it.",
        look=_overdue,
    ),
    Check(
        id="events-unknown",
        severity="warning",
        title="outcomes have been unknown for long",
        cause="A call broke off, and the ERP does not answer the question what became of it, or "
        "cannot be asked.",
        shows="These orders are not sent again until it is known.",
        remedy="`erp-sidecar queue list --status unknown`, `erp-sidecar order show NUMBER`",
        look=_unknown,
    ),
    Check(
        id="events-refused",
        severity="warning",
        title="events wait for a person",
        cause="The ERP refused them, or they were given up or put aside.",
        shows="These orders are not in the ERP.",
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
        shows="These orders are not in the ERP, and nothing is wrong.",
        remedy="Where they shall go at once: `domains.orders.gate.payment: {checkmo: always}`, "
        "`gate.states: {fraud: go}`; "
        "`erp-sidecar queue list --status pending` names each with what it waits for.",
        look=_gated,
    ),
    Check(
        id="differences-open",
        severity="warning",
        title="the ERP booked other figures than were sent",
        cause="Rounding, a lost line, a price list of the ERP's.",
        shows="The amounts in the ERP are not those that the customer paid.",
        remedy="`erp-sidecar differences list`",
        look=_differences,
    ),
)
