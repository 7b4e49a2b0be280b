"""What came of a domain's events, for the log; and the domain's stop where all would fail alike."""

from __future__ import annotations

from sidecar.database.connection import Database
from sidecar.ledger.claims import Claimed
from sidecar.ledger.settling import Ended
from sidecar.ledger.store import LedgerStore
from sidecar.model.bulkhead import MOST_ALIKE
from sidecar.model.settlement import MAPPING
from sidecar.ports import Narrator

#: Different orders that could not be mapped, and none that could since the file of calls was read,
#: after which the next would fail alike.
MOST_UNMAPPED = 3


class Report:
    """Used by one pump, from the reading of its file of calls on."""

    def __init__(
        self, database: Database, ledger: LedgerStore, narrator: Narrator, domain: str
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._narrator = narrator
        self._domain = domain
        #: Orders that the file of calls could not express, until it expresses the first one.
        self._unmapped: set[int] | None = set()

    def ended(self, one: Ended) -> None:
        """An event was settled."""
        settlement, exchange = one.settlement, one.attempt.exchange
        self.tell(
            f"delivery.{settlement.status.value}",
            one.claimed,
            outcome=one.attempt.outcome,
            operation=one.attempt.operation,
            reference=settlement.booked.reference if settlement.booked else None,
            code=settlement.code,
            message=settlement.reason,
            http=exchange.status if exchange else None,
            due_in=round(settlement.due_in, 1) if settlement.due_in is not None else None,
            milliseconds=round(exchange.seconds * 1000) if exchange else None,
        )
        for difference in settlement.differences:
            self.tell(
                "delivery.difference",
                one.claimed,
                difference=difference.kind,
                ours=difference.ours,
                theirs=difference.theirs,
            )
        if one.attempt.outcome == "misconfigured":
            self._stop_domain(
                "misconfigured",
                settlement.reason or "misconfigured",
                "what you change in the configuration, the file of calls or a secret is taken up "
                "by 'systemctl reload erp-sidecar' (SIGHUP)",
                one,
            )
        if one.attempt.operation == "push":
            self._judge_mapping(one)

    def _judge_mapping(self, one: Ended) -> None:
        """Stop where every order would fail alike: several could not be mapped, and none could."""
        if self._unmapped is None:
            return
        if one.settlement.code != MAPPING:
            self._unmapped = None
            return
        self._unmapped.add(one.claimed.entity_id)
        if len(self._unmapped) == MOST_UNMAPPED:
            self._stop_domain(
                "mapping",
                f"the file of calls could express none of {MOST_UNMAPPED} "
                f"{self._domain}; the last: {one.settlement.reason}",
                f"correct it and reload, then 'erp-sidecar domain resume {self._domain}' "
                "(what is parked for it goes again by itself)",
                one,
            )

    def stop_for_defect(self, defect: str) -> None:
        """Stop where a defect of ours would park everything."""
        self._stop_domain(
            "defect",
            f"{MOST_ALIKE} {self._domain} in a row met the same defect of ours, {defect}: "
            "please report it",
            f"with a version that is corrected 'erp-sidecar domain resume {self._domain}' and "
            "'erp-sidecar queue requeue --status parked'",
        )

    def _stop_domain(
        self, reason: str, message: str, remedy: str, one: Ended | None = None
    ) -> None:
        """`reason` is for the log, of a closed list; `message` may have the ERP's words in it.

        `one`: the event whose end stops the domain.
        """
        with self._database.transaction("stopping the domain") as connection:
            self._ledger.control.stop(connection, self._domain, f"{message}; {remedy}")
        if one is None:
            self._narrator.tell(
                "domain.stopped",
                domain=self._domain,
                reason=reason,
                message=message,
                remedy=remedy,
            )
            return
        exchange = one.attempt.exchange
        self.tell(
            "domain.stopped",
            one.claimed,
            reason=reason,
            # As the event has it, so that `cause` is the one that its own line has.
            code=one.settlement.code,
            message=one.settlement.reason,
            http=exchange.status if exchange else None,
            remedy=remedy,
        )

    def tell(self, name: str, claimed: Claimed, **fields: object) -> None:
        """Something befell an event."""
        self._narrator.tell(
            name,
            domain=claimed.domain,
            kind=claimed.kind,
            number=claimed.number,
            corr=claimed.event_id,
            type=claimed.type,
            attempt=claimed.attempts,
            **{key: value for key, value in fields.items() if value is not None},
        )
