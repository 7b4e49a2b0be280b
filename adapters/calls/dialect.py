"""How calls look in one protocol, and how a single call and a question of the file are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from adapters.calls.answer import PREDICATES, VALUES, Answer, Predicate
from adapters.calls.declared import Call, Envelope, Inquiry
from adapters.calls.section import Section
from adapters.language.scope import Scope
from adapters.language.shape import Shape

Keys = Mapping[str, Any]

#: Nodes of an answer that are looked for wherever they may be.
_LOOKS_ANYWHERE = re.compile(r"\bresponse\.xml\.nodes\(\s*['\"]//")
_RENAMED = (
    "where the ERP renames an element this finds none, which reads as 'not there', and the order "
    "is sent again; name what is round them: response.xml.node('//orders').nodes('order')"
)


@dataclass(frozen=True, slots=True)
class Own:
    """What a protocol knows of its ERP's answers, key by key as the file would have it.

    `answer` to one event, to a `batch`, to a call that is made `first`; to a `probe` and a `list`,
    with `each` of the documents found.  Empty: the file must say it.
    """

    answer: Keys = field(default_factory=dict)
    batch: Keys = field(default_factory=dict)
    first: Keys = field(default_factory=dict)
    probe: Keys = field(default_factory=dict)
    list: Keys = field(default_factory=dict)
    each: Keys = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect(Generic[Call]):
    """How calls look in one protocol.

    `read_call` reads a `call` section, `response` is the shape of an answer; `keys` are further
    keys at the top of the file, which `begin` reads before any call.  `own` is what stands for an
    ERP whose answers always look alike, so that the file may leave it out; `most` is how many
    records it takes in one call, `dedupe` that it refuses or merges duplicates by itself,
    `none_is_nothing` that an empty list looks like none in its answers.  `envelope`: whole requests
    go together, so that with `batch` a call and its answer are still those of one event.
    """

    response: Shape
    read_call: Callable[[Section, Scope], Call]
    keys: tuple[str, ...] = ()
    begin: Callable[[Section, Scope], None] = lambda _top, _scope: None
    own: Own = field(default_factory=lambda: Own())
    most: int | None = None
    dedupe: bool = False
    none_is_nothing: bool = True
    envelope: Envelope[Call] | None = None


class CallReader(Generic[Call]):
    """Reads the calls of one file; `once` are the names that only a call may use."""

    def __init__(self, dialect: Dialect[Call], once: Mapping[str, Shape]) -> None:
        self.dialect = dialect
        self._once = once

    def call(self, section: Section, scope: Scope) -> Call:
        """The `call` of a section."""
        return self.dialect.read_call(section.section("call"), scope.with_names(**self._once))

    @property
    def secret(self) -> Shape:
        """What stands under `erp.secrets`."""
        return self._once["secret"]

    def answered(self, scope: Scope) -> Scope:
        """What an expression about the answer may name."""
        return scope.with_names(response=self.dialect.response)

    def inquiry(
        self,
        section: Section,
        scope: Scope,
        answer: Section,
        further: Collection[str] = (),
    ) -> Inquiry[Call]:
        """A section that asks; `further`: keys that its answer may have besides."""
        call = self.call(section, scope)
        answer.keys(("ok", "misconfigured", "found", "message", *further), ("ok", "found"))
        answered = self.answered(scope)
        found = answer.expression("found", answered)
        if found is not None and _LOOKS_ANYWHERE.search(found.source):
            answer.warning("found", _RENAMED)
        return Inquiry(
            call=call,
            ok=answer.predicate("ok", answered),
            misconfigured=misconfigured(answer, answered),
            found=found,
            next=answer.expression("next", answered),
            none_is_nothing=self.dialect.none_is_nothing,
            told=answer.fields(("message",), answered),
        )


def misconfigured(answer: Section, scope: Scope) -> Predicate | None:
    """What says of an answer that every question would be answered so."""
    return answer.predicate("misconfigured", scope) if "misconfigured" in answer else None


def answer_of(section: Section, scope: Scope) -> Answer:
    """How the answer to one event is read."""
    predicates = tuple(
        section.predicate(name, scope) for name in section.data if name in PREDICATES
    )
    return Answer(predicates, section.document(VALUES, scope))
