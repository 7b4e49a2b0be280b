"""Several domains wait for one ERP account: who goes first, and that nobody starves."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig
from tests.waiting import PACKAGE, calls_beside, copy_waiting

WAITING = 300


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """One call at a time, which takes 50 ms; refunds and payments by the hundred wait for it."""
    project = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(PACKAGE), project)))
    with Rig(server, tmp_path, "priority", latency_ms=50) as rig:
        calls = tmp_path / "calls.yaml"
        calls.write_text(calls_beside(calls.read_text("utf-8")), "utf-8")
        file = rig.folder / "sidecar.yaml"
        text = file.read_text("utf-8").replace("concurrency: 4", "concurrency: 1")
        further = 'refunds: {every: 50ms}\n  further: {payments: {ref: "PAY{increment_id}"}}'
        file.write_text(text.replace("logging:", f"  {further}\nlogging:"), "utf-8")
        rig.sidecar("install")
        with Shop(rig.magento) as shop:
            order = shop.place()
            shop.invoice(order.entity_id)
            shop.refund(order.entity_id)
        rig.sidecar("run", "--once")
        rig.sidecar("run", "--once")
        assert len(rig.erp.documents()) == 3
        ledger = f"{rig.magento.name}_ledger"
        copy_waiting(rig.magento, ledger, "sales_creditmemo", "creditmemo", WAITING)
        copy_waiting(rig.magento, ledger, "sales_invoice", "payment", WAITING)
        yield rig


def booked(rig: Rig) -> list[str]:
    """The domains of the ERP's documents, in the order in which they came."""
    names = {"CM": "refunds", "PA": "payments"}
    return [names.get(one.external[:2], "orders") for one in rig.erp.documents()[3:]]


def test_an_order_overtakes_hundreds_that_wait_and_these_go_by_rank_and_share(rig: Rig) -> None:
    rig.start()
    rig.until(lambda: len(booked(rig)) >= 40)
    before = len(booked(rig))
    with Shop(rig.magento) as shop:
        shop.place()
    rig.until(lambda: "orders" in booked(rig))

    arrived = booked(rig)
    assert arrived.index("orders") - before < 40, "hundreds were before it"
    counts = Counter(arrived[:before])
    assert counts["payments"] >= before // 10 - 2, "a tenth is promised to what waits behind"
    assert counts["refunds"] >= before * 3 // 4
