"""All repositories of one ledger, made once."""

from __future__ import annotations

from sidecar.ledger.accounts import Accounts
from sidecar.ledger.acts import Acts
from sidecar.ledger.backfills import Backfills
from sidecar.ledger.check_runs import CheckRuns
from sidecar.ledger.control import Audit, Control, Installed, WorkLease
from sidecar.ledger.cursors import Cursors
from sidecar.ledger.differences import Differences
from sidecar.ledger.entities import Entities
from sidecar.ledger.erasure import Erasure
from sidecar.ledger.events import Events
from sidecar.ledger.identities import Identities
from sidecar.ledger.incoming import Incoming
from sidecar.ledger.journal import Journal
from sidecar.ledger.original_links import OriginalLinks
from sidecar.ledger.original_news import OriginalNews
from sidecar.ledger.overdue import OverdueStates
from sidecar.ledger.payloads import Payloads
from sidecar.ledger.periods import Periods
from sidecar.ledger.replays import Replays
from sidecar.ledger.settling import Settling
from sidecar.ledger.signatures import Signatures
from sidecar.ledger.stations import Stations
from sidecar.ledger.sums import Sums
from sidecar.ledger.tables import LedgerNames, Tables
from sidecar.ledger.write_backs import WriteBacks


class LedgerStore:
    """What the stations are given of the ledger."""

    def __init__(self, names: LedgerNames) -> None:
        self.names = names
        self.tables = Tables(names)
        self.entities = Entities(self.tables)
        self.events = Events(self.tables)
        self.erasure = Erasure(self.tables, self.entities)
        self.payloads = Payloads(self.tables)
        self.journal = Journal(self.tables)
        self.acts = Acts(self.tables, self.journal)
        self.original_links = OriginalLinks(self.tables)
        self.original_news = OriginalNews(self.tables)
        self.differences = Differences(self.tables)
        self.write_backs = WriteBacks(self.tables)
        self.settling = Settling(
            self.tables,
            self.entities,
            self.events,
            self.journal,
            self.differences,
            self.write_backs,
        )
        self.incoming = Incoming(self.tables)
        self.backfills = Backfills(self.tables)
        self.audit = Audit(self.tables)
        self.periods = Periods(self.tables, self.events, self.audit)
        self.replays = Replays(self.tables)
        self.cursors = Cursors(self.tables)
        self.sums = Sums(self.tables)
        self.control = Control(self.tables)
        self.accounts = Accounts(self.tables)
        self.overdue = OverdueStates(self.tables, self.incoming, self.differences)
        self.installed = Installed(self.tables)
        self.signatures = Signatures(self.installed)
        self.identities = Identities(self.tables)
        self.check_runs = CheckRuns(self.tables)
        self.stations = Stations(self.tables)
        self.work_lease = WorkLease(self.tables)
