"""Where an answer of the ERP takes an order in Magento."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domains.orders.compare import Overwritten
from sidecar.domains.orders.standing import after_acceptance, after_refusal, released_status
from sidecar.domains.orders.writer import LockedOrder

STATES = [
    "new", "pending_payment", "processing", "payment_review", "holded", "complete", "closed",
    "canceled",
]  # fmt: skip
OVER = ["complete", "closed", "canceled"]
NEW = LockedOrder(42, "000000042", "new", "pending", None, None, None)
HELD = replace(
    NEW, state="holded", status="holded", hold_before_state="new", hold_before_status="pending"
)
REFUSED = replace(HELD, status="erp_rejected", hold_before_status="erp_released")


def accepted(before: LockedOrder, *, held_by_us: bool = False) -> LockedOrder:
    return after_acceptance(before, "erp_received", "SO-1", held_by_us=held_by_us)


def refused(before: LockedOrder, *, hold: bool = True) -> LockedOrder:
    return after_refusal(before, "erp_rejected", None, hold=hold, released="erp_released")


@pytest.mark.parametrize("state", ["new", "processing"])
def test_an_order_at_work_takes_status_and_number(state: str) -> None:
    after = accepted(replace(NEW, state=state, status=state))

    assert (after.state, after.status, after.ext_order_id) == (state, "erp_received", "SO-1")


@pytest.mark.parametrize("state", [*OVER, "pending_payment", "payment_review"])
def test_any_other_order_takes_the_number_only(state: str) -> None:
    before = replace(NEW, state=state, status=state)

    assert accepted(before) == replace(before, ext_order_id="SO-1")


def test_our_hold_is_taken_back() -> None:
    after = accepted(REFUSED, held_by_us=True)

    assert after == replace(NEW, status="erp_received", ext_order_id="SO-1")


def test_our_hold_on_a_state_that_takes_no_status_of_ours_gives_its_own_back() -> None:
    before = replace(
        REFUSED, hold_before_state="pending_payment", hold_before_status="pending_payment"
    )

    after = accepted(before, held_by_us=True)

    assert (after.state, after.status) == ("pending_payment", "pending_payment")


def test_a_humans_hold_stays_and_gives_our_status_back_when_he_releases_it() -> None:
    assert accepted(HELD) == replace(HELD, ext_order_id="SO-1", hold_before_status="erp_received")


def test_without_a_status_only_the_number_is_written() -> None:
    assert after_acceptance(NEW, None, "SO-1", held_by_us=False) == replace(
        NEW, ext_order_id="SO-1"
    )


def test_a_refusal_holds_as_magento_holds() -> None:
    assert refused(NEW) == REFUSED


@pytest.mark.parametrize("state", [*OVER, "payment_review", "holded"])
def test_what_magento_would_not_hold_is_left_alone(state: str) -> None:
    before = replace(NEW, state=state, status=state)

    assert refused(before) == before


def test_where_no_hold_is_wanted_the_order_is_left_alone() -> None:
    assert refused(NEW, hold=False) == NEW


def test_without_a_status_for_it_unhold_gives_back_what_was() -> None:
    after = after_refusal(NEW, "erp_rejected", None, hold=True)

    assert (after.hold_before_state, after.hold_before_status) == (NEW.state, NEW.status)


class TestTheStatusThatUnholdGives:
    ASSIGNED = frozenset({("erp_released", "new"), ("erp_released", "processing")})

    def unhold(self, before: LockedOrder, earlier: Overwritten | None = None) -> str | None:
        return released_status(before, "erp_released", earlier, self.ASSIGNED)

    def test_is_the_configured_one_where_magento_knows_it_in_that_state(self) -> None:
        assert self.unhold(NEW) == "erp_released"
        assert self.unhold(replace(NEW, state="pending_payment")) is None
        assert released_status(NEW, "erp_released", None, frozenset()) is None
        assert released_status(NEW, None, None, self.ASSIGNED) is None

    def test_is_the_first_one_again_when_the_order_is_refused_again(self) -> None:
        again = replace(NEW, status="erp_released")
        first = Overwritten("new", "pending", None, held_by_us=False)

        assert self.unhold(again, first) == "pending"
        assert self.unhold(again) is None

    @given(
        st.sampled_from(STATES),
        st.sampled_from(["pending", "erp_released", "erp_received"]),
        st.sampled_from([None, "pending", "erp_released"]),
    )
    def test_is_never_the_one_that_a_stale_save_brings(
        self, state: str, status: str, earlier: str | None
    ) -> None:
        first = Overwritten(state, earlier, None, held_by_us=False) if earlier else None

        assert self.unhold(replace(NEW, state=state, status=status), first) != status


def test_a_refused_change_leaves_the_number() -> None:
    after = after_refusal(replace(NEW, ext_order_id="SO-1"), "erp_rejected", None, hold=True)

    assert (after.state, after.ext_order_id) == ("holded", "SO-1")


STANDINGS = st.builds(
    LockedOrder,
    st.just(42),
    st.just("000000042"),
    st.sampled_from(STATES),
    st.sampled_from([*STATES, "erp_received", "erp_rejected"]),
    st.none() | st.sampled_from(["SO-1", "ch_123"]),
    st.none() | st.sampled_from(STATES[:3]),
    st.none() | st.sampled_from(STATES[:3]),
)


@given(STANDINGS, st.booleans(), st.none() | st.just("s"), st.none() | st.just("SO-9"))
def test_a_state_only_moves_into_our_hold_or_out_of_it(
    before: LockedOrder, held_by_us: bool, status: str | None, number: str | None
) -> None:
    taken = after_acceptance(before, status, number, held_by_us=held_by_us)
    held = after_refusal(before, status, number, hold=True)

    for after in (taken, held):
        assert after.ext_order_id == (number or before.ext_order_id)
        assert (after.entity_id, after.increment_id) == (before.entity_id, before.increment_id)
    if taken.state != before.state:
        assert before.state == "holded"
        assert held_by_us
    if held.state != before.state:
        assert held.state == "holded"
        assert (held.hold_before_state, held.hold_before_status) == (before.state, before.status)
    if before.state in OVER:
        assert taken.state == held.state == before.state
        assert taken.status == held.status == before.status


@given(STANDINGS.filter(lambda standing: standing.state in ("new", "processing")))
def test_a_refusal_that_is_accepted_after_all_leaves_no_trace_of_the_hold(
    before: LockedOrder,
) -> None:
    after = accepted(refused(before), held_by_us=True)

    assert after.state == before.state
    assert after.status == "erp_received"
    assert (after.hold_before_state, after.hold_before_status) == (None, None)


@given(STANDINGS, st.booleans())
def test_to_write_an_answer_twice_changes_nothing(before: LockedOrder, held_by_us: bool) -> None:
    once = accepted(before, held_by_us=held_by_us)

    assert accepted(once, held_by_us=held_by_us and once.state == "holded") == once
    assert refused(refused(before)) == refused(before)
