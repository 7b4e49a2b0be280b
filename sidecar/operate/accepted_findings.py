"""The file of accepted findings beside a file of calls: what `adapter check` need not tell again.

Many descriptions say more than their ERP means: a WSDL that calls every element mandatory.  What a
person looked at and found right stands there, each with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.documents import read_document, write_scalar
from sidecar.model.errors import ConfigurationError
from sidecar.ports import ContractFinding

#: An entry that no finding is like any more.
GONE = "accepted-gone"
_REMEDY = "correct the file of accepted findings (docs/interfaces.md)"
_KEYS = ("id", "path", "field", "reason")
_HEAD = """\
# What 'erp-sidecar adapter check' finds and a person has looked at (docs/interfaces.md).
accepted:
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One entry; `path`: there and below, `field`: the ERP's field; None: wherever, whichever."""

    id: str
    path: str | None
    field: str | None
    place: str

    def is_of(self, finding: ContractFinding) -> bool:
        """Whether the finding is the one that was accepted."""
        here = self.path in (None, finding.path) or finding.path.startswith(f"{self.path}.")
        return self.id == finding.id and here and self.field in (None, finding.field)

    def __str__(self) -> str:
        at = f" at {self.path}" if self.path else ""
        return f"'{self.id}'{at}{f' of the field {self.field}' if self.field else ''}"


@dataclass(frozen=True, slots=True)
class Sorted:
    """`findings`: what is left, and entries that are no more; `ignored`: how many, by id."""

    findings: list[ContractFinding]
    accepted: int
    ignored: dict[str, int]


def beside(calls: Path) -> Path:
    """Where those of a file of calls are: `legacy.yaml` has `legacy.findings.yaml`."""
    return calls.with_name(f"{calls.stem}.findings.yaml")


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """Raises ConfigurationError, with file and line."""
    document = read_document(path)
    entries = document.data.get("accepted") or []
    if set(document.data) - {"accepted"} or not isinstance(entries, list):
        raise ConfigurationError(f"{path}: this must be 'accepted', a list", _REMEDY)
    read = []
    for index, entry in enumerate(entries):
        where = document.where(("accepted", index))
        if not isinstance(entry, Mapping) or set(entry) - set(_KEYS):
            raise ConfigurationError(f"{where}: an entry has {', '.join(_KEYS)}", _REMEDY)
        for key in ("id", "reason"):
            if not entry.get(key):
                raise ConfigurationError(f"{where}: '{key}' is missing", _REMEDY)
        path_, field = (None if entry.get(key) is None else str(entry[key]) for key in _KEYS[1:3])
        read.append(Accepted(str(entry["id"]), path_, field, where))
    return tuple(read)


def sort_out(
    findings: Sequence[ContractFinding], accepted: Sequence[Accepted], ignored: Collection[str]
) -> Sorted:
    """What is left to be told.

    An entry that is of no finding is told as one: it would hide the next one of its kind.
    """
    counted = Counter(finding.id for finding in findings if finding.id in ignored)
    told = [finding for finding in findings if finding.id not in ignored]
    left = [finding for finding in told if not any(entry.is_of(finding) for entry in accepted)]
    gone = [
        ContractFinding(
            "warning", GONE, entry.place, f"nothing is found any more as {entry}", "take it out"
        )
        for entry in accepted
        if not any(entry.is_of(finding) for finding in findings)
    ]
    by_id = {name: counted[name] for name in ignored}
    return Sorted([*left, *gone], len(told) - len(left), by_id)


def accept(path: Path, findings: Sequence[ContractFinding], reason: str) -> int:
    """Add an entry for each of these at the end of the file, which is made; how many.

    Raises ConfigurationError where the list has no place for them.
    """
    known = [finding for finding in findings if finding.id != GONE]
    text = _HEAD
    if path.exists():
        read_accepted(path)
        document = read_document(path)
        if document.data.get("accepted") and document.line(("accepted",)) == document.line(
            ("accepted", 0)
        ):
            raise ConfigurationError(
                f"{document.where(('accepted',))}: each entry must stand on a line of its own",
                _REMEDY,
            )
        text = path.read_text("utf-8-sig")
        text += "" if text.endswith("\n") else "\n"
        text += "" if "accepted" in document.data else "accepted:\n"
    entries = dict.fromkeys(_entry(finding, reason) for finding in known)
    path.write_text(text + "".join(entries), encoding="utf-8")
    return len(entries)


def _entry(finding: ContractFinding, reason: str) -> str:
    last = finding.path.rpartition(".")[2]
    fields: dict[str, Any] = {"id": finding.id, "path": finding.path}
    if finding.field != last:
        fields["field"] = finding.field
    pairs = {**fields, "reason": reason}.items()
    return f"  - {{{', '.join(f'{key}: {write_scalar(value)}' for key, value in pairs)}}}\n"
