"""Orders and refunds of a real Magento in SAP, by the pack: exact to the cent, or told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.erps.sap_s4 import PACK, PACK_4
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.verify import differences
from sidecar.domains.refunds.spec import SPEC as REFUNDS
from sidecar.magento.money_document_figures import verify
from sidecar.model.outcome import Accepted, Unknown
from sidecar.model.settlement import Tolerances
from sidecar.ports import AdapterSettings, ErpAdapter, Link, Pack, ShopContext
from sidecar.testing.contract_calls import push_all, reference_of
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.sample_documents import delivery, refund_of
from sidecar.testing.sample_order import SHOP, placed

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]

#: What the recorded shop would fill in.
FILLED_IN = """
tables:
  sold_to: {us: "10100002"}
  tax: {"20": "4", "21": "5"}
"""
FILES = ("orders-kinds", "orders-64")
#: What goes wrong, and as which kind of difference at least it has to be told.
TOLD = {"drop_line": "total", "drop_tax": "tax", "rounded_total": "total"}


@contextmanager
def sap(folder: Path, pack: Pack = PACK) -> Iterator[tuple[ErpSimClient, ErpAdapter]]:
    calls = folder / "sap.yaml"
    calls.write_text(FILLED_IN)
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    with serve_in_thread() as erp:
        settings = AdapterSettings(erp.url, 5, 60, shop, calls=calls, domains=SPECS)
        with closing(pack(settings)) as adapter:
            yield erp, adapter


def differing(adapter: ErpAdapter, orders: Sequence[Order]) -> dict[str, set[str]]:
    """Order → the kinds of what SAP has otherwise; an order that it has twice fails the test."""
    kinds: dict[str, set[str]] = {}
    for order in orders:
        [booked] = adapter.probe("orders", [order.increment_id])[order.increment_id]
        found = differences(order, booked, Tolerances())
        if found:
            kinds[order.increment_id] = {difference.kind for difference in found}
    return kinds


@pytest.mark.parametrize("name", FILES)
def test_every_order_is_exact_to_the_cent(
    recorded_orders: dict[str, list[Order]], name: str, tmp_path: Path
) -> None:
    orders = recorded_orders[name]
    with sap(tmp_path) as (erp, adapter):
        answers = push_all(adapter, [placed(order) for order in orders])

        assert {type(one.outcome) for one in answers} == {Accepted}
        assert differing(adapter, orders) == {}
        assert erp.count() == len(orders)


def test_over_odata_4_what_differs_is_told_as_tax(
    recorded_orders: dict[str, list[Order]], tmp_path: Path
) -> None:
    """Lines have no tax classification there: the ERP's own material master decides."""
    orders = recorded_orders["orders-64"]
    with sap(tmp_path, PACK_4) as (_, adapter):
        answers = push_all(adapter, [placed(order) for order in orders])

        assert {type(one.outcome) for one in answers} == {Accepted}
        for kinds in differing(adapter, orders).values():
            assert "tax" in kinds


@pytest.mark.parametrize("misbehaviour", TOLD)
def test_what_the_erp_does_otherwise_is_told_order_by_order(
    recorded_orders: dict[str, list[Order]], misbehaviour: str, tmp_path: Path
) -> None:
    orders = recorded_orders["orders-64"]
    with sap(tmp_path) as (erp, adapter):
        erp.rule(misbehaviour, external="*[02468]")
        push_all(adapter, [placed(order) for order in orders])
        told = differing(adapter, orders)

        struck = {
            document.external: document
            for document in erp.documents()
            if document.external[-1] in "02468"
        }
        assert told.keys() <= struck.keys()
        assert told
        assert all(TOLD[misbehaviour] in kinds for kinds in told.values()), told
        exact = [order for order in orders if order.increment_id in struck.keys() - told.keys()]
        for order in exact:
            assert struck[order.increment_id].total == order.grand_total.quantize(
                struck[order.increment_id].total
            )


def test_lost_answers_double_no_order(
    recorded_orders: dict[str, list[Order]], tmp_path: Path
) -> None:
    """As the daemon does: what is unknown is asked for, and sent again where it is not there."""
    orders = recorded_orders["orders-64"]
    with sap(tmp_path) as (erp, adapter):
        erp.rule("accept_then_drop", probability=0.3)
        erp.rule("drop_before", probability=0.2)
        waiting = [placed(order) for order in orders]
        outcomes: Counter[type] = Counter()
        for _ in range(40):
            answers = push_all(adapter, waiting)
            outcomes.update(type(one.outcome) for one in answers)
            unknown = [
                one
                for one, answer in zip(waiting, answers, strict=True)
                if isinstance(answer.outcome, Unknown)
            ]
            rules, waiting = erp.state().rules, []
            erp.clear_rules()
            waiting = [one for one in unknown if not adapter.probe("orders", [one.ref])[one.ref]]
            if not waiting:
                break
            erp.rule("accept_then_drop", probability=0.3)

        assert rules
        assert outcomes[Unknown] > 0
        assert differing(adapter, orders) == {}
        assert erp.count() == len(orders)


@pytest.mark.parametrize("name", FILES)
def test_every_refund_is_exact_to_the_cent(
    recorded_orders: dict[str, list[Order]], name: str, tmp_path: Path
) -> None:
    orders = [order for order in recorded_orders[name] if order.grand_total > 0]
    with sap(tmp_path) as (erp, adapter):
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

        assert {type(one.outcome) for one in given_back} == {Accepted}
        assert erp.count() == 2 * len(orders)
        for refund in refunds:
            [booked] = adapter.probe(REFUNDS.name, [refund.ref])[refund.ref]
            assert verify(refund.event.data, booked, Tolerances()) == (), refund.ref
