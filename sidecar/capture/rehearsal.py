"""A rehearsal of the trigger's rights on a table of our own, before Magento's are touched.

A definer that does not exist (1449) or lost the TRIGGER right (1142) fails every checkout, and no
handler in a trigger catches that.  CREATE TRIGGER does not find it out; firing one does.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from sidecar.capture.ddl import YieldingDdl, code_and_text
from sidecar.capture.trigger_plan import LiveSchema, Names, quoted, quoted_user
from sidecar.database.connection import Database
from sidecar.model.errors import PermissionDenied

#: Lives in Magento's schema for a moment; Magento's declarative schema leaves foreign tables alone.
PROBE = "erp_sidecar_probe"

_RIGHT_MISSING = 1142
_NO_SUCH_DEFINER = 1449


class Rehearsal:
    """One trial of a definer in one schema."""

    def __init__(
        self, database: Database, ddl: YieldingDdl, live: LiveSchema, definer: str, names: Names
    ) -> None:
        self._database = database
        self._ddl = ddl
        self._user = live.user
        self._definer = definer
        self._table = f"{quoted(live.database)}.{quoted(live.prefix + PROBE)}"
        self._trigger = f"{quoted(live.database)}.{quoted(PROBE + '_ai')}"
        self._targets = (names("outbox"), names("outbox_fault"))

    def statements(self) -> list[str]:
        """What `run` runs, as SQL: preparation, trial, clearing away."""
        return [*self._preparation(), self._trial(), self._clearing()]

    def run(self) -> None:
        """Fire a trigger of the definer and roll its hint back; grant INSERT where it is missing.

        Raises PermissionDenied with the line to run.
        """
        try:
            for statement in self._preparation():
                self._ddl.run(statement)
            if self._refusal() is not None:
                self._grant()
                if refusal := self._refusal():
                    raise PermissionDenied(
                        f"a trigger that {self._definer} defines is refused: {refusal}",
                        "compare the user's rights with sql/grants.sql",
                    )
        finally:
            self._ddl.run(self._clearing())

    def _preparation(self) -> list[str]:
        inserts = " ".join(
            f"INSERT INTO {target} (kind, entity_id, pointed) "
            "VALUES ('probe', NEW.id, 'rehearsal');"
            for target in self._targets
        )
        return [
            self._clearing(),
            f"CREATE TABLE {self._table} (id int unsigned NOT NULL PRIMARY KEY) ENGINE=InnoDB",
            f"CREATE DEFINER={quoted_user(self._definer)} TRIGGER {self._trigger} "
            f"AFTER INSERT ON {self._table} FOR EACH ROW BEGIN {inserts} END",
        ]

    def _trial(self) -> str:
        return f"INSERT INTO {self._table} (id) VALUES (1)"

    def _clearing(self) -> str:
        return f"DROP TABLE IF EXISTS {self._table}"

    def _refusal(self) -> str | None:
        """Fire once; the server's words where a right is missing."""
        with self._database.transaction("rehearsing a trigger") as connection:
            try:
                connection.exec_driver_sql(self._trial())
            except DBAPIError as error:
                code, text = code_and_text(error)
                if code == _NO_SUCH_DEFINER:
                    raise PermissionDenied(
                        f"the user {self._definer}, which the triggers would name as definer, "
                        "does not exist on this server: checkout would fail (1449)",
                        "install as Magento's own database user ('erp-sidecar install "
                        "--magento-root PATH'); where Magento's own triggers name the lost one, "
                        "they fail already: restore it, or set the indexers to realtime and back "
                        "to schedule",
                    ) from error
                if code == _RIGHT_MISSING:
                    return text
                raise
            finally:
                connection.rollback()
        return None

    def _grant(self) -> None:
        # Only after the trigger fired: MariaDB's GRANT would create a user that is not there.
        grants = [
            f"GRANT INSERT ON {target} TO {quoted_user(self._definer)}" for target in self._targets
        ]
        try:
            for grant in grants:
                self._ddl.run(grant)
        except PermissionDenied as error:
            raise PermissionDenied(
                f"{self._definer} may not write the outbox, and {self._user} may not grant it",
                f"as the database's administrator: {'; '.join(grants)};",
            ) from error
