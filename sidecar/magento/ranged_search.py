"""The sweep's questions (`sidecar.magento.examiner.Search`) where each is one statement."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from sidecar.model.domain_spec import DomainSpec

#: Seconds in which another change may hide behind one that was seen: Magento's updated_at has a
#: resolution of one second, and it is given when a statement runs, not when its transaction
#: commits.
HIDING_SECONDS = 2


class RangedSearch:
    """Compares the rows of one table of Magento with those of one kind in the ledger's memory.

    Range by range of the key, with plain reads: an anti-join needs no high-water mark, which late
    commits would slip past (facts: mysql-outbox 2.1).
    """

    def __init__(
        self,
        spec: DomainSpec,
        rows: str,
        key: str,
        entity_table: str,
        *,
        changed: str,
        baseline: str,
        below: int | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> None:
        """`rows`, `key`: SQL for Magento's table with its alias, and for its key.

        `changed`, `baseline`: the statements of `Search.new_or_changed` and `Search.baseline`, for
        `after`, `upto`, `kind` and `parameters`.  `entity_table`: the ledger's memory, its full
        name quoted; what it has from `below` on is in other tables of Magento.
        """
        self.spec = spec
        self._parameters = {"kind": spec.kind, **(parameters or {})}
        self._changed = changed
        self._baseline = baseline
        ours = "" if below is None else f"AND e.entity_id < {below} "
        self._vanished = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {rows} ON {key} = e.entity_id WHERE e.kind = %(kind)s "
            f"AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s {ours}"
            f"AND e.vanished_at IS NULL AND {key} IS NULL ORDER BY e.entity_id"
        )
        self._span = (
            "SELECT COALESCE(MIN(lowest), 0), COALESCE(MAX(highest), 0) FROM ("
            f"SELECT MIN({key}) AS lowest, MAX({key}) AS highest FROM {rows} "
            f"UNION ALL SELECT MIN(e.entity_id), MAX(e.entity_id) FROM {entity_table} e "
            f"WHERE e.kind = %(kind)s {ours}) sides"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """See `Search`."""
        lowest, highest = connection.exec_driver_sql(self._span, self._parameters).one()
        return int(lowest), int(highest)

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return self._ids(connection, self._changed, after, upto)

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return self._ids(connection, self._vanished, after, upto)

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """See `Search`.

        For the installation: what is older than the sidecar is not its business.  Rows that exist
        stay as they are.  Meant for `Database.transaction()`: in READ COMMITTED the server reads
        Magento's rows without locking them, so no checkout waits.
        """
        return connection.exec_driver_sql(self._baseline, self._within(after, upto)).rowcount

    def _ids(self, connection: sa.Connection, statement: str, after: int, upto: int) -> list[int]:
        rows = connection.exec_driver_sql(statement, self._within(after, upto))
        return [int(row[0]) for row in rows]

    def _within(self, after: int, upto: int) -> dict[str, object]:
        return {"after": after, "upto": upto, **self._parameters}
