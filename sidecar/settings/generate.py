"""The commented example (`erp-sidecar config generate`) and the reference, made from the models.

Both are committed (config/sidecar.yaml, docs/configuration.md) and a test compares them with what
is made here, so neither can say what the program does not do.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sidecar.documents import write_scalar
from sidecar.settings import outline
from sidecar.settings.fields import SecretRef, Section
from sidecar.settings.outline import Entry, KeyPath
from sidecar.settings.schema import Settings

_WIDTH = 100
_DATABASE = ("shop", "database")
_MAGENTO_ROOT = (*_DATABASE, "magento_root")

_HEADER = (
    "Configuration of the Magento-ERP sidecar (/etc/erp-sidecar/sidecar.yaml).\n"
    "Every key is here, with its default, or with an example where it has none. What is commented "
    "out is not set.\n"
    "Files in conf.d/*.yaml beside this one are read after it, in name order: later wins, tables "
    "merge, lists replace.\n"
    "After a change: erp-sidecar config validate"
)

_PREFACE = """\
# Configuration

<!-- Generated from sidecar/settings; a test keeps it so. -->

The configuration is YAML 1.2: `/etc/erp-sidecar/sidecar.yaml`, or the file that `--config` or
`ERP_SIDECAR_CONFIG` names, and then `conf.d/*.yaml` beside it in name order. Later wins, tables
merge, lists replace; a secret or a login that is given in another way replaces the earlier one.
Unknown keys are errors. `yes`, `no`, `on` and `off` are text: write `true` or `false`. Paths are
relative to the file they are written in.

`erp-sidecar config generate` writes a commented file to start from, `config validate` checks one,
`config show` prints what is in force and from which line it comes.

Durations are a whole number and a unit (`250ms`, `5s`, `30m`, `48h`, `400d`), rates are requests
per window (`2/s`, `120/min`, `6000/5min`), percentages carry their sign (`20%`).
"""


class KeyDescription(NamedTuple):
    """Of one key: what it takes, its default in YAML or what is said `instead`, an example."""

    takes: str
    default: str | None
    instead: str
    example: str | None


def generate(magento_root: Path | None = None, of_the_erp: Mapping[str, Any] | None = None) -> str:
    """A whole configuration with comments, which loads as it is.

    With `magento_root` the database login is left to Magento's app/etc/env.php: its password is
    never copied.  `of_the_erp`: what a pack says instead of the defaults, as the file has it.
    Raises KeyError for a key of it that the configuration does not have.
    """
    # These have no default, yet the file would be of no use without them.
    chosen: dict[KeyPath, str] = {at: _example_at(at) for at in (("erp", "url"), ("erp", "calls"))}
    if of_the_erp is not None:
        chosen = dict(_chosen(of_the_erp, ()))
    if magento_root is not None:
        chosen[_MAGENTO_ROOT] = write_scalar(str(magento_root.absolute()))
    else:
        chosen[*_DATABASE, "password"] = _example_at((*_DATABASE, "password"))
    return "\n".join([*_comment(_HEADER, ""), *_table(Settings, (), chosen)]) + "\n"


def _chosen(table: Mapping[str, Any], at: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for key, value in table.items():
        here = (*at, key)
        entry = outline.entry_at(Settings, here)
        if entry is None:
            raise KeyError(outline.dotted(here))
        if _block(entry) is None:
            yield here, _in_one_line(value)
        else:
            yield from _chosen(value, here)


def _in_one_line(value: Any) -> str:
    match value:
        case Mapping():
            pairs = (f"{write_scalar(key)}: {_in_one_line(one)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(_in_one_line, value))}]"
        case _:
            return write_scalar(value)


def reference() -> str:
    """docs/configuration.md: one section per table, in the order of the file."""
    lines = [_PREFACE, *_documented("The file", Settings)]
    for at, section in tables(Settings, ()):
        lines += _documented(f"`{'.'.join(at)}`", section)
    return "\n".join([*lines, *_documented("A secret", SecretRef)]).rstrip() + "\n"


def _table(section: type[Section], at: KeyPath, chosen: Mapping[KeyPath, str]) -> Iterator[str]:
    indent = "  " * len(at)
    # magento_root stands for the whole login: the other keys may not be written beside it.
    only_chosen = at == _DATABASE and _MAGENTO_ROOT in chosen
    for key, entry in outline.entries(section).items():
        if not at:
            yield ""
        yield from _comment(entry.description, indent)
        block = _block(entry)
        if block is not None:
            yield f"{indent}{key}:"
            yield from _table(block, (*at, key), chosen)
        elif (*at, key) in chosen:
            yield f"{indent}{key}: {chosen[*at, key]}"
        elif only_chosen or (default := _default(entry)) is None:
            yield f"{indent}# {key}: {_default(entry) or _example(entry)}"
        else:
            yield f"{indent}{key}: {default}"
            yield from _alternatives(entry, indent)


def _block(entry: Entry) -> type[Section] | None:
    """The table that is written with its keys below it; others are written on one line."""
    if entry.section is None or entry.name_of_one or entry.section.one_of:
        return None
    if entry.optional and entry.info.examples:  # not there unless it is asked for
        return None
    return entry.section


def _default(entry: Entry) -> str | None:
    """What the generated file sets: the default, or the example of a key that must be written."""
    if entry.info.is_required() or (entry.section is not None and not entry.name_of_one):
        return None if entry.optional else _example(entry)
    default = entry.info.default
    if isinstance(default, Mapping):
        return f"{{{', '.join(f'{name}: {value}' for name, value in default.items())}}}"
    if isinstance(default, tuple):
        return f"[{', '.join(default)}]"
    return None if default is None else write_scalar(outline.plain(entry, default))


def _alternatives(entry: Entry, indent: str) -> Iterator[str]:
    if entry.name_of_one:
        yield f"{indent}# {entry.key}: {_example(entry)}"
    elif entry.section is not None and entry.section.one_of:
        for way in outline.entries(entry.section).values():
            yield f"{indent}# {entry.key}: {{{way.key}: {_example(way)}}}"


def _example(entry: Entry) -> str:
    """The field's own example as YAML, else one made of its table's."""
    if entry.info.examples:
        return str(entry.info.examples[0])
    if entry.section is None and (default := _default(entry)) is not None:
        return default
    if entry.section is None:
        raise ValueError(f"{entry.key} has neither a default nor an example")
    inner = outline.entries(entry.section).values()
    return f"{{{', '.join(f'{each.key}: {_example(each)}' for each in inner)}}}"


def _example_at(at: KeyPath) -> str:
    entry = outline.entry_at(Settings, at)
    if entry is None:
        raise KeyError(outline.dotted(at))
    return _example(entry)


def _comment(text: str, indent: str) -> Iterator[str]:
    lead = f"{indent}# "
    for paragraph in text.splitlines():
        yield from textwrap.wrap(
            paragraph, _WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False
        )


def tables(section: type[Section], at: KeyPath) -> Iterator[tuple[KeyPath, type[Section]]]:
    """Every table below a section with its path, in the order of the file."""
    for key, entry in outline.entries(section).items():
        if entry.section is None or entry.section is SecretRef:
            continue
        here = (*at, key, entry.name_of_one) if entry.name_of_one else (*at, key)
        yield here, entry.section
        yield from tables(entry.section, here)


def _documented(heading: str, section: type[Section]) -> list[str]:
    rows = [_row(entry) for entry in outline.entries(section).values()]
    about = (section.__doc__ or "").strip()
    table = ["| key | takes | default | meaning |", "|---|---|---|---|", *rows]
    return [f"## {heading}", "", about, "", *table, ""]


def told_of(entry: Entry) -> KeyDescription:
    """What a reference says of a key beside its description."""
    takes = f"{entry.kind}, or null" if entry.optional else entry.kind
    example = str(entry.info.examples[0]) if entry.info.examples else None
    if entry.info.is_required():
        return KeyDescription(takes, None, "required", example)
    if entry.optional and entry.info.default is None:
        return KeyDescription(takes, "null", "", example)
    if _block(entry) is not None:
        return KeyDescription(takes, None, "that of its keys", example)
    return KeyDescription(takes, _default(entry), "", example)


def _row(entry: Entry) -> str:
    told = told_of(entry)
    default = told.instead or f"`{told.default}`"
    example = f" Example: `{told.example}`" if told.example is not None else ""
    return f"| `{entry.key}` | {told.takes} | {default} | {entry.description}{example} |"
