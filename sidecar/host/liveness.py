"""Whether this daemon works: it holds the work lease, and its duties come to an end of late.

A thread that hangs in a call, or a station that fails again and again, leaves the process alive and
the log quiet; only what was last done, and when, tells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sidecar.ports import Clock

#: A duty that has failed for so long does not work, however lively it is.
_FAILING_SECONDS = 300.0


class Liveness:
    """`limits`: duty → seconds after which one that has not ended well counts as silent.

    `of_others`: duties that fail where another system gives no answer: that is told elsewhere, and
    the daemon works.
    """

    def __init__(
        self, clock: Clock, limits: Mapping[str, float], of_others: Collection[str] = ()
    ) -> None:
        self._of_others = frozenset(of_others)
        self._clock = clock
        self._limits = limits
        self._ended_at: dict[str, float] = {}
        self._failing_since: dict[str, float] = {}
        self._working_until = 0.0

    def works_until(self, moment: float) -> None:
        """The work lease is ours until then, by the process's clock; 0: it is not."""
        self._working_until = moment

    def ended(self, duty: str) -> None:
        """A duty came to its end without trouble."""
        self._ended_at[duty] = self._clock.monotonic()
        self._failing_since.pop(duty, None)

    def failed(self, duty: str) -> None:
        """A duty broke off."""
        self._failing_since.setdefault(duty, self._clock.monotonic())

    @property
    def holds_the_lease(self) -> bool:
        """Whether this daemon is the one that works."""
        return self._clock.monotonic() < self._working_until

    def silent(self) -> list[str]:
        """The duties of which nothing was heard for too long, or ever."""
        now = self._clock.monotonic()
        return [
            duty
            for duty, limit in self._limits.items()
            if duty not in self._ended_at or now - self._ended_at[duty] > limit
        ]

    def failing(self) -> list[str]:
        """The duties that have broken off at each try for too long."""
        now = self._clock.monotonic()
        return [
            duty
            for duty, since in list(self._failing_since.items())
            if now - since > _FAILING_SECONDS and duty not in self._of_others
        ]

    @property
    def works(self) -> bool:
        """Whether the lease is ours, no duty is silent and none fails again and again."""
        return self.holds_the_lease and not self.silent() and not self.failing()
