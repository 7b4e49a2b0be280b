"""A question to the ERP about its own news, made when it is the domain's turn on the account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import TypeVar

from sidecar.delivery.account import ErpAccount
from sidecar.delivery.parcels import Trust
from sidecar.delivery.turns import Rank
from sidecar.delivery.workers import Workers
from sidecar.model.errors import TryAgain
from sidecar.ports import Clock

_T = TypeVar("_T")
#: Seconds that a question waits for its turn behind what is more urgent.
_PATIENCE = 60.0


class QuestionTurn:
    """Shares threads, throttle and breaker with what is sent on the same account."""

    def __init__(self, rank: Rank, account: ErpAccount, workers: Workers, clock: Clock) -> None:
        self._rank = rank
        self._account = account
        self._workers = workers
        self._clock = clock

    def __call__(self, call: Callable[[], _T]) -> _T:
        """Make the call.  Raises TryAgain where none may be made now, and what the call raises."""
        if self._account.is_quiet() or not self._account.may_call():
            raise TryAgain(
                f"the ERP is left alone for now, and not asked about {self._rank.name}",
                "it is asked again by itself; 'erp-sidecar status' shows why",
            )
        trust = Trust(self._clock.monotonic() + _PATIENCE)
        made = self._workers.submit(self._rank, trust, partial(self._account.asked, call))
        try:
            return made.result()
        except CancelledError:
            raise TryAgain(
                f"no call to the ERP could be made for {self._rank.name} within {_PATIENCE:.0f} s",
                "'erp-sidecar status' shows the rate and whether the ERP asked to wait",
            ) from None
