"""The ledger's tables: their full names, and the columns as SQLAlchemy Core sees them.

The truth is `sql/*.sql`, which a DBA reads; tests/database/test_ledger_tables.py compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

PREFIX_INSIDE_MAGENTO = "erp_sidecar_"

_COLUMNS = {
    "outbox": "id kind entity_id pointed created_at",
    "outbox_fault": "id kind entity_id pointed errno message created_at",
    "entity": "kind entity_id number store_id state status our_number held_by_us as_is "
    "overwritten amount currency fingerprint mark facts sequence revision made_at "
    "updated_at looked_at vanished_at parent_kind parent_id",
    "event": "id event_id domain kind entity_id number sequence type version status due_at "
    "waiting ref maybe_booked absent vouched attempts questions crashes asking fence lease_owner "
    "lease_until "
    "amount currency reason remedy error_code error_print occurred_at posting_date created_at "
    "first_sent_at sent_at finished_at",
    "payload": "kind entity_id sequence payload",
    "attempt": "id event number operation fence owner outcome reference code message request "
    "http_status milliseconds timed_out answer predicate doubt events at",
    "link": "kind entity_id reference erp_key is_main status total tax line_count currency ref "
    "event booked_at updated_at ended_at",
    "former_link": "kind entity_id reference ref ended_at",
    "write_back": "id kind entity_id event incoming action detail changes state due_at "
    "waiting_since tries applied applied_at wrote_status wrote_reference message created_at",
    "incoming": "id domain account number version told_at payload kind entity_id status due_at "
    "waiting_since tries asked_at memory state as_is document what remedy created_at finished_at",
    "cursor": "domain account since full_at approved updated_at",
    "told_sum": "id kind name total messages told_at",
    "closed_period": "period closed_at closed_by reason",
    "backfill": "id domain per_minute asked_by asked_at reason canceled_at finished_at",
    "backfill_document": "backfill kind entity_id pointed_at",
    "difference": "id domain kind entity_id number class ours theirs amount currency event "
    "found_at resolved_at",
    "audit": "id at who command subject reason detail",
    "control": "domain paused_at paused_until paused_by paused_reason stopped_at stopped_reason",
    "erp_account": (
        "name address failures opened_at ask_at slow_until asked_wait wait_ended_at rate used "
        "slots updated_at"
    ),
    "lease": "name owner term until",
    "station": "name failing_since failures message remedy updated_at",
    "installed": "kind name detail at",
    "check_run": "id asked_by asked_at until hint looked_at taken_at answered_at written_at answer "
    "failure remedy",
    "identity": "id servers magento_schema ledger base_urls erps original_erps doubt recorded_at "
    "recorded_by reason beat beat_by beat_machine beat_at token past_order told told_why told_at",
    "migration": "version name checksum applied_at",
}
TABLES = (
    *_COLUMNS,
    "event_archive",
    "original_link",
    "original_former_link",
    "original_incoming",
    "original_cursor",
)


@dataclass(frozen=True, slots=True)
class LedgerNames:
    """Where the ledger lives: a schema of its own, or Magento's with a prefix."""

    schema: str
    prefix: str = ""

    @classmethod
    def placed(cls, ledger_schema: str | None, magento_schema: str) -> LedgerNames:
        """From the configuration: `ledger.schema: null` puts the tables inside Magento's schema."""
        if ledger_schema is None:
            return cls(magento_schema, PREFIX_INSIDE_MAGENTO)
        return cls(ledger_schema)

    def __call__(self, table: str) -> str:
        """A table's full name, quoted."""
        return f"`{self.schema}`.`{self.prefix}{table}`"


class Tables:
    """The tables as SQLAlchemy Core constructs, one attribute each."""

    def __init__(self, names: LedgerNames) -> None:
        self.names = names
        self.entity = self._table("entity")
        self.event = self._table("event")
        self.event_archive = self._table("event_archive", "event")
        self.payload = self._table("payload")
        self.attempt = self._table("attempt")
        self.link = self._table("link")
        self.former_link = self._table("former_link")
        self.original_link = self._table("original_link", "link")
        self.original_former_link = self._table("original_former_link", "former_link")
        self.write_back = self._table("write_back")
        self.incoming = self._table("incoming")
        self.cursor = self._table("cursor")
        self.original_incoming = self._table("original_incoming", "incoming")
        self.original_cursor = self._table("original_cursor", "cursor")
        self.difference = self._table("difference")
        self.audit = self._table("audit")
        self.control = self._table("control")
        self.erp_account = self._table("erp_account")
        self.lease = self._table("lease")
        self.station = self._table("station")
        self.installed = self._table("installed")
        self.identity = self._table("identity")
        self.check_run = self._table("check_run")

    def _table(self, name: str, shape: str | None = None) -> sa.TableClause:
        """`shape`: the table whose columns it has."""
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(column) for column in _COLUMNS[shape or name].split()
        ]
        return sa.table(self.names.prefix + name, *columns, schema=self.names.schema)


#: What lies further away is beyond every plan, and somewhere beyond the calendar.
_FAR = 10 * 365 * 86_400.0
#: The database's clock.  Leases and due times never use the process's.
NOW: sa.ColumnElement[object] = sa.literal_column("UTC_TIMESTAMP(3)")


def in_seconds(seconds: float) -> sa.ColumnElement[object]:
    """A moment on the database's clock, `seconds` from now; ten years away at the most."""
    near = min(max(seconds, -_FAR), _FAR) if seconds == seconds else _FAR  # NaN: nobody knows when
    return sa.literal_column(f"UTC_TIMESTAMP(3) + INTERVAL {int(near * 1_000_000)} MICROSECOND")
