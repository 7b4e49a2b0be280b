"""What is to be carried into Magento, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from sidecar.model.entity import WrittenBack
from sidecar.model.errors import BadData


class Action(StrEnum):
    """What Magento is told.

    `ACCEPT`, `REJECT`: the ERP took the document, or refused it or a change of it; `STATUS`: what
    it says of the document later.
    """

    ACCEPT = "accept"
    REJECT = "reject"
    STATUS = "status"


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """With which words it is told.

    `status`: a status code of Magento's; `reference`: what the ERP calls the entity's document;
    `hold`: the entity is to be put on hold.
    """

    status: str | None = None
    reference: str | None = None
    comment: str | None = None
    hold: bool = False

    def changes_entity(self, action: Action) -> bool:
        """Whether more than a comment comes of it, so that a save of Magento's can undo it.

        The status of a refusal stands on an order that it holds, and nowhere else.
        """
        is_of_later = action is Action.STATUS and self.status is not None
        return self.hold or self.reference is not None or is_of_later


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Detail)


def encoded_detail(detail: Detail) -> str:
    """The JSON that the ledger keeps."""
    return _ENCODER.encode(detail).decode()


def detail_or_none(text: str) -> Detail | None:
    """The reverse; None for what somebody changed by hand so that it cannot be read."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None


class WriteBackState(StrEnum):
    """How far it came; `PARKED` waits for a person, `REFUSED` was not to be written."""

    PENDING = "pending"
    APPLIED = "applied"
    REFUSED = "refused"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class NewWriteBack:
    """What is to be carried into Magento of the ERP's answer to an event.

    `releases`: worth a word only where the entity is on hold because the ERP refused something of
    it, which it has now taken, or was released from that by a person and still has the status
    `released`; `of_placement`: on the document itself, not on a change of it.
    """

    action: Action
    detail: Detail
    releases: bool = False
    released: str | None = None
    of_placement: bool = False


@dataclass(frozen=True, slots=True)
class WriteBack:
    """One thing to carry into Magento, as the ledger holds it.

    `event`: whose answer it is; `incoming`: the news of the ERP's own that it is; one of the two is
    there.  `applied`: how often it was written before.
    """

    id: int
    kind: str
    entity_id: int
    action: Action
    detail_json: str
    event: int | None
    incoming: int | None
    tries: int
    applied: int

    @property
    def detail(self) -> Detail:
        """Read when it is wanted, so that one that cannot be read costs no other's writing.

        Raises BadData for what somebody changed by hand.
        """
        detail = detail_or_none(self.detail_json)
        if detail is None:
            raise BadData(
                f"what is to be written cannot be read (write_back.detail, id {self.id})",
                "somebody changed the ledger by hand",
            )
        return detail

    @property
    def is_first(self) -> bool:
        """Whether it was never written before: it is repeated where Magento's own save undid it."""
        return self.applied == 0


@dataclass(frozen=True, slots=True)
class Applied:
    """A write-back that stands in Magento.

    `status` and `reference`: what was really written (None: left as it was); `note`: on what was
    meant and could not be; `memory`: what the ledger is to remember of the entity.
    """

    write_back: WriteBack
    status: str | None
    reference: str | None
    note: str
    memory: WrittenBack


@dataclass(frozen=True, slots=True)
class NotApplied:
    """A write-back that does not stand in Magento, and why; `again`: it is tried later."""

    write_back: WriteBack
    why: str
    again: bool
