"""Tell of pauses that somebody may have forgotten: orders wait, and nothing else would say so."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.ports import Clock, Narrator

#: How often the same pause is told.
_AGAIN = 3600.0


class PauseWatch:
    """`alarms`: domain → seconds after which a pause that has an end counts as forgotten too."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        alarms: Mapping[str, float],
        *,
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._alarms = alarms
        self._clock = clock
        self._narrator = narrator
        self._told: dict[str, float] = {}

    def look(self) -> None:
        """One look; what is forgotten is told now, and every hour from then on."""
        with self._database.transaction("reading the domains' control") as connection:
            controls = self._ledger.control.read(connection, list(self._alarms))
        now = self._clock.monotonic()
        for domain, control in controls.items():
            if not control.is_forgotten(self._alarms[domain]):
                self._told.pop(domain, None)
            elif now - self._told.get(domain, -_AGAIN) >= _AGAIN:
                self._told[domain] = now
                self._narrator.tell(
                    "domain.pause_forgotten",
                    domain=domain,
                    who=control.paused_by,
                    message=control.paused_reason,
                    seconds=round(control.paused_for),
                    until=control.paused_until,
                    remedy=f"erp-sidecar domain resume {domain}",
                )
