"""Answers in JSON, changed in names, types, nesting, case and blanks.

What none of these does is to take the document away that a question found, or to put null in the
place of what was there: both say honestly that there is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

#: A value in its container, by key or index.
Place = tuple[Any, Any]


def mutated(answer: bytes, random: Random, kept: str) -> bytes:
    """The answer with one to three changes; what stands under the name `kept` stays."""
    whole = {"": json.loads(answer)}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(whole))
        container, key = random.choice(places)
        random.choice(_MUTATIONS)(container, key, random, kept)
    tree = whole.get("", next(iter(whole.values()), None))
    return random.choice(_WRITERS)(tree, random)


def _places(container: Any) -> Iterator[Place]:
    entries = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in list(entries):
        yield container, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _rename(container: Any, key: Any, random: Random, _: str) -> None:
    if isinstance(container, dict) and key:
        changed = random.choice(
            (key + "s", key.upper(), key.title(), f" {key}", f"{key} ", key[:-1], f"{key}_1")
        )
        if changed != key:
            container[changed] = container.pop(key)


def _wrap(container: Any, key: Any, random: Random, _: str) -> None:
    value = container[key]
    container[key] = random.choice(({"value": value}, {"data": value}, {"item": [value]}))


def _list(container: Any, key: Any, _random: Random, _: str) -> None:
    container[key] = [container[key]]


def _unwrap(container: Any, key: Any, random: Random, _: str) -> None:
    value = container[key]
    if isinstance(value, dict) and value:
        container[key] = random.choice(list(value.values()))
    elif isinstance(value, list) and len(value) == 1:
        container[key] = value[0]


def _as_text(container: Any, key: Any, _random: Random, _: str) -> None:
    value = container[key]
    container[key] = value if isinstance(value, str) else json.dumps(value)


def _blanks(container: Any, key: Any, random: Random, _: str) -> None:
    if isinstance(container[key], str):
        container[key] = (
            random.choice((" ", "\n", "")) + container[key] + random.choice((" ", "\t"))
        )


def _add(container: Any, _key: Any, random: Random, _: str) -> None:
    if isinstance(container, dict):
        container["added"] = random.choice((None, False, 0, "", {}, [1]))


def _double(container: Any, key: Any, _random: Random, _: str) -> None:
    if isinstance(container, list):
        container.append(deepcopy(container[key]))


def _remove(container: Any, key: Any, _random: Random, kept: str) -> None:
    # Under whatever name it stands by now: a document is known by its number.
    holds = isinstance(container[key], dict | list) and '"number' in json.dumps(container).lower()
    if isinstance(container, dict) and key and not (kept and holds):
        del container[key]


def _number(container: Any, key: Any, random: Random, _: str) -> None:
    if container[key] is True:
        container[key] = random.choice((1, "true", "True", "Y", 1.0))


_MUTATIONS: tuple[Callable[[Any, Any, Random, str], None], ...] = (
    _rename, _rename, _wrap, _list, _unwrap, _as_text, _blanks, _add, _double, _remove, _number,
)  # fmt: skip


def _plainly(tree: Any, _: Random) -> bytes:
    return json.dumps(tree).encode()


def _indented(tree: Any, _: Random) -> bytes:
    return b"\n \xef\xbb\xbf"[:2] + json.dumps(tree, indent=1).encode() + b"\n"


def _marked(tree: Any, _: Random) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps(tree).encode()


def _cut(tree: Any, random: Random) -> bytes:
    whole = json.dumps(tree).encode()
    return whole[: random.randint(0, len(whole))]


_WRITERS = (*(_plainly,) * 8, _indented, _marked, _cut)
