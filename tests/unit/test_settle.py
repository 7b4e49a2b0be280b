"""From an outcome to what the ledger writes down: the table of settlements."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.delivery.question import MOST_QUESTIONS
from sidecar.delivery.settle import (
    MOST_DUPLICATES,
    Acknowledgement,
    Answer,
    Backoff,
    Settler,
)
from sidecar.domains.orders.events import (
    ORDER_CANCELED,
    ORDER_HELD,
    ORDER_PLACED,
    ORDER_RELEASED,
    ORDER_UPDATED,
    ORDER_VANISHED,
)
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.events import Claimed
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unfinished,
    Unknown,
    Unmapped,
    describe,
    name_of,
)
from sidecar.model.settlement import EventStatus, Settlement, error_print
from sidecar.ports import Capabilities, Link
from sidecar.testing.sample_order import simple_order
from tests.harness import TAKES, settler

PENDING, SENDING, ACCEPTED, REJECTED, UNKNOWN, PARKED, SUPERSEDED = EventStatus
ORDER = simple_order("000000042")
BOOKED = Booked(reference="SO-1", status="OPEN", total=ORDER.grand_total)
ASKS = Capabilities(TAKES, probe=True)
SHOWS_ITEMS = Capabilities(TAKES, probe=True, probe_items=True)
DEDUPES = Capabilities(TAKES, dedupe=True)
NEITHER = Capabilities(TAKES)
CHANGES = [
    ORDER_UPDATED,
    ORDER_CANCELED,
    ORDER_HELD,
    ORDER_RELEASED,
]
#: give_up_after of tests.harness.settler.
TOO_OLD = 3601.0


def claimed(type_: str = ORDER_PLACED, **fields: Any) -> Claimed:
    event = Claimed(
        id=7,
        event_id="main.order.42.1",
        domain="orders",
        kind="order",
        entity_id=42,
        number="000000042",
        sequence=1,
        type=type_,
        payload="{}",
        amount=Decimal("99.50"),
        currency="EUR",
        occurred_at=datetime(2026, 3, 29, tzinfo=UTC),
        attempts=1,
        fence=1,
        maybe_booked=False,
        age=1.0,
        since_sent=1.0,
    )
    return replace(event, **fields)


def pushed(outcome: Outcome, event: Claimed | None = None, can: Capabilities = ASKS) -> Settlement:
    return settler(can).of_push(event or claimed(), ORDER, outcome)


def probed(
    *found: Booked, event: Claimed | None = None, link: Link | None = None, can: Capabilities = ASKS
) -> Settlement:
    event = event or claimed(maybe_booked=True)
    return settler(can, trust_absence_after=60).of_probe(event, ORDER, found, link)


def test_accepted_is_over_and_goes_back_to_magento() -> None:
    end = pushed(Accepted(booked=BOOKED))

    assert (end.status, end.due_in, end.booked, end.maybe_booked) == (ACCEPTED, None, BOOKED, False)
    assert end.write_back is not None
    assert (end.write_back.action, end.write_back.detail.status) == ("accept", "erp_received")
    assert (end.write_back.detail.reference, end.write_back.detail.comment) == (
        "SO-1",
        "ERP order SO-1",
    )
    assert end.differences == ()


def test_what_the_erp_lost_is_a_difference_of_an_accepted_order() -> None:
    end = pushed(Accepted(booked=Booked(reference="SO-1", total=Decimal(1), lines=1)))

    assert end.status is ACCEPTED
    assert [difference.kind for difference in end.differences] == ["total", "lines"]


@pytest.mark.parametrize(
    ("can", "silent", "wanted"),
    [
        (ASKS, "", False),
        (ASKS, "total", True),
        (ASKS, "tax", True),
        (ASKS, "lines", True),
        (ASKS, "items", False),
        (SHOWS_ITEMS, "", False),
        (SHOWS_ITEMS, "items", True),
    ],
)
def test_figures_are_asked_for_where_the_answer_is_silent_and_a_probe_can_tell(
    can: Capabilities, silent: str, wanted: bool
) -> None:
    told = Booked(reference="SO-1", total=Decimal(1), tax=Decimal(1), lines=1, items=())
    answered = msgspec.structs.replace(told, **({silent: None} if silent else {}))

    assert settler(can).wants_figures("order.placed", answered) is wanted
    assert not settler(can).wants_figures("order.canceled", answered)


def test_a_canceled_order_is_not_compared() -> None:
    """An ERP answers a cancel with a total of nothing."""
    end = pushed(
        Accepted(booked=Booked(reference="SO-1", total=Decimal(0))),
        claimed(ORDER_CANCELED),
    )

    assert end.differences == ()


@pytest.mark.parametrize("change", CHANGES)
def test_an_accepted_change_leaves_magentos_status_alone(change: str) -> None:
    answer = pushed(Accepted(booked=BOOKED), claimed(change)).write_back

    # But an update that was refused before takes our hold back.
    assert answer is None or (change == ORDER_UPDATED and answer.releases)


def test_the_erps_status_decides_what_the_order_becomes() -> None:
    rules = Acknowledgement(
        accepted=Answer("erp_received", "taken as {reference}"),
        statuses={"POSTED": Answer("erp_posted")},
    )

    def written(status: str | None) -> tuple[str | None, str | None]:
        booked = Booked(reference="SO-1", status=status)
        end = settler(ASKS, acknowledgement=rules).of_push(
            claimed(), ORDER, Accepted(booked=booked)
        )
        assert end.write_back
        return end.write_back.detail.status, end.write_back.detail.comment

    assert written("POSTED") == ("erp_posted", "taken as SO-1")
    assert written("OPEN") == ("erp_received", "taken as SO-1")
    assert written(None) == ("erp_received", "taken as SO-1")


def test_a_number_too_long_for_magento_is_never_cut_into_another_number() -> None:
    reference = "SO-" + "9" * 60

    end = pushed(Accepted(booked=Booked(reference=reference)))

    assert end.booked
    assert end.booked.reference == reference
    assert end.write_back
    assert end.write_back.detail.reference == reference


def test_rejected_waits_for_a_human_and_holds_the_order() -> None:
    end = pushed(Rejected(message="Credit limit {exceeded}", code="CR1", field="customer"))

    assert (end.status, end.due_in, end.code) == (REJECTED, None, "CR1")
    assert end.reason == "Credit limit {exceeded} (field customer)"
    assert "queue requeue 000000042" in (end.remedy or "")
    assert end.write_back is not None
    assert (end.write_back.action, end.write_back.detail.status, end.write_back.detail.hold) == (
        "reject",
        "erp_rejected",
        True,
    )
    assert end.write_back.detail.comment == "ERP refused: Credit limit {exceeded}"
    assert (end.write_back.detail.reference, end.write_back.of_placement) == (None, True)


def test_what_the_erp_says_is_text_in_magentos_page() -> None:
    end = pushed(Rejected(message="<img src=x onerror=alert(1)> \u202eevil\x1b]52;c;x\a"))

    assert end.write_back
    assert end.write_back.detail.comment == (
        "ERP refused: &lt;img src=x onerror=alert(1)&gt; \ufffdevil\ufffd]52;c;x\ufffd"
    )
    assert end.reason, "the ledger keeps the ERP's own words"


def test_a_refused_change_keeps_the_number_that_the_order_has() -> None:
    end = pushed(Rejected(message="no"), claimed(ORDER_UPDATED))

    assert end.write_back
    assert (end.write_back.detail.reference, end.write_back.of_placement) == (None, False)


def test_an_order_that_is_being_canceled_is_not_held() -> None:
    end = pushed(Rejected(message="shipped already"), claimed(ORDER_CANCELED))

    assert end.write_back
    assert end.write_back.detail.hold is False


@pytest.mark.parametrize("outcome", [Retry, Throttled])
def test_what_was_certainly_not_booked_goes_again_after_a_growing_wait(
    outcome: type[Retry | Throttled],
) -> None:
    waits = [pushed(outcome(message="busy"), claimed(attempts=count)).due_in for count in (1, 2, 3)]
    end = pushed(outcome(message="busy"))

    assert waits == [5, 10, 20]
    assert (end.status, end.maybe_booked, end.write_back) == (PENDING, False, None)


@pytest.mark.parametrize("outcome", [Retry, Throttled])
def test_a_wait_that_the_erp_names_is_the_least(outcome: type[Retry | Throttled]) -> None:
    assert pushed(outcome(message="busy", after=90.0)).due_in == 90
    assert pushed(outcome(message="busy", after=1.0)).due_in == 5


def test_after_two_days_of_trying_a_human_is_asked() -> None:
    end = pushed(Retry(message="busy"), claimed(age=TOO_OLD, attempts=99))

    assert (end.status, end.due_in, end.code, end.maybe_booked) == (PARKED, None, "gave_up", False)
    assert "99 attempts" in (end.reason or "")


@pytest.mark.parametrize("outcome", [Unknown(message="cut"), Conflict(message="412")])
def test_without_a_trustworthy_answer_the_erp_is_asked(outcome: Outcome) -> None:
    end = pushed(outcome)

    assert (end.status, end.due_in, end.maybe_booked) == (UNKNOWN, 2, True)


def test_a_change_that_ends_in_doubt_each_time_is_sent_ever_more_seldom() -> None:
    event = claimed(ORDER_UPDATED)
    waits = [
        pushed(Conflict(message="412"), replace(event, attempts=count)).due_in
        for count in (1, 2, 3, 4)
    ]

    assert waits == [2, 10, 20, 40]


@pytest.mark.parametrize(
    "outcome", [Unknown(message="cut"), Conflict(message="412"), Duplicate(message="there")]
)
def test_doubt_without_end_is_given_to_a_human_who_is_not_told_to_send_it(
    outcome: Outcome,
) -> None:
    end = pushed(outcome, claimed(age=TOO_OLD))

    assert (end.status, end.code, end.maybe_booked) == (PARKED, "gave_up", True)


def test_a_duplicate_is_asked_for_at_once() -> None:
    end = pushed(Duplicate(reference="SO-9"))

    assert (end.status, end.due_in, end.maybe_booked) == (UNKNOWN, 0, True)


def test_a_duplicate_is_adopted_by_its_number_where_nobody_can_be_asked() -> None:
    end = pushed(Duplicate(reference="SO-9"), can=DEDUPES)

    assert (end.status, end.booked) == (ACCEPTED, Booked(reference="SO-9"))


def test_a_duplicate_of_nobody_knows_what_is_parked() -> None:
    end = pushed(Duplicate(), can=DEDUPES)

    assert (end.status, end.maybe_booked) == (PARKED, True)


def test_a_half_booked_order_is_parked_with_its_number_and_never_sent_again() -> None:
    end = pushed(Partial(booked=BOOKED, what="draft"))

    assert (end.status, end.code, end.booked) == (PARKED, "partial", BOOKED)
    assert end.maybe_booked
    assert "SO-1" in (end.remedy or "")


def test_misconfigured_waits_for_nothing_but_the_domain_is_stopped() -> None:
    end = pushed(Misconfigured(message="401"))

    assert (end.status, end.due_in, end.code, end.maybe_booked) == (
        PENDING,
        0,
        "misconfigured",
        False,
    )


@pytest.mark.parametrize("outcome", [Unknown(message="cut"), Conflict(message="412")])
def test_an_erp_that_neither_answers_questions_nor_refuses_doubles_gets_it_once(
    outcome: Outcome,
) -> None:
    end = pushed(outcome, can=NEITHER)

    assert (end.status, end.code, end.maybe_booked) == (PARKED, "unknown", True)
    assert "look for order 000000042" in (end.remedy or "")


def test_an_erp_that_refuses_doubles_gets_it_again_and_the_doubt_stays() -> None:
    """Without that memory a cancel would find that the ERP never saw the order."""
    in_doubt = pushed(Unknown(message="cut"), can=DEDUPES)

    assert (in_doubt.status, in_doubt.maybe_booked) == (PENDING, True)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Retry(message="busy"), PENDING),
        (Throttled(message="slowly"), PENDING),
        (Misconfigured(message="login refused"), PENDING),
        (Rejected(message="no credit"), REJECTED),
    ],
)
def test_what_such_an_erp_says_of_the_second_time_leaves_the_doubt_of_the_first_time(
    outcome: Outcome, status: EventStatus
) -> None:
    end = pushed(outcome, claimed(maybe_booked=True), DEDUPES)

    assert (end.status, end.maybe_booked) == (status, True)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_doubt_goes_again_where_nobody_can_be_asked(change: str) -> None:
    assert pushed(Unknown(message="cut"), claimed(change), NEITHER).status is PENDING


@given(
    st.floats(0, 10_000), st.integers(1, 50), st.sampled_from([ASKS, DEDUPES, NEITHER]),
    st.sampled_from([Unknown(message="?"), Conflict(message="?"), Duplicate(), Partial(
        booked=BOOKED, what="half")]),
)  # fmt: skip
def test_no_doubtful_placement_ever_becomes_pending_unless_the_erp_refuses_doubles(
    age: float, attempts: int, can: Capabilities, outcome: Outcome
) -> None:
    end = pushed(outcome, claimed(age=age, attempts=attempts), can)

    if isinstance(outcome, Duplicate) and not can.probe:
        return
    assert end.maybe_booked
    assert end.status in ((PENDING, PARKED) if can.dedupe else (UNKNOWN, PARKED))


@given(st.floats(0, 300))
def test_absence_is_believed_only_after_the_erp_had_its_time(since_sent: float) -> None:
    event = claimed(maybe_booked=True, since_sent=since_sent)
    end = probed(event=event)

    if since_sent < 60:
        assert (end.status, end.maybe_booked) == (UNKNOWN, True)
        assert end.due_in is not None
        assert 0 < end.due_in <= 60 - since_sent
    else:
        assert (end.status, end.due_in, end.maybe_booked) == (PENDING, 0, False)


def test_the_questions_grow_apart_and_the_last_is_at_the_moment_of_trust() -> None:
    at, asked = 2.0, []
    while at < 60:
        end = probed(event=claimed(maybe_booked=True, since_sent=at))
        assert end.due_in is not None
        at += end.due_in
        asked.append(at)

    assert asked == [4, 8, 16, 32, 60]


def test_what_the_probe_finds_is_adopted_and_compared() -> None:
    end = probed(Booked(reference="SO-1", total=ORDER.grand_total - Decimal("0.05")))

    assert end.status is ACCEPTED
    assert end.write_back is not None
    assert [difference.kind for difference in end.differences] == ["total"]


@pytest.mark.parametrize("type_", [ORDER_PLACED, ORDER_CANCELED])
def test_more_than_one_document_is_parked_as_a_difference_worth_the_order(
    type_: str,
) -> None:
    end = probed(Booked(reference="A"), Booked(reference="B"), event=claimed(type_))

    assert (end.status, end.code, end.maybe_booked) == (PARKED, "doubled", True)
    (difference,) = end.differences
    assert (difference.kind, difference.theirs, difference.amount) == (
        "doubled",
        "A, B",
        Decimal("99.50"),
    )


@pytest.mark.parametrize("again", ["SO-1", "so-1 ", " SO-1"])
def test_a_document_that_is_listed_twice_is_one_as_it_was_said_first(again: str) -> None:
    end = probed(BOOKED, Booked(reference=again, total=Decimal(1)))

    assert (end.status, end.booked, end.differences) == (ACCEPTED, BOOKED, ())


def test_of_three_that_are_two_documents_both_are_told_once() -> None:
    end = probed(BOOKED, Booked(reference="SO-2"), BOOKED)

    assert (end.code, end.differences[0].theirs) == ("doubled", "SO-1, SO-2")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_goes_again_to_an_order_that_the_erp_has(change: str) -> None:
    by_link = probed(event=claimed(change), link=Link("SO-1"))
    by_probe = probed(BOOKED, event=claimed(change))

    assert (by_link.status, by_link.due_in) == (PENDING, 0)
    assert (by_probe.status, by_probe.due_in, by_probe.booked) == (PENDING, 0, BOOKED)


@pytest.mark.parametrize("change", [each for each in CHANGES if each != ORDER_UPDATED])
def test_a_cancel_of_an_order_that_the_erp_does_not_have_is_moot(change: str) -> None:
    assert probed(event=claimed(change)).status is SUPERSEDED


NEVER_SENT = claimed(ORDER_UPDATED, attempts=0, since_sent=None)


@pytest.mark.parametrize("link", [None, Link("SO-1", ended=True)])
def test_a_change_of_an_order_that_lives_and_is_not_in_the_erp_is_a_placement(
    link: Link | None,
) -> None:
    asked = probed(event=NEVER_SENT, link=link)
    not_askable = settler(NEITHER).of_unaskable(NEVER_SENT, ORDER, link)

    for end in (asked, not_askable):
        assert (end.status, end.becomes, end.absent) == (PENDING, ORDER_PLACED, True)


def test_what_is_not_the_sidecars_to_place_waits_for_a_person() -> None:
    strange = replace(NEVER_SENT, not_ours="it was in the shop before the sidecar came")

    end = probed(event=strange)

    assert (end.status, end.code, end.becomes) == (PARKED, "not_in_erp", None)
    assert "before the sidecar came" in (end.reason or "")
    assert "queue requeue 000000042" in (end.remedy or "")


def test_only_questions_make_the_next_question_later() -> None:
    """Not what was sent, and not what never left the machine."""

    def asked_again_in(questions: int, *, reached: bool = True) -> tuple[float | None, int]:
        event = claimed(attempts=9, questions=questions, maybe_booked=True)
        end = settler(ASKS).of_failed_probe(event, "down", reached=reached)
        assert (end.status, end.maybe_booked) == (UNKNOWN, True)
        return end.due_in, end.questions

    assert [asked_again_in(count) for count in range(3)] == [(5, 1), (10, 2), (20, 3)]
    assert asked_again_in(7, reached=False) == (2, 7)


def test_questions_without_an_answer_to_use_come_to_an_end() -> None:
    for event in (claimed(questions=MOST_QUESTIONS - 1), claimed(age=TOO_OLD, maybe_booked=True)):
        end = settler(ASKS).of_failed_probe(event, "unreadable", reached=True)

        assert (end.status, end.code, end.maybe_booked) == (PARKED, "gave_up", event.maybe_booked)


def test_what_never_left_the_machine_is_no_attempt() -> None:
    assert not pushed(Retry(message="no route", sent=False)).counted
    assert pushed(Retry(message="busy")).counted


def test_what_cannot_be_mapped_is_the_operators_business_and_not_the_shops() -> None:
    end = pushed(Unmapped(message="calls.yaml:12: no such key"), claimed(maybe_booked=True))

    assert (end.status, end.code, end.write_back) == (PARKED, "mapping", None)
    assert "calls.yaml:12" in (end.reason or "")
    assert end.maybe_booked, "what was in doubt stays in doubt"


class TestTheOrdersOwnDocument:
    """A document is the order's by its link; what else the ERP names is no plain acceptance."""

    @pytest.mark.parametrize("change", CHANGES)
    def test_a_change_answered_with_another_document_is_a_difference_for_a_person(
        self, change: str
    ) -> None:
        link = Link("SO-2")
        by_push = settler(ASKS).of_push(claimed(change), ORDER, Accepted(booked=BOOKED), link)
        by_probe = probed(BOOKED, event=claimed(change), link=link)

        for end in (by_push, by_probe):
            assert (end.status, end.code, end.booked) == (PARKED, "another_document", None)
            assert [(one.ours, one.theirs) for one in end.differences] == [("SO-2", "SO-1")]

    @pytest.mark.parametrize("spelt", ["SO-1", "SO-1   ", "so-1"])
    def test_a_number_that_is_only_spelt_otherwise_is_the_same(self, spelt: str) -> None:
        event = claimed(ORDER_UPDATED)
        answered = Accepted(booked=msgspec.structs.replace(BOOKED, reference=spelt))

        assert settler(ASKS).of_push(event, ORDER, answered, Link("SO-1")).status is ACCEPTED

    @pytest.mark.parametrize(
        "figures", [{"total": Decimal("12.00")}, {"currency": "JPY"}, {"total": Decimal("99.51")}]
    )
    @pytest.mark.parametrize("type_", [ORDER_PLACED, ORDER_CANCELED])
    def test_a_find_with_another_orders_figures_is_not_adopted(
        self, figures: dict[str, Any], type_: str
    ) -> None:
        found = msgspec.structs.replace(BOOKED, **figures)
        event = claimed(type_, maybe_booked=True)

        end = probed(found, event=event)
        vouched = probed(found, event=replace(event, vouched=True))

        assert (end.status, end.code, end.booked) == (PARKED, "other_figures", None)
        assert vouched.booked == found

    def test_a_canceled_document_is_never_taken_for_that_of_an_order_that_lives_again(
        self,
    ) -> None:
        reopened = claimed(attempts=0, since_sent=None, former=frozenset({"so-1"}))
        link = Link("SO-1", "CANCELED", ended=True)

        asked = probed(BOOKED, event=reopened, link=link)
        refused = probed(BOOKED, event=replace(reopened, code="duplicate"), link=link)
        by_word = settler(DEDUPES).of_push(reopened, ORDER, Duplicate(reference="SO-1"), link)
        vouched = probed(BOOKED, event=replace(reopened, vouched=True), link=link)

        assert (asked.status, asked.absent) == (PENDING, True)
        assert (refused.status, refused.code) == (PARKED, "canceled_document")
        assert (by_word.status, by_word.code) == (PARKED, "canceled_document")
        assert vouched.status is ACCEPTED

    @pytest.mark.parametrize(
        ("status", "differs"), [("OPEN", False), ("CANCELED", True), (None, True)]
    )
    def test_an_erp_that_opens_the_canceled_document_says_so(
        self, status: str | None, differs: bool
    ) -> None:
        reopened = claimed(former=frozenset({"so-1"}))
        link = Link("SO-1", "CANCELED", ended=True)
        answer = Accepted(booked=msgspec.structs.replace(BOOKED, status=status))

        end = settler(ASKS).of_push(reopened, ORDER, answer, link)

        assert end.status is ACCEPTED
        assert [one.kind for one in end.differences] == ["reopened"] * differs

    def test_beside_the_canceled_document_the_new_one_is_the_orders(self) -> None:
        reopened = claimed(maybe_booked=True, former=frozenset({"so-0"}))
        old = Booked(reference="SO-0", total=ORDER.grand_total)

        end = probed(old, BOOKED, event=reopened, link=Link("SO-0", ended=True))

        assert (end.status, end.booked) == (ACCEPTED, BOOKED)

    @pytest.mark.parametrize("end_of_it", [ORDER_CANCELED, ORDER_VANISHED])
    def test_a_cancel_that_was_taken_ends_the_document(self, end_of_it: str) -> None:
        assert pushed(Accepted(booked=BOOKED), claimed(end_of_it)).ends
        assert not pushed(Accepted(booked=BOOKED)).ends


@pytest.mark.parametrize("can", [ASKS, DEDUPES])
def test_a_change_that_is_called_a_duplicate_again_and_again_is_given_to_a_person(
    can: Capabilities,
) -> None:
    event = claimed(ORDER_UPDATED, attempts=MOST_DUPLICATES)

    end = pushed(Duplicate(message="exists"), event, can)

    assert (end.status, end.code) == (PARKED, "duplicate")
    assert "order.updated" in (end.reason or "")


class TestAnErpThatCanNeverBeAsked:
    """A crash leaves *unknown* events behind; without a probe they must not stay that."""

    def of(
        self, event: Claimed, can: Capabilities = NEITHER, link: Link | None = None
    ) -> Settlement:
        return settler(can).of_unaskable(event, ORDER, link)

    def test_a_placement_is_parked(self) -> None:
        end = self.of(claimed(maybe_booked=True))

        assert (end.status, end.code, end.maybe_booked) == (PARKED, "unknown", True)

    def test_a_placement_goes_again_where_doubles_are_refused(self) -> None:
        end = self.of(claimed(maybe_booked=True), DEDUPES)

        assert (end.status, end.due_in, end.maybe_booked) == (PENDING, 0, True)

    @pytest.mark.parametrize("can", [NEITHER, DEDUPES])
    def test_a_placement_that_was_booked_in_part_is_taken_over(self, can: Capabilities) -> None:
        end = self.of(claimed(), can, Link("SO-1"))

        assert (end.status, end.booked) == (ACCEPTED, Booked(reference="SO-1"))

    @pytest.mark.parametrize("change", CHANGES)
    def test_a_change_of_what_it_took_goes_again(self, change: str) -> None:
        assert self.of(claimed(change), link=Link("SO-1")).status is PENDING

    @pytest.mark.parametrize("change", CHANGES)
    def test_a_change_of_an_order_from_before_is_given_to_a_human(self, change: str) -> None:
        before = claimed(change, not_ours="it was in the shop before the sidecar came")

        assert self.of(before).status is PARKED


@pytest.mark.parametrize("outcome_type", get_args(Outcome))
def test_every_outcome_has_a_settlement_a_name_and_a_line(outcome_type: Any) -> None:
    needed: dict[str, Any] = {"message": "words"}
    if outcome_type in (Accepted, Partial, Unfinished):
        needed["booked"] = BOOKED
    if outcome_type is Unfinished:
        needed["cause"] = "retry"
    if outcome_type is Partial:
        needed["what"] = "draft"
    outcome: Outcome = outcome_type(**needed)

    for can in (ASKS, DEDUPES, NEITHER):
        for type_ in SPEC.types:
            end = pushed(outcome, claimed(type_), can)
            # Waiting has an end, and what waits for a person says why and what to do.
            assert (end.due_in is None) == (end.status in (ACCEPTED, REJECTED, PARKED))
            if end.status in (PARKED, REJECTED):
                assert end.reason
                assert end.remedy
    assert name_of(outcome) == outcome_type.__name__.lower()
    assert describe(outcome).startswith(name_of(outcome).split(":")[0])


@given(st.integers(1, 200))
def test_the_wait_is_drawn_between_half_and_the_whole_of_its_bound(attempts: int) -> None:
    backoff = Backoff(first=5, factor=2, most=1800, give_up_after=1)
    bound = min(1800.0, 5.0 * 2.0 ** (attempts - 1))

    assert bound / 2 <= backoff.delay(attempts) <= bound


def test_alike_refusals_have_one_print_whatever_their_numbers() -> None:
    one = error_print("E7", "Item 'TEAPOT' of order 42 is unknown")

    assert error_print("E7", "item 'MUG' of order 4711 is unknown") == one
    assert error_print("E8", "item 'MUG' of order 4711 is unknown") != one
    assert error_print("E7", "Customer 12 is blocked") != one
    assert len(one) == 12


def test_a_template_without_its_fields_is_no_error() -> None:
    rules = Acknowledgement(rejected=Answer("x", "{code}/{message}/{reference}/{status}"))
    made: Settler = settler(ASKS, acknowledgement=rules)

    end = made.of_push(claimed(), ORDER, Rejected(message="m"))

    assert end.write_back
    assert end.write_back.detail.comment == "/m//"
