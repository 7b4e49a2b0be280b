"""What was signed against what is in force now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sidecar.blueprint.document import Blueprint
from sidecar.database.connection import Database
from sidecar.ledger.signatures import Signature, Signatures
from sidecar.model.errors import ConfigurationError, PermissionDenied

_ABSENT = object()
#: What has parts of its own.
_NAMED = frozenset({"domains", "accounts"})


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is another now; None: it is not there.

    `part`: that of the blueprint which it is in: `domains.orders`, `exceptions`.
    """

    part: str
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
        """Which parts of the blueprint have changed."""
        return tuple(dict.fromkeys(change.part for change in self.changes))


class SignedBlueprint:
    """The signatures beside the blueprint; it is made only where somebody has signed."""

    def __init__(
        self, database: Database, signatures: Signatures, blueprint: Callable[[], Blueprint]
    ) -> None:
        self._database = database
        self._signatures = signatures
        self._blueprint = blueprint

    def read(self) -> tuple[SignedBy, ...]:
        """Each owner's newest.  Raises ConfigurationError for a file that cannot be read."""
        with self._database.transaction("reading what was signed") as connection:
            signatures = self._signatures.read(connection)
        return compared(signatures, self._blueprint()) if signatures else ()

    def outdated(self) -> list[str]:
        """Who signed something else than what is in the files now, and which parts differ."""
        try:
            found = self.read()
        except (ConfigurationError, PermissionDenied) as error:
            return [f"the blueprint cannot be compared with what was signed: {error.message}"]
        return [
            f"the blueprint is not what {one.owner} signed on {one.at:%Y-%m-%d}: "
            f"{', '.join(one.parts)}"
            for one in found
            if not one.is_current
        ]


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
        part = at[: 2 if at[0] in _NAMED else 1]
        # A rule is called as in the configuration, where it stands in its domain's section.
        path = at if at[2:3] != ("rules",) else (*at[:2], *at[3:])
        yield Change(".".join(part), ".".join(path), _shown(signed), _shown(now))


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
