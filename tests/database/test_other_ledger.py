"""A misspelt ledger.schema never takes the triggers away from the ledger of a working daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.clinic import Clinic


@pytest.fixture
def clinic(server: PrivateServer, tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(server, tmp_path, "misspelt")
    yield made
    made.sql("DROP DATABASE IF EXISTS misspelt_ledgr")
    made.close()


@contextmanager
def another_ledger(clinic: Clinic, name: str = "misspelt_ledgr") -> Iterator[None]:
    """The configuration names it."""
    before = clinic.config.read_text("utf-8")
    clinic.config.write_text(before.replace(clinic.ledger, name), "utf-8")
    try:
        yield
    finally:
        clinic.config.write_text(before, "utf-8")


def triggers(clinic: Clinic) -> list[object]:
    return clinic.sql(
        "SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS "
        "WHERE TRIGGER_NAME LIKE 'erp_sidecar%' ORDER BY 1"
    )


def schemas(clinic: Clinic) -> set[str]:
    return {row[0] for row in clinic.sql("SHOW DATABASES")}


def as_dba(clinic: Clinic, *command: str) -> list[str]:
    return [*command, "--user", "dba", "--password-file", str(clinic.folder / "dba")]


@pytest.mark.parametrize(
    "command", [("install",), ("install", "--dry-run"), ("triggers", "install")], ids=" ".join
)
def test_an_install_that_would_take_them_away_is_refused_and_names_both_ledgers(
    clinic: Clinic, command: tuple[str, ...]
) -> None:
    before = triggers(clinic)
    with another_ledger(clinic):
        refused = clinic.run(*as_dba(clinic, *command))

    assert refused.code == 78
    assert "write into the ledger in misspelt_ledger" in refused.errors
    assert "the one in misspelt_ledgr" in refused.errors
    assert "correct ledger.schema" in refused.errors
    assert triggers(clinic) == before
    assert "misspelt_ledgr" not in schemas(clinic)


@pytest.mark.parametrize("command", [("status",), ("run", "--once")], ids=" ".join)
def test_who_finds_no_ledger_is_told_that_the_name_may_be_wrong(
    clinic: Clinic, command: tuple[str, ...]
) -> None:
    with another_ledger(clinic):
        ended = clinic.run(*command)

    assert ended.code == 78
    assert "there is no ledger in misspelt_ledgr" in ended.errors
    assert "ledger.schema names another" in ended.errors


def test_the_way_out_for_a_ledger_that_is_given_up(clinic: Clinic) -> None:
    with another_ledger(clinic):
        clinic.command(*as_dba(clinic, "triggers", "remove"))
        clinic.command(*as_dba(clinic, "install"))

    status = clinic.json("triggers", "status", code=2)["triggers"]
    assert {(one["state"], one["detail"]) for one in status} == {
        ("drifted", "it writes into the ledger in misspelt_ledgr")
    }


def test_a_ledger_that_is_gone_keeps_nobody(clinic: Clinic) -> None:
    clinic.sql("DROP DATABASE misspelt_ledger")
    with another_ledger(clinic):
        clinic.command(*as_dba(clinic, "install"))
        assert {one["state"] for one in clinic.json("triggers", "status", code=0)["triggers"]} == {
            "ok"
        }


def test_a_dump_on_its_own_server_gets_a_ledger_of_its_own(clinic: Clinic) -> None:
    """Its triggers write into that of the original, which is another shop's."""
    clinic.sql("UPDATE misspelt_ledger.identity SET magento_schema = 'the_original'")
    with another_ledger(clinic):
        clinic.command(*as_dba(clinic, "install"))
