"""The part of the conformance kit that is about figures: an answer tells what the books hold.

What an adapter tells of a document is compared with what was sent, so an echo of ours, or a figure
under the wrong name, would hide every loss.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sidecar.model.outcome import Accepted, BookedLine
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import Erp, misbehave, plays, probe, push_one
from sidecar.testing.contract_domain import NUMBER, ContractDomain
from sidecar.testing.erpsim import Line
from sidecar.testing.erpsim.books import Document
from sidecar.testing.sample_order import SampleLine, sample_order

#: Every figure is another, and some have more places than money has.
ORDER = sample_order(
    NUMBER,
    [
        SampleLine("A", qty="7", price="3.3333", discount="1.50"),
        SampleLine("B", qty="0.3330", price="34", tax_percent="7"),
        SampleLine("C", qty="2", price="0.07"),
    ],
)


class FiguresContract:
    """Tests of what an adapter says of a booked document; None is allowed, a lie is not."""

    def sold(self, document: Document) -> Sequence[Line]:
        """The document's lines of what was sold.

        Override it where the mapping books the shipping and other charges as lines of their own.
        """
        return document.lines

    @pytest.mark.parametrize("misbehaviour", ["drop_line", "drop_tax", "rounded_total"])
    def test_the_figures_are_those_of_the_erp_and_not_an_echo_of_ours(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, misbehaviour)

        outcome = push_one(adapter, domain.opening())

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.booked.lines in (None, len(document.lines))
        assert outcome.booked.tax in (None, document.tax)
        assert outcome.booked.total in (None, document.total)

    @pytest.mark.parametrize(
        "misbehaviour",
        ["", "drop_line", "drop_price", "drop_tax", "cut_price", "round_quantity"],
    )
    def test_the_lines_of_an_acceptance_are_those_of_the_books(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        plays(domain, "lines")
        if misbehaviour:
            misbehave(erp, domain, misbehaviour)

        outcome = push_one(adapter, domain.opening(ORDER))

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        if outcome.booked.items is None:
            pytest.skip("the adapter does not tell the lines of an acceptance")
        assert outcome.booked.lines == len(document.lines)
        _are_told(document.lines, outcome.booked.items)

    def test_the_lines_that_a_probe_shows_are_those_of_the_books(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        if not adapter.capabilities(domain.name).probe_items:
            pytest.skip("the adapter does not tell the lines of a document that it asks for")
        misbehave(erp, domain, "cut_price")
        push_one(adapter, domain.opening(ORDER))

        [found] = probe(adapter, domain)

        [document] = erp.bookings(domain.ref)
        assert found.items is not None
        _are_told(self.sold(document), found.items)


def _are_told(booked: Sequence[Line], items: Sequence[BookedLine]) -> None:
    """Each line in its place, by id or SKU; a figure that the adapter does not tell is None."""
    assert len(items) == len(booked)
    for line, item in zip(booked, items, strict=True):
        assert item.item_id is not None or item.sku is not None
        # XML has no numbers: there the books hold the line's id as text.
        assert item.item_id is None or str(item.item_id) == str(line.line_id)
        assert item.sku in (None, line.sku)
        assert item.qty_ordered in (None, line.quantity)
        assert item.price in (None, line.unit_price)
        assert item.row_total in (None, line.total)
        assert item.discount_amount in (None, line.discount)
        assert item.tax_amount in (None, line.tax)
