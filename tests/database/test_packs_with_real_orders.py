"""A real Magento's orders, refunds and customers in each pack's ERP: exact to the cent, or told."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from sidecar.domains.orders.payload import Order
from sidecar.model.outcome import Accepted, Unknown
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed
from tests.pack_figures import (
    BEGIN,
    BENCHES,
    END,
    PAGE,
    WRITES,
    Bench,
    Figures,
    differing,
    documented,
    figures,
    table,
)

pytestmark = [pytest.mark.shared, pytest.mark.any_server, pytest.mark.timeout(900)]

#: What goes wrong, and as which kind of difference at least it has to be told.
TOLD = {"drop_line": "total", "drop_tax": "tax", "rounded_total": "total"}
#: Whose lines carry no tax: the ERP's own material master decides, and what differs is told.
DECIDES_TAX = "sap_s4.odata4"


@pytest.fixture(scope="module")
def found(recorded_orders: dict[str, list[Order]]) -> dict[str, dict[str, Figures]]:
    """What became of all recorded orders, pack by pack."""
    by_pack: dict[str, dict[str, Figures]] = {}
    for bench in BENCHES:
        of_files = [figures(bench, orders) for orders in recorded_orders.values()]
        by_pack[bench.name] = {
            domain: sum((one[domain] for one in of_files), Figures()) for domain in of_files[0]
        }
    return by_pack


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
@pytest.mark.parametrize("domain", ["orders", "refunds", "customers"])
def test_through_lost_answers_each_is_there_once_and_exact(
    found: dict[str, dict[str, Figures]], bench: Bench, domain: str
) -> None:
    told = found[bench.name][domain]

    assert told.sent > 150
    assert told.doubts > 10
    if bench.name == DECIDES_TAX:
        assert all("tax" in kind for kind in +told.otherwise), told.otherwise
    else:
        assert +told.otherwise == {}


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
@pytest.mark.parametrize("misbehaviour", TOLD)
def test_what_the_erp_does_otherwise_is_told_order_by_order(
    recorded_orders: dict[str, list[Order]], bench: Bench, misbehaviour: str, tmp_path: Path
) -> None:
    orders = recorded_orders["orders-64"]
    with bench.at_work(tmp_path) as (erp, adapter):
        erp.rule(misbehaviour, external="*[02468]")
        push_all(adapter, [placed(order) for order in orders])
        told = {
            ref: {one.kind for one in kinds} for ref, kinds in differing(adapter, orders).items()
        }
        struck = {one.external: one for one in erp.documents() if one.external[-1] in "02468"}

    untouched = [kinds for ref, kinds in told.items() if ref not in struck]
    assert not any(untouched) or bench.name == DECIDES_TAX
    caught = {ref: told[ref] for ref in struck if told[ref]}
    assert caught
    assert all(TOLD[misbehaviour] in kinds for kinds in caught.values()), caught
    for order in orders:
        if order.increment_id in struck.keys() - caught.keys():
            total = struck[order.increment_id].total
            assert total == order.grand_total.quantize(total)


def test_blind_repeats_double_neither_order_nor_line_of_an_upsert(
    recorded_orders: dict[str, list[Order]], tmp_path: Path
) -> None:
    """NetSuite's: what is sent again is the same order, and `replace=item` keeps lines single."""
    [bench] = (one for one in BENCHES if one.name == "netsuite")
    orders = recorded_orders["orders-64"]
    with bench.at_work(tmp_path) as (erp, adapter):
        erp.rule("accept_then_drop", probability=0.3)
        waiting = [placed(order) for order in orders]
        outcomes: Counter[type] = Counter()
        for _ in range(40):
            answers = push_all(adapter, waiting)
            outcomes.update(type(one.outcome) for one in answers)
            waiting = [
                one
                for one, answer in zip(waiting, answers, strict=True)
                if not isinstance(answer.outcome, Accepted)
            ]
            if not waiting:
                break
        erp.clear_rules()

        assert not waiting
        assert outcomes[Unknown] > 0
        assert not any(differing(adapter, orders).values())
        assert erp.count() == len(orders)


def test_the_page_of_adapters_has_these_figures(found: dict[str, dict[str, Figures]]) -> None:
    if os.environ.get(WRITES):
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}", "utf-8")

    assert documented() == table(found), f"write it anew: {WRITES}=1, and this test"
