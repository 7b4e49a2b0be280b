"""`grants print`: what it prints is enough for the account, and it needs no server to print it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.clinic import Clinic
from tests.servers import is_mysql


@pytest.fixture(scope="module")
def clinic(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with ExitStack() as stack:
        made = Clinic(server, tmp_path_factory.mktemp("grants"), "granting")
        stack.callback(made.close)
        yield made


def test_the_daemons_rights_are_printed_as_statements_that_are_enough(clinic: Clinic) -> None:
    clinic.sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM daemon@localhost")
    printed = clinic.command("grants", "print")
    assert "TO 'daemon'@'localhost'" in printed
    clinic.mend(printed)
    (optional,) = clinic.found("rights-missing")
    assert "SELECT on granting.inventory_pickup_location_order" in optional.found
    assert "--   GRANT SELECT ON `granting`.`inventory_pickup_location_order` TO" in printed
    clinic.mend(optional.remedy)
    assert [one.found for one in clinic.found()] == []


def test_rights_of_refunds_are_printed_where_refunds_are_carried(clinic: Clinic) -> None:
    named = ("--user", "dba", "--password-file", str(clinic.folder / "dba"))
    assert "creditmemo" not in clinic.command("grants", "print", *named)
    assert "creditmemo" not in clinic.command("grants", "print")

    with clinic.edited("erp:\n", "domains: {refunds: {}}\nerp:\n"):
        printed = clinic.command("grants", "print")
    for right in (
        "SELECT ON `granting`.`sales_creditmemo` ",
        "SELECT ON `granting`.`sales_creditmemo_item` ",
        "TRIGGER ON `granting`.`sales_creditmemo` ",
        "comment) ON `granting`.`sales_creditmemo_comment` ",
    ):
        assert right in printed
    assert "SELECT ON `granting`.`sales_creditmemo_comment`" not in printed


def test_what_the_shop_has_is_printed_where_it_can_be_asked(clinic: Clinic) -> None:
    """Not every shop has gift messages and collection in a store."""
    named = ("--user", "dba", "--password-file", str(clinic.folder / "dba"))
    there = "GRANT SELECT ON `granting`.`inventory_pickup_location_order` TO"
    assert f"\n{there}" in clinic.command("grants", "print", *named)
    assert "--" not in clinic.command("grants", "print", *named)

    clinic.sql("RENAME TABLE inventory_pickup_location_order TO put_aside")
    try:
        assert there not in clinic.command("grants", "print", *named)
    finally:
        clinic.sql("RENAME TABLE put_aside TO inventory_pickup_location_order")


def test_an_account_that_sees_nothing_gets_them_as_comments_and_a_refused_one_is_told(
    clinic: Clinic,
) -> None:
    rights = clinic.command("grants", "print")
    clinic.sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM daemon@localhost")
    printed = clinic.command("grants", "print")
    clinic.mend(rights)
    assert "--   GRANT SELECT ON `granting`.`inventory_pickup_location_order` TO" in printed
    refused = clinic.run("grants", "print", "--user", "nobody_here")
    assert refused.code == 77


def test_an_uninstall_says_what_the_dropped_ledger_forgets(clinic: Clinic) -> None:
    for number, status in enumerate(("pending", "parked", "accepted"), start=1):
        clinic.sql(
            f"INSERT INTO {clinic.names('event')} (event_id, domain, kind, entity_id, "
            "number, sequence, type, version, status, occurred_at, created_at) VALUES "
            f"('left-{number}', 'orders', 'order', {number}, 'x{number}', 1, 'order.placed', 1, "
            f"'{status}', UTC_TIMESTAMP(), UTC_TIMESTAMP())"
        )
    named = ("--user", "dba", "--password-file", str(clinic.folder / "dba"), "--drop-ledger")
    said = "2 event(s) that are not over (1 parked, 1 pending)"
    clinic.sql(f"DELETE FROM {clinic.names('lease')}")
    try:
        assert said in clinic.command("uninstall", *named, "--dry-run")
        assert said in clinic.run("uninstall", *named, typed="n\n").errors
        done = clinic.command("uninstall", *named, "--yes")
        assert f"ledger dropped, with {said}" in done
    finally:
        clinic.install()


def test_the_installers_rights_are_enough_to_install_and_to_uninstall(clinic: Clinic) -> None:
    clinic.sql("DROP USER IF EXISTS erp_installer@localhost", "CREATE USER erp_installer@localhost")
    printed = clinic.json("grants", "print", "--for", "installer", code=0)
    assert printed["user"] == "erp_installer@localhost"
    clinic.sql(*printed["statements"])
    definer = "SET_ANY_DEFINER" if is_mysql() else "SET USER"
    clinic.sql(f"GRANT {definer} ON *.* TO erp_installer@localhost")
    clinic.sql(f"DELETE FROM {clinic.names('lease')}")  # the daemon is stopped
    clinic.command("uninstall", "--user", "erp_installer", "--drop-ledger", "--yes")
    assert "ledger-missing" in {one.id for one in clinic.found()}
    clinic.command("install", "--user", "erp_installer")
    clinic.work()
    clinic.sql("DROP USER erp_installer@localhost")
    assert [one.found for one in clinic.found()] == []


def everything_there(clinic: Clinic) -> list[int]:
    """How many triggers, statuses and ledger tables there are."""
    counts = (
        "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_NAME LIKE 'erp%'",
        "SELECT COUNT(*) FROM sales_order_status WHERE status LIKE 'erp%'",
        f"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{clinic.ledger}'",
    )
    return [clinic.sql(count)[0][0] for count in counts]


def test_the_ledger_is_not_dropped_under_a_daemon_that_works(clinic: Clinic) -> None:
    clinic.work()
    before = everything_there(clinic)

    done = clinic.run(
        "uninstall", "--user", "dba", "--password-file", str(clinic.folder / "dba"),
        "--drop-ledger", "--yes",
    )  # fmt: skip

    assert done.code == 75
    assert "a test works with this ledger: nothing was taken away" in done.errors
    assert everything_there(clinic) == before


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ("TRIGGER ON `granting`.*", "sales_order_payment"),
        ("DELETE ON `granting`.sales_order_status", "DELETE on granting.sales_order_status"),
    ],
)
def test_nothing_is_taken_away_by_an_account_that_cannot_take_all_away(
    clinic: Clinic, lacking: str, named: str
) -> None:
    clinic.sql("CREATE USER half@localhost")
    printed = clinic.json(
        "grants", "print", "--for", "installer", "--account", "half@localhost", code=0
    )
    clinic.sql(*printed["statements"], f"REVOKE {lacking} FROM half@localhost")
    before = everything_there(clinic)

    done = clinic.run("uninstall", "--user", "half")

    clinic.sql("DROP USER half@localhost")
    assert (done.code, named in done.errors) == (77, True), done.errors
    assert everything_there(clinic) == before


def test_the_installers_account_can_do_nothing_else_in_magento(clinic: Clinic) -> None:
    printed = clinic.command("grants", "print", "--for", "installer", "--account", "i@10.0.0.7")
    assert "-- " in printed
    assert "TO 'i'@'10.0.0.7'" in printed
    assert not any(word in printed for word in (" ALL ", "DELETE ON `granting`.*", "CREATE USER"))


def test_nothing_is_asked_of_a_server(clinic: Clinic) -> None:
    with clinic.edited("server.sock", "away.sock"), clinic.edited("{file: password}", "{env: NO}"):
        assert "GRANT SELECT ON" in clinic.command("grants", "print")
