"""One ERP account: throttle and breaker together, told of each call, remembered by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.database import Database
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.throttle import Throttle
from sidecar.domain.outcome import Outcome, Retry, Throttled, Unknown
from sidecar.ledger.accounts import AccountState
from sidecar.ledger.store import LedgerStore
from sidecar.ports import ErpAdapter, Narrator, Result


class ErpAccount:
    """Shared by all domains that talk to this account."""

    def __init__(
        self,
        name: str,
        throttle: Throttle,
        breaker: Breaker,
        adapter: ErpAdapter,
        database: Database,
        ledger: LedgerStore,
        narrator: Narrator,
    ) -> None:
        self.throttle = throttle
        self._name = name
        self._breaker = breaker
        self._adapter = adapter
        self._database = database
        self._ledger = ledger
        self._narrator = narrator
        self._saved = AccountState()

    def restore(self) -> None:
        """Take up what the ledger remembers."""
        with self._database.transaction("reading the ERP account's state") as connection:
            state = self._ledger.accounts.read(connection, self._name)
        self._breaker.restore(state.failures, state.open, state.ask_in)
        self.throttle.restore(state.rate, state.slow_for)
        self._saved = state

    def remember(self) -> None:
        """Write the present state down when it has changed."""
        state = AccountState(
            failures=self._breaker.failures,
            open=self._breaker.is_open,
            ask_in=self._breaker.asks_in(),
            slow_for=self.throttle.slow_for(),
            rate=round(self.throttle.rate, 2),
        )
        if state == self._saved:
            return
        with self._database.transaction("writing the ERP account's state") as connection:
            self._ledger.accounts.save(connection, self._name, state)
        self._saved = state

    def may_call(self) -> bool:
        """Whether calls may go.  An open breaker lets one question through per interval."""
        if not self._breaker.is_open:
            return True
        if not self._breaker.may_ask():
            return False
        ping = self._adapter.ping()
        if not ping.reachable:
            self._narrator.tell("breaker.still_open", account=self._name, message=ping.message)
            return False
        self.answered()
        return True

    def note(self, results: Sequence[Result]) -> None:
        """Learn from what the calls of one push came to."""
        for outcomes, was_answered in _calls(results):
            waits = [one.after or 0 for one in outcomes if isinstance(one, Throttled)]
            if waits:
                self.throttle.refused(max(waits))
                self._narrator.tell("throttle.slower", account=self._name, rate=self.throttle.rate)
            elif was_answered:
                self.answered()
            elif isinstance(first := outcomes[0], Retry | Unknown):
                self.failed(first.message)

    def failed(self, message: str) -> None:
        """The ERP gave no answer."""
        if self._breaker.failed():
            self._narrator.tell("breaker.opened", account=self._name, message=message)

    def answered(self) -> None:
        """The ERP gave an answer, whatever it said."""
        self.throttle.answered()
        if self._breaker.answered():
            self._narrator.tell("breaker.closed", account=self._name)


def _calls(results: Sequence[Result]) -> list[tuple[list[Outcome], bool]]:
    """What each call came to and whether it was answered; a batch's results share one exchange.

    Counted per event, one lost connection would open the breaker at once and one 429 would slow
    the account down to its floor.
    """
    calls: dict[int, tuple[list[Outcome], bool]] = {}
    for result in results:
        exchange = result.exchange
        was_answered = exchange is not None and exchange.status is not None
        calls.setdefault(id(exchange), ([], was_answered))[0].append(result.outcome)
    return list(calls.values())
