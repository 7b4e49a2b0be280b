"""Accepted orders are sent to another ERP account as they were, over real HTTP, by the console."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig


@dataclass(frozen=True)
class Beside:
    """`rig.erp` is the account main; `trial`: a second ERP, to which no domain goes."""

    rig: Rig
    trial: ErpSim

    def replay(self, *arguments: str, code: int = 0) -> Any:
        command = self.rig.command("order", "replay", *arguments, "--reason", "trial", "--json")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)["replayed"] if done.stdout else done.stderr


@pytest.fixture
def beside(server: PrivateServer, tmp_path: Path) -> Iterator[Beside]:
    with ExitStack() as stack:
        rig = stack.enter_context(Rig(server, tmp_path, "replay_to"))
        trial = ErpSim.start(duplicates="none")
        stack.callback(trial.stop)
        file = tmp_path / "sidecar.yaml"
        head, _, tail = file.read_text("utf-8").partition("erp:\n")
        main, _, rest = tail.partition("capture:")
        erps = "erps:\n" + "".join(
            f"  {name}:\n" + "".join(f"  {line}\n" for line in text.splitlines())
            for name, text in (("main", main), ("trial", main.replace(rig.erp.url, trial.url)))
        )
        file.write_text(f"{head}{erps}capture:{rest}", "utf-8")
        yield Beside(rig, trial)


def test_what_was_accepted_goes_to_another_account_once_and_leaves_no_trace_in_the_first(
    beside: Beside,
) -> None:
    rig = beside.rig
    with Shop(rig.magento) as shop:
        numbers = [shop.place().increment_id for _ in range(2)]
    rig.sidecar("run", "--once")
    [before] = rig.look("SELECT ext_order_id, status FROM sales_order ORDER BY entity_id")

    dry = beside.replay(*numbers, "--to", "trial", "--dry-run")
    assert (len(dry["events"]), beside.trial.count()) == (2, 0)
    done = beside.replay(*numbers, "--to", "trial")
    assert [one["outcome"] for one in done["resent"]] == ["accepted", "accepted"]
    again = beside.replay(*numbers, "--to", "trial")
    assert [one["outcome"] for one in again["resent"]] == ["held", "held"]

    rig.sidecar("run", "--once")
    assert sorted(one.external for one in beside.trial.documents()) == numbers
    assert rig.erp.count() == 2
    assert rig.look("SELECT ext_order_id, status FROM sales_order ORDER BY entity_id") == [before]
    [story] = json.loads(rig.sidecar("order", "show", numbers[0], "--json"))
    [event] = story["events"]
    assert [one["operation"] for one in event["attempts"]][-2:] == ["replay", "replay"]
    assert event["attempts"][-1]["message"].startswith("trial: ")
    assert story["further_links"] == []


def test_what_cannot_be_is_refused_before_anything_is_sent(beside: Beside) -> None:
    with Shop(beside.rig.magento) as shop:
        number = shop.place().increment_id
    beside.rig.sidecar("run", "--once")
    assert "there is no ERP account" in beside.replay(number, "--to", "nowhere", code=64)
    assert "knows no order" in beside.replay("000000999", code=65)
    assert "choose either" in beside.replay(code=64)
    beside.trial.rule("credit_limit", times=1)
    refused = beside.replay(number, "--to", "trial", code=2)
    assert [one["outcome"] for one in refused["resent"]] == ["rejected"]
