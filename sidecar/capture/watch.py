"""Look whether the triggers are still those that were installed, and what they could not write.

Triggers vanish silently: a dump and restore, a schema tool, a deploy (facts: field-problems 4).
"""

from __future__ import annotations

from sidecar.capture.outbox import Outbox
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import Database
from sidecar.ports import Narrator


class TriggerWatch:
    """Reports, never repairs: a deploy may be under way."""

    def __init__(
        self, triggers: Triggers, outbox: Outbox, database: Database, narrator: Narrator
    ) -> None:
        self._triggers = triggers
        self._outbox = outbox
        self._database = database
        self._narrator = narrator
        self._newest_fault = 0

    def look(self) -> None:
        """One look; what is amiss is told each time, new breadcrumbs once."""
        if suspension := self._triggers.suspension():
            self._narrator.tell(
                "capture.triggers_suspended", who=suspension.who, message=suspension.why
            )
        else:
            self._drift()
        self._faults()

    def _drift(self) -> None:
        for trigger in self._triggers.status():
            if trigger.state is not State.OK:
                self._narrator.tell(
                    "capture.trigger_drift",
                    trigger=trigger.name,
                    state=trigger.state.value,
                    remedy="erp-sidecar triggers install",
                )

    def _faults(self) -> None:
        with self._database.transaction("reading trigger faults") as connection:
            faults = self._outbox.faults(connection)
        for fault in faults:
            if fault.id > self._newest_fault:
                self._narrator.tell(
                    "capture.trigger_fault",
                    domain=self._triggers.domain_of(fault.kind),
                    pointed=fault.pointed,
                    errno=fault.errno,
                )
        self._newest_fault = max((fault.id for fault in faults), default=self._newest_fault)
