"""The order's own part of the ledger's memory, which the ledger keeps as JSON and does not read."""

from __future__ import annotations

import msgspec

from sidecar.domains.orders.compare import Facts, Overwritten
from sidecar.model.entity import KnownEntity
from sidecar.model.errors import BadData

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_FACTS = msgspec.json.Decoder(Facts)
_OVERWRITTEN = msgspec.json.Decoder(Overwritten)


def encoded_facts(facts: Facts) -> str:
    """What gates decide on, as the ledger keeps it."""
    return _ENCODER.encode(facts).decode()


def decoded_facts(text: str | None) -> Facts | None:
    """The reverse.  Raises BadData for what somebody changed by hand."""
    try:
        return _FACTS.decode(text) if text else None
    except (msgspec.MsgspecError, RecursionError):
        raise BadData(
            "what the ledger remembers of the order cannot be read (entity.facts): no gate can "
            "decide",
            "somebody changed the ledger by hand; 'erp-sidecar queue requeue' reads the order "
            "again",
        ) from None


def encoded_overwritten(overwritten: Overwritten | None) -> str | None:
    """How an order stood before our write, as the ledger keeps it."""
    return _ENCODER.encode(overwritten).decode() if overwritten else None


def overwritten(known: KnownEntity) -> Overwritten | None:
    """The reverse.  Raises BadData for what somebody changed by hand."""
    try:
        return _OVERWRITTEN.decode(known.overwritten) if known.overwritten else None
    except (msgspec.MsgspecError, RecursionError):
        raise BadData(
            f"what the ledger remembers of order {known.number} cannot be read "
            "(entity.overwritten)",
            "somebody changed the ledger by hand: set the column to NULL",
        ) from None


def overwritten_or_none(known: KnownEntity) -> Overwritten | None:
    """As `overwritten`, where one that cannot be read decides nothing."""
    try:
        return overwritten(known)
    except BadData:
        return None
