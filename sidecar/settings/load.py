"""Finding, reading, merging and checking the configuration files.

The main file and `conf.d/*.yaml` beside it are read in name order: later wins, tables merge, lists
replace, and a table that holds one of several ways (a secret, a login) is replaced whole when the
way changes.  Everything that is wrong is reported at once, each with its file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sidecar.documents import Document, read_document
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.settings import outline
from sidecar.settings.fields import Section
from sidecar.settings.problems import Problem, explain
from sidecar.settings.schema import Settings

DEFAULT_PATH = Path("/etc/erp-sidecar/sidecar.yaml")
PATH_VARIABLE = "ERP_SIDECAR_CONFIG"
_REMEDY = "correct these places, then run: erp-sidecar config validate"


_S = TypeVar("_S", bound=Section)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration.

    `origin`: path of each value that was written → `file:line`; what is not in it is a default.
    `files`: what was read, in order.
    """

    settings: Settings
    origin: Mapping[str, str]
    files: tuple[Path, ...]


def find_path(option: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Where the main file is: the option, else $ERP_SIDECAR_CONFIG, else DEFAULT_PATH."""
    return Path(option or environ.get(PATH_VARIABLE) or DEFAULT_PATH)


def load(path: Path) -> Loaded:
    """Read and check the main file and its conf.d.

    Relative paths in the result are resolved against the file they were written in.
    Raises ConfigurationError listing every problem, PermissionDenied for an unreadable file.
    """
    merged = _Merged()
    for document in _read_all(path):
        merged.add(document)
    try:
        settings = Settings.model_validate(merged.data)
    except ValidationError as error:
        # Without its cause: pydantic's own report repeats the values, and they may be secrets.
        raise _configuration_error(explain(error), merged) from None
    origin = {outline.dotted(at): merged.where(at) for at in merged.leaves}
    return Loaded(_anchored(settings, (), merged), origin, merged.files)


def _read_all(path: Path) -> list[Document]:
    documents: list[Document] = []
    problems: list[str] = []
    for file in [_main_file(path), *_drop_ins(path.parent / "conf.d", problems)]:
        try:
            documents.append(read_document(file))
        except ConfigurationError as error:
            problems.append(error.message)
    # A file that cannot be read leaves holes, and reports about holes would only mislead.
    if problems:
        raise ConfigurationError("\n".join(problems), _REMEDY)
    return documents


def _main_file(path: Path) -> Path:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"{path}: there is no such file",
            f"erp-sidecar config generate > {path} writes one to start from; "
            f"--config FILE or {PATH_VARIABLE} names another",
        ) from None
    except PermissionError:
        pass  # a folder may not be entered: read_document says so with the right exit code
    return path


def _drop_ins(folder: Path, problems: list[str]) -> list[Path]:
    try:
        found = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        raise PermissionDenied(
            f"{folder}: may not be listed by this user",
            f"chgrp erp-sidecar {folder}; chmod 750 {folder}",
        ) from None
    # The one near miss that would be skipped without a word.
    problems += [f"{file}: is not read; name it .yaml" for file in found if file.suffix == ".yml"]
    return [file for file in found if file.suffix == ".yaml"]


class _Merged:
    """The files' tables laid over one another, with the file that each value came from."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.files: tuple[Path, ...] = ()
        self._writers: dict[outline.KeyPath, Document] = {}

    def add(self, document: Document) -> None:
        self.files += (document.path,)
        self._writers.setdefault((), document)
        self._lay(self.data, document.data, document, ())

    @property
    def leaves(self) -> list[outline.KeyPath]:
        """Paths of the values that were written and are no tables."""
        tables = {at[:-1] for at in self._writers if at}
        return [at for at in self._writers if at not in tables]

    def folder(self, at: outline.KeyPath) -> Path:
        """Folder of the file that wrote the value at a path."""
        return self._writer(at).path.parent

    def where(self, at: outline.KeyPath) -> str:
        return self._writer(at).where(at)

    def place(self, at: outline.KeyPath) -> tuple[int, int]:
        """Where a path stands in reading order."""
        writer = self._writer(at)
        return self.files.index(writer.path), writer.line(at)

    def _writer(self, at: outline.KeyPath) -> Document:
        while at not in self._writers:
            at = at[:-1]
        return self._writers[at]

    def _lay(
        self, below: dict[str, Any], above: dict[str, Any], document: Document, at: outline.KeyPath
    ) -> None:
        for key, value in above.items():
            here = (*at, key)
            entry = outline.entry_at(Settings, here)
            if value is None and entry is not None and entry.is_table and not entry.optional:
                value = {}  # a table whose keys are all commented out
            if value is None and entry is not None and entry.listed:
                value = []
            old = below.get(key)
            if isinstance(value, dict) and isinstance(old, dict) and _merges(entry, old, value):
                self._lay(old, value, document, here)
                continue
            self._forget(here)
            self._writers[here] = document
            if entry is not None and entry.listed and isinstance(value, list):
                self._note_items(here, value, document)
            # A new table is laid into an empty one, so that aliased parts are never shared.
            below[key] = {} if isinstance(value, dict) else value
            if isinstance(value, dict):
                self._lay(below[key], value, document, here)

    def _note_items(self, at: outline.KeyPath, items: list[Any], document: Document) -> None:
        """Who wrote each value of a list's tables: each has a line of its own."""
        for number, item in enumerate(items):
            for key in item if isinstance(item, dict) else ():
                self._writers[*at, str(number), key] = document

    def _forget(self, at: outline.KeyPath) -> None:
        for path in [path for path in self._writers if path[: len(at)] == at]:
            del self._writers[path]


def _merges(entry: outline.Entry | None, old: dict[str, Any], new: dict[str, Any]) -> bool:
    section = entry.section if entry is not None else None
    return section is None or not section.one_of or set(old) == set(new)


def _anchored(section: _S, at: outline.KeyPath, merged: _Merged) -> _S:
    """The section with relative paths resolved against the file that each was written in."""
    changed: dict[str, Any] = {}
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, Section):
            changed[key] = _anchored(value, (*at, key), merged)
        elif isinstance(value, Mapping):
            changed[key] = {
                name: _anchored(one, (*at, key, name), merged) if isinstance(one, Section) else one
                for name, one in value.items()
            }
        elif isinstance(value, tuple) and outline.entries(type(section))[key].listed:
            changed[key] = tuple(
                _anchored(one, (*at, key, str(number)), merged) for number, one in enumerate(value)
            )
        elif isinstance(value, Path) and not value.is_absolute():
            changed[key] = (merged.folder((*at, key)) / value).absolute()
    return section.model_copy(update=changed)


def _configuration_error(problems: list[Problem], merged: _Merged) -> ConfigurationError:
    problems = sorted(problems, key=lambda problem: merged.place(problem.at))
    lines = [f"{merged.where(at)}: {text}" for at, text in problems]
    return ConfigurationError("\n".join(lines), _REMEDY)
