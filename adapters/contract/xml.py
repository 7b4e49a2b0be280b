"""Interface descriptions as they are read: files, XML, texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.http.xml import NotAccepted, parse_strictly
from sidecar.documents import open_regular
from sidecar.model.errors import ConfigurationError


def file_content(path: str) -> bytes:
    """A file's bytes.  Raises ConfigurationError."""
    try:
        with open_regular(Path(path)) as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read: {error.strerror}", "correct the path"
        ) from None


def parse_xml(content: bytes, name: str) -> Any:
    """The outermost element.  Raises ConfigurationError."""
    try:
        return parse_strictly(content)
    except NotAccepted as error:
        raise ConfigurationError(
            f"{name}: {error}", "fetch the interface description again, or take the DOCTYPE out"
        ) from None


def about(text: object) -> str:
    """A text of the document as one line that a terminal and a YAML comment can bear."""
    words = text.split() if isinstance(text, str) else ()
    return "".join(letter for letter in " ".join(words) if letter.isprintable())
