"""The documents of another system's ERP, which count for nothing in a copy.

A document's number means something within one ERP only: the test ERP of a copy gives numbers that
the original's has given, and what is under such a number there is another order's document
(docs/decisions/0053).
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.ledger.tables import Tables
from sidecar.model.identity import Circumstances, Identity

_LINKS = ("link", "former_link")


class OriginalLinks:
    """Tables `original_link` and `original_former_link`, of the shape of those that they keep."""

    def __init__(self, tables: Tables) -> None:
        self._names = tables.names

    def sort(
        self,
        connection: sa.Connection,
        recorded: Identity,
        present: Circumstances,
        *,
        is_copy: bool,
    ) -> None:
        """Somebody said what this is: only documents of the ERP that is spoken to stay known."""
        if is_copy and recorded.original_erp is None:
            self._set_aside(connection)
        elif is_copy and recorded.erp != present.erp:
            self._forget(connection)
        elif not is_copy and recorded.original_erp == present.erp:
            self._bring_back(connection)

    def _set_aside(self, connection: sa.Connection) -> None:
        """This is a copy: no order of it has a document yet."""
        for table in _LINKS:
            kept = self._names(f"original_{table}")
            connection.exec_driver_sql(f"DELETE FROM {kept}")
            connection.exec_driver_sql(f"INSERT INTO {kept} SELECT * FROM {self._names(table)}")
        self._forget(connection)

    def _bring_back(self, connection: sa.Connection) -> None:
        """It was the original after all: what was set aside counts again, and nothing else does."""
        self._forget(connection)
        for table in _LINKS:
            kept = self._names(f"original_{table}")
            connection.exec_driver_sql(f"INSERT INTO {self._names(table)} SELECT * FROM {kept}")
            connection.exec_driver_sql(f"DELETE FROM {kept}")

    def _forget(self, connection: sa.Connection) -> None:
        """Another ERP is spoken to, which has none of the documents."""
        for table in _LINKS:
            connection.exec_driver_sql(f"DELETE FROM {self._names(table)}")
