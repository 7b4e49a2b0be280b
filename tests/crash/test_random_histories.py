"""Random histories of orders and refunds, the ERP's moods and dying processes, on the real ledger.

After every step, and at the end when all that can go has gone and people have mended the rest, the
promises of the sidecar must hold: `history.History` has both the steps and the promises.

`ERP_SIDECAR_HISTORIES` is the number of histories, `ERP_SIDECAR_SEED` where they begin; a failure
prints its shortest history, and `ERP_SIDECAR_NO_SHRINK=1` the one that was met.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sidecar.testing.magento_db import Line, PrivateServer, Shop, create_magento
from tests.crash.history import LEASE, TRUST_ABSENCE_AFTER, History, Then, World
from tests.crash.remembering_erp import Reaction, RememberingErp
from tests.pipeline import HandClock, Pipeline

HISTORIES = int(os.environ.get("ERP_SIDECAR_HISTORIES", "30"))
STEPS = int(os.environ.get("ERP_SIDECAR_STEPS", "25"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261123"))
SHRINKS = "ERP_SIDECAR_NO_SHRINK" not in os.environ
MOST_ORDERS = 3

WITHOUT_HOLDS = frozenset({"order.placed", "order.updated", "order.canceled"})
WITH_HOLDS = WITHOUT_HOLDS | {"order.held", "order.released"}
#: At the pace of the orders.
REFUNDS = f"""\
  refunds:
    lease: {LEASE}s
    retry: {{first: 5s, factor: 2, most: 60s}}
    unknown: {{probe_after: 2s, trust_absence_after: {TRUST_ABSENCE_AFTER}s}}
"""
CARTS = ((Line("MUG"),), (Line("MUG", 2), Line("TEAPOT")), (Line("SHIRT", 3, option="Red"),))
PICK = st.integers(0, MOST_ORDERS - 1)
#: Part of each step, so that no history is without deliveries: Hypothesis leaves rules out.
THEN = st.builds(
    Then,
    stations=st.sampled_from(
        ["", "intake", "pump", "write_back", "intake, pump", "operator, intake, pump, write_back"]
    ),
    script=st.lists(st.sampled_from(Reaction), max_size=3).map(tuple),
    deaf_for=st.sampled_from([0, 0, 0, 1, 2]),
)


class Histories(RuleBasedStateMachine):
    """One history, drawn step by step."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.history: History | None = None

    @property
    def now(self) -> History:
        assert self.history is not None, "begin comes first"
        return self.history

    @initialize(
        subscriptions=st.sampled_from([WITHOUT_HOLDS, WITH_HOLDS]),
        kind=st.sampled_from(["asks", "asks", "dedupes", "asks and dedupes", "neither"]),
        show_after=st.sampled_from([0.0, 30.0]),
        batch=st.sampled_from([1, 3]),
        first=st.sampled_from(["order", "order and its refund", "refund of a booked order"]),
    )
    def begin(
        self, subscriptions: frozenset[str], kind: str, show_after: float, batch: int, first: str
    ) -> None:
        """Most histories have a refund from the start: few would come to one by chance."""
        erp = RememberingErp(
            clock=self.world.pipeline.clock,
            subscriptions=subscriptions,
            probes=kind.startswith("asks"),
            dedupes=kind.endswith("dedupes"),
            show_after=show_after,
            batch=batch,
        )
        self.history = History(self.world, erp)
        self.history.place(CARTS[1], "checkmo")
        if first != "order":
            self.history.pay(0)
            if first == "refund of a booked order":
                self.history.pipeline.work()
            self.history.refund(0, whole=False, is_open=False)

    @precondition(lambda self: len(self.now.sold) < MOST_ORDERS)
    @rule(
        cart=st.sampled_from(CARTS),
        payment=st.sampled_from(["checkmo", "checkmo", "banktransfer"]),
        then=THEN,
    )
    def place(self, cart: tuple[Line, ...], payment: str, then: Then) -> None:
        self.now.place(cart, payment)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def edit_address(self, pick: int, then: Then) -> None:
        self.now.edit_address(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def hold(self, pick: int, then: Then) -> None:
        self.now.hold(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def unhold(self, pick: int, then: Then) -> None:
        self.now.unhold(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def pay(self, pick: int, then: Then) -> None:
        self.now.pay(pick)
        self.now.then(then)

    @rule(pick=PICK, whole=st.booleans(), is_open=st.sampled_from([False, False, True]), then=THEN)
    def refund(self, pick: int, whole: bool, is_open: bool, then: Then) -> None:
        self.now.refund(pick, whole=whole, is_open=is_open)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def give_money_back(self, pick: int, then: Then) -> None:
        self.now.refunds.give_money_back(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def cancel_refund(self, pick: int, then: Then) -> None:
        self.now.refunds.cancel(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def requeue_refund(self, pick: int, then: Then) -> None:
        self.now.refunds.requeue(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def finish_draft_of_refund(self, pick: int, then: Then) -> None:
        self.now.refunds.finish_draft(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def cancel(self, pick: int, then: Then) -> None:
        self.now.cancel(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def reopen(self, pick: int, then: Then) -> None:
        self.now.reopen(pick)
        self.now.then(then)

    @precondition(lambda self: len(self.now.sold) == MOST_ORDERS)
    @rule(pick=PICK, then=THEN)
    def delete(self, pick: int, then: Then) -> None:
        self.now.delete(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def save_without_change(self, pick: int, then: Then) -> None:
        self.now.save_without_change(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def load(self, pick: int, then: Then) -> None:
        self.now.load(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def save_what_was_loaded(self, pick: int, then: Then) -> None:
        self.now.save_what_was_loaded(pick)
        self.now.then(then)

    @rule(then=THEN)
    def sweep(self, then: Then) -> None:
        self.now.pipeline.look_everywhere()
        self.now.then(then)

    @rule(then=THEN)
    def lose_hints(self, then: Then) -> None:
        self.now.lose_hints()
        self.now.then(then)

    @rule(seconds=st.sampled_from([3, LEASE + 5, TRUST_ABSENCE_AFTER + 5]), then=THEN)
    def time_passes(self, seconds: int, then: Then) -> None:
        self.now.time_passes(seconds)
        self.now.then(then)

    @rule(then=THEN)
    def restart(self, then: Then) -> None:
        self.now.restart()
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def requeue(self, pick: int, then: Then) -> None:
        self.now.requeue(pick)
        self.now.then(then)

    @rule(pick=PICK, then=THEN)
    def finish_draft(self, pick: int, then: Then) -> None:
        self.now.finish_draft(pick)
        self.now.then(then)

    @rule(then=THEN)
    def deliver_while_paused(self, then: Then) -> None:
        self.now.deliver_while_paused()
        self.now.then(then)

    @invariant()
    def promises_hold(self) -> None:
        if self.history:
            self.history.check()

    def teardown(self) -> None:
        """The end of the history, unless a step has failed before."""
        try:
            if self.history and sys.exc_info()[0] is None:
                self.history.end()
        finally:
            self.world.pipeline.resume()
            self.world.pipeline.forget()


@pytest.fixture(scope="module")
def world(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    magento = create_magento(server, "histories")
    erp = RememberingErp(HandClock(), WITHOUT_HOLDS)
    folder = tmp_path_factory.mktemp("histories")
    with (
        Pipeline(
            magento,
            folder,
            adapter=erp,
            lease=LEASE,
            trust_absence_after=TRUST_ABSENCE_AFTER,
            domains=REFUNDS,
        ) as pipeline,
        Shop(magento) as shop,
    ):
        yield World(pipeline, shop)
    magento.drop()


@pytest.mark.timeout(7200)
def test_no_history_breaks_a_promise(world: World) -> None:
    print(f"ERP_SIDECAR_SEED={SEED} ERP_SIDECAR_HISTORIES={HISTORIES}")
    run_state_machine_as_test(
        hypothesis.seed(SEED)(lambda: Histories(world)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *[Phase.shrink] * SHRINKS],
        ),
    )
