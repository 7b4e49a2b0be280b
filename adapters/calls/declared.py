"""What a file of calls declares, once it was read: the calls of each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from adapters.calls.answer import Answer, BatchAnswer, Predicate
from adapters.calls.fields import Fields
from adapters.calls.row_form import RowForm
from adapters.http.transport import Reply, Request
from adapters.language.expression import Expression, Loop
from adapters.language.template import Template
from sidecar.ports import Capabilities

Call = TypeVar("Call")
_Call = TypeVar("_Call", contravariant=True)


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one request of an envelope."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Envelope(Protocol[_Call]):
    """How a protocol sends several whole requests in one; see `adapters.calls.bundles`."""

    def refuses(self, call: _Call) -> str:
        """Why the requests of a call cannot go together; empty where they can."""

    def sealed(self, call: _Call, requests: Sequence[Request]) -> Request:
        """The one request, with all of them in it in their order."""

    def opened(self, call: _Call, reply: Reply) -> Sequence[Part | None] | None:
        """The answer to each request, none to one that the envelope says nothing of.

        None instead: the envelope itself was refused, and nothing in it was looked at.  Raises
        ExpressionError for an answer that cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Login(Generic[Call]):
    """How a session is made: `token` is what it is known by, none where cookies carry it.

    `headers` go with every other call; `renew` says of an answer that the session is over;
    `misconfigured` of the login's own that every further one would be refused, too.
    """

    call: Call
    ok: Predicate
    token: Expression | None
    headers: Template | None
    renew: Predicate
    told: Fields
    misconfigured: Predicate | None = None


@dataclass(frozen=True, slots=True)
class Make(Generic[Call]):
    """A call that makes what an event needs; `value` of its answer is handed on."""

    call: Call
    answer: Answer
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Find(Generic[Call]):
    """A question for what an event needs; `value` of the one that is found is handed on."""

    inquiry: Inquiry[Call]
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class FirstStep(Generic[Call]):
    """What must be known, or be there, before an event is sent: found, or else made.

    Repeated for each round of `loop` by `key`; left out where `when` is false.  `name`: what the
    call knows its value by, empty where it needs none.  `keep`: seconds for which a value that was
    found is remembered.
    """

    name: str
    place: str
    find: Find[Call] | None
    make: Make[Call] | None
    loop: Loop | None = None
    key: Expression | None = None
    when: Expression | None = None
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class ThenStep(Generic[Call]):
    """What is still to be done once an event was accepted, unless `unless` says that it was."""

    name: str
    when: Expression | None
    unless: Predicate
    call: Call
    answer: Answer


@dataclass(frozen=True, slots=True)
class Push(Generic[Call]):
    """A call that carries events: one (`batch` is None) or up to `batch` at once.

    `first` is made for each event alone, before it; `then` after it was accepted.  `envelope`:
    those of a batch go in one, each with the call that it would have alone.
    """

    name: str
    events: frozenset[str]
    batch: int | None
    call: Call
    answer: Answer | BatchAnswer
    first: tuple[FirstStep[Call], ...] = ()
    then: tuple[ThenStep[Call], ...] = ()
    #: Whether it carries events that open a document.
    opens: bool = False
    #: Where it is in the file, when it opens documents and never names one by our reference.
    unnamed: str = ""
    envelope: Envelope[Call] | None = None


@dataclass(frozen=True, slots=True)
class Inquiry(Generic[Call]):
    """A call that asks: `ok` says whether the answer may be believed, `found` what it holds.

    `misconfigured` says that every question would be answered so until a person acts.
    `batch`: how many references one probe asks for (None: one by one).  `told`: the ERP's own
    message where it does not answer; `more`: what else is read of each document, for `then`.
    """

    call: Call
    ok: Predicate
    misconfigured: Predicate | None = None
    found: Expression | None = None
    next: Expression | None = None
    each: Fields = field(default_factory=lambda: Fields({}))
    batch: int | None = None
    #: Whether none for a list means that nothing was found, as in XML, where nothing is written.
    none_is_nothing: bool = True
    told: Fields = field(default_factory=lambda: Fields({}))
    more: Fields = field(default_factory=lambda: Fields({}))


@dataclass(frozen=True, slots=True)
class Telling(Generic[Call]):
    """A call that asks what the ERP has to say by itself, and the rows that are made of it."""

    inquiry: Inquiry[Call]
    form: RowForm


@dataclass(frozen=True, slots=True)
class DomainCalls(Generic[Call]):
    """The calls of one domain.

    `list`: of the documents that we sent.  What the ERP tells by itself: `changes` since a moment,
    `whole` all of it, which is `list` in the file, too.
    """

    pushes: tuple[Push[Call], ...]
    probe: Inquiry[Call] | None = None
    list: Inquiry[Call] | None = None
    changes: Telling[Call] | None = None
    whole: Telling[Call] | None = None


@dataclass(frozen=True, slots=True)
class Calls(Generic[Call]):
    """A whole file of calls.  `dedupe`: the ERP refuses or merges duplicates by itself."""

    name: str
    domains: Mapping[str, DomainCalls[Call]]
    dedupe: bool
    ping: Inquiry[Call] | None
    #: What in the file may be meant, and most often is not.
    warnings: tuple[str, ...] = ()
    login: Login[Call] | None = None

    def capabilities(self, domain: str) -> Capabilities:
        """What the file declares for a domain; nothing for one that it does not have."""
        calls = self.domains.get(domain)
        if calls is None:
            return Capabilities(subscriptions=frozenset())
        return Capabilities(
            subscriptions=frozenset().union(*(push.events for push in calls.pushes)),
            batch=max((push.batch or 1 for push in calls.pushes), default=1),
            probe=calls.probe is not None,
            probe_batch=(calls.probe.batch if calls.probe else None) or 1,
            probe_items=calls.probe is not None and calls.probe.each.items is not None,
            dedupe=self.dedupe,
            lists=calls.list is not None,
            tells_changes=calls.changes is not None,
            tells_all=calls.whole is not None,
            tells_total=_tells_total(calls),
            finishes=frozenset().union(*(push.events for push in calls.pushes if push.then)),
        )


def _tells_total(calls: DomainCalls[Any]) -> bool:
    """Whether each document that was opened has a total to compare, told or asked for."""
    if calls.probe is not None and "total" in calls.probe.each.leaves:
        return True
    opening = [push for push in calls.pushes if push.opens]
    return bool(opening) and all(
        any("total" in answer.fields.leaves for answer in _answers(push)) for push in opening
    )


def _answers(push: Push[Any]) -> list[Answer]:
    """Those that tell of the document which was opened: the call's, and its steps'."""
    own = push.answer.each if isinstance(push.answer, BatchAnswer) else push.answer
    return [own, *(step.answer for step in push.then)]
