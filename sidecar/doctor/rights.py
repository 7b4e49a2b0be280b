"""Rights: the daemon's database user, and the user that the triggers run as."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.capture.least_rights import daemon_grants
from sidecar.capture.trigger_plan import OURS, quoted, quoted_user
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, Unseen, listed
from sidecar.ledger.grants import whole_schema
from sidecar.ledger.rights import ALL, EVERYWHERE, Right, missing, rights

#: Rights over the whole server that let nobody change anything.
_HARMLESS = frozenset({"USAGE", "PROCESS", "REPLICATION CLIENT", "SHOW DATABASES",
                       "BINLOG MONITOR", "SLAVE MONITOR", "REPLICA MONITOR"})  # fmt: skip


def _user(examined: ExaminedInstallation) -> str:
    ((user,),) = examined.ask(
        "SELECT CURRENT_USER()", database=examined.daemon_login_without_schema
    )
    return str(user)


def _held(examined: ExaminedInstallation) -> list[Right]:
    return rights(
        row[0] for row in examined.ask("SHOW GRANTS", database=examined.daemon_login_without_schema)
    )


def _need_schema(examined: ExaminedInstallation) -> None:
    """Raise `Unseen` where nobody here sees Magento's schema: its name may be misspelt."""
    if examined.refusal("daemon_login") is not None:
        examined.need("administrator")


def _wanted(examined: ExaminedInstallation) -> list[str]:
    shop = examined.sidecar.shop_database
    schema = shop.login.database
    settings = examined.configuration.settings
    return daemon_grants(
        _user(examined),
        lambda name: f"{quoted(schema)}.{quoted(shop.prefix + name)}",
        examined.sidecar.names,
        domains=examined.sidecar.specs,
        inbound=examined.sidecar.inbound_needs,
        triggers=settings.capture.triggers,
        optional=_optional(examined),
    )


def _optional(examined: ExaminedInstallation) -> list[str]:
    """What this shop has of the tables that not every shop has."""
    try:
        return examined.whole_magento.optional_tables
    except Unseen:
        return []


def _too_few(examined: ExaminedInstallation) -> Iterator[Observation]:
    _need_schema(examined)
    lacking = missing(_wanted(examined), _held(examined))
    if lacking:
        names = [str(right) for lacks in lacking.values() for right in lacks]
        yield Observation(f"{_user(examined)} lacks {listed(names)}", "; ".join(lacking) + ";")


def _too_many(examined: ExaminedInstallation) -> Iterator[Observation]:
    _need_schema(examined)
    surplus = [right for right in _held(examined) if _is_too_much(examined, right)]
    if surplus:
        user, wanted = _user(examined), _wanted(examined)
        revoked = dict.fromkeys(_without_detail(too_much) for too_much in surplus)
        # Triggers may run as this user, and should not be without rights in between; but ALL
        # on a schema, and on MySQL ALL on the server too, takes along what was granted before.
        revocations = [too_much.revoked_from(quoted_user(user)) for too_much in revoked]
        statements = [*wanted, *revocations, *wanted]
        yield Observation(
            f"{user} has {listed([str(right) for right in surplus])}",
            "; ".join(statements) + ";",
        )


def _without_detail(right: Right) -> Right:
    """Over the whole server all goes at once: MySQL shows ALL as a hundred privileges there."""
    if right.schema == EVERYWHERE and right.privilege != "GRANT OPTION":
        return Right(ALL, "", EVERYWHERE, "*")
    return right


def _is_too_much(examined: ExaminedInstallation, held: Right) -> bool:
    if held.privilege in _HARMLESS:
        return False
    if held.schema == EVERYWHERE or held.privilege == "GRANT OPTION":
        return True
    if examined.configuration.settings.shop.database.magento_root is not None:
        return False  # Magento's own database user was chosen, with what that user may do
    wanted = rights(_wanted(examined))
    schema = examined.sidecar.shop_database.login.database
    on_magento = held.schema.replace("\\", "") == schema
    return on_magento and not any(right.covers(held) for right in wanted)


def _definers(examined: ExaminedInstallation) -> dict[str, str]:
    """Definer of our triggers → a table that one of them sits on."""
    ours = [trigger for trigger in examined.live.triggers if trigger.name.startswith(OURS)]
    return {trigger.definer: trigger.table for trigger in ours}


def _exists(examined: ExaminedInstallation, user: str) -> bool:
    name, _, host = user.rpartition("@")
    if user == examined.live.user:
        return True
    return bool(examined.ask("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", name, host))


def _definers_rights(examined: ExaminedInstallation, user: str) -> list[Right]:
    # The driver takes a lone % for a place of a parameter, and a host is often "%".
    statement = f"SHOW GRANTS FOR {quoted_user(user)}".replace("%", "%%")
    return rights(row[0] for row in examined.ask(statement))


def _gone(examined: ExaminedInstallation) -> Iterator[Observation]:
    for definer in _definers(examined):
        if not _exists(examined, definer):
            yield Observation(
                f"our triggers run as {definer}, and there is no such user",
                "mysql -N -B -D MAGENTO < sql/emergency-drop.sql | mysql --force -D MAGENTO; then "
                "erp-sidecar install --magento-root PATH",
            )


def _lost(examined: ExaminedInstallation, *wanted: Right) -> Iterator[tuple[str, Right]]:
    for definer in _definers(examined):
        if _exists(examined, definer):
            held = _definers_rights(examined, definer)
            for right in wanted:
                if not any(own.covers(right) for own in held):
                    yield definer, right


def _may_not_trigger(examined: ExaminedInstallation) -> Iterator[Observation]:
    schema = examined.sidecar.shop_database.login.database
    tables = sorted(set(_definers(examined).values()))
    for definer, right in _lost(
        examined, *(Right("TRIGGER", "", schema, table) for table in tables)
    ):
        yield Observation(
            f"our triggers run as {definer}, which lacks {right}",
            # On all of the schema, as Magento's user has it: the next installation rehearses on
            # a table of its own.
            f"GRANT TRIGGER ON {whole_schema(schema)}.* TO {quoted_user(definer)};",
        )


def _may_not_write(examined: ExaminedInstallation) -> Iterator[Observation]:
    names = examined.sidecar.names
    tables = [names.prefix + name for name in ("outbox", "outbox_fault")]
    wanted = [Right("INSERT", "", names.schema, table) for table in tables]
    for definer, right in _lost(examined, *wanted):
        yield Observation(
            f"our triggers run as {definer}, which lacks {right}",
            f"GRANT INSERT ON {quoted(names.schema)}.{quoted(right.table)} "
            f"TO {quoted_user(definer)};",
        )


CHECKS = (
    Check(
        id="rights-missing",
        severity="error",
        title="the daemon's database user lacks rights",
        cause="They were never granted, were revoked, or an update wants a new one.",
        symptom="Exit code 77, `station.failed` with 1142 or 1143; without TRIGGER, lost triggers "
        "go unnoticed.",
        remedy="`erp-sidecar grants print` prints them all, to be run by the database's "
        "administrator. (Rights that come by a role count where it is a default role.)",
        look=_too_few,
    ),
    Check(
        id="rights-too-many",
        severity="warning",
        title="the daemon's database user may do more than it needs",
        cause="It was granted ALL, SUPER or the grant option, for an installation perhaps.",
        symptom="Nothing fails. Anyone who gets hold of the password has the shop.",
        remedy="Grant what `erp-sidecar grants print` prints, then revoke the rest; install with "
        "another database user (`--user`). On MySQL this leaves the user without rights for a "
        "moment: where triggers run as it, `erp-sidecar triggers suspend` first.",
        look=_too_many,
    ),
    Check(
        id="definer-gone",
        severity="error",
        title="the user that the triggers run as does not exist",
        cause="It was dropped or renamed, or the database was restored on another server.",
        symptom="Every order fails with error 1449; no handler in a trigger catches it.",
        remedy="Create the user again with Magento's rights; or take the triggers off "
        "(`sql/emergency-drop.sql`) and install again.",
        look=_gone,
    ),
    Check(
        id="definer-without-trigger-right",
        severity="error",
        title="the user that the triggers run as lost the right TRIGGER",
        cause="Its rights were granted again, without it.",
        symptom="Every order fails with error 1142; no handler in a trigger catches it.",
        remedy="`GRANT TRIGGER ON SCHEMA.* TO ACCOUNT;`",
        look=_may_not_trigger,
    ),
    Check(
        id="definer-without-outbox-right",
        severity="warning",
        title="the user that the triggers run as may not write the outbox",
        cause="The ledger's schema was restored or its grants revoked.",
        symptom="Orders go through; their hints are lost, and the sweep finds them up to a minute "
        "later.",
        remedy="`GRANT INSERT ON LEDGER.outbox TO ACCOUNT;` and on `outbox_fault`; `erp-sidecar "
        "install --user …` does it too.",
        look=_may_not_write,
    ),
)
