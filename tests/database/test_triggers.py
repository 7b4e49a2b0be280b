"""Our triggers on a real server: put on, looked after, taken off."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sidecar.capture.triggers import State, Triggers
from sidecar.model.errors import ConfigurationError, PermissionDenied, TryAgain
from sidecar.testing.magento_db import (
    Flavour,
    MagentoDatabase,
    MySql,
    PrivateServer,
    create_magento,
    load_dump,
    replay,
)
from tests.database.capture_bench import Bench, bench_beside
from tests.sample_domains import ALL as ALL_DOMAINS

PAYMENT_AI = "erp_sidecar_sales_order_payment_ai"
PAYMENT_AU = "erp_sidecar_sales_order_payment_au"
ADDRESS_AU = "erp_sidecar_sales_order_address_au"
ORDERS = {PAYMENT_AI, PAYMENT_AU, ADDRESS_AU}
ALL = sum(len(spec.watches) for spec in ALL_DOMAINS)
EMERGENCY = Path(__file__).parents[2] / "sql" / "emergency-drop.sql"


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """One shop for all tests here: making its tables takes longer than any test."""
    database = create_magento(server, "trigger_shop")
    yield database
    database.drop()


@pytest.fixture
def bench(magento: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(magento) as ready:
        yield ready


@pytest.fixture
def fresh(server: PrivateServer) -> Iterator[Bench]:
    """As `bench`, with a shop of the test's own, whose tables and triggers it may change."""
    database = create_magento(server, "changed_shop")
    with bench_beside(database) as ready:
        yield ready
    database.drop()


def states(triggers: Triggers) -> dict[str, State]:
    return {state.name: state.state for state in triggers.status()}


# --- put on -------------------------------------------------------------------------------------


def test_installed_triggers_are_those_of_the_plan_and_all_is_well(bench: Bench) -> None:
    triggers = bench.triggers()

    assert set(states(triggers).values()) == {State.MISSING}
    mended = triggers.install()

    assert {state.name for state in mended} == ORDERS == bench.triggers_there()
    assert states(triggers) == dict.fromkeys(ORDERS, State.OK)
    assert triggers.statements() == []
    assert triggers.install() == []


def test_a_placed_order_a_save_and_a_corrected_address_each_point_at_the_order(
    bench: Bench,
) -> None:
    bench.triggers().install()

    order = bench.place_order()
    bench.sql(f"UPDATE sales_order_payment SET method = method WHERE parent_id = {order}")
    bench.sql(f"UPDATE sales_order_address SET city = 'Ulm' WHERE parent_id = {order}")

    assert bench.hints() == [
        ("order", order, "sales_order_payment_ai"),
        ("order", order, "sales_order_payment_au"),
        ("order", order, "sales_order_address_au"),
    ]
    assert bench.breadcrumbs() == []


@pytest.mark.parametrize("lastname", ["Müller", "MULLER", "Muller ", ""])
def test_a_name_that_the_collation_calls_equal_is_still_a_correction(
    bench: Bench, lastname: str
) -> None:
    bench.triggers().install()
    order = bench.place_order()

    bench.sql(f"UPDATE sales_order_address SET lastname = '{lastname}' WHERE parent_id = {order}")

    assert bench.hints()[1:] == [("order", order, "sales_order_address_au")]


def test_an_address_written_with_equal_values_is_no_change(bench: Bench) -> None:
    bench.triggers().install()
    order = bench.place_order()

    bench.sql(f"UPDATE sales_order_address SET lastname = lastname WHERE parent_id = {order}")

    assert len(bench.hints()) == 1


def test_magento_sees_its_own_insert_id_and_row_count(bench: Bench) -> None:
    bench.triggers().install()

    with bench.checkout() as connection, connection.cursor() as cursor:
        bench.place_order_on(cursor)
        rows = cursor.execute("UPDATE sales_order_payment SET method = 'free'")
        cursor.execute("INSERT INTO sales_order (state) VALUES ('new')")
        order = cursor.lastrowid
        cursor.execute(f"INSERT INTO sales_order_payment (parent_id) VALUES ({order})")
        payment = cursor.lastrowid
        cursor.execute("SELECT LAST_INSERT_ID()")
        last = cursor.fetchone()

    assert rows == 1
    assert last == (payment,)


def test_the_shops_account_needs_no_right_on_the_ledger(bench: Bench) -> None:
    bench.triggers().install()
    bench.sql(
        "CREATE USER php@localhost", f"GRANT ALL ON `{bench.magento.name}`.* TO php@localhost"
    )
    try:
        with bench.magento.connect(user="php") as connection, connection.cursor() as cursor:
            order = bench.place_order_on(cursor)
    finally:
        bench.sql("DROP USER php@localhost")

    assert bench.hints() == [("order", order, "sales_order_payment_ai")]


def test_the_plan_with_all_domains_can_be_installed(bench: Bench) -> None:
    triggers = bench.triggers(*(spec.name for spec in ALL_DOMAINS))

    triggers.install()

    assert set(states(triggers).values()) == {State.OK}
    assert len(bench.triggers_there()) == ALL


def test_a_table_prefix_and_a_ledger_inside_magentos_schema(server: PrivateServer) -> None:
    magento = create_magento(server, "prefixed", prefix="m2_")
    try:
        with bench_beside(magento, inside=True) as bench:
            bench.triggers().install()
            order = bench.place_order()

            assert bench.hints() == [("order", order, "m2_sales_order_payment_ai")]
            assert bench.names("outbox") == "`prefixed`.`erp_sidecar_outbox`"
            assert bench.triggers().remove() == sorted(prefixed(name) for name in ORDERS)
    finally:
        magento.drop()


def prefixed(name: str) -> str:
    return name.replace("erp_sidecar_", "erp_sidecar_m2_")


def test_the_statements_of_a_dry_run_do_what_install_does(bench: Bench) -> None:
    triggers = bench.triggers()
    statements = triggers.statements()

    assert bench.triggers_there() == set()
    bench.sql(*statements)

    assert states(triggers) == dict.fromkeys(ORDERS, State.OK)


# --- looked after -------------------------------------------------------------------------------


def test_a_dropped_trigger_is_missing_and_comes_back(bench: Bench) -> None:
    triggers = bench.triggers()
    triggers.install()
    bench.sql(f"DROP TRIGGER {PAYMENT_AI}")

    assert states(triggers)[PAYMENT_AI] is State.MISSING
    assert [state.name for state in triggers.install()] == [PAYMENT_AI]
    assert set(states(triggers).values()) == {State.OK}


@pytest.mark.parametrize(
    "other",
    [
        "AFTER INSERT ON sales_order_payment FOR EACH ROW BEGIN END",
        "BEFORE INSERT ON sales_order_payment FOR EACH ROW BEGIN END",
        "AFTER INSERT ON sales_order_status_history FOR EACH ROW BEGIN END",
    ],
)
def test_a_changed_trigger_has_drifted_and_is_replaced(bench: Bench, other: str) -> None:
    triggers = bench.triggers()
    triggers.install()
    bench.sql(f"DROP TRIGGER {PAYMENT_AI}", f"CREATE TRIGGER {PAYMENT_AI} {other}")

    assert states(triggers)[PAYMENT_AI] is State.DRIFTED
    triggers.install()

    assert set(states(triggers).values()) == {State.OK}


def test_a_table_swapped_by_rename_leaves_its_triggers_behind_and_that_is_seen(
    fresh: Bench,
) -> None:
    """As pt-online-schema-change and gh-ost do it."""
    triggers = fresh.triggers()
    triggers.install()
    fresh.sql(
        "SET SESSION foreign_key_checks = 0",
        "CREATE TABLE payment_new LIKE sales_order_payment",
        "RENAME TABLE sales_order_payment TO payment_old, payment_new TO sales_order_payment",
    )

    found = {state.name: state for state in triggers.status()}
    assert found[PAYMENT_AI].state is State.DRIFTED
    assert found[PAYMENT_AI].detail == "it sits on payment_old"
    triggers.install()

    assert set(states(triggers).values()) == {State.OK}


def test_a_column_that_a_module_adds_to_the_address_is_compared_after_the_next_install(
    fresh: Bench,
) -> None:
    triggers = fresh.triggers()
    triggers.install()
    fresh.sql("ALTER TABLE sales_order_address ADD COLUMN door_code varchar(10)")

    assert states(triggers)[ADDRESS_AU] is State.DRIFTED
    triggers.install()
    order = fresh.place_order()
    fresh.sql(f"UPDATE sales_order_address SET door_code = '4711' WHERE parent_id = {order}")

    assert fresh.hints()[-1] == ("order", order, "sales_order_address_au")


def test_a_definer_that_is_not_magentos_account_is_told_and_mended(bench: Bench) -> None:
    triggers = bench.triggers()
    bench.sql(
        "CREATE USER dba@localhost",
        f"GRANT ALL ON `{bench.magento.name}`.* TO dba@localhost",
    )
    try:
        for statement in triggers.statements():
            if "erp_sidecar_probe" not in statement:
                bench.sql(statement.replace("`root`@`localhost`", "`dba`@`localhost`", 1))

        assert set(states(triggers).values()) == {State.WRONG_DEFINER}
        assert triggers.status()[0].detail == "dba@localhost instead of root@localhost"
        triggers.install()
    finally:
        bench.sql("DROP USER dba@localhost")

    assert set(states(triggers).values()) == {State.OK}


def test_when_a_module_puts_a_watched_table_under_mview_our_triggers_leave_it(
    fresh: Bench,
) -> None:
    triggers = fresh.triggers()
    triggers.install()
    fresh.sql(
        "CREATE TABLE erp_export_cl (version_id int AUTO_INCREMENT PRIMARY KEY, entity_id int)",
        "CREATE TRIGGER trg_sales_order_payment_after_insert AFTER INSERT ON sales_order_payment "
        "FOR EACH ROW BEGIN INSERT IGNORE INTO `erp_export_cl` (`entity_id`) "
        "VALUES (NEW.`entity_id`); END",
    )

    found = {state.name: state for state in triggers.status()}
    assert found[PAYMENT_AI].state is State.UNPLANNED
    assert "setup:upgrade" in found[PAYMENT_AI].detail
    triggers.install()

    assert fresh.triggers_there() == {ADDRESS_AU}


def test_a_disabled_domain_loses_its_triggers(bench: Bench) -> None:
    bench.triggers("orders", "refunds").install()

    bench.triggers("orders").install()

    assert bench.triggers_there() == ORDERS


# --- rights -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unscheduled(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """A shop whose indexers update on save: no trigger shows Magento's account."""
    database = create_magento(server, "unscheduled_shop", mview=False)
    yield database
    database.drop()


@pytest.fixture
def plain(unscheduled: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(unscheduled) as ready:
        yield ready


@pytest.fixture
def magento_account(plain: Bench) -> Iterator[str]:
    """Magento's own account as hosts grant it: everything on its schema and nothing else."""
    user = "magento_app"
    plain.sql(
        f"DROP USER IF EXISTS {user}@localhost",
        f"CREATE USER {user}@localhost",
        f"GRANT ALL ON `{plain.magento.name}`.* TO {user}@localhost",
    )
    yield user
    plain.sql(f"DROP USER IF EXISTS {user}@localhost")


def test_the_definer_gets_the_right_to_write_the_outbox_from_an_installer_who_has_it(
    plain: Bench, magento_account: str
) -> None:
    triggers = plain.triggers(account=f"{magento_account}@localhost")

    triggers.install()
    order = plain.place_order()

    assert plain.hints() == [("order", order, "sales_order_payment_ai")]
    definers = plain.sql(
        "SELECT DISTINCT DEFINER FROM information_schema.TRIGGERS "
        f"WHERE TRIGGER_SCHEMA = '{plain.magento.name}'"
    )
    assert definers == [(f"{magento_account}@localhost",)]


def test_an_installer_who_may_not_grant_is_told_the_exact_lines_and_changes_nothing(
    plain: Bench, magento_account: str
) -> None:
    plain.sql(
        f"GRANT SELECT ON {plain.names('installed')} TO {magento_account}@localhost",
    )
    with (
        plain.logged_in_as(magento_account) as database,
        pytest.raises(PermissionDenied) as refused,
    ):
        plain.triggers_as(database).install()

    grants = [grant.strip() for grant in refused.value.remedy.partition(":")[2].split(";")]
    plain.sql(*filter(None, grants))
    assert plain.triggers_there() == set()
    assert not plain.sql("SHOW TABLES LIKE 'erp_sidecar_probe'")

    with plain.logged_in_as(magento_account) as database:
        plain.triggers_as(database).install()
    assert plain.triggers_there() == ORDERS


def test_a_foreign_definer_without_the_right_says_whose_login_to_use(
    plain: Bench, magento_account: str
) -> None:
    plain.sql(f"GRANT SELECT ON {plain.names('installed')} TO {magento_account}@localhost")
    with (
        plain.logged_in_as(magento_account) as database,
        pytest.raises(PermissionDenied) as refused,
    ):
        plain.triggers_as(database, account="root@localhost").install()

    assert "1227" in refused.value.message
    assert "Magento's own database user" in refused.value.remedy
    assert "SET USER" in refused.value.remedy
    assert plain.triggers_there() == set()


def test_a_definer_that_does_not_exist_is_found_before_checkout_finds_it(
    plain: Bench, magento_account: str
) -> None:
    with pytest.raises(PermissionDenied, match="does not exist") as refused:
        plain.triggers(account="gone@localhost").install()

    assert "1449" in refused.value.message
    assert plain.triggers_there() == set()
    accounts = plain.sql("SELECT User FROM mysql.user WHERE User = 'gone'")
    assert accounts == []
    plain.place_order()


def test_a_definer_without_the_trigger_right_is_found_before_checkout_finds_it(
    plain: Bench, magento_account: str
) -> None:
    plain.sql(f"REVOKE TRIGGER ON `{plain.magento.name}`.* FROM {magento_account}@localhost")

    with pytest.raises(PermissionDenied, match="TRIGGER command denied"):
        plain.triggers(account=f"{magento_account}@localhost").install()

    assert plain.triggers_there() == set()


def test_a_binary_log_without_trust_is_explained_before_a_table_is_touched(
    flavour: Flavour,
) -> None:
    options = {"log_bin": "binlog", "server_id": "1", "log_bin_trust_function_creators": "OFF"}
    with PrivateServer(options=options, flavour=flavour) as server:
        magento = create_magento(server, "magento", mview=False)
        with bench_beside(magento) as bench:
            bench.sql(
                "CREATE USER app@localhost",
                "GRANT ALL ON magento.* TO app@localhost",
                "GRANT ALL ON magento_ledger.* TO app@localhost",
            )
            with bench.logged_in_as("app") as database:
                triggers = bench.triggers_as(database)
                with pytest.raises(PermissionDenied) as refused:
                    triggers.install()
                assert "1419" in refused.value.message
                assert "log_bin_trust_function_creators = 1" in refused.value.remedy
                assert "capture.triggers: false" in refused.value.remedy
                assert bench.triggers_there() == set()

                bench.sql("SET GLOBAL log_bin_trust_function_creators = 1")
                triggers.install()
                assert bench.triggers_there() == ORDERS


# --- giving way ---------------------------------------------------------------------------------


def test_a_table_busy_at_first_is_tried_again(bench: Bench) -> None:
    open_order = bench.checkout(autocommit=False)
    with open_order.cursor() as cursor:
        cursor.execute("INSERT INTO sales_order (state) VALUES ('new')")
        cursor.execute(f"INSERT INTO sales_order_payment (parent_id) VALUES ({cursor.lastrowid})")
    bench.sleeper.then = open_order.commit

    bench.triggers().install()

    assert bench.triggers_there() == ORDERS
    assert len(bench.sleeper.pauses) == 1


def test_a_table_that_stays_busy_is_given_up_and_nothing_is_left_half_installed(
    bench: Bench,
) -> None:
    with bench.checkout(autocommit=False) as connection, connection.cursor() as cursor:
        # Sorts before the payment's triggers, so two of them stand when this one gives way.
        cursor.execute("SELECT COUNT(*) FROM sales_order_address")

        with pytest.raises(TryAgain):
            bench.triggers().install()

    # Ten seconds for the statement that stays busy; another one may have given way for a moment.
    assert sum(bench.sleeper.pauses) < 11
    assert bench.triggers_there() == set()


def test_remove_drops_what_it_can_and_names_what_is_left(bench: Bench) -> None:
    triggers = bench.triggers()
    triggers.install()
    with bench.checkout(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sales_order_address")

        with pytest.raises(TryAgain, match=ADDRESS_AU):
            triggers.remove()

    assert bench.triggers_there() == {ADDRESS_AU}
    assert triggers.remove() == [ADDRESS_AU]


# --- taken off ----------------------------------------------------------------------------------


def test_remove_takes_unplanned_ones_too_and_leaves_others_alone(fresh: Bench) -> None:
    fresh.triggers(*(spec.name for spec in ALL_DOMAINS)).install()
    fresh.sql("CREATE TRIGGER erpXsidecar_t AFTER INSERT ON sales_invoice FOR EACH ROW BEGIN END")
    before = fresh.sql("SELECT COUNT(*) FROM information_schema.TRIGGERS")

    fresh.triggers("orders").remove()

    after = fresh.sql("SELECT COUNT(*) FROM information_schema.TRIGGERS")
    assert fresh.triggers_there() == set()
    assert before[0][0] - after[0][0] == ALL


def test_remove_works_when_the_ledger_is_gone(bench: Bench) -> None:
    triggers = bench.triggers()
    triggers.install()
    bench.sql(f"DROP SCHEMA `{bench.names.schema}`")

    assert set(triggers.remove()) == ORDERS


def test_a_suspension_holds_until_it_is_lifted(bench: Bench) -> None:
    triggers = bench.triggers()
    triggers.install()

    assert set(triggers.suspend("ada", "deploy 2.4.8")) == ORDERS
    suspension = triggers.suspension()
    assert suspension is not None
    assert (suspension.who, suspension.why) == ("ada", "deploy 2.4.8")
    with pytest.raises(TryAgain, match=r"^ada suspended the triggers .* deploy 2\.4\.8"):
        triggers.install()
    assert bench.triggers_there() == set()

    assert {state.name for state in triggers.resume()} == ORDERS
    assert triggers.suspension() is None
    assert set(states(triggers).values()) == {State.OK}


def test_without_a_ledger_install_says_what_is_missing(bench: Bench) -> None:
    bench.sql(f"DROP SCHEMA `{bench.names.schema}`")

    with pytest.raises(ConfigurationError, match="no such object"):
        bench.triggers().install()


def test_the_emergency_script_prints_statements_that_drop_ours_and_only_ours(
    bench: Bench,
) -> None:
    bench.triggers(*(spec.name for spec in ALL_DOMAINS)).install()
    others = bench.sql("SELECT COUNT(*) FROM information_schema.TRIGGERS")[0][0] - ALL

    for (line,) in bench.sql(EMERGENCY.read_text(encoding="utf-8")):
        bench.sql(*filter(None, (part.strip() for part in line.split(";"))))

    assert bench.triggers_there() == set()
    assert bench.sql("SELECT COUNT(*) FROM information_schema.TRIGGERS") == [(others,)]
    assert bench.sql(EMERGENCY.read_text(encoding="utf-8")) == []


def test_the_emergency_script_works_with_the_client_as_its_comment_says(
    bench: Bench, flavour: Flavour
) -> None:
    client = client_of(flavour)
    bench.triggers(*(spec.name for spec in ALL_DOMAINS)).install()
    (line,) = re.findall(r"^--   mysql (.*) < emergency-drop.sql \| mysql (.*)$", text(), re.M)
    place = [f"--socket={bench.magento.server.socket}", "--user=root"]
    first, second = (
        [*client, *place, *options.replace(" magento", f" {bench.magento.name}").split()]
        for options in line
    )

    printed = subprocess.run(first, input=text(), capture_output=True, text=True, check=True)
    subprocess.run(second, input=printed.stdout, capture_output=True, text=True, check=True)

    assert bench.triggers_there() == set()


def client_of(flavour: Flavour) -> Sequence[str]:
    if isinstance(flavour, MySql):
        return flavour.client
    installed = shutil.which("mariadb") or shutil.which("mysql")
    if installed is None:
        pytest.skip("no mysql or mariadb client program on this machine")
    return [installed]


def text() -> str:
    return EMERGENCY.read_text(encoding="utf-8")


# --- the real schema ----------------------------------------------------------------------------

MVIEW_TABLES = 25

#: Recorded flow → the orders that our triggers point at, when flows run one after the other.
HINTED = {
    **dict(zip((1, 2, 3, 4, 5), (4, 5, 6, 7, 8), strict=True)),
    **dict.fromkeys((27, 40, 41), 1),
    **dict.fromkeys((20,), 3),
    **dict.fromkeys((6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19), 4),
    **dict.fromkeys((21, 22, 23), 5),
    **dict.fromkeys((24, 25, 26), 2),
}


@pytest.mark.shared
def test_on_the_real_schema_all_mview_tables_are_avoided_and_each_flow_gives_its_hints(
    server: PrivateServer, shared: Path
) -> None:
    magento = MagentoDatabase(server, "recorded")
    load_dump(server, shared / "magento" / "base.sql.gz", magento.name)
    try:
        with bench_beside(magento) as bench:
            triggers = bench.triggers()
            avoided = triggers.plan().avoided
            assert len(avoided) == MVIEW_TABLES
            assert {"sales_order", "sales_order_item", "inventory_source_item"} < {
                entry.table for entry in avoided
            }
            assert all(f"trg_{entry.table}_after_insert" in entry.why for entry in avoided)
            assert not any(entry.wanted for entry in avoided)
            triggers.install()

            hinted = {}
            for flow in sorted((shared / "magento" / "flows").glob("*.sql")):
                bench.sql(f"DELETE FROM {bench.names('outbox')}")
                with magento.connect() as connection:
                    replay(connection, flow)
                hinted[int(flow.name[:2])] = [entity for _, entity, _ in bench.hints()]

            assert len(hinted) == 44
            assert hinted == {flow: [HINTED[flow]] if flow in HINTED else [] for flow in hinted}
            assert bench.breadcrumbs() == []
    finally:
        magento.drop()
