"""The part of the conformance kit that is about answers to a document that cannot be trusted.

Booked or not is then not known: any word but Unknown would lose a document, or book it twice.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

import time

import pytest

from sidecar.model.outcome import Rejected, Unknown
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import Erp, bookings, misbehave, probe, push_one, wait_for
from sidecar.testing.contract_domain import ContractDomain


class DoubtContract:
    """Tests of answers that are lost, late, broken or somebody else's."""

    def test_a_booking_whose_answer_is_lost_is_unknown_and_the_probe_finds_it_once(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "accept_then_drop", times=1)

        assert isinstance(push_one(adapter, domain.opening()), Unknown)

        [document] = bookings(erp, domain)
        assert [each.reference for each in probe(adapter, domain)] == [document.number]

    def test_a_lost_request_is_unknown_and_the_probe_finds_nothing(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "drop_before", times=1)

        assert isinstance(push_one(adapter, domain.opening()), Unknown)

        assert bookings(erp, domain) == []
        assert probe(adapter, domain) == ()

    @pytest.mark.parametrize("misbehaviour", ["answer_late", "slow_body"])
    def test_an_answer_that_takes_too_long_is_unknown_and_ends_in_time(
        self, impatient: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, misbehaviour, seconds=60)
        started = time.monotonic()

        outcome = push_one(impatient, domain.opening())

        assert isinstance(outcome, Unknown), outcome
        assert time.monotonic() - started < 20
        wait_for(lambda: bookings(erp, domain))

    @pytest.mark.parametrize(
        "misbehaviour",
        ["truncated_body", "malformed_json", "schema_change", "server_error_after_booking"],
    )
    def test_a_booking_with_an_unusable_answer_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, misbehaviour)

        assert isinstance(push_one(adapter, domain.opening()), Unknown)
        assert len(bookings(erp, domain)) == 1

    def test_an_error_inside_a_success_is_no_success(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "error_in_200")

        assert isinstance(push_one(adapter, domain.opening()), Unknown | Rejected)

    @pytest.mark.parametrize("status", [200, 201, 500])
    def test_the_page_of_a_proxy_is_no_word_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp, status: int, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "html_error", status=status)

        assert isinstance(push_one(adapter, domain.opening()), Unknown)
