"""One share of trust for both leases, told in the documents as it is in the code."""

from __future__ import annotations

from pathlib import Path

from sidecar.model.lease import TRUSTED_SHARE, trusted_until

DOCUMENT = Path(__file__).parents[2] / "docs" / "leases.md"


def test_a_holder_stops_trusting_its_lease_before_it_ends() -> None:
    assert 100.0 < trusted_until(100.0, 60.0) < 160.0


def test_one_renewal_of_three_may_fail() -> None:
    assert trusted_until(0.0, 60.0) > 2 * 60.0 / 3


def test_the_page_names_the_share() -> None:
    assert f"for {TRUSTED_SHARE:.0%} of its time".replace("%", " %") in DOCUMENT.read_text("utf-8")
