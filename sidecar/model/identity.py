"""Which system this is: the one that was installed, or a copy of its database.

A restored copy brings the ledger along, and with it every order that waited to be sent.  What tells
it from the original stands in docs/clone-guard.md; why, in docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

#: A replica that takes over may lack what was written in so many of the last seconds.
LOST = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class ServerMark:
    """A database server as it describes itself; `uuid` is empty where a server knows none."""

    uuid: str
    host: str
    port: str
    data: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port} {self.data} {self.uuid}".rstrip()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is there now.

    `base_urls`: the shop's addresses, without their scheme; `ledger`: schema and table prefix;
    `erps`: the address of each ERP account, by its name; `machine`: a fingerprint of the daemon's
    machine, None where it has no machine id; `next_order`: the id that Magento's next order gets;
    `known_order`: the highest that the ledger has seen; `given_again`: the highest under which
    Magento has a later order than the ledger.
    """

    server: ServerMark
    magento_schema: str
    ledger: str
    base_urls: frozenset[str]
    erps: Mapping[str, str]
    machine: str | None = None
    next_order: int = 1
    known_order: int = 0
    given_again: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The ledger's last beat, remembered where no restore reaches: by a process, and in a file.

    Only after it was committed: what was rolled back is in no ledger.  `token`: which record of the
    identity it stood in; `owner`: the process that left it; `at`: by the database's clock;
    `server`: on which it was left.
    """

    token: str
    beat: int
    owner: str
    at: datetime
    server: ServerMark


@dataclass(frozen=True, slots=True)
class ReportedDoubt:
    """The doubt of the daemon that works, or would: those who only look read it."""

    standing: Standing
    why: str


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life that a daemon left in the ledger."""

    owner: str
    number: int
    machine: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """What the ledger remembers.

    `servers`: all on which this was seen to be the same system; `original_erps`: set in a copy,
    the addresses of the original's ERPs, which the copy must never speak to; `doubt`: why it is not
    known whether this is the system, until somebody says so.  `token` is another one after each
    record; `past_order`: up to this id it is settled that Magento gives order ids again; `told`:
    what a daemon told within the last minute.
    """

    servers: tuple[ServerMark, ...]
    magento_schema: str
    ledger: str
    base_urls: frozenset[str]
    erps: Mapping[str, str]
    original_erps: frozenset[str]
    doubt: str | None
    recorded_at: datetime
    recorded_by: str
    reason: str | None
    beat: Beat | None = None
    token: str = ""
    past_order: int = 0
    told: ReportedDoubt | None = None

    @property
    def is_copy(self) -> bool:
        """Whether somebody said that this is a copy."""
        return bool(self.original_erps)


class Standing(Enum):
    """What the comparison came to."""

    SAME = "same"
    MOVED = "moved"
    UNSURE = "unsure"
    COPY = "copy"
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that is not as it was recorded."""

    fact: str
    recorded: str
    present: str

    def __str__(self) -> str:
        return f"{self.fact} was {self.recorded}, is {self.present}"


@dataclass(frozen=True, slots=True)
class IdentityVerdict:
    """A standing, why, and every fact that differs, also those that decide nothing.

    `is_restored`: a backup stands in the place of what was there.
    """

    standing: Standing
    why: str
    changes: tuple[Change, ...] = ()
    is_restored: bool = False

    @property
    def may_send(self) -> bool:
        """Whether the ERP may be spoken to and Magento's orders written."""
        return self.standing in (Standing.SAME, Standing.MOVED)

    @property
    def remedy(self) -> str:
        """What an operator does about it; empty where nothing is to be done."""
        return _REMEDIES.get(self.standing, "")


_REMEDIES = {
    Standing.UNSURE: "look at it with 'erp-sidecar identity show'; then 'erp-sidecar identity "
    "accept --reason …' if this is the system that was installed, 'erp-sidecar identity is-copy' "
    "if it is a copy of it",
    Standing.COPY: "to make it a test system: set the address of each ERP account (erp.url) to "
    "that of a test ERP and run 'erp-sidecar identity is-copy'; only if this is the live system: "
    "'erp-sidecar identity accept --reason …'",
    Standing.UNRECORDED: "run 'erp-sidecar install'",
}


def judge(
    recorded: Identity | None,
    present: Circumstances,
    own: Seen | None,
    seen: Seen | None = None,
) -> IdentityVerdict:
    """Compare; `own` is None in a process that has not worked yet, `seen` where no file tells.

    Both must have been read before `recorded` was: whoever works beside us leaves later beats.
    Who finds nothing amiss takes the word of the daemon, which may know more.
    """
    judgement = _judge(recorded, present, own, seen)
    if judgement.may_send and recorded is not None and recorded.told is not None:
        return IdentityVerdict(recorded.told.standing, recorded.told.why, judgement.changes)
    return judgement


def _judge(
    recorded: Identity | None,
    present: Circumstances,
    own: Seen | None,
    seen: Seen | None,
) -> IdentityVerdict:
    if recorded is None:
        return IdentityVerdict(
            Standing.UNRECORDED, "the ledger does not say which system it belongs to"
        )
    changes = _changes(recorded, present)
    live = [
        f"{address} ({name})"
        for name, address in present.erps.items()
        if address in recorded.original_erps
    ]
    if live:
        # Of any account: a test system whose warehouse is the live one is none.
        why = f"this is a copy, and {', '.join(live)} is the ERP of the original"
        return IdentityVerdict(Standing.COPY, why, changes)
    if recorded.doubt is not None:
        return IdentityVerdict(Standing.UNSURE, recorded.doubt, changes)
    place = [change for change in changes if change.fact in _PLACE]
    name = [change for change in changes if change.fact in _NAME]
    standing = _standing(recorded, own, moved=bool(place), renamed=bool(name))
    restored = _restored(recorded, present, own, seen)
    # Somewhere else it is a copy or a question anyway; there what differs says more.
    if restored and standing in (Standing.SAME, Standing.MOVED):
        return IdentityVerdict(Standing.UNSURE, restored, changes, is_restored=True)
    return IdentityVerdict(standing, "; ".join(map(str, place + name)), changes)


def _standing(recorded: Identity, own: Seen | None, *, moved: bool, renamed: bool) -> Standing:
    if moved and renamed:
        return Standing.COPY
    if renamed:
        return Standing.UNSURE
    if moved:
        return Standing.MOVED if _carries_on(recorded, own) else Standing.UNSURE
    return Standing.SAME


def _carries_on(recorded: Identity, own: Seen | None) -> bool:
    """Whether the ledger is the one that this very process was writing a moment ago.

    A replica that took over has its last beats, a dump of last night has not.
    """
    beat = recorded.beat
    if own is None or beat is None or (recorded.token, beat.owner) != (own.token, own.owner):
        return False
    return own.at - beat.at <= LOST


def _is_older(recorded: Identity, known: Seen, server: ServerMark) -> bool:
    """Whether the ledger on this server is older than somebody knows it to have been.

    On the server where that beat was committed nothing takes it back but a restore, or a crash of
    a server that does not flush its log: what was sent since is forgotten, be it one beat.  Another
    one may be a replica that lacks the last seconds.
    """
    if recorded.token != known.token:
        # Recorded since: an 'accept', or a new installation.  Before: a backup from before one.
        return recorded.recorded_at < known.at
    if recorded.beat is None:
        return True
    if recorded.beat.number >= known.beat:
        return False
    # Who knows the beat runs on the machine that it speaks of.
    if _alike(known.server, server, on_its_machine=True):
        return True
    return known.at - recorded.beat.at > LOST


def _restored(
    recorded: Identity, present: Circumstances, own: Seen | None, seen: Seen | None
) -> str | None:
    """Why this is a backup in the place of what was there; None where nothing says so."""
    if own is not None and _is_older(recorded, own, present.server):
        return _OLDER
    if seen is not None and _is_older(recorded, seen, present.server):
        return (
            "the ledger is older than this machine's daemon left it at "
            f"{seen.at:%Y-%m-%d %H:%M:%S} UTC: {_CAUSE}"
        )
    if present.next_order <= present.known_order and present.known_order > recorded.past_order:
        return (
            f"Magento gives its next order the id {present.next_order}, and the ledger knows order "
            f"{present.known_order}: Magento's tables were restored from a backup, or emptied"
        )
    if present.given_again > recorded.past_order:
        return (
            f"Magento's order with the id {present.given_again} was placed later than the one that "
            "the ledger knows: Magento's tables were restored from a backup, or emptied, and give "
            "ids again"
        )
    return None


_CAUSE = "a backup was restored in its place, or the server lost its last seconds in a crash"
_OLDER = f"the ledger is older than this daemon left it a moment ago: {_CAUSE}"
_SERVER = "database server"
_PLACE = (_SERVER, "Magento's schema", "ledger")
_NAME = ("base URL",)


def _changes(recorded: Identity, present: Circumstances) -> tuple[Change, ...]:
    changes = []
    on_its_machine = _on_its_machine(recorded, present)
    if not any(
        _alike(known, present.server, on_its_machine=on_its_machine) for known in recorded.servers
    ):
        known = " or ".join(map(str, recorded.servers))
        changes.append(Change(_SERVER, known, str(present.server)))
    if recorded.magento_schema != present.magento_schema:
        changes.append(Change("Magento's schema", recorded.magento_schema, present.magento_schema))
    if recorded.ledger != present.ledger:
        changes.append(Change("ledger", recorded.ledger, present.ledger))
    if recorded.base_urls - present.base_urls:
        # One that came to them is a new website; one that went is a shop that was renamed.
        changes.append(Change("base URL", _listed(recorded.base_urls), _listed(present.base_urls)))
    for name in sorted(recorded.erps.keys() | present.erps.keys()):
        before, now = recorded.erps.get(name, "none"), present.erps.get(name, "none")
        if before != now:
            changes.append(Change(f"ERP {name}", before, now))
    if recorded.beat is not None and not on_its_machine:
        changes.append(
            Change("daemon's machine", recorded.beat.machine or "unknown",
                   present.machine or "unknown")
        )  # fmt: skip
    return tuple(changes)


def _on_its_machine(recorded: Identity, present: Circumstances) -> bool:
    beat = recorded.beat
    return beat is not None and beat.machine is not None and beat.machine == present.machine


def _alike(known: ServerMark, present: ServerMark, *, on_its_machine: bool) -> bool:
    """A container's host name is another after each start; its data's uuid and folder are not.

    A copy of the files has both too, so that only the daemon's own machine makes up for a name.
    """
    if known == present:
        return True
    same_data = (known.uuid, known.port, known.data) == (present.uuid, present.port, present.data)
    return on_its_machine and bool(known.uuid) and same_data


def _listed(urls: Iterable[str]) -> str:
    return ", ".join(sorted(urls)) or "none"


def bare_url(url: str) -> str | None:
    """A base URL as it is compared: without the scheme, which a certificate changes.

    None for what is none, such as Magento's placeholder {{base_url}}.
    """
    parts = urlsplit(url.strip())
    if not parts.hostname or "{" in url:
        return None
    place = parts.netloc.rpartition("@")[2].lower()
    return place + parts.path.rstrip("/")
