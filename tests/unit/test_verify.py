"""What the ERP says it booked against what was sent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sidecar.domains.orders.verify import differences
from sidecar.model.outcome import Booked
from sidecar.model.settlement import Difference, Tolerances
from sidecar.testing.sample_order import bundle_order, simple_order

ORDER = simple_order(lines=2)


def booked(**fields: object) -> Booked:
    agreeing = {"total": ORDER.grand_total, "tax": ORDER.tax_amount, "lines": 2}
    return Booked(reference="SO-1", **(agreeing | fields))  # type: ignore[arg-type]


def test_figures_that_agree_are_no_difference() -> None:
    assert differences(ORDER, booked(), Tolerances()) == ()


def test_what_the_erp_does_not_say_is_not_compared() -> None:
    assert differences(ORDER, Booked(reference="SO-1"), Tolerances()) == ()


def test_a_lost_line_a_wrong_total_and_a_wrong_tax_are_found_together() -> None:
    answer = booked(total=ORDER.grand_total - 20, tax=Decimal(0), lines=1)

    found = differences(ORDER, answer, Tolerances())

    assert [difference.kind for difference in found] == ["total", "tax", "lines"]
    assert found[0].amount == 20
    assert found[1].amount == ORDER.tax_amount
    assert found[2] == Difference("lines", "2", "1")


@pytest.mark.parametrize("sign", [1, -1])
def test_the_tolerance_counts_on_both_sides_and_to_its_very_edge(sign: int) -> None:
    cent = Decimal("0.01")

    within = differences(ORDER, booked(total=ORDER.grand_total + sign * cent), Tolerances())
    beyond = differences(
        ORDER, booked(total=ORDER.grand_total + sign * Decimal("0.0101")), Tolerances()
    )

    assert within == ()
    assert [difference.amount for difference in beyond] == [Decimal("0.0101")]


def test_padding_is_no_difference_and_figures_are_shown_without_it() -> None:
    order = simple_order(grand_total=Decimal("100.0000"))

    (found,) = differences(order, Booked(reference="1", total=Decimal("90.50")), Tolerances())

    assert (found.ours, found.theirs) == ("100", "90.5")
    assert differences(order, Booked(reference="1", total=Decimal(100)), Tolerances()) == ()


def test_lines_are_those_that_an_erp_books() -> None:
    order = bundle_order()
    assert len(order.items) == 4

    assert differences(order, Booked(reference="1", lines=3), Tolerances()) == ()
    assert differences(order, Booked(reference="1", lines=4), Tolerances())


def test_lines_can_be_left_alone() -> None:
    assert differences(ORDER, booked(lines=7), Tolerances(lines_exact=False)) == ()
