"""The blueprint: who owns what, which way it goes, who answers for it, by which rules.

It is made of the files alone.  What it has is what somebody signs: no secret, no comment, and
nothing that only sets a pace of work (batches, leases, waits).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from sidecar.blueprint.answering import told_of
from sidecar.blueprint.lifecycle import Stages
from sidecar.blueprint.ownership import stages_of
from sidecar.documents import read_document
from sidecar.model.duration import format_duration
from sidecar.settings import outline
from sidecar.settings.domain import Carried
from sidecar.settings.fields import Section
from sidecar.settings.outline import KeyPath
from sidecar.settings.ownership import Owner
from sidecar.settings.schema import Settings

#: Told of a domain by itself, or a matter of how the work is done.
_NO_RULES = frozenset(
    {
        *("enabled", "owner", "erp", "every", "answers", "risk", "lifecycle"),
        *("priority", "share", "pause_alarm", "batch", "lease", "retry", "unknown", "overlap"),
        *("full_every", "give_up_after"),
    }
)
#: Of what goes to the ERP only, and of what comes from it only.
_OF_SENDING = frozenset({"ref", "compare", "acknowledge", "tolerance", "window", "totals"})
_OF_RECEIVING = frozenset({"bounds", "basis", "write", "freshness", "capture", "notify"})
#: The value of a rule that is not set.
NONE = "none"
#: The file of calls of an account for which the configuration names none.
_PACKS_OWN = "the pack's own"
#: Of an account by its name: its pack's own files, and the one that the configuration names.
FilesOfCalls = Callable[[Settings, str], Sequence[Path]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One value in force: its key within the domain, what it is, what it means."""

    key: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Account:
    """One system on the other side; `fingerprint`: of what its files of calls say, those of its
    pack too."""

    name: str
    adapter: str
    address: str
    calls: str | None
    fingerprint: str | None
    pace: str


@dataclass(frozen=True, slots=True)
class DomainPlan:
    """One domain; `answers`: role → owner."""

    name: str
    owner: Literal["magento", "erp"]
    account: str
    every: str
    risk: str
    answers: Mapping[str, str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ExceptionPlan:
    """One special case."""

    domain: str
    when: str
    calls: str
    fingerprint: str
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All of it, in the order of the configuration."""

    shop: str
    timezone: str
    owners: Mapping[str, Owner]
    accounts: tuple[Account, ...]
    domains: tuple[DomainPlan, ...]
    lifecycle: Stages
    exceptions: tuple[ExceptionPlan, ...]

    def plain(self) -> dict[str, Any]:
        """What is signed: names and values, without what this version says of them."""
        return {
            "shop": {"name": self.shop, "timezone": self.timezone},
            "owners": {
                name: {"name": one.name, "contact": one.contact}
                for name, one in self.owners.items()
            },
            "accounts": {
                one.name: {
                    "adapter": one.adapter,
                    "address": one.address,
                    "calls": one.calls,
                    "fingerprint": one.fingerprint,
                    "pace": one.pace,
                }
                for one in self.accounts
            },
            "domains": {
                one.name: {
                    "owner": one.owner,
                    "account": one.account,
                    "every": one.every,
                    "risk": one.risk,
                    "answers": dict(one.answers),
                    "rules": {rule.key: rule.value for rule in one.rules},
                }
                for one in self.domains
            },
            "lifecycle": {
                "passing": self.lifecycle.passing,
                "states": {
                    stage.name: {
                        "meaning": stage.meaning,
                        "status": stage.status,
                        "label": stage.label,
                        "comment": stage.comment,
                        "do": list(stage.acts),
                        "alarm": stage.alarm,
                        "followed_by": list(stage.following),
                    }
                    for stage in self.lifecycle.stages
                },
            },
            "exceptions": [
                {
                    "domain": one.domain,
                    "when": one.when,
                    "calls": one.calls,
                    "fingerprint": one.fingerprint,
                    "owner": one.owner,
                    "reason": one.reason,
                    "expires": one.expires,
                }
                for one in self.exceptions
            ],
        }

    @property
    def digest(self) -> str:
        """The hash of what is signed."""
        return _digest(self.plain())

    def told_of(self, owner: str) -> str:
        """`Finance (finance@example.com)`."""
        return told_of(self.owners[owner])


def blueprint_of(settings: Settings, files_of_calls: FilesOfCalls) -> Blueprint:
    """Of a configuration.  Raises ConfigurationError for a file that cannot be read."""
    return Blueprint(
        shop=settings.shop.name,
        timezone=settings.shop.timezone,
        owners=dict(sorted(settings.owners.items())),
        accounts=tuple(
            _account(settings, name, files_of_calls(settings, name)) for name in settings.accounts
        ),
        domains=tuple(
            _domain(settings, name, section) for name, section in settings.domains.enabled().items()
        ),
        lifecycle=stages_of(settings),
        exceptions=tuple(
            ExceptionPlan(
                domain=one.domain,
                when=one.when,
                calls=one.calls.name,
                fingerprint=_fingerprint([one.calls]),
                owner=one.owner,
                reason=one.reason,
                expires=str(one.expires),
            )
            for one in settings.exceptions
        ),
    )


def _account(settings: Settings, name: str, files: Sequence[Path]) -> Account:
    erp = settings.accounts[name]
    return Account(
        name=name,
        adapter=erp.adapter,
        address=erp.address,
        calls=erp.calls.name if erp.calls else _PACKS_OWN if files else None,
        fingerprint=_fingerprint(files) if files else None,
        pace=f"{erp.throttle.requests}, {erp.throttle.concurrency} at a time",
    )


def _domain(settings: Settings, name: str, section: Carried) -> DomainPlan:
    of_other_way = _OF_RECEIVING if section.owner == "magento" else _OF_SENDING
    path = settings.domains.path(name)
    return DomainPlan(
        name=name,
        owner=section.owner,
        account=settings.account_of(name),
        every=format_duration(section.every),
        risk=section.risk,
        answers={role: owner for role, owner in section.answers if owner is not None},
        rules=tuple(
            rule
            for key in type(section).model_fields
            if key not in _NO_RULES | of_other_way
            for rule in _rules(section, key, (), path)
        ),
    )


def _rules(section: Section, key: str, at: KeyPath, path: KeyPath) -> Iterator[Rule]:
    value, here = getattr(section, key), (*at, key)
    entry = outline.entries(type(section))[key]
    if isinstance(value, Section):
        for inner in type(value).model_fields:
            yield from _rules(value, inner, here, path)
    elif isinstance(value, Mapping) and any(isinstance(one, Section) for one in value.values()):
        for name, one in value.items():
            for inner in type(one).model_fields:
                yield from _rules(one, inner, (*here, name), path)
    else:
        meaning = entry.description.split(". ")[0].rstrip(".").replace("`", "")
        yield Rule(outline.dotted(here), _value(entry, value), meaning)


def _value(entry: outline.Entry, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items()) or NONE
    if isinstance(value, Path):
        return value.name
    plain = outline.plain(entry, value)
    if plain is None:
        return NONE
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return str(plain)


def _fingerprint(files: Sequence[Path]) -> str:
    """Of what files say: their comments and their layout are no part of it."""
    said = [read_document(file).data for file in files]
    return _digest(said[0] if len(said) == 1 else said)[:12]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=_exact)
    return hashlib.sha256(text.encode()).hexdigest()


def _exact(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no place in a blueprint")
