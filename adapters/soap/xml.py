"""Answers in XML, read without a schema."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

from adapters.http.xml import NotAccepted, parse_strictly
from adapters.soap.lexical import BLANKS

Element: TypeAlias = Any  # etree._Element, for which there are no types

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TYPE = f"{_XSI}type"
NIL = f"{_XSI}nil"
#: Namespaces whose attributes say how a value is written and nothing of the value itself.
_ANNOTATIONS = (
    _XSI,
    "{http://www.w3.org/XML/1998/namespace}",
    "{http://schemas.xmlsoap.org/soap/envelope/}",
    "{http://www.w3.org/2003/05/soap-envelope}",
    "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}",
)
ENCODING_11 = "{http://schemas.xmlsoap.org/soap/encoding/}"
ENCODING_12 = "{http://www.w3.org/2003/05/soap-encoding}"
#: Of SOAP's encodings; `position` and `offset` are not among them: they would move values.
_OF_ENCODING = ("arrayType", "arraySize", "itemType", "nodeType", "root", "id")
#: Of WCF's serializer; its `Ref` stands for a value that is elsewhere.
_OF_WCF = ("Id", "Size", "Type", "Assembly", "FactoryType")
_WCF = "{http://schemas.microsoft.com/2003/10/Serialization/}"
_KNOWN = frozenset(
    {"id"}
    | {f"{namespace}{name}" for namespace in (ENCODING_11, ENCODING_12) for name in _OF_ENCODING}
    | {f"{_WCF}{name}" for name in _OF_WCF}
)
#: Namespaces in force at one place of an answer.  Each lookup goes through all of them.
_MOST_PREFIXES = 100


class Malformed(ValueError):
    """No XML, or XML that is not accepted; the text quotes no value."""


def parse(content: bytes, charset: str | None = None) -> Element:
    """The root element of an answer.  Raises Malformed."""
    try:
        root = parse_strictly(content, charset)
    except NotAccepted as error:
        raise Malformed(f"the answer {error}") from None
    # Where it is asked for, each element's prefixes are looked up in all that are in force there.
    now = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        now += 1 if event == "start-ns" else -1
        if now > _MOST_PREFIXES:
            raise Malformed(
                f"the answer declares more than {_MOST_PREFIXES} namespaces in one place"
            )
    return root


def struck_out(content: bytes, place: str) -> bytes:
    """The document with `***` for the text of the elements there."""
    root = parse(content)
    for element in root.iterfind(place):
        element.text = "***"
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return written


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def is_annotation(attribute: str) -> bool:
    """Whether an attribute may be passed over: it says how the value is written."""
    return attribute in _KNOWN or attribute.startswith(_ANNOTATIONS)


def is_nil(element: Element, place: str) -> bool:
    """Whether the element says that it has no value.  Raises Malformed for one that has."""
    written = element.get(NIL)
    if written is None or written.strip(BLANKS) in ("false", "0"):
        return False
    if written.strip(BLANKS) not in ("true", "1") or len(element):
        raise Malformed(f"{place} says that it is nil, and is not")
    if (element.text or "").strip(BLANKS):
        raise Malformed(f"{place} says that it is nil, and is not")
    return True


def refuse_text(element: Element, place: str) -> None:
    """Raises Malformed for text beside the element's elements: nobody would read it."""
    if (element.text or "").strip(BLANKS) or any((one.tail or "").strip(BLANKS) for one in element):
        raise Malformed(f"{place} has text beside its elements")


def id_of(element: Element) -> str | None:
    """What other elements refer to it by, in SOAP's encodings."""
    found: str | None = element.get("id") or element.get(f"{ENCODING_12}id")
    return found


def tree_of(element: Element, *, attributes: bool = True) -> Any:
    """Nested mappings by local name, text at the leaves, a list where a name comes again.

    Attributes are among the names, and a text beside them or beside elements is `_value_1`.
    """
    if element.get(NIL) in ("true", "1") and not len(element):
        return None
    tree: dict[str, Any] = {}
    for name, text in element.attrib.items() if attributes else ():
        if not is_annotation(name):
            _add(tree, str(etree.QName(name).localname), text.strip(BLANKS))
    texts = [(element.text or "").strip(BLANKS)]
    for child in element:
        _add(tree, local(child), tree_of(child, attributes=attributes))
        texts.append((child.tail or "").strip(BLANKS))
    text = " ".join(part for part in texts if part)
    if not tree:
        return text
    if text:
        _add(tree, "_value_1", text)
    return tree


def _add(tree: dict[str, Any], name: str, value: Any) -> None:
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    else:
        tree[name] = [tree[name], value]
