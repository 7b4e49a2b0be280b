"""References of SOAP's encoding: `<item href="#id1"/>` is what stands in `<multiRef id="id1">`.

A path does not see through that, so it looks in an envelope in which each value stands where it
is referred to, once more for each reference, and nowhere else.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from adapters.language.nodes import Unreadable
from adapters.soap.lexical import BLANKS
from adapters.soap.xml import ENCODING_12, Element, id_of

_DEEPEST = 100
#: Elements that references add: each may lead to several further ones, and ten of those are a bomb.
_MOST_ADDED = 500_000


def followed(root: Element) -> Element:
    """The envelope with every reference followed; itself where it has none.

    Raises Unreadable for a reference that leads nowhere, to itself, or to too much.
    """
    if not any(map(_reference, root.iter(etree.Element))):
        return root
    copy = deepcopy(root)
    following = _Following(root)
    following.follow(copy, ())
    for body in copy.iterfind("{*}Body"):
        for element in list(body):
            if id_of(element) in following.referred:
                body.remove(element)
    return copy


def _reference(element: Element) -> str | None:
    """The id that an element refers to, if it does."""
    written = element.get("href") or ""
    if written.startswith("#"):
        return str(written[1:])
    found: str | None = element.get(f"{ENCODING_12}ref")
    return found and found.removeprefix("#")


class _Following:
    """The references of one envelope."""

    def __init__(self, root: Element) -> None:
        self.referred: set[str] = set()
        self._left = _MOST_ADDED
        self._targets: dict[str, list[Element]] = {}
        for element in root.iter(etree.Element):
            if (name := id_of(element)) is not None:
                self._targets.setdefault(name, []).append(element)

    def follow(self, element: Element, within: tuple[str, ...], depth: int = 0) -> None:
        """Follow what refers to others in the element; `within` are the ids that led here."""
        if depth > _DEEPEST:
            raise Unreadable(f"the answer is nested too deeply: more than {_DEEPEST} levels")
        name = _reference(element)
        if name is not None:
            self._fill(element, name, within)
            within = (*within, name)
        for child in element:
            self.follow(child, within, depth + 1)

    def _fill(self, element: Element, name: str, within: tuple[str, ...]) -> None:
        targets = self._targets.get(name, [])
        has_content = len(element) or (element.text or "").strip(BLANKS)
        if len(targets) != 1 or name in within or has_content:
            raise Unreadable("the answer refers to what is not in it, to two values, or to itself")
        [target] = targets
        self._left -= sum(1 for _ in target.iter())
        if self._left < 0:
            raise Unreadable("the answer refers to its own elements without measure")
        self.referred.add(name)
        element.attrib.pop("href", None)
        element.attrib.pop(f"{ENCODING_12}ref", None)
        for attribute, value in target.attrib.items():
            if attribute != "id" and attribute not in element.attrib:
                element.set(attribute, value)
        element.text = target.text
        element.extend(deepcopy(child) for child in target)
