"""XML that others wrote, parsed without document type, entities and network."""

from __future__ import annotations

from typing import Any

from lxml import etree

#: A tag of three characters takes a hundred bytes of memory and more.
MOST_TAGS = 1_000_000


class NotAccepted(ValueError):
    """No XML, or XML with a document type; the text says which and quotes no content."""


def parse_strictly(content: bytes) -> Any:
    """The outermost element (`lxml.etree._Element`).  Raises NotAccepted.

    A document type is refused whole: entities that fill the memory, or read this machine's files,
    begin with one.
    """
    if content.count(b"<") > MOST_TAGS:
        raise NotAccepted(f"has more than {MOST_TAGS:,} tags")
    # A parser serves one document at a time: with one for all, threads would wait for one another.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as wrong:
        raise NotAccepted(f"is no XML: {str(wrong.msg)[:200]}") from None
    if root.getroottree().docinfo.doctype:
        raise NotAccepted("has a DOCTYPE (document type declaration), which is refused")
    return root
