"""Rights: the daemon's account, and the account that the triggers run as."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.capture.least_rights import daemon_grants
from sidecar.capture.trigger_plan import OURS, quoted, quoted_account
from sidecar.doctor.check import Check, Fault
from sidecar.doctor.patient import Patient, Unseen, listed
from sidecar.ledger.grants import whole_schema
from sidecar.ledger.rights import ALL, EVERYWHERE, Right, missing, rights

#: Rights over the whole server that let nobody change anything.
_HARMLESS = frozenset({"USAGE", "PROCESS", "REPLICATION CLIENT", "SHOW DATABASES",
                       "BINLOG MONITOR", "SLAVE MONITOR", "REPLICA MONITOR"})  # fmt: skip


def _account(patient: Patient) -> str:
    ((account,),) = patient.ask("SELECT CURRENT_USER()", database=patient.bare_account)
    return str(account)


def _held(patient: Patient) -> list[Right]:
    return rights(row[0] for row in patient.ask("SHOW GRANTS", database=patient.bare_account))


def _need_schema(patient: Patient) -> None:
    """Raise `Unseen` where nobody here sees Magento's schema: its name may be misspelt."""
    if patient.refusal("account") is not None:
        patient.need("administrator")


def _wanted(patient: Patient) -> list[str]:
    shop = patient.login.shop_database
    schema = shop.login.database
    settings = patient.configuration.settings
    return daemon_grants(
        _account(patient),
        lambda name: f"{quoted(schema)}.{quoted(shop.prefix + name)}",
        patient.login.names,
        domains=patient.login.specs,
        triggers=settings.capture.triggers,
        optional=_optional(patient),
    )


def _optional(patient: Patient) -> list[str]:
    """What this shop has of the tables that not every shop has."""
    try:
        return patient.whole_magento.optional_tables
    except Unseen:
        return []


def _too_few(patient: Patient) -> Iterator[Fault]:
    _need_schema(patient)
    lacking = missing(_wanted(patient), _held(patient))
    if lacking:
        names = [str(right) for lacks in lacking.values() for right in lacks]
        yield Fault(f"{_account(patient)} lacks {listed(names)}", "; ".join(lacking) + ";")


def _too_many(patient: Patient) -> Iterator[Fault]:
    _need_schema(patient)
    surplus = [right for right in _held(patient) if _is_too_much(patient, right)]
    if surplus:
        account, wanted = _account(patient), _wanted(patient)
        revoked = dict.fromkeys(_without_detail(one) for one in surplus)
        # Triggers may run as this account, and should not be without rights in between; but ALL
        # on a schema, and on MySQL ALL on the server too, takes along what was granted before.
        revocations = [one.revoked_from(quoted_account(account)) for one in revoked]
        statements = [*wanted, *revocations, *wanted]
        yield Fault(
            f"{account} has {listed([str(right) for right in surplus])}",
            "; ".join(statements) + ";",
        )


def _without_detail(right: Right) -> Right:
    """Over the whole server all goes at once: MySQL shows ALL as a hundred privileges there."""
    if right.schema == EVERYWHERE and right.privilege != "GRANT OPTION":
        return Right(ALL, "", EVERYWHERE, "*")
    return right


def _is_too_much(patient: Patient, held: Right) -> bool:
    if held.privilege in _HARMLESS:
        return False
    if held.schema == EVERYWHERE or held.privilege == "GRANT OPTION":
        return True
    if patient.configuration.settings.shop.database.magento_root is not None:
        return False  # Magento's own account was chosen, with what that account may do
    wanted = rights(_wanted(patient))
    schema = patient.login.shop_database.login.database
    on_magento = held.schema.replace("\\", "") == schema
    return on_magento and not any(one.covers(held) for one in wanted)


def _definers(patient: Patient) -> dict[str, str]:
    """Definer of our triggers → a table that one of them sits on."""
    ours = [one for one in patient.live.triggers if one.name.startswith(OURS)]
    return {trigger.definer: trigger.table for trigger in ours}


def _exists(patient: Patient, account: str) -> bool:
    user, _, host = account.rpartition("@")
    if account == patient.live.account:
        return True
    return bool(patient.ask("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", user, host))


def _definers_rights(patient: Patient, account: str) -> list[Right]:
    # The driver takes a lone % for a place of a parameter, and a host is often "%".
    statement = f"SHOW GRANTS FOR {quoted_account(account)}".replace("%", "%%")
    return rights(row[0] for row in patient.ask(statement))


def _gone(patient: Patient) -> Iterator[Fault]:
    for definer in _definers(patient):
        if not _exists(patient, definer):
            yield Fault(
                f"our triggers run as {definer}, and there is no such account",
                "mysql -N -B -D MAGENTO < sql/emergency-drop.sql | mysql --force -D MAGENTO; then "
                "erp-sidecar install --magento-root PATH",
            )


def _lost(patient: Patient, *wanted: Right) -> Iterator[tuple[str, Right]]:
    for definer in _definers(patient):
        if _exists(patient, definer):
            held = _definers_rights(patient, definer)
            for right in wanted:
                if not any(one.covers(right) for one in held):
                    yield definer, right


def _may_not_trigger(patient: Patient) -> Iterator[Fault]:
    schema = patient.login.shop_database.login.database
    tables = sorted(set(_definers(patient).values()))
    for definer, right in _lost(patient, *(Right("TRIGGER", "", schema, one) for one in tables)):
        yield Fault(
            f"our triggers run as {definer}, which lacks {right}",
            # On all of the schema, as Magento's account has it: the next installation rehearses on
            # a table of its own.
            f"GRANT TRIGGER ON {whole_schema(schema)}.* TO {quoted_account(definer)};",
        )


def _may_not_write(patient: Patient) -> Iterator[Fault]:
    names = patient.login.names
    tables = [names.prefix + name for name in ("outbox", "outbox_fault")]
    wanted = [Right("INSERT", "", names.schema, table) for table in tables]
    for definer, right in _lost(patient, *wanted):
        yield Fault(
            f"our triggers run as {definer}, which lacks {right}",
            f"GRANT INSERT ON {quoted(names.schema)}.{quoted(right.table)} "
            f"TO {quoted_account(definer)};",
        )


CHECKS = (
    Check(
        id="rights-missing",
        severity="error",
        title="the daemon's account lacks rights",
        cause="They were never granted, were revoked, or an update wants a new one.",
        shows="Exit code 77, `station.failed` with 1142 or 1143; without TRIGGER, lost triggers go "
        "unnoticed.",
        remedy="`erp-sidecar grants print` prints them all, to be run by the database's "
        "administrator. (Rights that come by a role count where it is a default role.)",
        look=_too_few,
    ),
    Check(
        id="rights-too-many",
        severity="warning",
        title="the daemon's account may do more than it needs",
        cause="It was granted ALL, SUPER or the grant option, for an installation perhaps.",
        shows="Nothing fails. Whoever gets hold of the password has the shop.",
        remedy="Grant what `erp-sidecar grants print` prints, then revoke the rest; install with "
        "another account (`--user`). On MySQL this leaves the account without rights for a moment: "
        "where triggers run as it, `erp-sidecar triggers suspend` first.",
        look=_too_many,
    ),
    Check(
        id="definer-gone",
        severity="error",
        title="the account that the triggers run as does not exist",
        cause="It was dropped or renamed, or the database was restored on another server.",
        shows="Every order fails with error 1449; no handler in a trigger catches it.",
        remedy="Create the account again with Magento's rights; or take the triggers off "
        "(`sql/emergency-drop.sql`) and install anew.",
        look=_gone,
    ),
    Check(
        id="definer-without-trigger-right",
        severity="error",
        title="the account that the triggers run as lost the right TRIGGER",
        cause="Its rights were granted anew, without it.",
        shows="Every order fails with error 1142; no handler in a trigger catches it.",
        remedy="`GRANT TRIGGER ON SCHEMA.* TO ACCOUNT;`",
        look=_may_not_trigger,
    ),
    Check(
        id="definer-without-outbox-right",
        severity="warning",
        title="the account that the triggers run as may not write the outbox",
        cause="The ledger's schema was restored or its grants revoked.",
        shows="Orders go through; their hints are lost, and the sweep finds them up to a minute "
        "later.",
        remedy="`GRANT INSERT ON LEDGER.outbox TO ACCOUNT;` and on `outbox_fault`; `erp-sidecar "
        "install --user …` does it too.",
        look=_may_not_write,
    ),
)
