"""Nothing is sent from a copy of the shop's database until an operator says which system it is.

A staging copy that pushes its orders into the live ERP is the worst accident that this software
could cause.  So whoever is about to take orders for sending, or answers for Magento, asks
`may_send` on the very connection that he uses: the answer belongs to the server which that
connection reached, and is a few seconds old at most.  It costs no round trip per order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from sidecar.database.connection import Database, server_of
from sidecar.domains.orders.counter import given_again, next_order
from sidecar.identity.witness import Witness
from sidecar.ledger.store import LedgerStore
from sidecar.magento.base_urls import base_urls
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.identity import (
    Circumstances,
    Identity,
    IdentityVerdict,
    Seen,
    ServerMark,
    Standing,
    bare_url,
    judge,
)
from sidecar.ports import Clock, Narrator

#: Seconds between two looks of the daemon, and for which a look is trusted.
EVERY = 5.0
#: The same doubt is told again after this long, while it lasts.
_AGAIN = 60.0


@dataclass(frozen=True, slots=True)
class _Look:
    judgement: IdentityVerdict
    at: float


class CloneGuard:
    """One per process; used by several threads.

    `owner` is the process's name, `machine` the fingerprint of what it runs on, `erps` the address
    of each ERP account that it would send to; `witness` what an earlier process saw.
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        magento: MagentoSchema,
        *,
        owner: str,
        machine: str | None,
        erps: Mapping[str, str],
        clock: Clock,
        narrator: Narrator,
        witness: Witness | None = None,
    ) -> None:
        self._witness = witness or Witness(None)
        self._witness_told = False
        self._database = database
        self._ledger = ledger
        self._magento = magento
        self._owner = owner
        self._machine = machine
        self._erps = {name: bare_url(address) or address for name, address in erps.items()}
        self._clock = clock
        self._narrator = narrator
        self._own: Seen | None = None
        self._works = False
        self._looks: dict[ServerMark, _Look] = {}
        self._told: tuple[str, float] | None = None

    def may_send(self, connection: sa.Connection) -> bool:
        """Whether what this connection reaches is the system that was installed.

        A look is trusted for a while, the ledger itself at no time: a backup that was restored a
        moment ago has forgotten what was sent since.
        """
        own = self._own
        look = self._looks.get(server_of(connection))
        if look is None or self._clock.monotonic() - look.at >= EVERY:
            return self.judgement(connection).may_send
        if look.judgement.may_send and own is not None and not self._stands(connection, own):
            return self.judgement(connection).may_send
        return look.judgement.may_send

    def _stands(self, connection: sa.Connection, own: Seen) -> bool:
        last = self._ledger.identities.last(connection)
        return last is not None and last[0] == own.token and last[1] >= own.beat

    def judgement(self, connection: sa.Connection) -> IdentityVerdict:
        """Look now."""
        # Before the ledger is read: another thread or process may leave a later beat meanwhile.
        own, seen = self._own, self._witness.read()
        present = self.circumstances(connection)
        recorded = self._ledger.identities.read(connection)
        if self._works and recorded is not None:
            # Its own doubt of a moment ago is no reason to doubt.
            recorded = replace(recorded, told=None)
        judgement = judge(recorded, present, own, seen)
        self._looks[present.server] = _Look(judgement, self._clock.monotonic())
        return judgement

    def circumstances(self, connection: sa.Connection) -> Circumstances:
        """What is there now, on this connection's server."""
        names = self._ledger.names
        return Circumstances(
            server=server_of(connection),
            magento_schema=self._magento.database,
            ledger=f"{names.schema}.{names.prefix}*",
            base_urls=base_urls(connection, self._magento),
            erps=self._erps,
            machine=self._machine,
            next_order=next_order(connection, self._magento),
            known_order=self._ledger.entities.highest(connection, "order"),
            given_again=given_again(connection, self._magento, names("event")),
        )

    def watch(self) -> None:
        """The daemon's look: tell a doubt, where there is none, leave a sign of life.

        In a copy no sign of life is left: it would pass for that of the original.
        """
        self._works = True
        with self._database.transaction("asking which system this is") as connection:
            judgement = self.judgement(connection)
            if judgement.may_send:
                self._take_note(connection, judgement)
                beat = self._ledger.identities.beat(
                    connection, self._owner, self._machine, past=self._last_known()
                )
                recorded = self._ledger.identities.read(connection)
                server = server_of(connection)
            elif judgement.standing is not Standing.UNRECORDED:
                self._ledger.identities.tell(connection, judgement, lasting=judgement.is_restored)
        if judgement.may_send and recorded is not None:
            # Only now that it is committed: a ledger is measured by what is remembered here, and a
            # beat that was rolled back is in none.
            self._own = Seen(recorded.token, beat.number, beat.owner, beat.at, server)
            self._remember(self._own)
        self._tell(judgement)

    def _last_known(self) -> int:
        known = (self._own, self._witness.read())
        return max((seen.beat for seen in known if seen is not None), default=0)

    def record_new(self, connection: sa.Connection, *, who: str, doubt: str | None) -> None:
        """At install: this is the system.  One that is recorded already is left alone.

        Whoever runs the installer in a copy, to repair its triggers, has not said what it is.
        """
        if self._ledger.identities.read(connection) is None:
            present = self.circumstances(connection)
            self._ledger.identities.record(
                connection, present, servers=(present.server,), who=who, reason=None, doubt=doubt
            )

    def _take_note(self, connection: sa.Connection, judgement: IdentityVerdict) -> None:
        """Record what may change without a question: a replica that took over, a new website, …"""
        recorded = self._ledger.identities.read(connection, locked=True)
        if recorded is None:
            return
        present = self.circumstances(connection)
        known = _known(recorded, present, moved=judgement.standing is Standing.MOVED)
        if known == recorded:
            return
        if judgement.standing is Standing.MOVED:
            self._narrator.tell("identity.moved", message=judgement.why)
        self._ledger.identities.record(
            connection,
            present,
            servers=known.servers,
            who=self._owner,
            reason=recorded.reason,
            original_erps=known.original_erps,
        )
        self._ledger.audit.note(
            connection,
            who=self._owner,
            command="identity followed",
            subject="shop",
            reason=None,
            detail={"changes": [str(change) for change in judgement.changes]},
        )

    def _remember(self, seen: Seen) -> None:
        failed = self._witness.write(seen)
        if failed and not self._witness_told:
            self._narrator.tell("identity.witness_failed", message=failed)
        self._witness_told = failed is not None

    def _tell(self, judgement: IdentityVerdict) -> None:
        now = self._clock.monotonic()
        if judgement.may_send:
            if self._told is not None:
                self._told = None
                self._narrator.tell("identity.settled")
            return
        said = f"{judgement.standing.value}: {judgement.why}"
        if self._told is not None and self._told[0] == said and now - self._told[1] < _AGAIN:
            return
        self._told = said, now
        self._narrator.tell(
            "identity.sending_stopped",
            standing=judgement.standing.value,
            message=f"nothing is sent: {judgement.why}",
            remedy=judgement.remedy,
        )


def _known(recorded: Identity, present: Circumstances, *, moved: bool) -> Identity:
    """The identity as it is to be remembered where the same system was met again."""
    servers = recorded.servers
    if moved:
        servers = (*servers, present.server)
    return replace(recorded, servers=servers, base_urls=present.base_urls, erps=present.erps)
