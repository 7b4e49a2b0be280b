"""What goes next for one entity: the rules that keep the ERP from seeing time run backwards.

`Books` is a ledger in memory that carries out plans as the claimer does; hypothesis drives it
through histories of orders, answers of the ERP and deeds of operators.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidecar.delivery.plan import EntityPlan, plan
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.events import OpenEvent
from sidecar.model.settlement import BAD_DATA, EventStatus

PLACED, UPDATED, CANCELED, HELD, RELEASED, VANISHED = SPEC.types
PENDING, SENDING, ACCEPTED, REJECTED, UNKNOWN, PARKED, SUPERSEDED = EventStatus
EVERYTHING = frozenset(SPEC.types)
USUAL = frozenset({"order.placed", "order.updated", "order.canceled"})
MENDS_PLACEMENT = pytest.mark.parametrize("mending", [UPDATED, RELEASED])


def event(
    sequence: int,
    type_: str,
    status: EventStatus = PENDING,
    *,
    due: bool | None = None,
    maybe_booked: bool | None = None,
    code: str | None = None,
) -> OpenEvent:
    """An open event, due as one of its status usually is."""
    return OpenEvent(
        id=sequence * 10,
        entity_id=42,
        sequence=sequence,
        type=type_,
        status=status,
        maybe_booked=status in (UNKNOWN, SENDING) if maybe_booked is None else maybe_booked,
        due=status in (PENDING, UNKNOWN) if due is None else due,
        code=code,
    )


def plan_for(
    *events: OpenEvent, linked: bool, takes: frozenset[str] = USUAL, ended: bool = False
) -> EntityPlan:
    return plan(events, SPEC, linked=linked, subscriptions=takes, ended=ended)


def test_a_placement_goes() -> None:
    placed = event(1, PLACED)

    assert plan_for(placed, linked=False) == EntityPlan(push=placed)


def test_a_placement_carries_the_newest_state() -> None:
    placed = event(1, PLACED)

    chosen = plan_for(placed, event(2, UPDATED), event(3, HELD), linked=False)

    assert chosen == EntityPlan(push=placed, carry=(10, 30), carried=(20, 30))


@pytest.mark.parametrize("status", [PENDING, REJECTED, PARKED])
@pytest.mark.parametrize("end", [CANCELED, VANISHED])
def test_an_order_that_ended_before_it_was_sent_leaves_nothing_to_send(
    status: EventStatus, end: str
) -> None:
    chosen = plan_for(event(1, PLACED, status), event(2, UPDATED), event(3, end), linked=False)

    assert chosen == EntityPlan(moot=(10, 20, 30))


def test_a_cancel_waits_until_it_is_known_whether_the_erp_has_the_order() -> None:
    unknown = event(1, PLACED, UNKNOWN)

    chosen = plan_for(unknown, event(2, CANCELED), linked=False)

    assert chosen == EntityPlan(probe=unknown, behind=(20,))


@pytest.mark.parametrize("linked", [True, False])
def test_nothing_goes_while_an_event_is_on_its_way(linked: bool) -> None:
    chosen = plan_for(event(1, PLACED, SENDING), event(2, UPDATED), linked=linked)

    assert chosen == EntityPlan(behind=(20,))


@MENDS_PLACEMENT
@pytest.mark.parametrize("status", [REJECTED, PARKED])
def test_a_refused_placement_goes_again_when_its_order_was_mended(
    status: EventStatus, mending: str
) -> None:
    placed = event(1, PLACED, status)

    chosen = plan_for(placed, event(2, mending), linked=False)

    assert chosen == EntityPlan(revive=placed, carry=(10, 20), carried=(20,))


def test_a_hold_mends_no_refused_placement() -> None:
    chosen = plan_for(event(1, PLACED, REJECTED), event(2, HELD), linked=False)

    assert chosen == EntityPlan(behind=(20,))


@MENDS_PLACEMENT
def test_what_the_erp_may_hold_is_revived_by_nothing(mending: str) -> None:
    chosen = plan_for(event(1, PLACED, PARKED, maybe_booked=True), event(2, mending), linked=False)

    assert chosen == EntityPlan(behind=(20,))


def test_an_older_state_does_not_go_in_place_of_one_that_breaks_an_invariant() -> None:
    chosen = plan_for(event(1, PLACED), event(2, UPDATED, PARKED, code=BAD_DATA), linked=False)

    assert chosen == EntityPlan(behind=(10,))


def test_an_update_replaces_an_update_that_was_not_taken() -> None:
    newer = event(3, UPDATED)

    for status in (PENDING, REJECTED, PARKED):
        chosen = plan_for(event(2, UPDATED, status), newer, linked=True)
        assert chosen == EntityPlan(push=newer, carried=(20,))


def test_a_cancel_replaces_an_update_that_was_not_taken() -> None:
    cancel = event(3, CANCELED)

    assert plan_for(event(2, UPDATED, REJECTED), cancel, linked=True).push == cancel


@pytest.mark.parametrize("refused", [HELD, RELEASED])
@pytest.mark.parametrize("status", [REJECTED, PARKED])
def test_a_cancel_does_not_wait_for_a_hold_that_the_erp_refused(
    refused: str, status: EventStatus
) -> None:
    cancel = event(3, CANCELED)

    chosen = plan_for(event(2, refused, status), cancel, linked=True, takes=EVERYTHING)

    assert chosen == EntityPlan(push=cancel, carried=(20,))


@pytest.mark.parametrize("status", [PENDING, REJECTED, PARKED])
@pytest.mark.parametrize("linked", [True, False])
def test_what_no_call_takes_stands_in_nobodys_way(status: EventStatus, linked: bool) -> None:
    """Parked for bad data, say: nothing could ever send it, so nothing may wait for it."""
    cancel = event(3, CANCELED)

    chosen = plan_for(event(2, HELD, status), cancel, linked=linked)

    assert chosen.unwanted == (20,)
    assert cancel in (chosen.push, chosen.probe)


@pytest.mark.parametrize("linked", [True, False])
def test_an_update_that_adds_up_again_mends_a_hold_that_did_not(linked: bool) -> None:
    hold = event(2, HELD, PARKED, code=BAD_DATA)

    chosen = plan_for(hold, event(3, UPDATED), linked=linked, takes=EVERYTHING)

    assert chosen == EntityPlan(revive=hold, carry=(20, 30), behind=(30,))


@pytest.mark.parametrize("newer", [UPDATED, CANCELED])
def test_an_order_from_before_the_sidecar_is_not_stuck_behind_bad_data(newer: str) -> None:
    change = event(2, newer)

    chosen = plan_for(event(1, UPDATED, PARKED, code=BAD_DATA), change, linked=False)

    assert chosen == EntityPlan(probe=change, carried=(10,))


@pytest.mark.parametrize("newer", [UPDATED, CANCELED])
def test_to_an_erp_that_refuses_doubles_the_very_same_goes_again(newer: str) -> None:
    """Folded, the newer state would be refused as a duplicate of the older one, and be lost."""
    doubtful = event(1, PLACED, maybe_booked=True)

    chosen = plan_for(doubtful, event(2, newer), linked=False)

    assert chosen == EntityPlan(push=doubtful, behind=(20,))


def test_of_an_order_from_before_the_sidecar_the_erp_is_asked_first() -> None:
    cancel = event(1, CANCELED)

    assert plan_for(cancel, linked=False) == EntityPlan(probe=cancel)


def test_also_what_no_call_takes_mends_a_hold_that_did_not_add_up() -> None:
    hold = event(2, HELD, PARKED, code=BAD_DATA)

    chosen = plan_for(hold, event(3, UPDATED), linked=True, takes=frozenset({"order.held"}))

    assert chosen == EntityPlan(revive=hold, carry=(20, 30), unwanted=(30,))


def test_unhold_sends_a_refused_update_again() -> None:
    """As the remedy of every rejection promises."""
    refused = event(2, UPDATED, REJECTED)

    chosen = plan_for(refused, event(3, RELEASED), linked=True)

    assert chosen == EntityPlan(revive=refused, unwanted=(30,))


def test_a_placement_of_which_the_erp_booked_a_part_is_never_sent_again() -> None:
    requeued = event(1, PLACED)

    assert plan_for(requeued, linked=True) == EntityPlan(probe=requeued)


def test_a_change_that_no_call_takes_still_goes_with_its_placement() -> None:
    placed = event(1, PLACED)

    chosen = plan_for(placed, event(2, HELD), linked=False, takes=frozenset({"order.placed"}))

    assert chosen == EntityPlan(push=placed, carry=(10, 20), carried=(20,))


ONLY_PLACEMENTS = frozenset({"order.placed"})


class TestAnOrderThatLivesAgain:
    """Canceled, or gone, and back: what follows an end says that the order lives."""

    @pytest.mark.parametrize("end", [CANCELED, VANISHED])
    def test_before_it_was_sent_is_placed_with_its_newest_state(self, end: str) -> None:
        placed = event(1, PLACED)

        chosen = plan_for(placed, event(2, end), event(3, UPDATED), linked=False)

        assert chosen == EntityPlan(push=placed, carry=(10, 30), carried=(20, 30))

    @pytest.mark.parametrize("takes", [USUAL, ONLY_PLACEMENTS])
    @pytest.mark.parametrize("ended", [False, True])
    def test_is_asked_about_where_the_erp_holds_nothing_living(
        self, takes: frozenset[str], ended: bool
    ) -> None:
        """Also where no call takes changes: this one may be its placement."""
        reopened = event(4, UPDATED)

        chosen = plan_for(reopened, linked=False, ended=ended, takes=takes)

        assert chosen == EntityPlan(probe=reopened)

    def test_is_sent_when_the_erp_was_asked_and_does_not_hold_it(self) -> None:
        placed = replace(event(4, PLACED), absent=True)

        for ended in (False, True):
            assert plan_for(placed, linked=False, ended=ended) == EntityPlan(push=placed)

    def test_is_not_canceled_where_the_cancel_never_went(self) -> None:
        reopened = event(3, UPDATED)

        chosen = plan_for(event(2, CANCELED), reopened, linked=True)

        assert chosen == EntityPlan(push=reopened, carried=(20,))

    def test_waits_for_a_cancel_that_the_erp_may_have_carried_out(self) -> None:
        cancel = replace(event(2, CANCELED), attempts=1)

        for takes in (USUAL, USUAL - {"order.updated"}):
            chosen = plan_for(cancel, event(3, UPDATED), linked=True, takes=takes)
            assert chosen == EntityPlan(push=cancel, behind=(30,))

    def test_does_not_wait_for_a_cancel_that_the_erp_refused(self) -> None:
        refused = replace(event(2, CANCELED, REJECTED), attempts=1)
        reopened = event(3, UPDATED)

        chosen = plan_for(refused, reopened, linked=True)

        assert chosen == EntityPlan(push=reopened, carried=(20,))

    def test_and_is_canceled_again_leaves_nothing_to_send(self) -> None:
        events = [event(1, PLACED), event(2, CANCELED), event(3, UPDATED), event(4, CANCELED)]

        assert plan_for(*events, linked=False) == EntityPlan(moot=(10, 30, 40), carried=(20,))


def test_of_a_booked_part_that_the_erp_holds_no_more_the_order_goes_again() -> None:
    """Asked once, and sent: a question for each answer would be a loop."""
    placed = replace(event(1, PLACED), absent=True)

    assert plan_for(placed, linked=True) == EntityPlan(push=placed)


LATER = st.builds(
    event,
    st.just(0),
    st.sampled_from([UPDATED, CANCELED, HELD, RELEASED, VANISHED]),
    st.just(PENDING),
    due=st.booleans(),
) | st.builds(
    event,
    st.just(0),
    st.sampled_from([UPDATED, HELD, RELEASED]),
    st.just(PARKED),
    code=st.just(BAD_DATA),
)
HEAD = (
    st.builds(
        event,
        st.just(0),
        st.sampled_from(list(SPEC.types)),
        st.sampled_from([PENDING, SENDING, UNKNOWN, REJECTED]),
        due=st.booleans(),
    )
    | st.builds(
        event,
        st.just(0),
        st.just(PLACED),
        st.just(PENDING),
        due=st.booleans(),
        maybe_booked=st.just(True),
    )
    | st.builds(
        event,
        st.just(0),
        st.sampled_from(list(SPEC.types)),
        st.just(PARKED),
        maybe_booked=st.booleans(),
        code=st.sampled_from([BAD_DATA, "gave_up"]),
    )
)


@st.composite
def open_events(draw: st.DrawFn) -> list[OpenEvent]:
    """Only the first can have been sent: the others wait for it."""
    head = draw(HEAD)
    events = [head, *draw(st.lists(LATER, max_size=5))]
    return [replace(one, id=number * 10, sequence=number) for number, one in enumerate(events, 1)]


SUBSCRIPTIONS = st.sets(st.sampled_from(sorted(EVERYTHING))).map(lambda some: frozenset(some))


LINKS = st.sampled_from([(False, False), (True, False), (False, True)])


@given(open_events(), LINKS, SUBSCRIPTIONS)
@settings(max_examples=300, deadline=None)
def test_every_plan_is_whole(
    events: list[OpenEvent], link: tuple[bool, bool], takes: frozenset[str]
) -> None:
    linked, ended = link
    chosen = plan(events, SPEC, linked=linked, ended=ended, subscriptions=takes)
    closed = (*chosen.carried, *chosen.moot, *chosen.unwanted)
    doing = [one for one in (chosen.push, chosen.probe, chosen.revive) if one]

    assert len(doing) <= 1
    assert len(set(closed)) == len(closed)
    assert not {one.id for one in doing} & set(closed)
    assert not set(chosen.behind) & set(closed)
    for one in events:
        if one.maybe_booked or one.status in (SENDING, UNKNOWN):
            assert one.id not in closed
            assert one is not chosen.push or (one.status is PENDING and not chosen.carry)
        if one is chosen.push:
            assert one.status is PENDING
            assert all(before.id in closed for before in events if before.sequence < one.sequence)
    if chosen.carry:
        target, source = chosen.carry
        assert [one.id for one in doing] == [target]
        assert source == events[-1].id or chosen.revive


@given(open_events(), LINKS, SUBSCRIPTIONS)
@settings(max_examples=300, deadline=None)
def test_nothing_that_is_due_is_passed_over(
    events: list[OpenEvent], link: tuple[bool, bool], takes: frozenset[str]
) -> None:
    """What is due and neither moves nor is held back would be looked at for ever, first of all."""
    linked, ended = link
    chosen = plan(events, SPEC, linked=linked, ended=ended, subscriptions=takes)
    settled = {*chosen.carried, *chosen.moot, *chosen.unwanted, *chosen.behind}
    settled |= {one.id for one in (chosen.push, chosen.probe) if one}

    for one in events:
        if one.due and one.status in (PENDING, UNKNOWN):
            assert one.id in settled, (one, chosen)


@given(open_events(), LINKS, SUBSCRIPTIONS)
@settings(max_examples=500, deadline=None)
def test_no_word_that_the_order_lives_is_closed_for_nothing(
    events: list[OpenEvent], link: tuple[bool, bool], takes: frozenset[str]
) -> None:
    """Where the ERP holds nothing living, the newest state goes, is asked about, or waits."""
    linked, ended = link
    newest = events[-1]
    lives = newest.type in (PLACED, UPDATED) and not linked
    chosen = plan(events, SPEC, linked=linked, ended=ended, subscriptions=takes)

    if lives:
        moves = chosen.push or chosen.probe or chosen.revive
        closed = (*chosen.carried, *chosen.moot, *chosen.unwanted)
        assert newest.id not in closed or (chosen.carry and chosen.carry[1] == newest.id)
        assert newest.id not in (*chosen.moot, *chosen.unwanted)
        waits = newest.status not in (PENDING, UNKNOWN) or not newest.due
        assert moves or waits or newest.id in chosen.behind


@dataclass
class Row:
    """One event in the books; `state` is what its payload says: a count of the order's changes."""

    sequence: int
    type: str
    state: int
    status: EventStatus = PENDING
    due: bool = True
    maybe_booked: bool = False
    code: str | None = None

    @property
    def open(self) -> OpenEvent:
        return OpenEvent(
            self.sequence, 42, self.sequence, self.type, self.status, self.maybe_booked,
            self.due, self.code,
        )  # fmt: skip


@dataclass
class Books:
    """What claimer, intake and settlement do to one entity's rows."""

    takes: frozenset[str]
    linked: bool = False
    rows: list[Row] = field(default_factory=list)
    #: What the ERP has seen: state by state, as it arrived.
    arrived: list[int] = field(default_factory=list)
    booked: int = 0

    def open_rows(self) -> list[Row]:
        return [row for row in self.rows if row.status not in (ACCEPTED, SUPERSEDED)]

    def take_in(self, type_: str, state: int, *, broken: bool) -> None:
        row = Row(len(self.rows) + 1, type_, state)
        if broken:
            row = replace(row, status=PARKED, due=False, code=BAD_DATA)
        self.rows.append(row)
        self.wake()

    def wake(self) -> None:
        for row in self.rows:
            if row.status is PENDING:
                row.due = True

    def claim(self) -> Row | None:
        """One pass of the claimer; gives what is in flight then."""
        chosen = plan(
            [row.open for row in self.open_rows()],
            SPEC,
            linked=self.linked,
            subscriptions=self.takes,
        )
        by_sequence = {row.sequence: row for row in self.rows}
        if chosen.unwanted:
            self.wake()
        if chosen.carry:
            target, source = chosen.carry
            by_sequence[target].state = by_sequence[source].state
        for sequence in (*chosen.carried, *chosen.moot, *chosen.unwanted):
            by_sequence[sequence].status = SUPERSEDED
            by_sequence[sequence].due = False
        for sequence in chosen.behind:
            by_sequence[sequence].due = False
        if chosen.revive:
            revived = by_sequence[chosen.revive.id]
            revived.status, revived.due, revived.code = PENDING, True, None
        taken = chosen.push or chosen.probe
        if taken is None:
            return None
        row = by_sequence[taken.id]
        row.status, row.due = SENDING, False
        return row

    def in_flight(self) -> Row | None:
        return next((row for row in self.rows if row.status is SENDING), None)

    def settle(self, row: Row, status: EventStatus, *, maybe_booked: bool = False) -> None:
        row.status, row.maybe_booked = status, maybe_booked
        row.due = status in (PENDING, UNKNOWN)
        self.wake()

    def requeue(self) -> None:
        """An operator makes everything due again; what may be booked is asked for."""
        for row in self.open_rows():
            if row.status in (PARKED, REJECTED, UNKNOWN, PENDING) and row.code != BAD_DATA:
                row.status = UNKNOWN if row.maybe_booked else PENDING
                row.due = True

    def drop_bad_data(self) -> None:
        """An operator gives up what cannot be mended any more."""
        for row in self.open_rows():
            if row.code == BAD_DATA:
                row.status = SUPERSEDED
        self.wake()


class OrderHistory(RuleBasedStateMachine):
    """An order's life in the shop, an ERP that answers anything, operators that help.

    `asks`: the ERP can be asked what it has; one that cannot refuses doubles.
    """

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(USUAL)
        self.asks = True
        self.changes = 0
        self.probing = False
        self.ended = False

    @initialize(takes=SUBSCRIPTIONS, asks=st.booleans(), placed=st.booleans(), broken=st.booleans())
    def begin(self, takes: frozenset[str], asks: bool, placed: bool, broken: bool) -> None:
        self.books = Books(takes | {"order.placed"})
        self.asks = asks or not placed
        if placed:
            self.books.take_in(PLACED, 0, broken=broken)

    @rule(type_=st.sampled_from([UPDATED, HELD, RELEASED]), broken=st.booleans())
    def change(self, type_: str, broken: bool) -> None:
        if not self.ended:
            self.changes += 1
            self.books.take_in(type_, self.changes, broken=broken)

    @rule()
    def cancel(self) -> None:
        if not self.ended:
            self.changes += 1
            self.ended = True
            self.books.take_in(CANCELED, self.changes, broken=False)

    @rule()
    def claim(self) -> None:
        before = self.books.in_flight()
        unknown = [row for row in self.books.rows if row.status is UNKNOWN]
        taken = self.books.claim()
        assert before is None or taken is None, "two events of one order at once"
        if taken:
            self.probing = taken in unknown or (not self.books.linked and taken.type is not PLACED)

    @rule(
        status=st.sampled_from([ACCEPTED, REJECTED, PENDING, UNKNOWN, PARKED]),
        arrived=st.booleans(),
    )
    def answer(self, status: EventStatus, arrived: bool) -> None:
        row = self.books.in_flight()
        if row is None:
            return
        if self.probing:
            self._learn(row)
            return
        in_doubt = status in (UNKNOWN, PARKED)
        if status is ACCEPTED or (in_doubt and arrived):
            self._book(row)
        if status is ACCEPTED:
            self.books.linked = True
        if status is UNKNOWN and not self.asks:
            status = PENDING
        still = status is PENDING and row.maybe_booked
        self.books.settle(row, status, maybe_booked=in_doubt or still)

    def _learn(self, row: Row) -> None:
        if row.type is not PLACED:
            known = self.books.booked or self.books.linked
            self.books.linked = bool(known)
            self.books.settle(row, PENDING if known else SUPERSEDED)
        elif not self.asks:
            self.books.settle(row, PENDING, maybe_booked=True)
        elif self.books.booked:
            self.books.linked = True
            self.books.settle(row, ACCEPTED)
        else:
            self.books.settle(row, PENDING)

    def _book(self, row: Row) -> None:
        if row.type is PLACED and self.books.booked and not self.asks:
            return  # refused as a duplicate, and adopted
        self.books.arrived.append(row.state)
        self.books.booked += row.type is PLACED

    @rule()
    def help(self) -> None:
        self.books.requeue()

    @invariant()
    def the_erp_never_books_an_order_twice(self) -> None:
        assert self.books.booked <= 1

    @invariant()
    def the_erp_never_sees_an_older_state_after_a_newer_one(self) -> None:
        assert self.books.arrived == sorted(self.books.arrived)

    @invariant()
    def at_most_one_event_is_in_flight(self) -> None:
        assert sum(row.status is SENDING for row in self.books.rows) <= 1

    def teardown(self) -> None:
        """The shop mends, the ERP takes everything, operators help: all comes to an end."""
        if not self.ended:
            self.changes += 1
            self.books.take_in(UPDATED, self.changes, broken=False)
        for _ in range(60):
            while row := self.books.in_flight() or self._claim_again():
                if self.probing:
                    self._learn(row)
                else:
                    self._book(row)
                    self.books.linked = True
                    self.books.settle(row, ACCEPTED)
            if not self.books.open_rows():
                break
            self.books.requeue()
            if self.ended:
                # A hold that broke an invariant, of an order that is canceled by now.
                self.books.drop_bad_data()
            elif any(row.code == BAD_DATA for row in self.books.open_rows()):
                # Requeued, such an order is read anew.
                self.changes += 1
                self.books.take_in(UPDATED, self.changes, broken=False)
        assert not self.books.open_rows(), self.books.rows
        self.the_erp_never_books_an_order_twice()
        self.the_erp_never_sees_an_older_state_after_a_newer_one()
        last = "order.canceled" if self.ended else "order.updated"
        if self.books.booked and last in self.books.takes:
            assert self.books.arrived[-1] == self.changes, "the newest state never arrived"

    def _claim_again(self) -> Row | None:
        for _ in range(5):
            self.claim()
            if row := self.books.in_flight():
                return row
        return None


TestOrderHistory = OrderHistory.TestCase
TestOrderHistory.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
