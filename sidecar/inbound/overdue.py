"""A person is told of a document that does not leave a state of the ERP's for too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.ports import Narrator


class OverdueWatch:
    """One domain's documents; what it tells is a difference, which ends when they go on."""

    def __init__(
        self,
        spec: DomainSpec,
        limits: Mapping[str, float],
        database: Database,
        ledger: LedgerStore,
        narrator: Narrator,
        *,
        may_work: Callable[[sa.Connection], bool],
    ) -> None:
        """`limits`: state → seconds for which a document may stand in it."""
        if spec.tells is None or spec.tells.of is None:
            raise TypeError(f"what the ERP tells of {spec.name} belongs to no document")
        self._domain = spec.name
        self._kind = spec.tells.of[0]
        self._limits = limits
        self._database = database
        self._ledger = ledger
        self._narrator = narrator
        self._may_work = may_work

    def run_once(self) -> int:
        """Look once; never more to do at once."""
        domain, kind = self._domain, self._kind
        with self._database.transaction("looking for what stands still in the ERP") as connection:
            if not self._may_work(connection):
                return 0
            self._ledger.overdue.end(connection, domain, kind)
            found = self._ledger.overdue.begin(connection, domain, kind, self._limits)
        for one in found:
            self._narrator.tell(
                "inbound.overdue", domain=domain, kind=kind, number=one.number, state=one.state
            )
        return 0
