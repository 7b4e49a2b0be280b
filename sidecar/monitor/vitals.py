"""The few figures that tell whether all is well, cheap enough to be taken four times a minute.

`erp-sidecar status` counts everything and names it for a person; these are for machines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.monitor.ledger_vitals import LedgerVitals, LedgerVitalsReader
from sidecar.monitor.trigger_states import TriggerStates, TriggerWatch


@dataclass(frozen=True, slots=True)
class Vitals:
    """How things stand; `sends` is false in a copy of the shop."""

    sends: bool
    triggers: TriggerStates
    ledger: LedgerVitals


class VitalsReader:
    """Reads them; `may_send`: whether this is the system that was installed."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerVitalsReader,
        triggers: TriggerWatch,
        may_send: Callable[[sa.Connection], bool],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._triggers = triggers
        self._may_send = may_send

    def read(self) -> Vitals:
        """Raises Unavailable when the database cannot be asked."""
        triggers = self._triggers.look()
        with self._database.transaction("reading the vital figures") as connection:
            return Vitals(
                sends=self._may_send(connection),
                triggers=triggers,
                ledger=self._ledger.read(connection),
            )
