"""The calls that ask: what the ERP has, and why an answer is not to be believed.

An answer that cannot be read is never "nothing": an order would be sent a second time.  What is
said of it names the ERP's answer first, as the file of calls is most often right, and then the line
of the file that could not read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from adapters.calls.answer import Evidence, Predicate
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Inquiry
from adapters.calls.fields import Fields
from adapters.calls.parts import parts
from adapters.calls.session import LOGIN_REFUSED
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import Reply
from adapters.language.expression import Expression
from adapters.language.filters import ExpressionError, as_text, kind
from adapters.language.scope import Values
from sidecar.model.errors import NotReached, NotUnderstood
from sidecar.model.outcome import Booked, Misconfigured, reference_key
from sidecar.ports import Exchange, Listed, Page

#: Characters of an answer in a message; the attempt's record has more.
_SHOWN = 200
_REMEDY = (
    "is the address that of the ERP's interface, has its schema changed? If the answer is as it "
    "should be, correct the line of the file of calls"
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the values that expressions may name."""

    reply: Reply
    values: Values
    #: The ERP's own words, where the file says where they are.
    message: str = ""

    @property
    def exchange(self) -> Exchange:
        """What was seen of the call."""
        return self.reply.exchange

    @property
    def beginning(self) -> str:
        """How the answer begins, for a message."""
        if self.message:
            return f"it says: {' '.join(self.message.split())[:_SHOWN]}"
        words = " ".join(self.exchange.answer.split())[:_SHOWN]
        return f"it begins: {words}" if words else "it is empty"

    def unusable(self, why: str, leaf: object = None, remedy: str = _REMEDY) -> NotUnderstood:
        """What is wrong with the answer, read by the `leaf` of the file."""
        place = leaf.place if isinstance(leaf, Expression) else ""
        return NotUnderstood(
            f"{self.reply.request}: HTTP {self.reply.status}: the ERP's answer cannot be used: "
            f"{why}{f' ({place})' if place else ''}; {self.beginning}",
            remedy,
            exchange=self.exchange,
        )


class Refused(NotReached):
    """The ERP turned us away: it did not look at the question."""

    @classmethod
    def by(cls, answered: Answered) -> Refused:
        """What an answer comes to that refuses our login, or says that nothing may be asked."""
        return cls(
            f"{answered.reply.request}: HTTP {answered.reply.status}: the ERP refuses our login, "
            f"or does not let it ask; {answered.beginning}",
            "see erp.auth; does the account still have the right to ask?",
            exchange=answered.exchange,
            lasting=True,
        )


class Asking(Generic[Call]):
    """Used by several threads."""

    def __init__(self, conversation: Conversation[Call]) -> None:
        self._conversation = conversation

    def probe(
        self, inquiry: Inquiry[Call], refs: Sequence[str]
    ) -> Mapping[str, tuple[Booked, ...]]:
        """See `sidecar.ports.ErpAdapter.probe`."""
        documents: dict[str, tuple[Booked, ...]] = {}
        for part in parts(refs, inquiry.batch or 1):
            asked = {"refs": tuple(part)} if inquiry.batch else {"ref": part[0]}
            answered = self.answered(inquiry, asked)
            documents |= _sorted_out(inquiry, part, answered)
        return documents

    def page(self, inquiry: Inquiry[Call], since: datetime, page: str | int | None) -> Page[Listed]:
        """See `sidecar.ports.ErpAdapter.list`."""
        answered = self.answered(inquiry, {"since": since, "page": page})
        rows = tuple(
            Listed(external, booked)
            for external, booked in documents(inquiry, answered)
            if external  # made by hand in the ERP: nobody's external reference
        )
        return Page(rows, next_page(inquiry, answered, page))

    def try_out(self, inquiry: Inquiry[Call], asked: Values) -> None:
        """Ask something harmless, and read the answer as far as a question would.

        Raises as `answered` does.
        """
        answered = self.answered(inquiry, asked)
        if inquiry.found is not None:
            _sorted_out(inquiry, (asked["ref"],), answered)
        elif not inquiry.ok.reads_body and answered.reply.is_page:
            raise answered.unusable("it is a page of HTML; is it one for signing in?")

    def answered(self, inquiry: Inquiry[Call], asked: Values) -> Answered:
        """An answer that may be believed.

        Raises NotUnderstood for one that may not, NotSent and Unanswered where there is none, and
        a lasting NotReached where every question would be answered so.
        """
        values = {"shop": self._conversation.shop, **asked}
        try:
            reply = self._conversation.send(inquiry.call, values, asks=True)
        except ExpressionError as error:
            raise NotUnderstood(
                f"{self._conversation.name}: the question cannot be put: {error.message}",
                "correct the line of the file of calls",
            ) from error
        return _believed(inquiry, Answered(reply, values))


def _believed(inquiry: Inquiry[Call], bare: Answered) -> Answered:
    """With its `response`; raises as `Asking.answered` does."""
    if bare.reply.status in LOGIN_REFUSED:
        # Whatever the file says of it: a login that is refused must never read as "nothing there".
        raise Refused.by(bare)
    try:
        response, evidence = read_answer(inquiry.call, bare.reply)
    except ExpressionError as error:
        raise bare.unusable(error.message) from error
    if evidence.stranger:
        # Whatever `ok` says: that a gateway has nothing is not that the ERP has nothing.
        raise bare.unusable(evidence.stranger)
    values = {**bare.values, "response": response}
    answered = Answered(bare.reply, values, inquiry.told.text("message", values) or "")
    if _is_refusal(inquiry, answered, evidence):
        raise Refused.by(answered)
    if why := _obstacle(inquiry.ok, answered.values):
        if isinstance(evidence.otherwise, Misconfigured):
            raise NotReached(evidence.otherwise.message, exchange=bare.exchange, lasting=True)
        raise answered.unusable(why, inquiry.ok.ask)
    return answered


def _is_refusal(inquiry: Inquiry[Call], answered: Answered, evidence: Evidence) -> bool:
    """Whether the protocol or the file says that every call would fail alike."""
    if evidence.verdict is not None:
        return isinstance(evidence.believed(evidence.verdict), Misconfigured)
    asks = inquiry.misconfigured
    if asks is None or evidence.doubt_of(asks):
        return False
    try:
        return asks.holds(answered.values)
    except ExpressionError:
        return False


def _obstacle(ok: Predicate, values: Values) -> str:
    """Why the answer is not what `ok` asks for; empty where it is."""
    try:
        return "" if ok.holds(values) else "'ok' of the file of calls is not true"
    except ExpressionError as error:
        return error.message


@dataclass(frozen=True, slots=True)
class Held:
    """A document that the ERP holds, and what else the file reads of it, by name."""

    booked: Booked
    more: Mapping[str, Any]


def held(inquiry: Inquiry[Call], answered: Answered) -> list[Held]:
    """The documents of an answer to a question for one reference, with what `more` reads of them.

    Raises NotUnderstood for an answer that cannot be read.
    """
    return [
        Held(booked, _more(inquiry, answered, item))
        for item, (_, booked) in zip(
            found_list(inquiry, answered), documents(inquiry, answered), strict=True
        )
    ]


def _more(inquiry: Inquiry[Call], answered: Answered, item: object) -> dict[str, Any]:
    values = {**answered.values, "item": item}
    told: dict[str, Any] = {}
    for name, leaf in inquiry.more.leaves.items():
        try:
            told[name] = inquiry.more.get(name, values)
        except ExpressionError as error:
            raise answered.unusable(error.message, leaf) from error
    return told


def documents(inquiry: Inquiry[Call], answered: Answered) -> Iterator[tuple[str | None, Booked]]:
    """Each document that was found, with its external reference where the file maps it.

    Raises NotUnderstood for an answer that cannot be read.
    """
    for item in found_list(inquiry, answered):
        values = {**answered.values, "item": item}
        booked = inquiry.each.booked(values)
        if booked is None:
            why = "a document in it has no reference"
            raise answered.unusable(why, inquiry.each.leaves.get("reference"))
        yield _external(inquiry.each, answered, values), booked


def _sorted_out(
    inquiry: Inquiry[Call], part: Sequence[str], answered: Answered
) -> dict[str, tuple[Booked, ...]]:
    """The documents of each reference that was asked for.

    A search may find more than was asked for, and pad it: where the file says which document
    is whose, ours are taken and the others are left.  But where ours is not among what was
    found, strangers say that the ERP filters by something else, or stopped before ours: that
    is not "no".
    """
    rows: Iterable[tuple[str | None, Booked]] = documents(inquiry, answered)
    if "external" not in inquiry.each.leaves:
        return {part[0]: tuple(booked for _, booked in rows)}
    ours: dict[str, list[Booked]] = {ref: [] for ref in part}
    asked = {reference_key(ref): ref for ref in part}
    strangers: set[str] = set()
    for external, booked in rows:
        if ref := asked.get(reference_key(external or "")):
            ours[ref].append(booked)
        else:
            # Adopting it would tie the order to a stranger's document.
            strangers.add(external or "nobody")
    missing = [ref for ref, booked in ours.items() if not booked]
    if strangers and missing:
        raise answered.unusable(
            f"asked for {', '.join(missing)}, it has a document of '{min(strangers)}', which was "
            "not asked for",
            inquiry.each.leaves.get("external"),
            "is the parameter of the call the one that this ERP filters by?",
        )
    return {ref: tuple(booked) for ref, booked in ours.items()}


def found_list(inquiry: Inquiry[Call], answered: Answered) -> Sequence[Any]:
    """What was found as a list: one document is one; none is nothing only where a file's protocol
    writes nothing for an empty list."""
    try:
        documents = None if inquiry.found is None else inquiry.found(answered.values)
    except ExpressionError as error:
        raise answered.unusable(error.message, inquiry.found) from error
    match documents:
        case None if inquiry.none_is_nothing:
            return ()
        case list() | tuple():
            return documents
        case Mapping():
            return (documents,)
    source = "" if inquiry.found is None else inquiry.found.source
    hint = f"; if none says that nothing was found: ={source} | default([])" * (documents is None)
    raise answered.unusable(
        f"{source}: {kind(documents)} is no list of documents{hint}", inquiry.found
    )


def _external(each: Fields, answered: Answered, values: Values) -> str | None:
    """The row's external reference; None where the file does not map it or the ERP has none."""
    try:
        external = each.get("external", values)
        return None if external is None else as_text(external)
    except ExpressionError as error:
        raise answered.unusable(error.message, each.leaves.get("external")) from error


def next_page(
    inquiry: Inquiry[Call], answered: Answered, page: str | int | None
) -> str | int | None:
    """The name of the page that follows; None on the last.  Raises NotUnderstood."""
    try:
        following = None if inquiry.next is None else inquiry.next(answered.values)
    except ExpressionError as error:
        # Taken for the last page, it would make every further document look lost.
        raise answered.unusable(error.message, inquiry.next) from error
    if following in (None, "", False):
        return None
    if not isinstance(following, str | int) or following == page:
        raise answered.unusable(f"{kind(following)} leads to no next page", inquiry.next)
    return following
