"""Answers in XML, changed the way that servers, gateways and new versions change them.

What none of these does is to take the document away that a question found: an answer without it
says honestly that it is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from lxml import etree

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_NAMESPACES = ("", "urn:somebody:else", "http://www.w3.org/2001/XMLSchema")
_TYPES = ("xsd:string", "t:Other", "soapenc:Array", "int", ":", "")
_BLANKS = (" ", "\n", "\t  ", "\r\n")

#: Elements that stay, whatever they are called by now.
Kept = list[Any]
Mutation = Callable[[Any, Random, Kept], None]


def mutated(answer: bytes, random: Random, kept: str) -> bytes:
    """The answer with one to three changes; `kept` is the document's element, which stays."""
    root = etree.fromstring(answer)
    staying = [one for one in root.iter(etree.Element) if etree.QName(one).localname == kept]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(_MUTATIONS)(root, random, staying)
    return random.choice(_WRITERS)(root, random)


def _below(root: Any, random: Random) -> Any:
    """Any element within the body, or None."""
    body = root.find("{*}Body")
    found = [] if body is None else [one for one in body.iter(etree.Element) if one is not body]
    return random.choice(found) if found else None


def _leaf(root: Any, random: Random) -> Any:
    body = root.find("{*}Body")
    found = [] if body is None else [one for one in body.iter(etree.Element) if not len(one)]
    return random.choice(found) if found else None


def _rename(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        name = etree.QName(one)
        changed = random.choice(
            (name.localname + "s", "X" + name.localname, name.localname.swapcase(),
             name.localname.lower(), name.localname[:-1] or "x", name.localname + "_1")
        )  # fmt: skip
        one.tag = etree.QName(name.namespace, changed).text


def _namespace(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        one.tag = etree.QName(random.choice(_NAMESPACES) or None, etree.QName(one).localname).text


def _wrap(root: Any, random: Random, _: Kept) -> None:
    one = _below(root, random)
    if one is not None:
        outer = etree.Element(random.choice(("result", "item", one.tag)))
        one.getparent().replace(one, outer)
        outer.append(one)


def _unwrap(root: Any, random: Random, _: Kept) -> None:
    one = _below(root, random)
    if one is not None and len(one):
        parent, place = one.getparent(), one.getparent().index(one)
        for child in reversed(one):
            parent.insert(place, child)
        parent.remove(one)


def _move(root: Any, random: Random, _: Kept) -> None:
    one, target = _below(root, random), _below(root, random)
    if one is not None and target is not None and one not in (target, *target.iterancestors()):
        target.append(one)


def _shuffle(root: Any, random: Random, _: Kept) -> None:
    one = _below(root, random)
    if one is not None:
        children = list(one)
        random.shuffle(children)
        one[:] = children


def _double(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        one.addnext(deepcopy(one))


def _remove(root: Any, random: Random, kept: Kept) -> None:
    one = _below(root, random)
    if one is not None and not any(each in kept for each in one.iter(etree.Element)):
        one.getparent().remove(one)


def _add(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        name = etree.QName(random.choice((None, "urn:new", etree.QName(one).namespace)), "Added")
        new = etree.Element(name)
        new.text = random.choice(("", "x", "0", "false"))
        one.insert(random.randint(0, len(one)), new)


def _attribute(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        name = random.choice(("added", "{urn:new}added", "href", "id", f"{XSI}nil", "ref"))
        one.set(name, random.choice(("true", "x", "#1", "1", "")))


def _drop_attribute(root: Any, random: Random, _: Kept) -> None:
    one = _below(root, random)
    if one is not None and one.attrib:
        del one.attrib[random.choice(list(one.attrib))]


def _into_attribute(root: Any, random: Random, kept: Kept) -> None:
    one = _leaf(root, random)
    if one is not None and one not in kept and one.getparent() is not None:
        one.getparent().set(etree.QName(one).localname, one.text or "")
        one.getparent().remove(one)


def _type(root: Any, random: Random, _: Kept) -> None:
    if (one := _below(root, random)) is not None:
        one.set(f"{XSI}type", random.choice(_TYPES))


def _blanks(root: Any, random: Random, _: Kept) -> None:
    if (one := _leaf(root, random)) is not None:
        one.text = random.choice(_BLANKS) + (one.text or "") + random.choice(_BLANKS)


def _indent(root: Any, _random: Random, _: Kept) -> None:
    etree.indent(root)


def _text(root: Any, random: Random, _: Kept) -> None:
    one = _below(root, random)
    # Beside elements, not in a value: nobody can see that a text was another one.
    if one is not None and one.find("*") is not None:
        one.text = "Notice: Undefined index"


def _comment(root: Any, random: Random, _: Kept) -> None:
    if (one := _leaf(root, random)) is not None:
        comment = etree.Comment("debug")
        comment.tail, one.text = one.text, None
        one.append(comment)


def _case_of_values(root: Any, random: Random, _: Kept) -> None:
    one = _leaf(root, random)
    if one is not None and (one.text or "").strip() in ("true", "OK"):
        one.text = random.choice((one.text.upper(), one.text.lower(), one.text.title()))


def _other_truth(root: Any, random: Random, _: Kept) -> None:
    one = _leaf(root, random)
    if one is not None and (one.text or "").strip() == "true":
        one.text = random.choice(("Y", "yes", "1", "on", "-1", "T", "wahr", "\u00a0true"))


def _deepen(root: Any, random: Random, _: Kept) -> None:
    one = _leaf(root, random)
    if one is not None:
        inner = etree.SubElement(one, random.choice(("value", "string", "nil")))
        inner.text, one.text = one.text, None


def _header(root: Any, random: Random, _: Kept) -> None:
    namespace = etree.QName(root).namespace
    header = etree.Element(etree.QName(namespace, "Header"))
    etree.SubElement(header, etree.QName("urn:gateway", "Trace")).text = "1"
    root.insert(0, header)


_MUTATIONS: tuple[Mutation, ...] = (
    _rename, _namespace, _wrap, _unwrap, _move, _shuffle, _double, _remove, _add, _attribute,
    _drop_attribute, _into_attribute, _type, _blanks, _indent, _text, _comment, _case_of_values,
    _other_truth, _deepen, _header,
)  # fmt: skip


def _plainly(root: Any, _: Random) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def _late(root: Any, random: Random) -> bytes:
    before = random.choice((b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b" \xef\xbb\xbf\n", b"<br/>"))
    return before + _plainly(root, random)


def _in_utf_16(root: Any, _: Random) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-16"))


def _in_latin_1(root: Any, _: Random) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="iso-8859-1"))


def _cut(root: Any, random: Random) -> bytes:
    whole = _plainly(root, random)
    return whole[: random.randint(0, len(whole))]


_WRITERS = (*(_plainly,) * 12, _late, _in_utf_16, _in_latin_1, _cut)
