"""A file of calls laid over another: that of an ERP's pack below, the user's own above it.

Tables merge key by key, at every depth; every other value of the upper file replaces the lower's.
An entry of a list is changed by a table in its place, whose keys name entries: by their `as`, else
by their number, from 0.  `$append` adds entries to a list, `$without` leaves keys or entries out.
Every value keeps its own place, so that what is wrong is told with the file that says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from adapters.language.shape import suggest
from sidecar.documents import Document, Key, Node, Place, read_document
from sidecar.model.errors import ConfigurationError

APPEND, WITHOUT = "$append", "$without"
#: What names an entry of a list.
_NAME = "as"

_At = tuple[Key, ...]


def read_overlaid(paths: Sequence[Path]) -> Document:
    """Read files of calls, lowest first, each laid over those before it.

    Raises ConfigurationError, with every key that has nothing to act upon, and what
    `read_document` raises.
    """
    lowest, *uppers = [read_document(path) for path in paths]
    root = lowest.root
    for upper in uppers:
        laying = _Laying()
        root = laying.node(root, upper.root, ())
        laying.raise_problems()
    return Document(paths[-1], root.value, root)


class _Laying:
    """Lays one file over what is below it; neither is changed."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def raise_problems(self) -> None:
        if self._problems:
            raise ConfigurationError(
                "\n".join(self._problems), "correct the file of calls (docs/mapping.md#overlay)"
            )

    def node(self, below: Node, above: Node, at: _At) -> Node:
        """What both come to at one path."""
        match below.value, above.value:
            case dict(), dict():
                return self._table(below, above, at)
            case list(), dict():
                return self._list(below, above, at)
            case _:
                self._refuse_orders(above, at)
                return above

    def _table(self, below: Node, above: Node, at: _At) -> Node:
        left_out = set(self._left_out(above, {str(key): key for key in below.children}, at))
        children = {key: one for key, one in below.children.items() if key not in left_out}
        places = {key: one for key, one in below.places.items() if key not in left_out}
        for key, child in above.children.items():
            if key == WITHOUT:
                continue
            here = (*at, key)
            if key in children:
                children[key] = self.node(children[key], child, here)
            else:
                self._refuse_orders(child, here)
                children[key] = child
            places[key] = above.places[key]
        value = {key: one.value for key, one in children.items()}
        return Node(above.place, value, children, places)

    def _list(self, below: Node, above: Node, at: _At) -> Node:
        named = {name: number for number, name in enumerate(_names(below))}
        children, places = dict(below.children), dict(below.places)
        for key, child in above.children.items():
            if key in (WITHOUT, APPEND):
                continue
            number = self._known(key, named, (*at, key), above.places[key])
            if number is not None:
                children[number] = self.node(children[number], child, (*at, key))
                places[number] = above.places[key]
        for number in self._left_out(above, named, at):
            del children[number], places[number]
        entries = [(children[number], places[number]) for number in sorted(children, key=int)]
        entries += self._appended(above, at)
        return Node(
            above.place,
            [one.value for one, _place in entries],
            {number: one for number, (one, _place) in enumerate(entries)},
            {number: place for number, (_one, place) in enumerate(entries)},
        )

    def _appended(self, above: Node, at: _At) -> Iterator[tuple[Node, Place]]:
        if APPEND not in above.children:
            return
        more = above.children[APPEND]
        if not isinstance(more.value, list):
            self._problem(above.places[APPEND], (*at, APPEND), "this must be a list")
            return
        for number, one in more.children.items():
            self._refuse_orders(one, (*at, APPEND, number))
            yield one, more.places[number]

    def _left_out(self, above: Node, known: Mapping[str, Key], at: _At) -> Iterator[Key]:
        if WITHOUT not in above.children:
            return
        names = above.children[WITHOUT]
        if not isinstance(names.value, list):
            self._problem(above.places[WITHOUT], (*at, WITHOUT), "this must be a list of keys")
            return
        for number, name in enumerate(names.value):
            key = self._known(str(name), known, (*at, WITHOUT), names.places[number])
            if key is not None:
                yield key

    def _known(self, name: Key, known: Mapping[str, Key], at: _At, place: Place) -> Key | None:
        """What a name stands for in the lower file; None, and a problem, where it has none."""
        if str(name) not in known:
            hint = suggest(str(name), known) or f"; there are {', '.join(known) or 'none'}"
            self._problem(place, at, f"what is laid over here has no '{name}'{hint}")
        return known.get(str(name))

    def _refuse_orders(self, above: Node, at: _At) -> None:
        """Where nothing is below, nothing can be added to or left out."""
        for key, child in above.children.items():
            if key in (WITHOUT, APPEND):
                self._problem(above.places[key], (*at, key), "there is nothing below it to act on")
            else:
                self._refuse_orders(child, (*at, key))

    def _problem(self, place: Place, at: _At, text: str) -> None:
        path = ".".join(map(str, at))
        self._problems.append(f"{place.file}:{place.line}: {path}: {text}")


def _names(entries: Node) -> Iterator[str]:
    """What each entry of a list is called from above, in their order."""
    for number, one in enumerate(entries.value):
        named = one.get(_NAME) if isinstance(one, dict) else None
        yield named if isinstance(named, str) else str(number)
