"""What is said where shop.database.name is misspelt, and what `status` says of doubt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.clinic import Clinic


@pytest.fixture
def clinic(server: PrivateServer, tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(server, tmp_path, "spelt")
    yield made
    made.close()


@pytest.mark.parametrize("named", [False, True], ids=["daemon's user", "administrator"])
def test_doctor_finds_the_wrong_name_once_and_grants_nothing_on_it(
    clinic: Clinic, named: bool
) -> None:
    text = clinic.config.read_text("utf-8")
    clinic.config.write_text(text.replace("name: spelt,", "name: spellt,"), "utf-8")
    options = ("--user", "dba", "--password-file", str(clinic.folder / "dba")) if named else ()
    said = clinic.run("doctor", *options).output

    assert "or there is none of that name" in said
    assert "shop.database.name" in said
    assert "GRANT" not in said
    assert "rights-missing" in said.partition("not seen")[2]


def test_doctor_names_what_it_did_not_see_without_the_words_of_its_own_code(
    clinic: Clinic,
) -> None:
    (clinic.folder / "password").write_text("wrong", "utf-8")
    said = clinic.run("doctor").output

    why = [line.strip() for line in said.partition("not seen")[2].splitlines()[1:] if line]
    assert any(line.startswith("the database refused the login") for line in why), why
    assert "without_schema" not in said


def test_status_counts_what_is_in_doubt_as_waiting(clinic: Clinic) -> None:
    clinic.sql(
        f"INSERT INTO {clinic.names('event')} (event_id, domain, kind, entity_id, number, "
        "sequence, type, version, status, maybe_booked, due_at, occurred_at, created_at) VALUES "
        "('doubt', 'orders', 'order', 1, '1', 1, 'order.placed', 1, 'unknown', 1, "
        "UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP())"
    )
    (orders,) = [
        line for line in clinic.run("status").output.splitlines() if line.startswith("orders")
    ]

    assert "working; 1 waiting, oldest " in orders
    assert ": 1 due (1 unknown: the ERP is asked); " in orders
