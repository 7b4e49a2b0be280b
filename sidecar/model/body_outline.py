"""Reads the outline of a body that may have been cut off anywhere: JSON, XML, anything.

A name that an ERP made of data (a number, an address of e-mail) is told as `(name)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.parsers import expat

from sidecar.model.outline import (
    LIST,
    NULL,
    NUMBER,
    RECORD,
    TEXT,
    TRUTH,
    UNSEEN,
    Outline,
    of_a_list,
)

#: From the outermost name to the innermost; FIRST for a list's entry.
Path: TypeAlias = tuple[str, ...]
FIRST = "[0]"

_DEEPEST = 40
#: What the adapters write before the excerpt of an answer.
_NOTE = re.compile(r"\[(?:redirects to [^\]]*|\d+ results belong to nothing that was sent)\] ")
_PAGE = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_TOKEN = re.compile(
    r'\s*(?:(?P<mark>[{}\[\]:,])|"(?P<text>(?:[^"\\]|\\.)*)(?:(?P<end>")|\\?\Z)'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null|\*\*\*)|(?P<rest>\S.*))",
    re.DOTALL,
)
#: `…` ends what the ledger cut, `***` stands where a secret was struck out.
_WORDS = ("true", "false", "null", "***", "-", "…")
#: As fields are called, and not as a person, a number or an address is.
_FIELD = re.compile(r"(?:[A-Za-z_$][\w$.:-]{0,59})?(?:@(?:odata|Microsoft|Org|Core)\.[\w.]{1,60})?")
_NO_FIELD = "(name)"
#: Where answers have their code, without the marks between its words.
_CODE_NAMES = frozenset(
    {"code", "errorcode", "errcode", "faultcode", "messagecode", "reasoncode", "statuscode"}
)
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,39}")
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance "


@dataclass(frozen=True, slots=True)
class BodyOutline:
    """`form`: json, xml, page, text or nothing; `outline` of the first two alone.

    `codes`: what stands where answers have a code, by its path; short and without spaces.
    """

    form: str
    outline: Outline | None = None
    codes: Mapping[Path, str] = field(default_factory=dict)


def read_outline(body: str) -> BodyOutline:
    """The outline of a body, or of its beginning."""
    note = _NOTE.match(body)
    body = body[note.end() :] if note else body
    if not body.strip():
        return BodyOutline("nothing")
    if _PAGE.match(body):
        return BodyOutline("page")
    start = body.lstrip()[0]
    try:
        if start in "{[":
            json = _Json(body)
            return BodyOutline("json", json.read(), json.codes)
        if start == "<":
            xml = _Xml()
            return BodyOutline("xml", xml.read(body), xml.codes)
    except _NotRead:
        pass  # it only begins like one: it is told as the text that it is
    return BodyOutline("text")


class _NotRead(Exception):
    """It is not of the form that it begins like."""


class _Cut(Exception):
    """The body is at its end."""


class _Json:
    def __init__(self, body: str) -> None:
        self._tokens = _TOKEN.finditer(body)
        self.codes: dict[Path, str] = {}

    def read(self) -> Outline:
        outline = self._value(self._next(), ())
        try:
            self._next()
        except _Cut:
            return outline
        raise _NotRead

    def _next(self) -> re.Match[str]:
        token = next(self._tokens, None)
        if token is None:
            raise _Cut
        rest = token["rest"]
        if rest is not None:
            # The beginning of a word: the end of what was kept.
            raise _Cut if any(word.startswith(rest) for word in _WORDS) else _NotRead
        return token

    def _value(self, token: re.Match[str], path: Path) -> Outline:
        if len(path) > _DEEPEST:
            raise _NotRead
        match token["mark"]:
            case "{":
                return self._record(path)
            case "[":
                return self._list(path)
            case str():
                raise _NotRead
        if token["text"] is not None:
            self._note(path, token["text"] if token["end"] else "")
            return Outline(TEXT)
        if token["number"] is not None:
            self._note(path, token["number"])
            return Outline(NUMBER)
        return Outline({"null": NULL, "***": TEXT}.get(token["word"], TRUTH))

    def _record(self, path: Path) -> Outline:
        members: dict[str, Outline] = {}
        try:
            token = self._next()
            while token["mark"] != "}":
                if token["text"] is None:
                    raise _NotRead
                if not token["end"]:
                    raise _Cut
                name = _name(token["text"])
                # Until its value is seen.
                members.setdefault(name, Outline(UNSEEN))
                self._expect(":")
                value = self._value(self._next(), (*path, name))
                # Names that are made of data are one name, of whatever they hold.
                members[name] = of_a_list(members[name], value) or value
                token = self._next()
                if token["mark"] == ",":
                    token = self._next()
                elif token["mark"] != "}":
                    raise _NotRead
        except _Cut:
            return Outline(RECORD, members, is_cut=True)
        return Outline(RECORD, members)

    def _list(self, path: Path) -> Outline:
        entry: Outline | None = None
        try:
            token = self._next()
            while token["mark"] != "]":
                entry = of_a_list(entry, self._value(token, (*path, FIRST)))
                token = self._next()
                if token["mark"] == ",":
                    token = self._next()
                elif token["mark"] != "]":
                    raise _NotRead
        except _Cut:
            return Outline(LIST, entry=entry, is_cut=True)
        return Outline(LIST, entry=entry)

    def _expect(self, mark: str) -> None:
        if self._next()["mark"] != mark:
            raise _NotRead

    def _note(self, path: Path, value: str) -> None:
        _note_code(self.codes, path, value)


@dataclass(slots=True)
class _Node:
    """An element of which the end was not seen yet."""

    name: str
    members: dict[str, Outline] = field(default_factory=dict)
    text: str = ""


class _Xml:
    """Without entities: a document type ends the reading."""

    def __init__(self) -> None:
        self._open: list[_Node] = []
        self._root = _Node("")
        self.codes: dict[Path, str] = {}

    def read(self, body: str) -> Outline:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            # The declared encoding is that of the bytes; here are characters.
            parser.Parse(re.sub(r"\A\s*<\?xml[^>]*\?>", "", body).encode("utf-8", "replace"), True)
        except expat.ExpatError:
            if not self._open:
                raise _NotRead from None
        while self._open:
            self._close(is_cut=True)
        return Outline(RECORD, self._root.members)

    def _refuse(self, *_declared: object) -> None:
        raise _NotRead

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise _NotRead
        named = (one for one in attributes if not one.startswith(_SCHEMA_INSTANCE))
        members = {f"@{_name(one.rpartition(' ')[2])}": Outline(TEXT) for one in named}
        self._open.append(_Node(_name(name.rpartition(" ")[2]), members))

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _end(self, _name: str) -> None:
        self._close(is_cut=False)

    def _close(self, *, is_cut: bool) -> None:
        path = tuple(node.name for node in self._open)
        node = self._open.pop()
        above = self._open[-1] if self._open else self._root
        outline = Outline(TEXT if node.text.strip() else UNSEEN if is_cut else NULL)
        if node.members:
            outline = Outline(RECORD, node.members, is_cut=is_cut)
        elif not is_cut:
            _note_code(self.codes, path, node.text.strip())
        known = above.members.get(node.name)
        if known is not None:
            entry = known.entry if known.kind == LIST else known
            outline = Outline(LIST, entry=of_a_list(entry, outline))
        above.members[node.name] = outline


def _note_code(codes: dict[Path, str], path: Path, value: str) -> None:
    if path and re.sub(r"[_.-]", "", path[-1]).lower() in _CODE_NAMES and CODE.fullmatch(value):
        codes.setdefault(path, value)


def _name(written: str) -> str:
    return written if written and _FIELD.fullmatch(written) else _NO_FIELD


def values_of(outline: Outline | None, above: Path = ()) -> Iterator[tuple[Path, str]]:
    """Each plain value of an outline, by its path, with its kind."""
    if outline is None:
        return
    if outline.kind == LIST:
        yield from values_of(outline.entry, (*above, FIRST))
    elif outline.kind == RECORD:
        for name, member in outline.members.items():
            yield from values_of(member, (*above, name))
    else:
        yield above, outline.kind


def expression_of(path: Path, owner: str) -> str:
    """What a file of calls writes for a value of a body."""
    for step in path:
        if step == FIRST:
            owner += "[0]"
        elif step.isidentifier():
            owner += f".{step}"
        else:
            owner += f"['{step}']"
    return owner
