"""A shop with two ERPs: each domain goes to its own, and one that is away holds up nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import WSDL, ErpSim
from sidecar.testing.magento_db import PrivateServer, Shop
from tests.acceptance.test_refunds_over_soap import REFUNDS
from tests.rig import Rig


class TwoErps:
    """`rig.erp` is the account main, over REST; `finance` takes the refunds, over SOAP."""

    def __init__(self, rig: Rig, finance: ErpSim) -> None:
        self.rig = rig
        self.finance = finance

    def json(self, *arguments: str) -> Any:
        done = subprocess.run(
            self.rig.command(*arguments, "--json"), capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout)

    def edited(self, old: str, new: str) -> None:
        file = self.rig.folder / "sidecar.yaml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def two(server: PrivateServer, tmp_path: Path) -> Iterator[TwoErps]:
    with ExitStack() as stack:
        rig = stack.enter_context(Rig(server, tmp_path, "accounts"))
        finance = ErpSim.start(duplicates="none")
        stack.callback(finance.stop)
        (tmp_path / "finance.yaml").write_text(REFUNDS, "utf-8")
        two = TwoErps(rig, finance)
        head, _, tail = (tmp_path / "sidecar.yaml").read_text("utf-8").partition("erp:\n")
        main, _, rest = tail.partition("capture:")
        erps = (
            "erps:\n  main:\n"
            + "".join(f"  {line}\n" for line in main.splitlines())
            + "  finance:\n    adapter: soap.generic\n"
            f"    wsdl: {WSDL}\n    endpoint: {finance.endpoint()}\n    calls: finance.yaml\n"
            "    timeout: {connect: 500ms, read: 500ms}\n"
            "    breaker: {after: 2, probe_every: 300ms}\n"
        )
        (tmp_path / "sidecar.yaml").write_text(f"{head}{erps}capture:{rest}", "utf-8")
        retry = "{first: 200ms, most: 1s, give_up_after: 1h}"
        refunds = f"  refunds: {{erp: finance, every: 50ms, retry: {retry}}}\nlogging:"
        two.edited("logging:", refunds)
        rig.sidecar("install")
        yield two


def refunded(shop: Shop) -> str:
    order = shop.place()
    shop.invoice(order.entity_id)
    shop.refund(order.entity_id)
    return order.increment_id


def test_each_domain_goes_to_its_own_account(two: TwoErps) -> None:
    with Shop(two.rig.magento) as shop:
        order = refunded(shop)

    two.rig.sidecar("run", "--once")
    two.rig.sidecar("run", "--once")

    [document] = two.rig.erp.documents()
    assert document.external == order
    # The order's document is in the other ERP's books: this one was asked, and says so.
    [refund] = [one for one in two.json("queue", "list") if one["kind"] == "creditmemo"]
    assert refund["status"] == "rejected"
    assert document.number in refund["reason"]
    accounts = two.json("status")["accounts"]
    assert {name: one["domains"] for name, one in accounts.items()} == {
        "main": ["orders"], "finance": ["refunds"],
    }  # fmt: skip
    text = two.rig.sidecar("status", code=2)
    assert f"erp      main  {two.rig.erp.url}" in text
    assert "erp      finance  " in text
    top = two.rig.sidecar("top", "--once")
    assert "finance" in top


def test_one_that_is_away_holds_up_only_what_goes_there(two: TwoErps) -> None:
    two.finance.stop()
    with Shop(two.rig.magento) as shop:
        refunded(shop)
        two.rig.start()
        two.rig.until(lambda: len(two.rig.erp.documents()) == 1)
        two.rig.until(lambda: two.json("status")["accounts"]["finance"]["breaker"] == "open")
        shop.place()
        two.rig.until(lambda: len(two.rig.erp.documents()) == 2)

    status = two.json("status")
    assert status["accounts"]["main"]["breaker"] == "closed"
    assert "the ERP account finance does not answer: its breaker is open" in status["attention"]
    found = {one["id"]: one["found"] for one in two.json("doctor")["findings"]}
    assert "finance" in found["breaker-open"]
    assert str(two.finance.endpoint()) in found["erp-unreachable"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("erp: finance", "erp: finanze", "domains.refunds.erp: there is no ERP account finanze"),
        ("orders:\n", "orders:\n    erp: finance\n", "finance.yaml has no call for orders"),
        ("  main:\n", "  first:\n", "domains.orders.erp: is missing; there are finance, first"),
        ("erps:\n", "erp: {adapter: rest.generic, url: http://localhost:1}\nerps:\n",
         "erp: stands beside erps"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_line(
    two: TwoErps, old: str, new: str, told: str
) -> None:
    two.edited(old, new)

    done = subprocess.run(
        two.rig.command("config", "validate"), capture_output=True, text=True, check=False
    )

    assert done.returncode == 78
    assert told in done.stderr
    assert "sidecar.yaml:" in done.stderr
