"""What an ERP really answered, which line of the file of calls took it, and when it is slow.

Out of the attempts that the ledger keeps.  Nothing of it is personal: of a body names and kinds are
told, of values only codes, which are short, without spaces and few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import NamedTuple

import msgspec

from sidecar.ledger.answers import AnsweredAttempt
from sidecar.model.body_outline import CODE, BodyOutline, Path, read_outline
from sidecar.model.exchange import NONE_FITS, UNDERSTOOD
from sidecar.model.outline import Outline, merged
from sidecar.operate.slow_hours import Hour, Hours
from sidecar.operate.suggestion import Suggestion, Untaken, suggestion_for

#: Where answers have more codes than this, they are no codes.
_MOST_CODES = 20
#: Bodies of one answer that are told apart; further ones have this form.
_MOST_SHAPES = 12
OTHERS = "others"
#: What is booked has no code, and a number that is called so names a document.
_BOOKED = frozenset({"accepted", "taken", "unfinished", "partial", "duplicate"})


class LearntAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that are alike: how often, and a document of which one was about.

    `http_status` None: no complete answer; `predicate` as in the ledger, None where no file of
    calls says it; `shape`: names and kinds of the body, None where it has none or none was kept.
    `held` and `absent`: of how many of them the ERP, asked afterwards, held the document or not.
    """

    domain: str
    event: str
    operation: str
    http_status: int | None
    timed_out: bool
    code: str | None
    form: str | None
    shape: str | None
    predicate: str | None
    outcome: str
    doubt: str | None
    count: int
    held: int
    absent: int
    example: str
    first_at: datetime
    last_at: datetime
    suggestion: Suggestion | None


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """`hours` are in `timezone`; those without a call are left out."""

    since: datetime
    timezone: str
    domains: tuple[str, ...]
    answers: tuple[LearntAnswer, ...]
    hours: tuple[Hour, ...]


class _Key(NamedTuple):
    """What answers have in common that are told as one."""

    domain: str
    event: str
    operation: str
    http_status: int | None
    timed_out: bool
    predicate: str | None
    outcome: str
    #: Without its numbers: a place in a broken body differs from answer to answer.
    doubt: str
    code: str | None

    @property
    def without_code(self) -> _Key:
        return self._replace(code=None)


@dataclass(slots=True)
class _Alike:
    """Answers of one key whose bodies have one outline; the newest stands for them."""

    body: BodyOutline | None
    example: str
    doubt: str
    last_at: datetime
    first_at: datetime
    count: int = 0
    shared: bool = False
    held: int = 0
    absent: int = 0
    codes: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))

    def takes(self, body: BodyOutline | None) -> bool:
        """Whether a body is of this outline; it is then merged into it."""
        ours = self.body
        if ours is None or body is None:
            return ours is body
        if ours.form != body.form:
            return False
        if ours.outline is None or body.outline is None:
            return True
        both = merged(ours.outline, body.outline)
        if both is not None:
            self.body = BodyOutline(ours.form, both)
        return both is not None

    def join(self, other: _Alike) -> None:
        """Count others in that have the same outline."""
        if other.last_at > self.last_at:
            self.last_at, self.example, self.doubt = other.last_at, other.example, other.doubt
        self.first_at = min(self.first_at, other.first_at)
        self.count += other.count
        self.held += other.held
        self.absent += other.absent
        self.shared = self.shared or other.shared
        for path, values in other.codes.items():
            self.codes[path] |= values


class Learning:
    """Puts attempts together; `name_of` is what an operator writes for a document of a domain."""

    def __init__(
        self,
        zone: tzinfo,
        name_of: Callable[[str, str], str],
        opening: Mapping[str, str | None],
    ) -> None:
        """`opening`: domain → the type of event that opens its documents."""
        self._zone = zone
        self._name_of = name_of
        self._opening = opening

    def learn(
        self, attempts: Iterable[AnsweredAttempt], since: datetime, domains: Sequence[str]
    ) -> Learnt:
        """Attempts, the newest first."""
        groups: dict[_Key, list[_Alike]] = defaultdict(list)
        hours = Hours(self._zone)
        #: What the last question after an attempt found, until the attempt itself comes.
        found: dict[tuple[str, str, str], bool] = {}
        for attempt in attempts:
            if not attempt.is_call:
                continue
            hours.note(attempt)
            event = (attempt.domain, attempt.number, attempt.event_type)
            is_held = None
            if attempt.operation == "push":
                is_held = found.pop(event, None)
            elif attempt.predicate == UNDERSTOOD:
                found.setdefault(event, attempt.outcome in _BOOKED)
            self._note(groups, attempt, is_held)
        answers = [
            self._told(key, alike, groups)
            for key, alikes in _with_few_codes(groups).items()
            for alike in alikes
        ]
        answers.sort(key=lambda one: (one.domain, one.event, one.operation, -one.count))
        return Learnt(
            since=since,
            timezone=str(self._zone),
            domains=tuple(domains),
            answers=tuple(answers),
            hours=hours.told(),
        )

    def _note(
        self, groups: dict[_Key, list[_Alike]], attempt: AnsweredAttempt, is_held: bool | None
    ) -> None:
        is_kept = attempt.answer is not None and attempt.http_status is not None
        body = read_outline(attempt.answer or "") if is_kept else None
        key = _Key(
            attempt.domain,
            attempt.event_type,
            attempt.operation,
            attempt.http_status,
            attempt.timed_out,
            attempt.predicate,
            attempt.outcome,
            re.sub(r"\d+", "…", attempt.doubt or ""),
            _code_of(attempt, body),
        )
        name = self._name_of(attempt.domain, attempt.number)
        one = _Alike(
            body,
            name,
            attempt.doubt or "",
            attempt.at,
            attempt.at,
            count=1,
            shared=attempt.events > 1,
            held=int(is_held is True),
            absent=int(is_held is False),
        )
        for path, code in (body.codes if body else {}).items():
            one.codes[path].add(code)
        _join(groups[key], one)

    def _told(self, key: _Key, alike: _Alike, groups: Mapping[_Key, list[_Alike]]) -> LearntAnswer:
        body = alike.body
        return LearntAnswer(
            domain=key.domain,
            event=key.event,
            operation=key.operation,
            http_status=key.http_status,
            timed_out=key.timed_out,
            code=key.code,
            form=body.form if body else None,
            shape=str(body.outline) if body and body.outline else None,
            predicate=key.predicate,
            outcome=key.outcome,
            doubt=alike.doubt or None,
            count=alike.count,
            held=alike.held,
            absent=alike.absent,
            example=alike.example,
            first_at=alike.first_at,
            last_at=alike.last_at,
            suggestion=self._suggested(key, alike, groups),
        )

    def _suggested(
        self, key: _Key, alike: _Alike, groups: Mapping[_Key, list[_Alike]]
    ) -> Suggestion | None:
        if key.predicate != NONE_FITS or key.operation != "push" or key.http_status is None:
            return None
        codes = {path: values for path, values in alike.codes.items() if len(values) <= _MOST_CODES}
        return suggestion_for(
            Untaken(
                key.http_status,
                alike.body.form if alike.body else "nothing",
                alike.body.outline if alike.body else None,
                dict(codes),
                opens=key.event == self._opening.get(key.domain),
                usual=_usual(key, groups),
                shared=alike.shared,
                held=alike.held,
            )
        )


def _code_of(attempt: AnsweredAttempt, body: BodyOutline | None) -> str | None:
    """The code that the file of calls reads, else the first that the body has."""
    if attempt.outcome in _BOOKED:
        return None
    if attempt.code is not None:
        return attempt.code if CODE.fullmatch(attempt.code) else None
    return next(iter(body.codes.values()), None) if body else None


def _with_few_codes(groups: Mapping[_Key, list[_Alike]]) -> dict[_Key, list[_Alike]]:
    """Where there are too many codes to be codes, the answers are told without."""
    codes: dict[_Key, set[str | None]] = defaultdict(set)
    for key in groups:
        codes[key.without_code].add(key.code)
    told: dict[_Key, list[_Alike]] = defaultdict(list)
    for key, alikes in groups.items():
        few = len(codes[key.without_code]) <= _MOST_CODES
        for alike in alikes:
            _join(told[key if few else key.without_code], alike)
    return told


def _join(alikes: list[_Alike], other: _Alike) -> None:
    """Put answers to those of the same outline; behind the last of many they are told as others."""
    known = next((one for one in alikes if one.takes(other.body)), None)
    if known is None and len(alikes) > _MOST_SHAPES:
        known = alikes[-1]
    if known is not None:
        known.join(other)
        return
    if len(alikes) == _MOST_SHAPES:
        other.body = BodyOutline(OTHERS)
    alikes.append(other)


def _usual(key: _Key, groups: Mapping[_Key, list[_Alike]]) -> Outline | None:
    """The outline of most accepted answers to the same."""
    accepted = [
        alike
        for other, alikes in groups.items()
        for alike in alikes
        if other.predicate == "accepted" and other[:3] == key[:3] and alike.body
    ]
    most = max(accepted, key=lambda alike: alike.count, default=None)
    return most.body.outline if most and most.body else None
