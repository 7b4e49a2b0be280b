"""What the claimer takes, and how delivery carries it out, on a real ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.rest import generic as rest
from sidecar.delivery.claim import UNGUARDED_EVERY, Odd
from sidecar.domains import SPECS
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.events import BEHIND_ANOTHER, OpenEvent
from sidecar.model.event import encode_payload
from sidecar.model.outcome import (
    Booked,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from sidecar.ports import AdapterSettings, ShopContext
from sidecar.testing.sample_order import simple_order
from tests.contract.scripted_server import answer, scripted_server
from tests.harness import (
    UNANSWERED,
    HandClock,
    LedgerBench,
    RecordingNarrator,
    ScriptedErp,
    detail_of,
    drain,
    new_event,
)

PLACED, UPDATED, CANCELED, HELD, RELEASED, VANISHED = SPEC.types
NUMBER = "000000001"

ASKING = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {ref: =ref}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
  probe:
    call: {method: POST, path: /search, json: {ref: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {reference: =item.number}
"""


def add(ledger: LedgerBench, *types: str, entity: int = 1, first: int = 1) -> list[int]:
    """Events of one order, each with the state of its moment."""
    return ledger.add(
        *(
            new_event(entity, sequence, type_, payload=payload(sequence, entity))
            for sequence, type_ in enumerate(types, first)
        )
    )


def payload(sequence: int, entity: int = 1) -> str:
    """An order whose note tells the moment that it was taken at."""
    order = simple_order(f"{entity:09d}", customer_note=str(sequence))
    return encode_payload(order).decode()


def moments(erp: ScriptedErp) -> list[tuple[str, str | None]]:
    """What reached the ERP: (type, moment of the state)."""
    return [
        (delivery.event.type, getattr(delivery.event.data, "customer_note", None))
        for delivery in erp.pushed
    ]


def claim(ledger: LedgerBench, **how: object) -> tuple[list[int], list[int]]:
    taken = ledger.claimer(**how).claim(50)  # type: ignore[arg-type]
    return [one.id for one in taken.pushes], [one.id for one in taken.probes]


class TestOneOddOrder:
    """What the ledger's own rows say of one order stops no other one."""

    @pytest.mark.parametrize(
        "spoil",
        [
            "UPDATE {event} SET type = 'order.teleported' WHERE entity_id = 3",
            "UPDATE {event} SET type = 'order.teleported', crashes = 1 WHERE entity_id = 3",
            "UPDATE {entity} SET facts = '{{' WHERE entity_id = 3",
            "UPDATE {entity} SET facts = REPEAT('[', 20000) WHERE entity_id = 3",
            "UPDATE {entity} SET facts = '{{\"state\":1}}' WHERE entity_id = 3",
            "DELETE FROM {payload} WHERE entity_id = 3",
            "UPDATE {payload} SET payload = '' WHERE entity_id = 3",
            "UPDATE {event} SET type = 'order.teleported', status = 'sending', due_at = NULL, "
            "lease_owner = 'dead', lease_until = '2026-01-01' WHERE entity_id = 3",
        ],
    )
    def test_is_parked_alone(self, ledger: LedgerBench, spoil: str) -> None:
        ids = [add(ledger, PLACED, entity=entity)[0] for entity in range(1, 6)]
        ledger.sql(spoil)

        erp, told = ScriptedErp(), RecordingNarrator()
        with ledger.pump(erp, told=told, concurrency=5) as pump:
            drain(pump)

        odd = ledger.event(ids.pop(2))
        assert odd.status == "parked"
        assert odd.reason
        assert "erp-sidecar" in odd.remedy
        assert odd.maybe_booked == ("sending" in spoil), "what may have been sent is asked about"
        assert [ledger.event(id_).status for id_ in ids] == ["accepted"] * 4

    def test_of_a_later_event_costs_the_earlier_one_its_turn_and_no_other_order(
        self, ledger: LedgerBench
    ) -> None:
        placed, update = add(ledger, PLACED, UPDATED)
        (other,) = add(ledger, PLACED, entity=2)
        ledger.sql("UPDATE {event} SET type = 'order.teleported' WHERE id = %s", update)

        assert claim(ledger) == ([other], [])

        reason = ledger.event(placed).reason
        assert "order.teleported" in reason, "an older state must not go in place of that"
        assert ledger.event(placed).error_code == "unclaimable"
        assert ledger.event(update).status == "parked"

    def test_goes_when_its_rows_were_corrected_and_it_is_requeued(
        self, ledger: LedgerBench
    ) -> None:
        (odd,) = add(ledger, PLACED)
        ledger.sql("UPDATE {event} SET type = 'order.teleported'")
        assert claim(ledger) == ([], [])
        ledger.sql("UPDATE {event} SET type = 'order.placed'")
        with ledger.database.transaction() as connection:
            ledger.store.acts.requeue(connection, [odd], keep_doubt=True)

        assert claim(ledger) == ([odd], [])

    def test_that_raises_what_nobody_foresaw_is_parked_with_the_place(
        self, ledger: LedgerBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [add(ledger, PLACED, entity=entity)[0] for entity in range(1, 6)]
        claimer = ledger.claimer()
        passes = claimer._passes

        def break_at_the_second(connection: Any, event: OpenEvent, *rest: Any) -> bool:
            if event.entity_id == 2:
                raise ZeroDivisionError("4711 Kim Secret")
            return passes(connection, event, *rest)

        monkeypatch.setattr(claimer, "_passes", break_at_the_second)

        taken = claimer.claim(50)

        odd = ledger.event(ids.pop(1))
        assert [one.id for one in taken.pushes] == ids
        assert odd.status == "parked"
        assert "ZeroDivisionError at test_claim.py" in odd.reason
        assert "Kim" not in odd.reason
        message = odd.reason.removeprefix("it cannot be claimed: ")
        assert taken.odd == (Odd("order 2", message, alike=0),), "the others went through"

    @pytest.mark.parametrize("status", ["parked", "rejected", "accepted", "superseded", "odd"])
    def test_that_is_over_and_due_all_the_same_keeps_no_place_from_another(
        self, ledger: LedgerBench, status: str
    ) -> None:
        for entity in range(1, 4):
            add(ledger, PLACED, entity=entity)
        ledger.sql("UPDATE {event} SET status = %s, due_at = '2026-01-01'", status)
        (good,) = add(ledger, PLACED, entity=4)

        assert [one.id for one in ledger.claimer().claim(1).pushes] == [good]


class TestTheClaimer:
    def test_takes_one_event_per_order_and_folds_the_rest(self, ledger: LedgerBench) -> None:
        one, update = add(ledger, PLACED, UPDATED)
        (other,) = add(ledger, PLACED, entity=2)

        assert claim(ledger) == ([one, other], [])
        assert ledger.event(update).status == "superseded"
        assert ledger.event(one).payload == ledger.event(update).payload

    def test_takes_no_more_than_it_was_told(self, ledger: LedgerBench) -> None:
        for entity in range(1, 10):
            add(ledger, PLACED, entity=entity)

        assert len(ledger.claimer().claim(4).pushes) == 4

    def test_finds_nothing_when_nothing_is_due(self, ledger: LedgerBench) -> None:
        assert not ledger.claimer().claim(50)

    def test_holds_back_what_waits_behind_an_event_in_flight(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        claim(ledger)
        (update,) = add(ledger, UPDATED, first=2)

        assert claim(ledger, owner="two") == ([], [])
        event = ledger.event(update)
        assert (event.status, event.due_at, event.waiting) == ("pending", None, BEHIND_ANOTHER)

    def test_leaves_nothing_to_send_of_an_order_that_was_canceled_first(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED, UPDATED, CANCELED)

        taken = ledger.claimer().claim(50)

        assert (taken.pushes, taken.probes, taken.folded) == ((), (), 3)
        assert {status for _, status in ledger.statuses()} == {"superseded"}

    def test_asks_about_a_change_of_an_order_from_before(self, ledger: LedgerBench) -> None:
        (cancel,) = add(ledger, CANCELED)

        assert claim(ledger) == ([], [cancel])

    def test_keeps_what_a_gate_holds_until_its_order_is_looked_at(
        self, ledger: LedgerBench
    ) -> None:
        (placed,) = add(ledger, PLACED)
        ledger.sql(
            "UPDATE {entity} SET facts = %s",
            '{"state":"new","payment_method":"checkmo","grand_total":10,"total_paid":0,'
            '"total_due":10,"status":"pending","authorized":false}',
        )

        assert claim(ledger, gate={"default": "paid"}) == ([], [])
        event = ledger.event(placed)
        assert (event.status, event.due_at) == ("pending", None)
        assert event.waiting == "gate payment: checkmo must be paid, 10.00 are due"

        with ledger.database.transaction() as connection:
            ledger.store.events.wake(connection, "order", [1])
        assert claim(ledger, gate={"default": "always"}) == ([placed], [])

    def test_wakes_what_waited_behind_an_event_that_no_call_takes_any_more(
        self, ledger: LedgerBench
    ) -> None:
        """A refused update, held back what follows; then the mapping lost its call for updates."""
        refused, hold = add(ledger, UPDATED, HELD)
        link(ledger)
        ledger.sql("UPDATE {event} SET status = 'rejected', due_at = NULL WHERE id = %s", refused)
        holds = frozenset({"order.updated", "order.held"})
        assert claim(ledger, subscriptions=holds) == ([], [])
        assert ledger.event(hold).due_at is None
        ledger.sql(
            "UPDATE {event} SET status = 'pending', due_at = UTC_TIMESTAMP(3) WHERE id = %s",
            refused,
        )

        claimer = ledger.claimer(subscriptions=frozenset({"order.held"}))
        taken = [one.id for _ in range(2) for one in claimer.claim(50).pushes]

        assert taken == [hold]
        assert ledger.event(refused).status == "superseded"

    def test_finds_a_late_committer_at_the_next_unguarded_poll(self, ledger: LedgerBench) -> None:
        clock = HandClock()
        claimer = ledger.claimer(clock=clock)
        add(ledger, PLACED, entity=1)
        assert len(claimer.claim(50).pushes) == 1
        (late,) = add(ledger, PLACED, entity=2)
        ledger.sql("UPDATE {event} SET due_at = due_at - INTERVAL 1 MINUTE WHERE id = %s", late)

        assert not claimer.claim(50)
        clock.seconds += UNGUARDED_EVERY
        assert [one.id for one in claimer.claim(50).pushes] == [late]

    def test_trusts_its_claim_for_less_than_the_lease(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        clock = HandClock()

        taken = ledger.claimer(clock=clock, lease_seconds=60).claim(50)

        assert clock.seconds < taken.trusted_until < clock.seconds + 60


def link(ledger: LedgerBench, entity: int = 1) -> None:
    """As if the ERP had taken the order before."""
    ledger.sql(
        "INSERT INTO {link} (kind, entity_id, reference, is_main, event, booked_at, updated_at) "
        "VALUES ('order', %s, 'SO-0', 1, 0, UTC_TIMESTAMP(), UTC_TIMESTAMP())",
        entity,
    )


class TestDelivery:
    def test_an_order_is_booked_once_and_its_answer_goes_back(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()

        ledger.deliver(erp)

        assert erp.types() == ("order.placed",)
        assert ledger.statuses() == [("order.placed", "accepted")]
        (back,) = ledger.sql("SELECT * FROM {write_back}")
        assert (back.action, back.state) == ("accept", "pending")
        assert detail_of(back).reference == f"SO-{NUMBER}"
        (linked,) = ledger.sql("SELECT * FROM {link}")
        assert linked.reference == f"SO-{NUMBER}"
        (attempt,) = ledger.sql("SELECT * FROM {attempt}")
        assert (attempt.operation, attempt.outcome, attempt.number) == ("push", "accepted", 1)

    def test_changes_follow_in_their_order_without_what_a_cancel_makes_moot(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp(subscriptions=frozenset(SPEC.types))
        ledger.deliver(erp)
        add(ledger, HELD, UPDATED, RELEASED, CANCELED, first=2)

        ledger.deliver(erp)

        assert moments(erp) == [
            ("order.placed", "1"),
            ("order.held", "2"),
            ("order.released", "4"),
            ("order.canceled", "5"),
        ]
        assert all(delivery.link for delivery in erp.pushed[1:])

    def test_what_the_erp_refused_goes_again_when_the_order_was_mended(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Rejected(message="unknown street", code="E1")]
        ledger.deliver(erp)
        assert ledger.statuses() == [("order.placed", "rejected")]
        [back] = ledger.sql("SELECT * FROM {write_back}")
        assert (back.action, detail_of(back).reference) == ("reject", None)

        add(ledger, UPDATED, first=2)
        ledger.deliver(erp)

        assert moments(erp) == [("order.placed", "1"), ("order.placed", "2")]
        assert ledger.statuses() == [
            ("order.placed", "accepted"),
            ("order.updated", "superseded"),
        ]
        # The refusal that was not written yet must not be written any more.
        states = ledger.sql("SELECT action, state FROM {write_back} ORDER BY id")
        assert states == [("reject", "refused"), ("accept", "pending")]

    @pytest.mark.parametrize("doubt", [Unknown(message="cut"), Conflict(message="412")])
    def test_an_unknown_placement_is_asked_for_and_not_sent_again_before_its_time(
        self, ledger: LedgerBench, doubt: Outcome
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [doubt]
        for _ in range(5):
            ledger.deliver(erp)
            ledger.make_due()
        assert len(erp.pushed) == 1
        assert len(erp.probed) == 4

        ledger.sql("UPDATE {event} SET sent_at = sent_at - INTERVAL 61 SECOND")
        ledger.deliver(erp)

        assert len(erp.pushed) == 2
        assert ledger.statuses() == [("order.placed", "accepted")]

    def test_an_unknown_placement_that_the_erp_has_is_adopted(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Unknown(message="cut")]
        ledger.deliver(erp)
        erp.documents[NUMBER] = (Booked(reference="SO-7"),)
        ledger.make_due()

        ledger.deliver(erp)

        assert len(erp.pushed) == 1
        assert ledger.statuses() == [("order.placed", "accepted")]
        assert ledger.sql("SELECT reference FROM {link}") == [("SO-7",)]

    def test_two_documents_are_parked_with_a_difference(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Duplicate(reference="A")]
        erp.documents[NUMBER] = (Booked(reference="A"), Booked(reference="B"))

        ledger.deliver(erp)

        assert ledger.statuses() == [("order.placed", "parked")]
        (found,) = ledger.sql("SELECT * FROM {difference}")
        assert found.theirs == "A, B"

    def test_a_cancel_during_doubt_waits_and_then_finds_nothing_to_cancel(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Unknown(message="cut")]
        ledger.deliver(erp)
        add(ledger, CANCELED, first=2)
        ledger.deliver(erp)
        assert ledger.statuses()[1] == ("order.canceled", "pending")

        ledger.sql("UPDATE {event} SET sent_at = sent_at - INTERVAL 61 SECOND")
        ledger.make_due()
        ledger.deliver(erp)

        assert len(erp.pushed) == 1
        assert {status for _, status in ledger.statuses()} == {"superseded"}

    def test_a_cancel_during_doubt_cancels_what_the_erp_has(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Unknown(message="cut")]
        ledger.deliver(erp)
        add(ledger, CANCELED, first=2)
        erp.documents[NUMBER] = (Booked(reference="SO-7"),)
        ledger.make_due()

        ledger.deliver(erp)

        assert erp.types() == ("order.placed", "order.canceled")
        assert erp.pushed[1].link is not None
        assert erp.pushed[1].link.reference == "SO-7"

    def test_to_an_erp_that_cannot_be_asked_the_same_goes_again_and_a_cancel_after_it(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp(probe=False, dedupe=True)
        erp.answers[NUMBER] = [Unknown(message="cut"), Duplicate(reference="SO-7")]
        ledger.deliver(erp)
        add(ledger, CANCELED, first=2)
        ledger.make_due()

        ledger.deliver(erp)

        assert moments(erp) == [
            ("order.placed", "1"),
            ("order.placed", "1"),
            ("order.canceled", "2"),
        ]

    def test_a_refused_login_in_between_does_not_make_a_cancel_forget_what_may_be_booked(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp(probe=False, dedupe=True)
        erp.answers[NUMBER] = [Unknown(message="cut"), Misconfigured(message="login refused")]
        ledger.deliver(erp)
        ledger.make_due()
        ledger.deliver(erp)
        add(ledger, CANCELED, first=2)
        with ledger.database.transaction() as connection:
            ledger.store.control.resume(connection, "orders")

        ledger.deliver(erp)
        ledger.deliver(erp)

        assert moments(erp)[1:] == [
            ("order.placed", "1"),
            ("order.placed", "1"),
            ("order.canceled", "2"),
        ]

    def test_what_may_be_booked_does_not_wait_at_a_gate_that_never_opens(
        self, ledger: LedgerBench
    ) -> None:
        """The order was put on hold, then deleted from Magento, while the answer was lost."""
        add(ledger, PLACED)
        erp = ScriptedErp(probe=False, dedupe=True)
        erp.answers[NUMBER] = [Unknown(message="cut")]
        ledger.deliver(erp)
        ledger.sql("UPDATE {entity} SET facts = JSON_SET(facts, '$.state', 'holded')")
        ledger.make_due()

        ledger.deliver(erp)

        assert moments(erp) == [("order.placed", "1"), ("order.placed", "1")]

    def test_what_is_requeued_meanwhile_goes_as_it_was_and_the_change_goes_after_it(
        self, ledger: LedgerBench
    ) -> None:
        (placed,) = add(ledger, PLACED)
        erp = ScriptedErp(probe=False, dedupe=True)
        erp.answers[NUMBER] = [Unknown(message="cut")]
        ledger.deliver(erp)
        add(ledger, UPDATED, first=2)

        with ledger.database.transaction() as connection:
            ledger.store.acts.requeue(connection, [placed], keep_doubt=erp.can.clears_doubt)
        ledger.deliver(erp)
        ledger.deliver(erp)

        assert moments(erp) == [
            ("order.placed", "1"),
            ("order.placed", "1"),
            ("order.updated", "2"),
        ]

    def test_an_erp_that_can_do_neither_gets_it_once(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp(probe=False)
        erp.answers[NUMBER] = [Unknown(message="cut")]

        for _ in range(3):
            ledger.deliver(erp)
            ledger.make_due()

        assert len(erp.pushed) == 1
        assert ledger.statuses() == [("order.placed", "parked")]

    @pytest.mark.parametrize(("dedupe", "status"), [(True, "accepted"), (False, "parked")])
    def test_a_crash_leaves_nothing_behind_that_nobody_can_ask_about(
        self, ledger: LedgerBench, dedupe: bool, status: str
    ) -> None:
        add(ledger, PLACED)
        claim(ledger, owner="died")
        ledger.sql("UPDATE {event} SET lease_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")

        ledger.deliver(ScriptedErp(probe=False, dedupe=dedupe))

        assert ledger.statuses() == [("order.placed", status)]

    def test_what_a_crash_left_is_asked_for(self, ledger: LedgerBench) -> None:
        add(ledger, PLACED)
        claim(ledger, owner="died")
        ledger.sql("UPDATE {event} SET lease_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")
        erp, told = ScriptedErp(), RecordingNarrator()
        erp.documents[NUMBER] = (Booked(reference="SO-7"),)

        ledger.deliver(erp, told=told)

        assert erp.pushed == []
        assert ledger.statuses() == [("order.placed", "accepted")]
        assert "delivery.lease_expired" in told.names()

    def test_a_half_booked_order_that_a_human_finished_is_taken_over(
        self, ledger: LedgerBench
    ) -> None:
        for probe in (True, False):
            ledger.wipe()
            (placed,) = add(ledger, PLACED)
            erp = ScriptedErp(probe=probe)
            half = Booked(reference="SO-7", status="DRAFT")
            erp.answers[NUMBER] = [Partial(booked=half, what="draft")]
            ledger.deliver(erp)
            assert ledger.statuses() == [("order.placed", "parked")]
            erp.documents[NUMBER] = (Booked(reference="SO-7", status="OPEN"),)

            with ledger.database.transaction() as connection:
                ledger.store.acts.requeue(connection, [placed], keep_doubt=probe)
            ledger.deliver(erp)

            assert len(erp.pushed) == 1
            assert ledger.statuses() == [("order.placed", "accepted")]

    def test_a_cancel_of_an_order_from_before_goes_to_the_document_that_is_found(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, CANCELED)
        erp = ScriptedErp()
        erp.documents[NUMBER] = (Booked(reference="OLD-1"),)

        ledger.deliver(erp)

        assert erp.types() == ("order.canceled",)
        assert erp.pushed[0].link
        assert erp.pushed[0].link.reference == "OLD-1"

    def test_a_refused_login_stops_the_domain_and_loses_nothing(self, ledger: LedgerBench) -> None:
        for entity in range(1, 4):
            add(ledger, PLACED, entity=entity)
        erp, told = ScriptedErp(), RecordingNarrator()
        for entity in range(1, 4):
            erp.answers[f"{entity:09d}"] = [Misconfigured(message="401")]

        ledger.deliver(erp, told=told)

        assert "domain.stopped" in told.names()
        assert {status for _, status in ledger.statuses()} == {"pending"}
        before = len(erp.pushed)
        ledger.deliver(erp)
        assert len(erp.pushed) == before

    def test_a_question_that_is_sent_elsewhere_stops_the_domain_and_the_erp_is_not_away(
        self, ledger: LedgerBench, tmp_path: Path
    ) -> None:
        """As a push that is redirected: whoever is asked next would be sent on alike."""
        calls = tmp_path / "calls.yaml"
        calls.write_text(ASKING, "utf-8")
        events = [add(ledger, PLACED, entity=entity) for entity in range(1, 8)]
        ledger.sql("UPDATE {event} SET status = 'unknown', maybe_booked = 1, first_sent_at = NOW()")
        shop = ShopContext("main", UTC)
        with scripted_server(lambda _: answer(302, Location="https://sign.in/")) as server:
            erp = rest.create(AdapterSettings(server.url, 5, 20, shop, calls=calls, domains=SPECS))
            told = RecordingNarrator()
            ledger.deliver(erp, told=told, breaker_after=1)
            asked = len(server.requests)
            ledger.deliver(erp)
            erp.close()
            assert len(server.requests) == asked < len(events)

        (control,) = ledger.sql("SELECT * FROM {control}")
        assert "redirects to https://sign.in/" in control.stopped_reason
        assert "domain.stopped" in told.names()
        assert "breaker.opened" not in told.names()
        assert {ledger.event(one).status for (one,) in events} == {"unknown"}
        assert {ledger.event(one).questions for (one,) in events} == {0}

    def test_words_of_the_erp_that_are_too_long_do_not_cost_the_others_their_settlement(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED, entity=1)
        add(ledger, PLACED, entity=2)
        erp = ScriptedErp(batch=2)
        erp.answers[NUMBER] = [Rejected(message="ö" * 100_000, code="c" * 500, field="f" * 500)]

        ledger.deliver(erp)

        assert [status for _, status in ledger.statuses()] == ["rejected", "accepted"]

    def test_a_number_longer_than_its_column_is_never_cut_into_another_one(
        self, ledger: LedgerBench
    ) -> None:
        add(ledger, PLACED)
        erp = ScriptedErp()
        erp.answers[NUMBER] = [Duplicate(reference="D" * 300)]
        erp.documents[NUMBER] = (Booked(reference="D" * 300, status="S" * 300),)

        ledger.deliver(erp)

        assert ledger.statuses() == [("order.placed", "unknown")]
        assert ledger.sql("SELECT reference FROM {link}") == []


class TestTheAccount:
    """Breaker and throttle count calls, not events."""

    def batch(self, ledger: LedgerBench, erp: ScriptedErp, outcomes: Sequence[Outcome]) -> None:
        for entity, outcome in enumerate(outcomes, 1):
            add(ledger, PLACED, entity=entity)
            erp.answers[f"{entity:09d}"] = [outcome]

    def test_one_lost_connection_with_a_batch_on_it_does_not_open_the_breaker(
        self, ledger: LedgerBench
    ) -> None:
        erp, told = ScriptedErp(batch=10), RecordingNarrator()
        erp.exchange = UNANSWERED
        self.batch(ledger, erp, [Retry(message="refused")] * 10)

        ledger.deliver(erp, told=told, breaker_after=5)

        assert "breaker.opened" not in told.names()
        assert ledger.sql("SELECT failures FROM {erp_account}") == [(1,)]

    def test_one_refusal_for_haste_with_a_batch_in_it_halves_the_rate_once(
        self, ledger: LedgerBench
    ) -> None:
        erp = ScriptedErp(batch=10)
        self.batch(ledger, erp, [Throttled(message="429", after=30.0)] * 10)

        ledger.deliver(erp)

        ((rate, slow),) = ledger.sql(
            "SELECT rate, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), slow_until) FROM {erp_account}"
        )
        assert rate == 0.5
        assert 20 <= slow <= 30

    def test_a_restart_does_not_slow_it_down_further(self, ledger: LedgerBench) -> None:
        erp = ScriptedErp(batch=10)
        self.batch(ledger, erp, [Throttled(message="429", after=30.0)])
        ledger.deliver(erp)

        for _ in range(5):
            ledger.deliver(erp)

        ((rate,),) = ledger.sql("SELECT rate FROM {erp_account}")
        assert rate == pytest.approx(0.5, abs=0.2)

    def test_after_enough_failures_the_erp_is_left_alone_also_by_the_next_daemon(
        self, ledger: LedgerBench
    ) -> None:
        for entity in range(1, 4):
            add(ledger, PLACED, entity=entity)
        erp = ScriptedErp()
        erp.exchange = UNANSWERED
        for entity in range(1, 4):
            erp.answers[f"{entity:09d}"] = [Retry(message="refused")] * 9
        ledger.deliver(erp, breaker_after=2)
        sent = len(erp.pushed)
        ledger.make_due()

        ledger.deliver(erp, breaker_after=2)

        assert len(erp.pushed) == sent

    def test_what_waits_at_a_gate_is_looked_at_again_by_a_daemon_that_starts(
        self, ledger: LedgerBench
    ) -> None:
        """Its gates may have been configured anew."""
        add(ledger, PLACED)
        ledger.sql("UPDATE {event} SET due_at = NULL, waiting = 'gate payment: …'")
        erp = ScriptedErp()

        ledger.deliver(erp)

        assert len(erp.pushed) == 1


def test_a_zombies_answer_is_fenced_off(ledger: LedgerBench) -> None:
    """While it was on the wire the lease ran out and another daemon took the event over."""
    (placed,) = add(ledger, PLACED)
    told = RecordingNarrator()

    class Late(ScriptedErp):
        def push(self, batch):  # type: ignore[no-untyped-def]
            ledger.sql(
                "UPDATE {event} SET fence = fence + 1, lease_owner = 'two', "
                "lease_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR"
            )
            return super().push(batch)

    with ledger.pump(Late(), told=told) as pump:
        drain(pump)

    assert ledger.event(placed).lease_owner == "two"
    assert ledger.event(placed).status == "sending"
    assert "delivery.fenced_off" in told.names()
    assert ledger.sql("SELECT * FROM {link}") == []
    assert ledger.sql("SELECT * FROM {write_back}") == []


def test_a_payload_that_cannot_be_read_is_put_aside_and_its_neighbours_go(
    ledger: LedgerBench,
) -> None:
    (spoilt,) = add(ledger, PLACED)
    (sound,) = add(ledger, PLACED, entity=2)
    ledger.sql("UPDATE {payload} SET payload = LEFT(payload, 30) WHERE entity_id = 1")
    erp = ScriptedErp(batch=10)

    ledger.deliver(erp)

    assert [delivery.ref for delivery in erp.pushed] == ["000000002"]
    assert ledger.event(sound).status == "accepted"
    event = ledger.event(spoilt)
    assert (event.status, event.error_code) == ("parked", "bad_data")
    assert "cannot be read" in event.reason
    assert "requeue 000000001" in event.remedy


def test_a_batch_that_was_not_sent_is_given_back_beside_a_payload_that_cannot_be_read(
    ledger: LedgerBench,
) -> None:
    add(ledger, PLACED)
    (sound,) = add(ledger, PLACED, entity=2)
    ledger.sql("UPDATE {payload} SET payload = '{{' WHERE entity_id = 1")

    class Stopping(HandClock):
        """A stop is asked for while the throttle makes a worker wait."""

        asked = False

        def wait(self, seconds: float) -> bool:
            self.asked = self.asked or seconds > 0
            return self.asked

    erp, clock = ScriptedErp(batch=10), Stopping()
    with ledger.pump(erp, clock=clock) as pump:
        pump._account.throttle.refused(30)
        pump.run_once()

    assert erp.pushed == []
    assert ledger.event(sound).status == "pending"
    assert ledger.event(sound).attempts == 0


def test_what_waits_at_a_gate_does_not_keep_what_may_go_from_going(ledger: LedgerBench) -> None:
    """One claim takes a few; those that are only held back must not end the run."""
    for entity in range(1, 41):
        add(ledger, PLACED, entity=entity)
    ledger.sql(
        'UPDATE {entity} SET facts = \'{{"state":"new","payment_method":"banktransfer",'
        '"grand_total":1,"total_paid":0,"total_due":1,"status":"pending",'
        '"authorized":false}}\' WHERE entity_id < 40'
    )
    erp = ScriptedErp()

    with ledger.pump(erp, gate={"banktransfer": "paid", "default": "always"}) as pump:
        pump.run_once()

    assert [delivery.ref for delivery in erp.pushed] == ["000000040"]


def test_a_pause_is_kept_although_much_is_due(ledger: LedgerBench) -> None:
    """No more is claimed than a second's work: what is claimed is sent."""
    for entity in range(1, 41):
        add(ledger, PLACED, entity=entity)

    class Pausing(ScriptedErp):
        def push(self, batch):  # type: ignore[no-untyped-def]
            if len(self.pushed) == 5:
                with ledger.database.transaction() as connection:
                    ledger.store.control.pause(
                        connection, "orders", until=None, who="ann", reason="a test"
                    )
            return super().push(batch)

    erp = Pausing()
    with ledger.pump(erp, concurrency=1) as pump:
        drain(pump)

    assert 5 < len(erp.pushed) < 25
    assert len([row for row in ledger.events() if row.status == "pending"]) > 15
