"""Charsets that an answer may name: a closed list.

Python knows codecs that are no charset (rot13, zip), one that takes seconds for a kilobyte
(punycode), and raises at names with a NUL: what an ERP's header says must not choose among them.
"""

from __future__ import annotations

from collections.abc import Iterable

#: What the Content-Type of an answer without a charset that is known is read as.
DEFAULT = "utf-8"

_ISO_8859 = (*range(1, 12), *range(13, 17))
_SAME_NAME = (
    "big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "koi8-r", "koi8-u", "shift-jis",
    "us-ascii", "utf-16", "utf-16be", "utf-16le", "utf-8",
)  # fmt: skip
_CODECS = {
    **{name: name for name in _SAME_NAME},
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in _ISO_8859},
    **{f"iso8859-{part}": f"iso-8859-{part}" for part in _ISO_8859},
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
    **{f"cp{page}": f"cp{page}" for page in (437, 850, 852, 858, 932, *range(1250, 1259))},
    "ascii": "us-ascii",
    "latin-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "macintosh": "mac-roman",
    "sjis": "shift-jis",
    "utf16": "utf-16",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
}
_LONGEST_NAME = 32


def codec_of(name: str) -> str | None:
    """Python's codec for a charset's name, in any case and quotation marks; None for no charset."""
    if len(name) > _LONGEST_NAME:
        return None
    return _CODECS.get(name.strip().strip("\"'").lower().replace("_", "-"))


def charset_of(content_type: str) -> str | None:
    """The codec that a Content-Type header names; None where it names none that is known."""
    return codec_of(_parameter(content_type.split(";")[1:], "charset"))


def decoded(content: bytes, content_type: str) -> str:
    """The text, without a byte order mark; what does not fit the charset becomes U+FFFD."""
    codec = charset_of(content_type) or DEFAULT
    return content.decode(codec, errors="replace").removeprefix("\ufeff")


def _parameter(parameters: Iterable[str], wanted: str) -> str:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == wanted:
            return value
    return ""
