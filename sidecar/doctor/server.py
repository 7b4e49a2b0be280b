"""The database server: what it is, how it is set, what hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sidecar.capture.triggers import State
from sidecar.database.connection import OLDEST
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.model.errors import PermissionDenied, TryAgain

#: An INSERT of ours may have a million characters of up to four bytes.
_PACKET = 4 * 2**20
_SKEW = timedelta(seconds=5)
_SHORTEST_STATEMENT = 10.0
_VIEWS = (
    "SELECT trx_mysql_thread_id AS thread, "
    "TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS seconds, trx_isolation_level AS level "
    "FROM information_schema.INNODB_TRX WHERE trx_isolation_level = 'REPEATABLE READ' "
    "AND trx_mysql_thread_id <> 0 AND TIMESTAMPDIFF(SECOND, trx_started, NOW()) >= %s "
    "ORDER BY trx_started"
)


def _reachable(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = examined.refusal("daemon_login")
    if error and not isinstance(error, PermissionDenied):
        yield Observation(error.message, f"systemctl status mariadb mysql; {error.remedy}")


def _login(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = examined.refusal("daemon_login")
    if isinstance(error, PermissionDenied):
        yield Observation(error.message, error.remedy)


def _version(examined: ExaminedInstallation) -> Iterator[Observation]:
    server = examined.server
    oldest = OLDEST[server.flavour]
    if server.version[:2] < oldest:
        wanted = ".".join(str(part) for part in oldest)
        yield Observation(f"{server.flavour} {server.version_text} is older than {wanted}")


def _binlog(examined: ExaminedInstallation) -> Iterator[Observation]:
    server = examined.server
    if server.on("log_bin") and server.variables.get("binlog_format") == "STATEMENT":
        yield Observation("binlog_format is STATEMENT", "SET GLOBAL binlog_format = 'ROW';")


def _read_only(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name in ("read_only", "super_read_only"):
        if examined.server.on(name):
            yield Observation(
                f"{name} is on", f"SET GLOBAL {name} = 0; or point shop.database elsewhere"
            )


def _replica(examined: ExaminedInstallation) -> Iterator[Observation]:
    masters = examined.ask(
        "SHOW ALL SLAVES STATUS"
        if examined.server.flavour == "MariaDB"
        else "SELECT channel_name FROM performance_schema.replication_connection_configuration"
    )
    if masters:
        yield Observation(f"the server replicates from {len(masters)} other server(s)")


def _galera(examined: ExaminedInstallation) -> Iterator[Observation]:
    if examined.server.on("wsrep_on"):
        name = examined.server.variables.get("wsrep_node_name", "")
        yield Observation(f"the server is node {name!r} of a Galera cluster")


def _not_durable(examined: ExaminedInstallation) -> Iterator[Observation]:
    server = examined.server
    wanted = ["innodb_flush_log_at_trx_commit"] + ["sync_binlog"] * server.on("log_bin")
    for name in wanted:
        value = server.variables.get(name, "1")
        if value != "1":
            yield Observation(
                f"{name} is {value}", f"SET GLOBAL {name} = 1; and the same in my.cnf"
            )


def _galera_loses(examined: ExaminedInstallation) -> Iterator[Observation]:
    server = examined.server
    if server.on("wsrep_on") and (12, 1) <= server.version[:2] <= (12, 2):
        yield Observation(f"the cluster's nodes are MariaDB {server.version_text}")


def _trust(examined: ExaminedInstallation) -> Iterator[Observation]:
    server = examined.server
    trusting = not server.on("log_bin") or server.on("log_bin_trust_function_creators")
    if trusting or not examined.configuration.settings.capture.triggers:
        return
    missing = [trigger for trigger in examined.triggers.status() if trigger.state is not State.OK]
    if missing:
        yield Observation(
            f"{len(missing)} trigger(s) are to be created, binary logging is on and "
            "log_bin_trust_function_creators is off",
            "SET GLOBAL log_bin_trust_function_creators = 1;",
        )


def _packet(examined: ExaminedInstallation) -> Iterator[Observation]:
    allowed = int(examined.server.variables["max_allowed_packet"])
    if allowed < _PACKET:
        yield Observation(
            f"max_allowed_packet is {allowed // 1024} KiB",
            "SET GLOBAL max_allowed_packet = 16777216;",
        )


def _statement_time(examined: ExaminedInstallation) -> Iterator[Observation]:
    variables = examined.server.variables
    for name, unit in (("max_statement_time", 1.0), ("max_execution_time", 1000.0)):
        seconds = float(variables.get(name, 0)) / unit
        if 0 < seconds < _SHORTEST_STATEMENT:
            yield Observation(
                f"{name} ends statements after {seconds:g} s", f"SET GLOBAL {name} = 0;"
            )


def _skew(examined: ExaminedInstallation) -> Iterator[Observation]:
    before = datetime.now(UTC)
    ((theirs,),) = examined.ask("SELECT UTC_TIMESTAMP(6)", database=examined.database)
    after = datetime.now(UTC)
    skew = theirs.replace(tzinfo=UTC) - (before + (after - before) / 2)
    if abs(skew) > _SKEW:
        side = "ahead of" if skew > timedelta() else "behind"
        yield Observation(
            f"the server's clock is {abs(skew).total_seconds():.0f} s {side} this machine's"
        )


def _views_held(examined: ExaminedInstallation) -> Iterator[Observation]:
    for row in examined.ask(_VIEWS, int(examined.thresholds.view.total_seconds())):
        yield Observation(
            f"session {row.thread} has had a transaction open for {row.seconds // 60} min",
            f"KILL {row.thread}; unless SHOW FULL PROCESSLIST shows a running dump there",
        )


def _outbox_locked(examined: ExaminedInstallation) -> Iterator[Observation]:
    outbox = examined.ledger.names("outbox")
    try:
        # A write's lock on the table, of a row that never is: gives way after two seconds.
        examined.ask(f"SELECT id FROM {outbox} WHERE id = 0 FOR UPDATE", database=examined.database)
    except TryAgain:
        yield Observation(f"somebody holds a lock on {outbox}")


CHECKS = (
    Check(
        id="database-unreachable",
        severity="error",
        title="no connection to the database, or none that is fit",
        cause="The server is down, host, port, socket or schema in `shop.database` are wrong, or "
        "something (a proxy) changes the isolation that the daemon asks for.",
        symptom="`station.failed` in the log, again and again; orders go on arriving in the shop "
        "and wait.",
        remedy="`systemctl status mariadb mysql`; compare `shop.database` with Magento's "
        "app/etc/env.php.",
        look=_reachable,
    ),
    Check(
        id="database-login-refused",
        severity="error",
        title="the server refuses the daemon's database user",
        cause="The password was changed, the user is locked or does not exist for this host, or "
        "it has no right on Magento's schema.",
        symptom="Exit code 77.",
        remedy="Set the password on both sides; `erp-sidecar grants print` prints the rights.",
        look=_login,
    ),
    Check(
        id="server-too-old",
        severity="error",
        title="the daemon refuses to work on a server of this version",
        cause="Nobody has shown that the promises hold there.",
        symptom="Exit code 78 at start.",
        remedy="Run Magento on a server that Adobe supports for Magento 2.4.",
        look=_version,
    ),
    Check(
        id="binlog-statement",
        severity="error",
        title="`binlog_format` is STATEMENT",
        cause="It is set in my.cnf, or somebody set it.",
        symptom="Exit code 78 at start: READ COMMITTED, without which checkout would wait for us, "
        "cannot write there (error 1665).",
        remedy="`SET GLOBAL binlog_format = 'ROW';` and in my.cnf; Adobe supports no other.",
        look=_binlog,
    ),
    Check(
        id="server-read-only",
        severity="error",
        title="the server is read-only",
        cause="It is a replica, or was one until a failover.",
        symptom="Exit code 78 at start; a running daemon waits.",
        remedy="Point `shop.database` at the server that Magento writes to; if this is it: `SET "
        "GLOBAL read_only = 0;`",
        look=_read_only,
    ),
    Check(
        id="server-replicates",
        severity="warning",
        title="the server is a replica of another",
        cause="`shop.database` names a replica that can be written, not the server that Magento "
        "writes to. (In a ring of masters it is meant.)",
        symptom="Answers written here never reach Magento, or replication breaks.",
        remedy="Point `shop.database` at the server in Magento's app/etc/env.php.",
        look=_replica,
    ),
    Check(
        id="server-galera",
        severity="info",
        title="the server is a node of a Galera cluster",
        cause="Row locks are local to a node; conflicts with another node end a transaction at its "
        "commit.",
        symptom="Now and then a write is made again.",
        remedy="Point the sidecar at the one node that Magento writes to, never at a balancer.",
        look=_galera,
    ),
    Check(
        id="server-galera-loses-commits",
        severity="error",
        title="a Galera cluster of a version that loses committed transactions",
        cause="MariaDB Galera Cluster 12.1 and 12.2. Jepsen's analysis of 12.1.2 to 12.2.2 (March "
        "2026) found committed transactions lost when nodes crash or are cut off, updates lost in "
        "a healthy cluster, and stale reads.",
        symptom="Orders, or the ledger's memory of them, vanish although the shop said that they "
        "were placed. The sweep and the ERP's own list find what is missing on one side; what is "
        "gone on both, nobody does.",
        remedy="Run another version; until then let shop and sidecar use one and the same node.",
        look=_galera_loses,
    ),
    Check(
        id="server-not-durable",
        severity="warning",
        title="a crash of the machine may lose the last committed transactions",
        cause="`innodb_flush_log_at_trx_commit` or, with a binary log, `sync_binlog` is not 1: a "
        "commit is on the disk a second later, or later still.",
        symptom="After a power cut, orders of the last moments are gone from the shop that the ERP "
        "has, and their numbers are given again; or the ledger does not know what was sent, and "
        "asks the ERP by the order's number before it sends anything again.",
        remedy="Set both to 1, on replicas that may take over too.",
        look=_not_durable,
    ),
    Check(
        id="triggers-not-allowed",
        severity="warning",
        title="creating the triggers will fail with error 1419",
        cause="With binary logging the server wants SUPER for CREATE TRIGGER, unless it is set to "
        "trust.",
        symptom="`install` and `triggers resume` end with exit code 77.",
        remedy="`SET GLOBAL log_bin_trust_function_creators = 1;` and in my.cnf (a managed "
        "database: its parameter group); or `capture.triggers: false`.",
        look=_trust,
    ),
    Check(
        id="packet-small",
        severity="warning",
        title="`max_allowed_packet` is less than 4 MiB",
        cause="Orders are written many at a time.",
        symptom="`station.failed` with error 1153 or a lost connection when many orders arrive.",
        remedy="`SET GLOBAL max_allowed_packet = 16777216;` and in my.cnf; restart the daemon.",
        look=_packet,
    ),
    Check(
        id="statements-cut-short",
        severity="warning",
        title="the server ends statements after a few seconds",
        cause="`max_statement_time` (MariaDB) or `max_execution_time` (MySQL) is set for all.",
        symptom="Sweeps fail; on MariaDB no handler in a trigger swallows it.",
        remedy="`SET GLOBAL max_statement_time = 0;` (or `max_execution_time`), and in my.cnf.",
        look=_statement_time,
    ),
    Check(
        id="clock-skew",
        severity="warning",
        title="the server's clock and this machine's differ",
        cause="One of them does not keep time.",
        symptom="Leases and due times go by the server's clock and stay right; times in the log "
        "and of computed tokens do not, and an ERP may refuse a login.",
        remedy="`timedatectl set-ntp true` on both machines; look with `timedatectl`.",
        look=_skew,
    ),
    Check(
        id="read-view-held",
        severity="warning",
        title="a transaction has been open for long",
        cause="A dump, a report, or a session that somebody forgot.",
        symptom="Deleted rows cannot be purged: every poll and the whole shop get slower, the undo "
        "log grows.",
        remedy="`SHOW FULL PROCESSLIST;` and `KILL ID;` where it is no running dump.",
        look=_views_held,
    ),
    Check(
        id="outbox-locked",
        severity="error",
        title="somebody locks the outbox",
        cause="`LOCK TABLES`, `ALTER TABLE`, `FLUSH TABLES WITH READ LOCK`, or a dump without "
        "`--single-transaction`.",
        symptom="Checkout waits, and no handler in the trigger can help.",
        remedy="`SHOW FULL PROCESSLIST;`, then `KILL ID;`; dump with `--single-transaction`.",
        look=_outbox_locked,
    ),
)
