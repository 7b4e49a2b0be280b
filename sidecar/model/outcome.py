"""What one attempt to deliver an event came to: a closed set.

HTTP 2xx is not success and HTTP 500 is not transient (facts: erp-contracts.md section 1), so it is
the adapter that decides, on the body.  What an adapter cannot place is `Unknown`, never a success
and never a plain retry: the ERP may have booked it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

import msgspec


class BookedLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of a document, in the order's currency; what the ERP does not say is None.

    Each figure means what the field of that name in the line that was sent means; the discount is
    told with or without the tax in it, as the ERP has it.
    """

    item_id: int | None = None
    sku: str | None = None
    qty_ordered: Decimal | None = None
    price: Decimal | None = None
    row_total: Decimal | None = None
    discount_amount: Decimal | None = None
    net_discount_amount: Decimal | None = None
    tax_amount: Decimal | None = None


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the ERP as the ERP describes it; what it does not say is None.

    `reference` is what people call it; `key` what calls need, where that is another name (a
    technical id).  `currency`: the three letters of ISO 4217, in which all figures are.
    `unread`: which figures it says in a way that could not be read, and why; they are None too.
    """

    reference: str
    key: str | None = None
    status: str | None = None
    currency: str | None = None
    total: Decimal | None = None
    tax: Decimal | None = None
    lines: int | None = None
    items: tuple[BookedLine, ...] | None = None
    unread: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    """The ERP booked it."""

    booked: Booked
    message: str = ""


class Duplicate(msgspec.Struct, frozen=True, kw_only=True, tag="duplicate"):
    """The ERP says that it has it already.  Adopted after the ERP was asked what it has."""

    reference: str | None = None
    message: str = ""


class Partial(msgspec.Struct, frozen=True, kw_only=True, tag="partial"):
    """Booked, but not as a finished document (a draft, a header without lines).

    Needs a repair step in the ERP; sending it again would book it twice.
    """

    booked: Booked
    what: str
    message: str = ""


class Unfinished(msgspec.Struct, frozen=True, kw_only=True, tag="unfinished"):
    """Booked, and a further step that makes it whole is not done: gone on with, never sent again.

    `cause`: the name of the outcome that the step had (`unknown`: it may have been done, or be done
    yet).  `after`: seconds, if the ERP named them.
    """

    booked: Booked
    message: str
    cause: str
    after: float | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """The ERP took it and tells no number yet: it is asked until it does, and never sent again."""

    message: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """The ERP refuses it for a business reason: a person must act."""

    message: str
    code: str | None = None
    field: str | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, tag="retry"):
    """Certainly not booked, and likely to pass later.  `after`: seconds, if the ERP named them.

    `sent`: False where nothing left the machine, which is no attempt.
    """

    message: str
    after: float | None = None
    sent: bool = True


class Throttled(msgspec.Struct, frozen=True, kw_only=True, tag="throttled"):
    """Not booked because we ask too often: slow down.  `after`: seconds the ERP asked for."""

    message: str
    after: float | None = None


class Conflict(msgspec.Struct, frozen=True, kw_only=True, tag="conflict"):
    """The document changed meanwhile: read it again, then decide."""

    message: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """Sent, and no answer that can be trusted.  The ERP is asked before anything is sent again."""

    message: str


class Unmapped(msgspec.Struct, frozen=True, kw_only=True, tag="unmapped"):
    """Nothing was sent: our own file of calls cannot express this event.

    `message` names the file and the line.  The ERP said nothing, so the shop hears nothing.
    """

    message: str


class Misconfigured(msgspec.Struct, frozen=True, kw_only=True, tag="misconfigured"):
    """Login refused, unknown field, no such service: every further call would fail alike."""

    message: str


Outcome = (
    Accepted
    | Duplicate
    | Partial
    | Unfinished
    | Taken
    | Rejected
    | Retry
    | Throttled
    | Conflict
    | Unknown
    | Unmapped
    | Misconfigured
)


def reference_key(reference: str) -> str:
    """What two spellings of one document's number have in common: ERPs pad, and some capitalise."""
    return reference.strip().casefold()


def name_of(outcome: Outcome) -> str:
    """The outcome's stable name, as in the ledger, the logs and `--json`."""
    return str(outcome.__struct_config__.tag)


def reference_of(outcome: Outcome) -> str | None:
    """What the ERP calls the document that an outcome speaks of."""
    match outcome:
        case Accepted(booked=booked) | Partial(booked=booked) | Unfinished(booked=booked):
            return booked.reference
        case Duplicate(reference=reference):
            return reference
        case _:
            return None


def describe(outcome: Outcome) -> str:
    """One line for a person."""
    match outcome:
        case Accepted(booked=booked):
            status = f" ({booked.status})" * bool(booked.status)
            return f"accepted as {booked.reference}{status}{unread(booked)}"
        case Partial(booked=booked, what=what):
            return f"partial: {booked.reference}: {what}"
        case Unfinished(booked=booked, message=message):
            return f"unfinished: {booked.reference}: {message}"
        case Duplicate(reference=reference):
            return f"duplicate of {reference}" if reference else "duplicate"
        case Rejected(code=code, message=message):
            return f"rejected: {f'{code}: ' if code else ''}{message}"
        case (
            Retry() | Throttled() | Conflict() | Taken() | Unknown() | Unmapped() | Misconfigured()
        ):
            return f"{name_of(outcome)}: {outcome.message}"
        case _:
            assert_never(outcome)


def unread(booked: Booked) -> str:
    """What could not be read of a document, as the end of a sentence; empty where all could."""
    return f"; not compared: {booked.unread}" * bool(booked.unread)
