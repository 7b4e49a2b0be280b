"""Which operation of an interface description a call's method and path mean.

A description's paths begin behind its own base address, a call's behind `erp.url`: they are
compared from their ends, and the variable parts of either fit anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from adapters.contract.field import Operation

_JOIN = re.compile(r"\s*~\s*")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_VARIABLE = re.compile(r"\{[^{}]*\}")
#: Stands for what an expression will put into a path.
_SOMETHING = "*"


def operation_of(operations: Iterable[Operation], call: Mapping[str, object]) -> Operation | None:
    """The operation whose method is the call's and whose path is most like the call's."""
    method = str(call.get("method", "")).upper()
    path = _sketched(call.get("path"))
    fitting = [
        operation
        for operation in operations
        if operation.call["method"] == method and _fits(operation.call["path"], path)
    ]
    # Of /orders/{id} and /orders/search the one with fewer variable parts.
    return min(
        fitting, key=lambda candidate: len(_VARIABLE.findall(candidate.call["path"])), default=None
    )


def call_name(call: Mapping[str, object]) -> str:
    """`POST /orders/*`."""
    return f"{str(call.get('method', '')).upper()} {_sketched(call.get('path'))}"


def _sketched(path: object) -> str:
    """The path with * for what is not known before the call."""
    text = str(path or "")
    if not text.startswith("="):
        return text
    pieces = (_QUOTED.fullmatch(piece) for piece in _JOIN.split(text[1:].strip()))
    return "".join(_SOMETHING if piece is None else piece[1] or piece[2] or "" for piece in pieces)


def _fits(declared: str, path: str) -> bool:
    wanted = [step for step in declared.split("/") if step]
    given = [step for step in path.partition("?")[0].split("/") if step]
    if len(given) < len(wanted):
        return False
    pairs = zip(wanted, given[len(given) - len(wanted) :], strict=True)
    return all(_pattern(step).fullmatch(part) for step, part in pairs)


def _pattern(segment: str) -> re.Pattern[str]:
    """A declared segment; `{id}` fits anything, a key's quotes may come out of the expression."""
    pieces = [re.escape(piece).replace("'", "'?") for piece in _VARIABLE.split(segment)]
    return re.compile(".+".join(pieces))
