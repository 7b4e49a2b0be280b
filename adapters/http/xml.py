"""XML that others wrote, parsed without document type, entities and network."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from adapters.http.charset import codec_of

_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
#: UTF-16 without a byte order mark is known by the first letter of the document, which is `<`.
_BARE = {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([^"']{1,64})["']""")
#: What PHP and templates leave before the declaration, where XML allows nothing.
_BLANKS = "\ufeff \t\r\n"
_TOO_DEEP = ("Excessive depth", "xmlSAX2StartElement: ")
#: Characters that XML cannot carry, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A tag of three characters takes a hundred bytes of memory and more.
MOST_TAGS = 1_000_000


class NotAccepted(ValueError):
    """No XML, or XML with a document type; the text says which and quotes no content."""


def parse_strictly(content: bytes, charset: str | None = None) -> Any:
    """The outermost element (`lxml.etree._Element`).  Raises NotAccepted.

    A document type is refused whole: entities that fill the memory, or read this machine's files,
    begin with one.  `charset` is that of the HTTP header; it counts where the document is silent.
    """
    if content.count(b"<") > MOST_TAGS:
        raise NotAccepted(f"has more than {MOST_TAGS:,} tags")
    # A parser serves one document at a time: with one for all, threads would wait for one another.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(_as_utf_8(content, charset), parser)
    except etree.XMLSyntaxError as error:
        if any(words in str(error.msg) for words in _TOO_DEEP):
            raise NotAccepted("is nested too deeply: more than 250 levels") from None
        raise NotAccepted(f"is no XML: {str(error.msg)[:200]}") from None
    if root.getroottree().docinfo.doctype:
        raise NotAccepted("has a DOCTYPE (document type declaration), which is refused")
    return root


def is_writable(text: str) -> bool:
    """Whether XML can carry the text."""
    return _NOT_XML.search(text) is None


def writable(text: str) -> str:
    """The text without the control characters that XML cannot carry, not even escaped.

    They come with texts that were pasted, and nobody sees them: a customer's order does not fail
    for one.  A secret is never altered so (`adapters.soap.security`).
    """
    return _NOT_XML.sub("", text)


def _as_utf_8(content: bytes, charset: str | None) -> bytes:
    """The document as UTF-8, without what stands before it.  Raises NotAccepted."""
    codec = _codec(content, charset)
    try:
        text = content.decode(codec)
    except UnicodeError:
        raise NotAccepted(f"is no XML: its text is not {codec}") from None
    return text.lstrip(_BLANKS).encode()


def _codec(content: bytes, charset: str | None) -> str:
    """The byte order mark knows best, then the declaration, then the header.

    Which encodings are read is a closed list: among those that Python knows some are none, and
    some take minutes.
    """
    for mark, codec in _BOMS.items():
        if content.startswith(mark):
            return codec
    start = content.lstrip()
    if start[:2] in _BARE:
        return _BARE[start[:2]]
    declared = _DECLARED.match(start.removeprefix(b"\xef\xbb\xbf").lstrip())
    name = declared[1].decode("latin-1") if declared else charset or "utf-8"
    known_codec = codec_of(name)
    if known_codec is None:
        raise NotAccepted("is in a character encoding that is not read; UTF-8 always is")
    # .NET writes utf-16 into documents that it then sends as UTF-8; UTF-16 looks different.
    return "utf-8" if known_codec.startswith("utf-16") else known_codec
