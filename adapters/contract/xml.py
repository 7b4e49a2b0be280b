"""Reading XML that others wrote: no document type, no entities, no network."""

from __future__ import annotations

from typing import Any

from lxml import etree

from sidecar.domain.errors import ConfigurationError


def parse_xml(content: bytes, name: str) -> Any:
    """The outermost element.

    Raises ConfigurationError for what is no XML, and for a DOCTYPE: an interface description needs
    none, and its entities would read files of this machine or fill its memory.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as wrong:
        raise ConfigurationError(
            f"{name}: is no XML: {wrong.msg}", "fetch the interface description again"
        ) from wrong
    if root.getroottree().docinfo.doctype:
        raise ConfigurationError(
            f"{name}: has a DOCTYPE, which is refused", "take the DOCTYPE out of the file"
        )
    return root


def about(text: object) -> str:
    """A text of the document as one line that a terminal and a YAML comment can bear."""
    words = text.split() if isinstance(text, str) else ()
    return "".join(letter for letter in " ".join(words) if letter.isprintable())
