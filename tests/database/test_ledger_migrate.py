"""How a ledger comes to be, stays current, and goes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from sidecar.database.connection import Database
from sidecar.ledger import migrate
from sidecar.ledger.migrate import Ledger, Migration, available
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import TABLES, LedgerNames
from sidecar.model.errors import ConfigurationError, SidecarError
from sidecar.testing.magento_db import MagentoDatabase
from tests.harness import LedgerBench, login

_numbers = count(1)
ERP_SIDECAR = LedgerNames("x")


@pytest.fixture(params=["own schema", "inside Magento's"])
def fresh(request: pytest.FixtureRequest, empty_schema: MagentoDatabase) -> Iterator[LedgerBench]:
    """A place where no ledger has been yet."""
    database = Database(login(empty_schema), connections=4)
    if request.param == "own schema":
        names = LedgerNames.placed(f"ledger_{next(_numbers)}", empty_schema.name)
    else:
        names = LedgerNames.placed(None, empty_schema.name)
    ledger = Ledger(database, names)
    yield LedgerBench(database, LedgerStore(names), ledger)
    ledger.drop()
    database.close()


def tables(bench: LedgerBench) -> set[str]:
    rows = bench.sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s",
        bench.store.names.schema,
    )
    return {row.name for row in rows}


def expected(bench: LedgerBench) -> set[str]:
    return {bench.store.names.prefix + table for table in TABLES}


def test_a_new_ledger_has_every_table_and_notes_what_ran(fresh: LedgerBench) -> None:
    assert fresh.ledger.applied() == {}

    done = fresh.ledger.migrate()

    assert tables(fresh) == expected(fresh)
    assert done == available(fresh.store.names)
    assert fresh.ledger.applied() == {one.version: one.checksum for one in done}
    fresh.ledger.require_current()


def test_to_migrate_again_does_nothing(fresh: LedgerBench) -> None:
    fresh.ledger.migrate()
    fresh.sql("INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, 'test')")

    assert fresh.ledger.migrate() == []
    assert fresh.ledger.statements() == []
    assert len(fresh.sql("SELECT * FROM {outbox}")) == 1


def test_the_plan_is_what_is_run(fresh: LedgerBench) -> None:
    planned = fresh.ledger.statements()

    with fresh.database.definition() as connection:
        for statement in planned:
            connection.exec_driver_sql(statement.replace("%", "%%"))

    assert tables(fresh) == expected(fresh)


def test_a_missing_migration_is_named_with_its_remedy(fresh: LedgerBench) -> None:
    with pytest.raises(ConfigurationError, match="there is no ledger in") as wrong:
        fresh.ledger.require_current()

    assert "erp-sidecar install" in wrong.value.remedy


def test_a_ledger_of_a_newer_sidecar_is_left_alone(fresh: LedgerBench) -> None:
    fresh.ledger.migrate()
    fresh.sql(
        "INSERT INTO {migration} (version, name, checksum, applied_at) "
        "VALUES (9999, 'future', 'x', UTC_TIMESTAMP())"
    )

    for refuse in (fresh.ledger.require_current, fresh.ledger.migrate, fresh.ledger.statements):
        with pytest.raises(ConfigurationError, match="at version 9999"):
            refuse()


def test_a_changed_migration_is_refused(fresh: LedgerBench) -> None:
    fresh.ledger.migrate()
    fresh.sql("UPDATE {migration} SET checksum = 'tampered' WHERE version = 1")

    with pytest.raises(ConfigurationError, match="0001_ledger differs"):
        fresh.ledger.migrate()


def migration(names: LedgerNames, version: int, *statements: str) -> Migration:
    return Migration(version, "made_up", f"{version:016d}", statements)


def test_a_migration_that_fails_half_way_leaves_nothing_of_a_new_ledger(
    fresh: LedgerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, *_) = available(fresh.store.names)
    broken = Migration(
        first.version, first.name, first.checksum, (*first.statements[:5], "CREATE TABLE oops")
    )
    monkeypatch.setattr(migrate, "available", lambda _: [broken])

    with pytest.raises(SidecarError):
        fresh.ledger.migrate()

    assert tables(fresh) & expected(fresh) == set()
    assert fresh.ledger.applied() == {}
    monkeypatch.undo()
    fresh.ledger.migrate()
    assert tables(fresh) == expected(fresh)


def test_a_first_migration_that_was_killed_at_any_statement_is_run_again(
    fresh: LedgerBench,
) -> None:
    statements = fresh.ledger.statements()
    for reached in range(len(statements) + 1):
        with fresh.database.definition() as connection:
            for statement in statements[:reached]:
                connection.exec_driver_sql(statement.replace("%", "%%"))

        fresh.ledger.migrate()

        assert tables(fresh) == expected(fresh), f"killed after statement {reached}"
        fresh.ledger.require_current()
        fresh.ledger.drop()


def test_a_ledger_that_lost_the_note_of_its_migrations_is_not_made_anew(
    fresh: LedgerBench,
) -> None:
    fresh.ledger.migrate()
    fresh.sql("INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, 'test')")
    fresh.sql("DELETE FROM {migration}")

    for refuse in (fresh.ledger.migrate, fresh.ledger.statements):
        with pytest.raises(ConfigurationError, match="has rows"):
            refuse()

    assert len(fresh.sql("SELECT * FROM {outbox}")) == 1


def test_a_drop_that_was_killed_at_any_table_is_run_again(fresh: LedgerBench) -> None:
    fresh.ledger.migrate()
    for table in ("migration", *TABLES[:3]):
        fresh.sql(f"DROP TABLE {fresh.store.names(table)}")

    fresh.ledger.drop()

    assert tables(fresh) & expected(fresh) == set()


def test_a_later_migration_that_fails_leaves_the_ledger_as_it_was(
    fresh: LedgerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.ledger.migrate()
    shipped = available(fresh.store.names)
    extra, more = fresh.store.names("extra"), fresh.store.names("more")
    good = migration(fresh.store.names, 9001, f"CREATE TABLE {extra} (id int)")
    bad = migration(
        fresh.store.names, 9002, f"CREATE TABLE {more} (id int)", f"ALTER TABLE {more} OOPS"
    )
    monkeypatch.setattr(migrate, "available", lambda _: [*shipped, good, bad])

    with pytest.raises(SidecarError):
        fresh.ledger.migrate()

    prefix = fresh.store.names.prefix
    assert tables(fresh) == expected(fresh) | {f"{prefix}extra"}
    assert max(fresh.ledger.applied()) == 9001
    fresh.sql(f"DROP TABLE {extra}")


def test_to_drop_it_takes_the_ledgers_tables_and_nothing_else(fresh: LedgerBench) -> None:
    """A DBA may keep other tables in the schema that he gave the ledger."""
    fresh.ledger.migrate()
    foreign = f"`{fresh.store.names.schema}`.`somebody_elses`"
    fresh.sql(f"CREATE TABLE {foreign} (id int)")

    fresh.ledger.drop()

    assert tables(fresh) == {"somebody_elses"}
    fresh.sql(f"DROP TABLE {foreign}")


def test_an_own_schema_that_is_empty_then_goes_too(fresh: LedgerBench) -> None:
    fresh.ledger.migrate()

    fresh.ledger.drop()

    left = fresh.sql(
        "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name = %s",
        fresh.store.names.schema,
    )
    assert bool(left) == bool(fresh.store.names.prefix)


def test_every_shipped_file_is_found_once_in_the_order_of_its_number() -> None:
    versions = [one.version for one in available(ERP_SIDECAR)]

    assert versions == sorted(set(versions))
    assert versions[0] == 1


def test_every_statement_names_its_tables_whole() -> None:
    for one in available(ERP_SIDECAR):
        assert one.statements
        for statement in one.statements:
            assert "{" not in statement
            assert "`x`." in statement
