"""The part of the conformance kit that is about plain answers: refused, known, draft, too many.

Each is an answer that can be trusted; those that cannot be are in `doubt_contract`.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

import pytest

from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import (
    Erp,
    bookings,
    held,
    misbehave,
    push_one,
    reference_of,
)
from sidecar.testing.contract_domain import ContractDomain

#: Business Central's code of all that its own rules refuse.
_DIALOG = "Application_DialogException"
#: How the simulator refuses: its codes in REST, in SOAP and as other ERPs, and a word of what it
#: says.
REFUSED = {
    "credit_limit": (
        ("credit_limit", "CREDIT", "V1/151", _DIALOG, "BALANCE_EXCEEDS_CREDIT_LIMIT"),
        "credit",
    ),
    "unknown_item": (("unknown_item", "ITEM", "V1/382", _DIALOG, "INVALID_CONTENT"), "item"),
}


class AnswersContract:
    """Tests of what an ERP says of a document in so many words."""

    @pytest.mark.parametrize("misbehaviour", REFUSED)
    def test_a_refusal_has_the_code_and_words_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain, misbehaviour: str
    ) -> None:
        codes, word = REFUSED[misbehaviour]
        misbehave(erp, domain, misbehaviour)

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Rejected), outcome
        assert outcome.code in (None, *codes)
        assert word in outcome.message
        assert held(erp, domain) == []

    def test_a_path_that_is_not_there_is_no_word_about_the_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "not_found")

        assert isinstance(push_one(adapter, domain.opening()), Misconfigured | Unknown)

    def test_a_duplicate_is_no_second_booking(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "duplicate_answer")

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Duplicate), outcome
        assert outcome.reference in (None, *(each.number for each in bookings(erp, domain)))

    def test_a_duplicate_of_what_is_not_there_is_no_acceptance(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "wrong_duplicate")

        assert isinstance(push_one(adapter, domain.opening()), Duplicate)
        assert held(erp, domain) == []

    def test_a_number_that_the_erp_gives_twice_is_handed_on_to_be_noticed(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        push_one(adapter, domain.opening("000000041"))
        misbehave(erp, domain, "number_reused")

        reused = reference_of(push_one(adapter, domain.opening()))

        [booked] = bookings(erp, domain)
        assert reused != booked.number

    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "draft_on_201")

        outcome = push_one(adapter, domain.opening())

        [document] = bookings(erp, domain)
        assert isinstance(outcome, Partial), outcome
        assert outcome.booked.reference == document.number

    def test_a_throttled_call_says_how_long_to_wait(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "throttle", after=7)

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Throttled), outcome
        assert outcome.after == 7

    def test_a_burst_is_taken_as_far_as_the_erp_bears_it_and_no_further(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "throttle", limit=2, per=600)

        outcomes = [push_one(adapter, domain.opening(f"{number:09}")) for number in range(1, 6)]

        assert [type(outcome) for outcome in outcomes] == [Accepted] * 2 + [Throttled] * 3
        assert len(held(erp, domain)) == 2

    def test_a_busy_erp_is_asked_again(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "busy")

        # Unknown: a gateway that says 503 may have passed the order on.
        assert isinstance(push_one(adapter, domain.opening()), Retry | Unknown)

    def test_a_refused_login_stops_everything(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "unauthorised")

        assert isinstance(push_one(adapter, domain.opening()), Misconfigured)

    def test_a_conflict_is_no_refusal_and_no_success(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        misbehave(erp, domain, "conflict")

        assert isinstance(push_one(adapter, domain.opening()), Conflict | Unknown)
