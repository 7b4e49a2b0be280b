"""What was signed against what is in force now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sidecar.blueprint.document import Blueprint
from sidecar.ledger.signatures import Signature
from sidecar.settings.outline import dotted

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is another now; None: it is not there."""

    path: str
    signed: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class SignedBy:
    """One signature, and what has changed since."""

    owner: str
    digest: str
    at: datetime
    who: str
    reason: str | None
    is_current: bool
    changes: tuple[Change, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Which parts of the blueprint have changed: `domains.orders`, `exceptions`."""
        depth = {"domains": 2, "accounts": 2}
        paths = (change.path.split(".") for change in self.changes)
        return tuple(dict.fromkeys(".".join(path[: depth.get(path[0], 1)]) for path in paths))


def compared(signatures: Sequence[Signature], blueprint: Blueprint) -> tuple[SignedBy, ...]:
    """Each signature with what has changed since."""
    now, digest = blueprint.plain(), blueprint.digest
    return tuple(
        SignedBy(
            one.owner,
            one.digest,
            one.at,
            one.who,
            one.reason,
            one.digest == digest,
            tuple(_changes(one.document, now, ())),
        )
        for one in signatures
    )


def _changes(signed: object, now: object, at: tuple[str, ...]) -> Iterator[Change]:
    if signed == now:
        return
    if isinstance(signed, Mapping | list) or isinstance(now, Mapping | list):
        before, after = _members(signed), _members(now)
        for key in dict.fromkeys((*before, *after)):
            yield from _changes(before.get(key, _ABSENT), after.get(key, _ABSENT), (*at, key))
    else:
        yield Change(dotted(at), _shown(signed), _shown(now))


def _members(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list):
        return {str(number): one for number, one in enumerate(value)}
    return {}


def _shown(value: object) -> str | None:
    if value is _ABSENT:
        return None
    return "none" if value is None else str(value)
