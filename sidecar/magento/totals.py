"""What a domain tells as sums: how much a total in Magento changed since it was last told.

A total is a state, so nothing need be remembered of the rows that it is made of: rows that are
written late, out of order, or deleted where they come to nothing, are in the next difference or
change none.  The differences that were told always add up to the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec
import sqlalchemy as sa

from sidecar.model.domain_spec import DomainSpec

#: Ids from here on are messages with a sum, of which Magento has no row.
MESSAGES_FROM = 1 << 62
_MESSAGES_OF_ONE = 24


@dataclass(frozen=True, slots=True)
class Message:
    """One message with a sum: what people call it, and what it says."""

    number: str
    payload: msgspec.Struct


class Totals(Protocol):
    """`type`: of the events; `every`: seconds, the window over which changes are summed."""

    spec: DomainSpec
    type: str
    every: float

    def read(self, connection: sa.Connection) -> Mapping[str, Decimal]:
        """Name → the total as it is now; one that is not there is 0.  Takes no lock."""

    def message(self, name: str, change: Decimal, since: datetime, until: datetime) -> Message:
        """What is told of a total that changed by so much."""


def message_id(total: int, told: int) -> int:
    """The id of a total's message: `total` its row in the ledger, `told` how many went before."""
    return MESSAGES_FROM | total << _MESSAGES_OF_ONE | told
