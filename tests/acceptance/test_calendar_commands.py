"""The calendar, and a backfill, by the console: over real HTTP, to an ERP that keeps the date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.acceptance.test_json_schemas import check
from tests.acceptance.test_operator_commands import as_json, ok, refused_with
from tests.rig import Rig


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "calendar") as rig:
        calls = tmp_path / "calls.yaml"
        text = calls.read_text("utf-8")
        assert "order.created_at | date" in text
        calls.write_text(text.replace("order.created_at | date", "posting_date | date"), "utf-8")
        yield rig


def month_of(rig: Rig) -> str:
    [[(month,)]] = rig.look("SELECT DATE_FORMAT(MAX(created_at), '%Y-%m') FROM sales_order")
    return str(month)


def booked(rig: Rig) -> list[Any]:
    return list(rig.erp.documents())


def test_a_month_is_closed_listed_and_opened(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        order = shop.place()
        month = month_of(rig)
        closed = as_json(rig, "calendar", "close", month, "--reason", "month end")
        assert (closed["changed"], closed["domains"]) == (True, {"orders": "wait"})
        assert "already" in ok(rig, "calendar", "close", month, "--reason", "again")
        rig.sidecar("run", "--once")
    assert rig.erp.count() == 0
    [listed] = as_json(rig, "calendar", "list")
    assert (listed["period"], listed["waiting"], listed["reason"]) == (month, 1, "month end")
    assert month in ok(rig, "calendar", "list")
    cut = as_json(rig, "calendar", "cutoff", month)
    assert [(one["domain"], one["documents"], one["waits"]) for one in cut["sums"]] == [
        ("orders", 1, True)
    ]
    assert f"period {month} is closed" in ok(rig, "calendar", "cutoff", month)
    assert "closed posting period" in rig.sidecar("status", code=2)
    assert as_json(rig, "calendar", "open", month, "--reason", "missing")["woken"] == 1
    rig.sidecar("run", "--once")
    assert [one.external for one in booked(rig)] == [order.increment_id]
    assert "no period" in refused_with(rig, 64, "calendar", "close", "2026-13", "--reason", "x")
    assert "--reason" in refused_with(rig, 64, "calendar", "close", month)


def test_what_json_prints_is_as_the_schemas_say(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        number = shop.place().increment_id
        rig.sidecar("run", "--once")
        month = month_of(rig)
        ok(rig, "calendar", "close", month, "--reason", "month end")
        shop.place()
        rig.sidecar("run", "--once")
    check(rig, "calendar-list", "calendar", "list")
    assert check(rig, "calendar-cutoff", "calendar", "cutoff", month)["documents"]
    check(rig, "backfill-status", "backfill", "orders", "--status")
    check(rig, "backfill", "backfill", "orders", "--since", "2020-01-01", "--dry-run")
    check(rig, "order-replay", "order", "replay", number, "--reason", "x", "--dry-run")


def test_the_erp_is_told_the_first_open_day(rig: Rig) -> None:
    file = rig.folder / "sidecar.yaml"
    text = file.read_text("utf-8")
    file.write_text(
        text.replace("  orders:\n", "  orders:\n    posting: {when_closed: next_open}\n"), "utf-8"
    )
    with Shop(rig.magento) as shop:
        shop.place()
        month = month_of(rig)
        ok(rig, "calendar", "close", month, "--reason", "month end")
        rig.sidecar("run", "--once")
    [[(after,)]] = rig.look(
        "SELECT DATE_FORMAT(LAST_DAY(MAX(created_at)) + INTERVAL 1 DAY, '%Y-%m-%d') "
        "FROM sales_order"
    )
    [document] = booked(rig)
    assert document.other["orderDate"] == after


def test_a_backfill_is_told_in_words(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        number = shop.place().increment_id
    assert "there was no backfill" in ok(rig, "backfill", "orders", "--status")
    said = ok(rig, "backfill", "orders", number)
    assert said.startswith("0 of orders")
    assert f"left out (not known, sent before, or waiting): {number}" in said
    for wrong in (
        (), ("--until", "2026-01-01"), ("--since", "yesterday"), ("--status", number),
        ("--since", "2026-02-01", "--until", "2026-01-01"), ("--since", "2026-01-01", number),
        (number, "--rate", "fast"), ("--cancel",), ("--resume",),
    ):  # fmt: skip
        refused_with(rig, 64, "backfill", "orders", *wrong)
