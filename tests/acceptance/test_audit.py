"""Who did what and why can be asked by order, by person and by time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.acceptance.test_operator_commands import as_json, ok, refused_order, refused_with
from tests.rig import Rig


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "audit") as installed:
        yield installed


@pytest.fixture
def number(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order that Ada edited and requeued, beside what Grace did to the domain."""
    placed = refused_order(rig)
    monkeypatch.setenv("SUDO_USER", "ada")
    change = ("--set", "/billing_address/city=Bremen")
    ok(rig, "queue", "edit", placed.increment_id, *change, "--reason", "he moved")
    ok(rig, "queue", "park", placed.increment_id)
    monkeypatch.setenv("SUDO_USER", "grace")
    ok(rig, "domain", "pause", "orders", "--reason", "upgrade")
    return str(placed.increment_id)


def acts(rig: Rig, *options: str) -> list[Any]:
    return [(act["who"], act["command"]) for act in as_json(rig, "audit", "list", *options)]


def test_the_audit_is_listed_newest_first_and_by_order_person_and_time(
    rig: Rig, number: str
) -> None:
    by_ada = [("ada", "queue park"), ("ada", "queue edit")]
    assert acts(rig)[:3] == [("grace", "domain pause"), *by_ada]
    assert acts(rig, "--order", number) == by_ada
    assert acts(rig, "--who", "grace") == [("grace", "domain pause")]
    assert acts(rig, "--since", "1h", "--who", "ada", "--limit", "1") == by_ada[:1]
    assert acts(rig, "--since", "2999-01-01") == []


def test_an_edit_tells_old_and_new_value_in_json_and_why_in_the_table(
    rig: Rig, number: str
) -> None:
    (edited,) = [act for act in as_json(rig, "audit", "list") if act["command"] == "queue edit"]
    (change,) = edited["detail"]["changes"]
    assert (change["path"], change["new"]) == ("/billing_address/city", "Bremen")
    listed = ok(rig, "audit", "list", "--order", number)
    assert "he moved" in listed
    assert "Bremen" not in listed


def test_a_time_that_is_none_is_refused_with_what_to_write(rig: Rig) -> None:
    assert "write 2d" in refused_with(rig, 64, "audit", "list", "--since", "yesterday")
