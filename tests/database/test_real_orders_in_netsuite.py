"""Orders and refunds of a real Magento in NetSuite, by the pack: exact to the cent, or told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.erps.netsuite_rest import PACK
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.verify import differences
from sidecar.domains.refunds.spec import SPEC as REFUNDS
from sidecar.magento.money_document_figures import verify
from sidecar.model.outcome import Accepted, Unknown
from sidecar.model.settlement import Tolerances
from sidecar.ports import AdapterSettings, ErpAdapter, Link
from sidecar.testing.contract_calls import push_all, reference_of
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.sample_documents import delivery, refund_of
from sidecar.testing.sample_order import placed
from tests.contract.netsuite_rest_bench import SHOP, overlay

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]

FILES = ("orders-kinds", "orders-64")
#: What goes wrong, and as which kind of difference at least it has to be told.
TOLD = {"drop_line": "total", "drop_tax": "tax", "rounded_total": "total"}


@contextmanager
def netsuite(folder: Path) -> Iterator[tuple[ErpSimClient, ErpAdapter]]:
    with serve_in_thread(interface="netsuite") as erp:
        settings = AdapterSettings(erp.url, 5, 60, SHOP, calls=overlay(folder), domains=SPECS)
        with closing(PACK(settings)) as adapter:
            yield erp, adapter


def differing(adapter: ErpAdapter, orders: Sequence[Order]) -> dict[str, set[str]]:
    """Order → the kinds of what NetSuite has otherwise."""
    kinds: dict[str, set[str]] = {}
    for order in orders:
        [booked] = adapter.probe("orders", [order.increment_id])[order.increment_id]
        if found := differences(order, booked, Tolerances()):
            kinds[order.increment_id] = {difference.kind for difference in found}
    return kinds


@pytest.mark.parametrize("name", FILES)
def test_every_order_is_exact_to_the_cent(
    recorded_orders: dict[str, list[Order]], name: str, tmp_path: Path
) -> None:
    orders = recorded_orders[name]
    with netsuite(tmp_path) as (erp, adapter):
        answers = push_all(adapter, [placed(order) for order in orders])

        assert [one.outcome for one in answers if not isinstance(one.outcome, Accepted)] == []
        assert differing(adapter, orders) == {}
        assert erp.count() == len(orders)


@pytest.mark.parametrize("misbehaviour", TOLD)
def test_what_the_erp_does_otherwise_is_told_order_by_order(
    recorded_orders: dict[str, list[Order]], misbehaviour: str, tmp_path: Path
) -> None:
    orders = recorded_orders["orders-64"]
    with netsuite(tmp_path) as (erp, adapter):
        erp.rule(misbehaviour, external="*[02468]")
        push_all(adapter, [placed(order) for order in orders])
        told = differing(adapter, orders)

        struck = {one.external: one for one in erp.documents() if one.external[-1] in "02468"}
        assert told
        assert told.keys() <= struck.keys()
        assert all(TOLD[misbehaviour] in kinds for kinds in told.values()), told
        for order in orders:
            if order.increment_id in struck.keys() - told.keys():
                total = struck[order.increment_id].total
                assert total == order.grand_total.quantize(total)


def test_lost_answers_and_blind_repeats_double_neither_order_nor_line(
    recorded_orders: dict[str, list[Order]], tmp_path: Path
) -> None:
    """An upsert: what is sent again is the same order, and `replace=item` keeps lines single."""
    orders = recorded_orders["orders-64"]
    with netsuite(tmp_path) as (erp, adapter):
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
        assert differing(adapter, orders) == {}
        assert erp.count() == len(orders)


@pytest.mark.parametrize("name", FILES)
def test_every_refund_is_exact_to_the_cent(
    recorded_orders: dict[str, list[Order]], name: str, tmp_path: Path
) -> None:
    orders = [order for order in recorded_orders[name] if order.grand_total > 0]
    with netsuite(tmp_path) as (erp, adapter):
        answers = push_all(adapter, [placed(order) for order in orders])
        refunds = [
            delivery(
                refund_of(order, order.increment_id),
                "refund.issued",
                order,
                Link(reference_of(answer.outcome)),
            )
            for order, answer in zip(orders, answers, strict=True)
        ]
        given_back = push_all(adapter, refunds)

        assert [one.outcome for one in given_back if not isinstance(one.outcome, Accepted)] == []
        assert erp.count() == 2 * len(orders)
        for refund in refunds:
            [booked] = adapter.probe(REFUNDS.name, [refund.ref])[refund.ref]
            assert verify(refund.event.data, booked, Tolerances()) == (), refund.ref
