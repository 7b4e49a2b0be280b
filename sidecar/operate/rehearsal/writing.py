"""Cases as text: a new one at the end of the file, a changed one in its place.

Everything else in the file stays as it was written, comments too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sidecar.documents import Document, write_scalar
from sidecar.model.errors import ConfigurationError
from sidecar.operate.rehearsal.case import REMEDY, Case, Head
from sidecar.operate.rehearsal.payload import tree_of
from sidecar.operate.rehearsal.play import Sent, told_of
from sidecar.ports import Delivery, Link

_HEADERS_AT = 4
#: What is written of a link: what expressions may name.
_NOT_OF_LINK = (None, False)


def head_of(head: Head, calls: Path) -> str:
    """The beginning of a new file."""
    erp: dict[str, Any] = {"adapter": head.adapter}
    if head.wsdl is not None:
        erp["wsdl"] = os.path.relpath(head.wsdl, calls.parent)
    if head.auth is not None:
        erp["auth"] = head.auth
    if head.secrets:
        erp["secrets"] = list(head.secrets)
    shop = {"name": head.shop.name, "timezone": str(head.shop.timezone)}
    return "\n".join(
        [
            f"# What {calls.name} makes of events (docs/mapping-tests.md); people are stand-ins.",
            f"#   erp-sidecar adapter test --calls {calls.name}",
            *_lines({"erp": erp, "shop": shop}, 0),
            "cases:",
            "",
        ]
    )


def tree_of_case(delivery: Delivery, sent: Sent) -> dict[str, Any]:
    """A new case: the event, and the calls that are made of it now."""
    event = delivery.event
    tree: dict[str, Any] = {
        "type": event.type,
        "id": event.id,
        "subject": event.subject,
        "sequence": event.sequence,
        "time": event.time.isoformat(),
        "ref": delivery.ref,
    }
    if delivery.posting_date is not None:
        tree["posting_date"] = delivery.posting_date.isoformat()
    if delivery.link is not None:
        tree["link"] = _link(delivery.link)
    if delivery.parent is not None:
        tree["parent"] = tree_of(delivery.parent.payload)
        if delivery.parent.link is not None:
            tree["parent_link"] = _link(delivery.parent.link)
    tree["payload"] = tree_of(event.data)
    return {"calls": _calls(sent, ()), "event": tree}


def updated(case: Case, sent: Sent) -> dict[str, Any]:
    """The case as it is now: its event and its answers stay."""
    answers = tuple(call.get("answer") for call in case.tree["calls"])
    tree = {**case.tree, "calls": _calls(sent, answers)}
    if case.comes_to is not None:
        told = told_of(sent.outcome)
        tree["comes_to"] = {name: told[name] for name in case.comes_to if name in told}
    return tree


def with_case(text: str, document: Document | None, name: str, tree: Mapping[str, Any]) -> str:
    """The text of the file with this case.  Raises ConfigurationError where it has no place."""
    block = "\n".join(_lines({name: tree}, 2)) + "\n"
    lines = text.splitlines(keepends=True)
    first, last = _place(document, name, lines)
    if last < len(lines):
        block += "\n"
    elif lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:first], block, *lines[last:]])


def _place(document: Document | None, name: str, lines: list[str]) -> tuple[int, int]:
    """The lines that the case has or gets: from, and the first one behind."""
    if document is None:
        return len(lines), len(lines)
    begins = {key: document.line(("cases", key)) - 1 for key in document.data.get("cases") or {}}
    last_key = max(document.data, key=lambda key: document.line((key,)), default="")
    in_flow = document.line(("cases",)) - 1 in begins.values()
    if last_key != "cases" or in_flow or len(set(begins.values())) < len(begins):
        raise ConfigurationError(
            f"{document.where(('cases',))}: 'cases' must be the last key of the file, and each "
            "case begin on a line of its own",
            REMEDY,
        )
    if name not in begins:
        return len(lines), len(lines)
    behind = min((line for line in begins.values() if line > begins[name]), default=len(lines))
    while behind < len(lines) and behind > begins[name] + 1 and _is_remark(lines[behind - 1]):
        behind -= 1
    return begins[name], behind


def _is_remark(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _calls(sent: Sent, answers: tuple[Any, ...]) -> list[dict[str, Any]]:
    calls = []
    for index, call in enumerate(sent.calls):
        tree: dict[str, Any] = {"request": call.request}
        if call.headers:
            tree["headers"] = dict(call.headers)
        if call.body is not None:
            tree["body"] = call.body
        answer = answers[index] if index < len(answers) else None
        if answer is not None:
            tree["answer"] = answer
        calls.append(tree)
    return calls


def _link(link: Link) -> dict[str, Any]:
    fields = {name: getattr(link, name) for name in Link.__dataclass_fields__}
    return {name: value for name, value in fields.items() if value not in _NOT_OF_LINK}


def _lines(tree: Any, indent: int) -> Iterator[str]:
    """A mapping or a list as YAML, one value a line."""
    blank = " " * indent
    pairs = tree.items() if isinstance(tree, Mapping) else (("-", one) for one in tree)
    for key, value in pairs:
        begin = (
            f"{blank}-"
            if key == "-" and not isinstance(tree, Mapping)
            else (f"{blank}{write_scalar(str(key))}:")
        )
        if isinstance(value, Mapping | list | tuple) and value:
            inner = list(_lines(value, indent + 2))
            if begin.endswith("-") and isinstance(value, Mapping):
                # `- key: value`, the first key beside the dash.
                inner[0] = f"{begin} {inner[0].lstrip()}"
                yield from inner
            else:
                yield begin
                yield from inner
        elif isinstance(value, Mapping | list | tuple):
            yield f"{begin} {'{}' if isinstance(value, Mapping) else '[]'}"
        else:
            yield f"{begin} {write_scalar(value)}"
