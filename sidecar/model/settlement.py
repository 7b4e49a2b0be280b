"""What the ledger writes down when an attempt is over."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from sidecar.model.outcome import Booked
from sidecar.model.write_back import NewWriteBack


class EventStatus(StrEnum):
    """Where an event stands; docs/event-status.md draws the transitions.

    The column `event.status`, the keys of figures and the words of the command line are these.
    """

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PARKED = "parked"
    SUPERSEDED = "superseded"


#: The daemon itself goes on with these.
WAITING = (EventStatus.PENDING, EventStatus.SENDING, EventStatus.UNKNOWN)
#: These wait for a person.
REFUSED = (EventStatus.REJECTED, EventStatus.PARKED)
#: Not over yet: later events of the same entity may depend on it.
OPEN = (*WAITING, *REFUSED)
#: Nothing becomes of these any more.
OVER = (EventStatus.ACCEPTED, EventStatus.SUPERSEDED)
#: On its way: sent, or in doubt whether it was.
UNDER_WAY = (EventStatus.SENDING, EventStatus.UNKNOWN)
#: A claim takes these: to send it, or to ask the ERP about it.
CLAIMABLE = (EventStatus.PENDING, EventStatus.UNKNOWN)
#: Open, and nobody is sending it: an operator may act on it.
AT_REST = (*CLAIMABLE, *REFUSED)
#: Somebody will ask about these.
TROUBLED = (*REFUSED, EventStatus.UNKNOWN)

#: Code of an event that was parked because its order breaks an invariant.
BAD_DATA = "bad_data"
#: Codes of an operator's own acts: put aside until he says otherwise, and closed for good.
PUT_ASIDE = "put_aside"
DROPPED = "dropped"
#: Code of an event that our own file of calls cannot express; tried again when the file is loaded.
MAPPING = "mapping"
#: Code of an event that could not be claimed: the ledger's rows of its order make no sense.
UNCLAIMABLE = "unclaimable"
#: The ERP's answer to a push: it has it already.
DUPLICATE = "duplicate"
#: The ERP took it, and further steps are not all done: they are gone on with.
UNFINISHED = "unfinished"
#: The ERP took it and tells no number yet: it is asked, and never sent again.
TAKEN = "taken"
#: Codes of events that wait because of what the ERP shows under their reference.  Requeued, they
#: are asked about anew, and what is found then a person has vouched for.
NUMBER_TAKEN = "number_taken"
DOCUMENT_TAKEN = "document_taken"
ANOTHER_DOCUMENT = "another_document"
CANCELED_DOCUMENT = "canceled_document"
OTHER_FIGURES = "other_figures"
NOT_IN_ERP = "not_in_erp"
VOUCHED_FOR = (
    NUMBER_TAKEN,
    DOCUMENT_TAKEN,
    ANOTHER_DOCUMENT,
    CANCELED_DOCUMENT,
    OTHER_FIGURES,
    NOT_IN_ERP,
    "partial",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of the ERP that is not ours; `amount` is what it is worth."""

    kind: str
    ours: str
    theirs: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far the ERP's figures may be from ours before it is a difference."""

    total: Decimal = Decimal("0.01")
    tax: Decimal = Decimal("0.01")
    line: Decimal = Decimal("0.01")
    lines_exact: bool = True


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an event cannot go and what a person is to do; `code` is stable."""

    reason: str
    remedy: str
    code: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of one attempt.

    `due_in`: seconds until the event wants another attempt (None: no more by itself).
    `maybe_booked`: the ERP may hold the document although we have no word of it; `absent`: it was
    asked, and does not hold it.  `becomes`: the event is of this type from now on.  `opens`: the
    document was opened by this; `ends`: it is canceled.  `counted`: False where nothing left the
    machine, which is no attempt.  `questions`: how many in a row were put without an answer to use.
    """

    status: EventStatus
    due_in: float | None = None
    reason: str | None = None
    remedy: str | None = None
    code: str | None = None
    booked: Booked | None = None
    write_back: NewWriteBack | None = None
    differences: tuple[Difference, ...] = field(default=())
    maybe_booked: bool = False
    absent: bool = False
    becomes: str | None = None
    opens: bool = False
    ends: bool = False
    counted: bool = True
    questions: int = 0


def error_print(code: str | None, message: str) -> str:
    """Twelve characters that are alike for refusals of one cause.

    Numbers and quoted values differ from order to order, so they are taken out of the message.
    """
    cause = re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "#", message.lower())
    return hashlib.blake2b(f"{code}|{cause}".encode(), digest_size=6).hexdigest()
