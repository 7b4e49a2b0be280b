"""What a person does about differences: look at them, and end them when he has seen to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.database.connection import Database
from sidecar.ledger.records import DifferenceRow, Records
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import BadData
from sidecar.operate.naming import named
from sidecar.operate.queue import By


@dataclass(frozen=True, slots=True)
class Resolved:
    """Which differences ended; `already`: orders of which none stood any more."""

    differences: tuple[DifferenceRow, ...]
    already: tuple[str, ...]


class Findings:
    """The open differences of one ledger."""

    def __init__(
        self, database: Database, store: LedgerStore, domains: Sequence[DomainSpec]
    ) -> None:
        self._domains = domains
        self._database = database
        self._store = store
        self._records = Records(store.tables)

    def open(self, documents: int) -> list[DifferenceRow]:
        """What stands, of the `documents` that it was found in last."""
        with self._database.transaction("reading differences") as connection:
            return self._records.open_differences(connection, documents)

    def resolve(self, numbers: Sequence[str], by: By, *, dry_run: bool = False) -> Resolved:
        """End what stands of these orders; BadData for a number that the ledger does not know."""
        ended: list[DifferenceRow] = []
        already: list[str] = []
        with self._database.transaction("ending differences") as connection:
            for number in dict.fromkeys(numbers):
                spec, plain = named(self._domains, number)
                known = self._store.entities.by_number(connection, spec.kind, plain)
                if not known:
                    raise BadData(f"the ledger knows no {spec.noun} {plain}", "is it in Magento?")
                found: list[DifferenceRow] = []
                for entity in known:
                    self._store.entities.lock(connection, entity.kind, [entity.entity_id])
                    rows = self._records.differences_of(connection, entity.kind, entity.entity_id)
                    found += [row for row in rows if row.resolved_at is None]
                    if not dry_run:
                        self._store.differences.end(connection, entity.kind, [entity.entity_id])
                if not found:
                    already.append(number)
                elif not dry_run:
                    self._store.audit.note(
                        connection,
                        who=by.who,
                        command="differences resolve",
                        subject=number,
                        reason=by.reason,
                        detail={"differences": [_told(row) for row in found]},
                    )
                ended += found
        return Resolved(tuple(ended), tuple(already))


def _told(difference: DifferenceRow) -> str:
    return f"{difference.class_}: ours {difference.ours}, theirs {difference.theirs}"
