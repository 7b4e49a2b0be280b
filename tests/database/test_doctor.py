"""Each finding about server, rights, Magento, triggers and ledger: the fault is made on a real
server, the doctor finds it, and the remedy that it tells is run as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sidecar.doctor.examined import Thresholds
from sidecar.testing.magento_db import Flavour, PrivateServer
from tests.clinic import Clinic
from tests.servers import is_mysql

#: What a shop's server has, and what a test may want to switch.
_OPTIONS = {"log_bin": "binlog", "binlog_format": "ROW", "log_bin_trust_function_creators": "ON"}


@pytest.fixture(scope="module")
def clinic(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with (
        PrivateServer(flavour=flavour, options=_OPTIONS) as server,
        ExitStack() as stack,
    ):
        made = Clinic(server, tmp_path_factory.mktemp("clinic"), "clinic")
        stack.callback(made.close)
        yield made


@dataclass(frozen=True)
class Trouble:
    """Statements that make it (`{ledger}` is the ledger's schema); `mend`: for a remedy that no
    statement can be copied from, what a person does then."""

    make: tuple[str, ...]
    says: str
    mend: tuple[str, ...] = ()


_EVENT = (
    "INSERT INTO {ledger}.event (event_id, domain, kind, entity_id, number, sequence, type, "
    "version, status, due_at, sent_at, occurred_at, created_at) VALUES ('clinic.order.1.1', "
    "'orders', 'order', 1, '000000001', 1, 'order.placed', 1, '%s', %s, "
    "UTC_TIMESTAMP() - INTERVAL 1 HOUR, UTC_TIMESTAMP(), UTC_TIMESTAMP())"
)
_WRITE_BACK = (
    "INSERT INTO {ledger}.write_back (kind, entity_id, event, action, detail, changes, state, "
    "due_at, waiting_since, created_at) VALUES ('order', 1, 1, 'accept', '{{}}', 1, '%s', %s, "
    "UTC_TIMESTAMP() - INTERVAL 1 HOUR, UTC_TIMESTAMP())"
)
_NO_EVENT = ("DELETE FROM {ledger}.event",)
_LATE = "UTC_TIMESTAMP() - INTERVAL 1 HOUR"

TROUBLES = {
    "binlog-statement": Trouble(("SET GLOBAL binlog_format = 'STATEMENT'",), "STATEMENT"),
    "server-read-only": Trouble(("SET GLOBAL read_only = 1",), "read_only"),
    "packet-small": Trouble(("SET GLOBAL max_allowed_packet = 1048576",), "1024 KiB"),
    "statements-cut-short": Trouble(("SET GLOBAL max_statement_time = 2",), "after 2 s"),
    "server-replicates": Trouble(
        ("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9",),
        "1 other",
        ("RESET SLAVE ALL",),
    ),
    "clock-skew": Trouble(
        ("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() + 3600'",),
        " s ahead of this machine",
        ("SET GLOBAL init_connect = ''",),
    ),
    "triggers-not-allowed": Trouble(
        (
            "SET GLOBAL log_bin_trust_function_creators = 0",
            "DROP TRIGGER erp_sidecar_sales_order_payment_ai",
        ),
        "log_bin_trust_function_creators is off",
    ),
    "rights-missing": Trouble(
        ("REVOKE UPDATE (ext_order_id) ON sales_order FROM daemon@localhost",),
        "daemon@localhost lacks UPDATE (ext_order_id) on clinic.sales_order",
    ),
    "rights-too-many": Trouble(
        ("GRANT SUPER ON *.* TO daemon@localhost",), "daemon@localhost has SUPER on *.*"
    ),
    "definer-gone": Trouble(("DROP USER owner@localhost",), "owner@localhost"),
    "definer-without-trigger-right": Trouble(
        ("REVOKE TRIGGER ON `clinic`.* FROM owner@localhost",), "lacks TRIGGER on clinic.sales_"
    ),
    "definer-without-outbox-right": Trouble(
        ("REVOKE INSERT ON {ledger}.outbox FROM owner@localhost",), "INSERT on clinic_ledger.outbox"
    ),
    "magento-not-found": Trouble(
        ("RENAME TABLE salesrule TO salesrule_away",),
        "no table salesrule",
        ("RENAME TABLE salesrule_away TO salesrule",),
    ),
    "server-not-durable": Trouble(
        ("SET GLOBAL innodb_flush_log_at_trx_commit = 2",), "innodb_flush_log_at_trx_commit is 2"
    ),
    "nothing-is-sent": Trouble(
        ("UPDATE {ledger}.identity SET doubt = 'a backup was restored'",),
        "nothing is sent: a backup was restored",
        ("UPDATE {ledger}.identity SET doubt = NULL",),
    ),
    "number-column-taken": Trouble(
        ("INSERT INTO sales_order (state, ext_order_id) VALUES ('new', 'ch_123')",),
        "1 of the newest 1000 orders",
        ("DELETE FROM sales_order WHERE ext_order_id = 'ch_123'",),
    ),
    "status-unregistered": Trouble(
        ("DELETE FROM sales_order_status WHERE status = 'erp_received'",), "erp_received"
    ),
    "mview-off": Trouble(("DROP TRIGGER trg_sales_order_after_insert",), "Update on Save"),
    "grid-async": Trouble(
        (
            "INSERT INTO core_config_data (scope, scope_id, path, value) "
            "VALUES ('default', 0, 'dev/grid/async_indexing', '1')",
        ),
        "async_indexing is on",
        ("DELETE FROM core_config_data WHERE path = 'dev/grid/async_indexing'",),
    ),
    "stock-legacy": Trouble(
        ("RENAME TABLE inventory_source_item TO inventory_away",),
        "Multi Source",
        ("RENAME TABLE inventory_away TO inventory_source_item",),
    ),
    "triggers-amiss": Trouble(
        ("DROP TRIGGER erp_sidecar_sales_order_address_au",), "sales_order_address is missing"
    ),
    "triggers-suspended": Trouble(
        (
            "INSERT INTO {ledger}.installed (kind, name, detail, at) VALUES ('suspension', "
            '\'triggers\', \'{{"who": "ann", "why": "deploy"}}\', UTC_TIMESTAMP())',
        ),
        "ann suspended them",
    ),
    "triggers-foreign": Trouble(
        (
            "CREATE TRIGGER auditor AFTER INSERT ON sales_order_payment FOR EACH ROW SET @seen = 1",
        ),
        "auditor (AFTER INSERT, runs as root@localhost)",
        ("DROP TRIGGER auditor",),
    ),
    "outbox-faults": Trouble(
        (
            "INSERT INTO {ledger}.outbox_fault (kind, entity_id, pointed, errno, message) "
            "VALUES ('order', 1, 'x', 1142, 'no')",
        ),
        "error 1142, the definer may not write it",
    ),
    "outbox-changed": Trouble(
        ("ALTER TABLE {ledger}.outbox ADD UNIQUE KEY once (kind, entity_id)",), "has a key once"
    ),
    "domain-stopped": Trouble(
        (
            "REPLACE INTO {ledger}.control (domain, stopped_at, stopped_reason) "
            "VALUES ('orders', UTC_TIMESTAMP(), 'the ERP refuses the login')",
        ),
        "the ERP refuses the login",
    ),
    "pause-forgotten": Trouble(
        (
            "REPLACE INTO {ledger}.control (domain, paused_at, paused_by, paused_reason) "
            "VALUES ('orders', UTC_TIMESTAMP() - INTERVAL 6 HOUR, 'ann', 'ERP upgrade')",
        ),
        "6.0 h by ann: ERP upgrade",
    ),
    "hints-old": Trouble(
        (
            "INSERT INTO {ledger}.outbox (kind, entity_id, pointed, created_at) "
            "VALUES ('order', 1, 'x', CURRENT_TIMESTAMP - INTERVAL 1 HOUR)",
        ),
        "1 hint(s) wait, the oldest for 60 min",
        ("DELETE FROM {ledger}.outbox",),
    ),
    "daemon-absent": Trouble(
        ("DELETE FROM {ledger}.lease",),
        "lease",
        (
            "INSERT INTO {ledger}.lease (name, owner, term, until) VALUES ('daemon', 'a test', 1, "
            "UTC_TIMESTAMP() + INTERVAL 1 DAY)",
        ),
    ),
    "events-overdue": Trouble((_EVENT % ("pending", _LATE),), "for 60 min", _NO_EVENT),
    "events-unknown": Trouble((_EVENT % ("unknown", "NULL"),), "for 60 min", _NO_EVENT),
    "events-refused": Trouble((_EVENT % ("parked", "NULL"),), "1 event(s) are parked", _NO_EVENT),
    "differences-open": Trouble(
        (
            "INSERT INTO {ledger}.difference (domain, kind, entity_id, number, class, event, "
            "found_at) VALUES ('orders', 'order', 1, '000000001', 'total', 1, UTC_TIMESTAMP())",
        ),
        "1 difference(s) in 1 document(s)",
        ("UPDATE {ledger}.difference SET resolved_at = UTC_TIMESTAMP()",),
    ),
    "calls-fruitless": Trouble(
        (
            _EVENT % ("pending", "UTC_TIMESTAMP() + INTERVAL 1 HOUR"),
            *["INSERT INTO {ledger}.attempt (event, number, operation, fence, owner, outcome, "
              "request, http_status, answer, at) SELECT id, 1, 'push', 1, 'x', 'unknown', "
              "'POST /orders', 200, '<!DOCTYPE html><title>Sign in', UTC_TIMESTAMP() "
              "FROM {ledger}.event"] * 3,
        ),
        "the newest 3 calls came to nothing; the last one, POST /orders, got a web page (HTTP 200)",
        (*_NO_EVENT, "DELETE FROM {ledger}.attempt"),
    ),
    "orders-gated": Trouble(
        (
            _EVENT % ("pending", "NULL"),
            "UPDATE {ledger}.event SET waiting = 'gate payment: checkmo must be paid'",
        ),
        "of the orders 1 ",
        _NO_EVENT,
    ),
    "station-failing": Trouble(
        (
            "INSERT INTO {ledger}.station "
            "(name, failing_since, failures, message, remedy, updated_at) "
            "VALUES ('intake', UTC_TIMESTAMP() - INTERVAL 1 HOUR, 9, 'no', '', UTC_TIMESTAMP())",
        ),
        "intake",
        ("DELETE FROM {ledger}.station",),
    ),
    "write-backs-late": Trouble(
        (_WRITE_BACK % ("pending", "UTC_TIMESTAMP()"),), "1 ", ("DELETE FROM {ledger}.write_back",)
    ),
    "write-backs-parked": Trouble(
        (_WRITE_BACK % ("parked", "NULL"),), "1 ", ("DELETE FROM {ledger}.write_back",)
    ),
    "numbers-shared": Trouble(
        (
            "INSERT INTO sales_order (state, store_id, increment_id) "
            "VALUES ('new', 1, 'twice'), ('new', 2, 'twice')",
        ),
        "twice",
        ("DELETE FROM sales_order WHERE increment_id = 'twice'",),
    ),
    "paused-with-work": Trouble(
        (
            _EVENT % ("pending", "UTC_TIMESTAMP() + INTERVAL 1 HOUR"),
            "REPLACE INTO {ledger}.control (domain, paused_at, paused_until, paused_by) "
            "VALUES ('orders', UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 1 HOUR, 'ann')",
        ),
        "paused by ann; 1 event(s) wait",
        (*_NO_EVENT, "DELETE FROM {ledger}.control"),
    ),
    "ledger-older": Trouble(
        ("RENAME TABLE {ledger}.migration TO {ledger}.kept",
         "CREATE TABLE {ledger}.migration LIKE {ledger}.kept",
         "INSERT INTO {ledger}.migration (version, name, checksum, applied_at) "
         "VALUES (0, 'before', 'x', UTC_TIMESTAMP())"),
        "lacks 0001_ledger",
        ("DROP TABLE {ledger}.migration", "RENAME TABLE {ledger}.kept TO {ledger}.migration"),
    ),
    "ledger-newer": Trouble(
        ("INSERT INTO {ledger}.migration (version, name, checksum, applied_at) "
         "VALUES (99, 'future', 'x', UTC_TIMESTAMP())",),
        "written by a newer sidecar",
        ("DELETE FROM {ledger}.migration WHERE version = 99",),
    ),
    "breaker-open": Trouble(
        (
            "REPLACE INTO {ledger}.erp_account (name, address, failures, opened_at, ask_at, used, "
            "updated_at) VALUES "
            "('main', '{url}', 5, UTC_TIMESTAMP(), UTC_TIMESTAMP(), 0, UTC_TIMESTAMP())",
        ),
        "is open after 5 failure(s)",
        ("DELETE FROM {ledger}.erp_account",),
    ),
    "ledger-missing": Trouble(
        ("RENAME TABLE {ledger}.migration TO {ledger}.kept",),
        "no ledger in the schema clinic_ledger",
        ("RENAME TABLE {ledger}.kept TO {ledger}.migration",),
    ),
}  # fmt: skip
if is_mysql():
    TROUBLES |= {
        "statements-cut-short": Trouble(("SET GLOBAL max_execution_time = 2000",), "after 2 s"),
        "server-replicates": Trouble(
            ("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9",),
            "1 other",
            ("RESET REPLICA ALL",),
        ),
    }
#: Where the remedy is a person's choice and not a statement: what he does.
_DONE_BY_HAND = {"definer-gone": Clinic.make_owner, "mview-off": Clinic.make_mview}
#: Faults that are one with another.
_BESIDE = {
    "triggers-not-allowed": ("triggers-amiss",),
    "definer-gone": ("definer-without-outbox-right",),
}


def run(clinic: Clinic, statements: tuple[str, ...]) -> None:
    clinic.sql(*(one.format(ledger=clinic.ledger, url=clinic.erp.url[:64]) for one in statements))


def test_the_doctor_finds_nothing_at_an_installation_that_lacks_nothing(clinic: Clinic) -> None:
    report = clinic.examined()
    assert [finding.found for finding in report.findings] == []
    assert [one.id for one in report.unseen] == []


def test_before_an_installation_it_is_told_what_would_be_in_its_way(
    flavour: Flavour, tmp_path: Path
) -> None:
    options = {**_OPTIONS, "log_bin_trust_function_creators": "OFF"}
    with PrivateServer(flavour=flavour, options=options) as server:
        new = Clinic(server, tmp_path, "new_shop", install=False)
        try:
            found = {one.id: one for one in new.found()}
            assert found.keys() == {
                "database-login-refused", "ledger-missing", "rights-missing",
                "status-unregistered", "triggers-not-allowed",
            }  # fmt: skip
            new.mend(found["triggers-not-allowed"].remedy)
            new.mend(found["rights-missing"].remedy)
            new.mend(found["ledger-missing"].remedy)
            new.work()
            assert [one.found for one in new.found()] == []
        finally:
            new.close()


def test_one_schema_for_all_and_tables_with_a_prefix_are_looked_at_as_well(
    server: PrivateServer, tmp_path: Path
) -> None:
    inside = Clinic(server, tmp_path, "one_schema", one_schema=True)
    try:
        report = inside.examined()
        assert [finding.found for finding in report.findings] == []
        assert [one.id for one in report.unseen] == []
        inside.sql(
            "REVOKE UPDATE (status) ON m2_sales_order_grid FROM daemon@localhost",
        )
        for finding in inside.found("rights-missing"):
            inside.mend(finding.remedy)
        assert inside.found() == []
    finally:
        inside.close()


@pytest.mark.parametrize("name", TROUBLES)
def test_a_fault_is_found_and_its_remedy_works(clinic: Clinic, name: str) -> None:
    fault = TROUBLES[name]
    run(clinic, fault.make)
    try:
        (finding, *_) = clinic.found(name)
        assert fault.says in finding.found
    finally:
        if name in _DONE_BY_HAND:
            _DONE_BY_HAND[name](clinic)
        run(clinic, fault.mend)
        for one in clinic.found(name, *_BESIDE.get(name, ())):
            clinic.mend(one.remedy)
    assert [one.found for one in clinic.found()] == []


@pytest.mark.parametrize(
    "given",
    [
        "GRANT ALL ON *.* TO daemon@localhost WITH GRANT OPTION",
        "GRANT ALL ON clinic.* TO daemon@localhost",
        "GRANT DELETE ON sales_order TO daemon@localhost",
        "GRANT UPDATE (grand_total) ON sales_order TO daemon@localhost",
    ],
)
def test_too_many_rights_are_taken_away_and_the_needed_ones_stay(
    clinic: Clinic, given: str
) -> None:
    clinic.sql(given)
    (finding,) = clinic.found("rights-too-many")
    clinic.mend(finding.remedy)
    assert [one.found for one in clinic.found()] == []


def test_a_transaction_that_is_open_for_long_is_told_with_the_kill_that_ends_it(
    clinic: Clinic,
) -> None:
    at_once = Thresholds(view=timedelta(0))
    with clinic.magento.connect() as dump, dump.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        cursor.execute("SELECT CONNECTION_ID(), COUNT(*) FROM sales_order")
        ((thread, _),) = cursor.fetchall()
        (finding,) = clinic.until(lambda: clinic.found("read-view-held", view=at_once))
        assert finding.remedy.startswith(f"KILL {thread};")
        clinic.mend(finding.remedy)
        clinic.until(lambda: not clinic.found("read-view-held", view=at_once))


@pytest.mark.parametrize(
    "lock", ["LOCK TABLES {ledger}.outbox READ", "FLUSH TABLES WITH READ LOCK"]
)
def test_a_lock_on_the_outbox_is_found_while_it_is_held(clinic: Clinic, lock: str) -> None:
    with clinic.magento.connect() as dump, dump.cursor() as cursor:
        cursor.execute(lock.format(ledger=clinic.ledger))
        (finding,) = clinic.found("outbox-locked")
        assert "holds a lock" in finding.found
        cursor.execute("UNLOCK TABLES")
    assert clinic.found("outbox-locked") == []


def test_the_doctor_only_looks(clinic: Clinic) -> None:
    clinic.sql("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = 1")
    try:
        assert clinic.found() == []
        logged = clinic.sql(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
            "WHERE command_type = 'Query' AND user_host NOT LIKE 'root%'"
        )
    finally:
        clinic.sql("SET GLOBAL general_log = 0", "SET GLOBAL log_output = 'FILE'")
    verbs = {statement.split()[0].upper() for (statement,) in logged}
    assert {"SELECT", "SHOW"} <= verbs <= {"SELECT", "SHOW", "SET", "START", "COMMIT", "ROLLBACK"}


def test_setup_upgrade_is_foretold_to_fail_where_the_release_is_one_that_does(
    clinic: Clinic,
) -> None:
    clinic.sql("CREATE TRIGGER auditor AFTER UPDATE ON sales_order FOR EACH ROW SET @seen = 1")
    lock = clinic.folder / "composer.lock"
    try:
        for version, fails in (("2.4.7-p6", True), ("2.4.8", False), ("2.4.5-p1", False)):
            product = {"name": "magento/product-community-edition", "version": version}
            lock.write_text(json.dumps({"packages": [product]}))
            installation = clinic.installation()
            installation.magento_root = clinic.folder
            found = [one.found for one in clinic.found_by(installation, "setup-upgrade-fails")]
            assert bool(found) == fails, version
            assert all(version in one for one in found)
        (finding,) = clinic.found("setup-upgrade-fails")
        assert "which is it?" in finding.found
    finally:
        lock.unlink()
        clinic.mend("DROP TRIGGER `auditor`;")
    assert clinic.found("setup-upgrade-fails") == []


def test_a_new_mview_subscription_under_our_trigger_is_found_and_the_remedy_takes_ours_off(
    clinic: Clinic,
) -> None:
    clinic.sql(
        "CREATE DEFINER = owner@localhost TRIGGER trg_sales_order_address_after_update "
        "AFTER UPDATE ON sales_order_address FOR EACH ROW INSERT IGNORE INTO "
        "sales_order_data_exporter_cl (entity_id) VALUES (NEW.parent_id)"
    )
    try:
        (finding,) = clinic.found("setup-upgrade-fails")
        assert "erp_sidecar_sales_order_address_au" in finding.found
        clinic.mend(finding.remedy)
        assert clinic.found("setup-upgrade-fails") == []
    finally:
        clinic.sql("DROP TRIGGER trg_sales_order_address_after_update")
        (_, *_) = found = clinic.found("triggers-amiss")
        clinic.mend(found[0].remedy)
    assert clinic.found() == []


def test_the_daemons_own_account_says_what_it_cannot_see_and_who_could(clinic: Clinic) -> None:
    said = clinic.json("doctor", "--only", "definer-gone", code=0)
    assert said["findings"] == []
    (unseen,) = said["unseen"]
    assert "erp-sidecar doctor --user root" in unseen["why"]
