"""Reading the YAML files that people write, with the line of every value kept.

YAML 1.2, core schema, and stricter where leniency loses data silently:

* numbers are int or Decimal, never float: 0.1 + 0.2 has no place near an amount;
* `yes`, `no`, `on`, `off`, dates and `1_000` are text; `0012` is refused, because it is a code to
  the one who wrote it and the number 12 to YAML;
* keys are text exactly as written (`10:` is "10", `no:` is "no"); a doubled key is an error, as
  the second would hide the first;
* anchors and aliases work; merge keys (`<<`), tags other than !!str and a file that its aliases
  blow up to more than 50,000 values are refused.

Error messages name the place and never quote a value, which may be a secret.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from sidecar.model.errors import ConfigurationError, PermissionDenied

Key = str | int
Scalar = str | int | Decimal | bool | None

#: Bytes of one file.
LARGEST = 8 * 1024 * 1024
MOST_VALUES = 50_000
DEEPEST = 50

_TEXT_TAG = "tag:yaml.org,2002:str"
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")
_LONGEST_NUMBER = 40
# JSON leaves these as they are; YAML refuses them or reads them as line breaks.
_UNPRINTABLE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[\w./%+-]|:(?=[\w/]))*", re.ASCII)
_SEPARATOR = re.compile(r":(?:\s|$)")
_CONTENT = re.compile(r"\s*[^\s#]")
#: How ruamel says that something cannot stand where it stands.
_PLACELESS = ("mapping values", "block end", "expected ':'", "document start")
#: `key:value`, which is a text and no key.
_GLUED = re.compile(r"\s*[\w.-]+:\S")
_AMBIGUOUS = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?|0o[0-7]+|0x[0-9a-fA-F]+")
_NO_AMOUNT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Place(NamedTuple):
    """Where something is written; lines are counted from 1."""

    file: Path
    line: int


@dataclass(slots=True)
class Node:
    """A value with its place; tables and lists keep their children, so aliases are not copied.

    `places`: of each key, or of each item of a list.
    """

    place: Place
    value: Any
    children: dict[Key, Node] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file whose outermost value is a table (an empty file is an empty table).

    `data` holds dict, list, str, int, Decimal, bool and None only; treat it as read-only: aliased
    parts are the same object.  `root` is the same with the place of everything.
    """

    path: Path
    data: dict[str, Any]
    root: Node

    def place(self, at: tuple[Key, ...]) -> Place:
        """Of the key or list item at a path; of its nearest parent if it is absent.

        >>> document.place(("orders", "push", "call"))
        """
        node, place = self.root, self.root.place
        for name in at:
            # A list's item may be named by the text of its number: a path of the configuration is.
            is_item = isinstance(node.value, list) and isinstance(name, str) and name.isdecimal()
            key = int(name) if is_item else name
            if key not in node.children:
                break
            node, place = node.children[key], node.places[key]
        return place

    def line(self, at: tuple[Key, ...]) -> int:
        """The line of `place`."""
        return self.place(at).line

    def where(self, at: tuple[Key, ...] = ()) -> str:
        """`file:line` of a path, for messages."""
        place = self.place(at)
        return f"{place.file}:{place.line}"


def read_document(path: Path) -> Document:
    """Read one file.

    Raises ConfigurationError (missing, no YAML, doubled key …; the message begins `file:line:`
    where there is a line) or PermissionDenied (unreadable).
    """
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: there is no such file", "correct the path that names it"
        ) from None
    except PermissionError:
        raise PermissionDenied(
            f"{path}: may not be read by this user", f"chgrp erp-sidecar {path}; chmod 640 {path}"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        is_utf_16 = error.object[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in error.object[:4]
        what = f"{path}: is UTF-16" if is_utf_16 else f"{path}:{line}: is not UTF-8"
        raise ConfigurationError(what, "save the file as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ConfigurationError(f"{path}: is larger than {LARGEST // 2**20} MiB")
    root = _Composer(path, text).document()
    return Document(path, root.value, root)


def open_regular(path: Path) -> BinaryIO:
    """The file, opened for reading.

    Raises OSError, and ConfigurationError for what is no regular file: a pipe or a device would
    keep the reader waiting, or never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise ConfigurationError(f"{path}: is no regular file", "name a file there")


@dataclass(frozen=True, slots=True)
class Writers:
    """Who beside its owner may write a file; `lock` is the mode that keeps them from it."""

    who: str
    lock: str


def other_writers(path: Path) -> Writers | None:
    """None where nobody else may.

    The group of root, and the group that is the owner's own (Debian gives each user one), are no
    others.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    if found.st_mode & stat.S_IWOTH:
        return Writers("every user of this machine", "o-w")
    if found.st_mode & stat.S_IWGRP and found.st_gid not in (0, _own_group(found.st_uid)):
        return Writers(f"the group {_group_name(found.st_gid)}", "g-w")
    return None


def _own_group(user: int) -> int | None:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return None


def _group_name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def write_scalar(value: Scalar) -> str:
    """A value as YAML text that `read_document` reads back as it was, quoted where it must be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    is_other_than_text = value in _WORDS or any(
        form.fullmatch(value) for form in (_DECIMAL, _AMBIGUOUS, _NO_AMOUNT)
    )
    if _PLAIN.fullmatch(value) and not is_other_than_text:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


class _Composer:
    """Builds values from ruamel's events, which carry the place of everything."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self._depth = 0

    def document(self) -> Node:
        try:
            return self._document(iter(YAML(typ="safe", pure=True).parse(self._text)))
        except ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            if "\0" in self._text[:4]:
                raise self._wrong(line, "is UTF-16; save the file as UTF-8") from None
            raise self._wrong(line, "has a character that YAML does not allow") from None
        except MarkedYAMLError as error:
            raise self._wrong(*_explain(error, self._text.splitlines())) from None
        except YAMLError:
            raise self._wrong(1, "is no YAML") from None

    def _document(self, events: Iterator[Event]) -> Node:
        started = False
        root = Node(Place(self._path, 1), {})
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if started:
                    line = event.start_mark.line + 1
                    raise self._wrong(line, "begins a second document; keep one in a file")
                started = True
            elif isinstance(event, NodeEvent):
                root = self._node(event, events)
            elif isinstance(event, StreamEndEvent):
                break
        if root.value is None:
            root = Node(root.place, {})
        if not isinstance(root.value, dict):
            raise self._wrong(root.place.line, "is no table; write keys and values (key: value)")
        return root

    def _node(self, event: Event, events: Iterator[Event]) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            return self._aliased(event, line)
        if not isinstance(event, ScalarEvent | CollectionStartEvent):
            raise self._wrong(line, "is no YAML")
        self._refuse_tag(event, line)
        anchor = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        self._depth += 1
        self._refuse_depth(self._depth, line)
        node = Node(Place(self._path, line), None)
        if isinstance(event, MappingStartEvent):
            self._fill_table(node, events)
        elif isinstance(event, ScalarEvent):
            node.value = self._scalar(event, line)
        else:
            self._fill_list(node, events)
        self._depth -= 1
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = node
        return node

    def _aliased(self, event: AliasEvent, line: int) -> Node:
        if event.anchor in self._open:
            raise self._wrong(line, "is an alias for a value that contains it")
        if event.anchor not in self._anchors:
            raise self._wrong(
                line, "is an alias without an anchor; text that begins with * needs quotes"
            )
        node = self._anchors[event.anchor]
        self._refuse_depth(self._depth + node.height, line)
        return node

    def _fill_table(self, node: Node, events: Iterator[Event]) -> None:
        node.value = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, ScalarEvent):
                raise self._wrong(line, "has a key that is no plain text")
            self._refuse_tag(event, line)
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise self._wrong(line, "has a merge key (<<), which YAML 1.2 does not have")
            if key in node.children:
                first = node.places[key].line
                raise self._wrong(line, f'has the key "{key}" a second time (first: line {first})')
            self._adopt(node, key, self._node(next(events), events), line)

    def _fill_list(self, node: Node, events: Iterator[Event]) -> None:
        node.value = []
        while not isinstance(event := next(events), SequenceEndEvent):
            line = event.start_mark.line + 1
            self._adopt(node, len(node.value), self._node(event, events), line)

    def _adopt(self, node: Node, key: Key, child: Node, line: int) -> None:
        node.children[key], node.places[key] = child, Place(self._path, line)
        if isinstance(node.value, list):
            node.value.append(child.value)
        else:
            node.value[key] = child.value
        # Aliases share one object here, but whoever walks the data meets it once per alias.
        node.size += child.size
        node.height = max(node.height, child.height + 1)
        if node.size > MOST_VALUES:
            raise self._wrong(line, f"grows to more than {MOST_VALUES:,} values")

    def _scalar(self, event: ScalarEvent, line: int) -> Scalar:
        text: str = event.value
        if not event.implicit[0]:  # quoted, a block of text, or tagged !!str
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _AMBIGUOUS.fullmatch(text):
            raise self._wrong(
                line, "has a number with a leading zero; a code needs quotes, a number no zero"
            )
        if _NO_AMOUNT.fullmatch(text):
            raise self._wrong(line, "is no finite number; text needs quotes")
        if not _DECIMAL.fullmatch(text):
            return text
        if len(text) > _LONGEST_NUMBER:
            raise self._wrong(line, "is too long for a number; text needs quotes")
        return int(text) if _INT.fullmatch(text) else Decimal(text)

    def _refuse_depth(self, depth: int, line: int) -> None:
        if depth > DEEPEST:
            raise self._wrong(line, f"is nested deeper than {DEEPEST} levels")

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent, line: int) -> None:
        if event.tag not in (None, _TEXT_TAG):
            raise self._wrong(line, "has a tag; text that begins with ! needs quotes")

    def _wrong(self, line: int, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}:{line}: {what}")


def _explain(error: MarkedYAMLError, lines: Sequence[str]) -> tuple[int, str]:
    """ruamel's problem as a line and a sentence.

    Its own text quotes single characters and tag names only.  It names the place where reading
    ended, which is often the line after the one to correct.
    """
    problem = str(error.problem or "is no YAML")
    line, began = (
        mark.line + 1 if mark else 1
        for mark in (error.problem_mark or error.context_mark, error.context_mark)
    )
    if "'\\t'" in problem:
        return line, "has a tab; YAML indents with spaces"
    if "cannot start any token" in problem:
        return line, "has text that begins with a special character; put it in quotes"
    if "escape character" in problem:
        return (
            line,
            "has a backslash in double quotes, where it needs another; or use single quotes",
        )
    if "scanning a quoted scalar" in str(error.context):
        return began, "has a quote that is not closed"
    if "flow" in str(error.context):
        return line, f"has a {{ or [ of line {began} that is not closed, or lacks a comma"
    if any(one in problem for one in _PLACELESS):
        return _misplaced(line, began, lines)
    if "tag" in problem:
        return line, "has a tag; text that begins with ! needs quotes"
    return line, f"is no YAML: {problem}"


def _misplaced(line: int, began: int, lines: Sequence[str]) -> tuple[int, str]:
    """Why a line is not where a key can stand: itself, or the one before it."""
    text = lines[line - 1] if line <= len(lines) else ""
    if text.lstrip().startswith("- "):
        return line, f"has a list item among the keys of the table that begins in line {began}"
    if len(_SEPARATOR.findall(text)) > 1:
        return line, "has a second ': '; put text that contains ': ' in quotes"
    before = [at for at in range(line - 1, 0, -1) if _CONTENT.match(lines[at - 1])]
    above = before[0] if before else began
    if not _SEPARATOR.search(lines[above - 1]):
        if _GLUED.match(lines[above - 1]):
            return above, "has no space after the ':' of its key"
        if not lines[above - 1].lstrip().startswith("-"):
            return above, "has no ':' after its key"
    other = above
    for at in takewhile(lambda at: _indent(lines[at - 1]) > _indent(text), before):
        other = at
    return line, (
        f"is indented by {_indent(text)} and line {other} by {_indent(lines[other - 1])}: the keys "
        "of one table stand in one column, and those of a table in it further to the right"
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
