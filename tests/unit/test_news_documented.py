"""docs/news names every field of each row that the ERP may tell, with an example."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.calls.row_values import bare, field_types, is_optional, is_struct
from sidecar.domains import SPECS
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.news import NewsSpec
from sidecar.testing.contract_news import TOLD_DOMAINS

FOLDER = Path(__file__).parents[2] / "docs" / "news"
REMEDY = "generate it again: python -m tests.unit.test_news_documented"
PREFACE = """\
# What the ERP tells by itself: a row of {domain}

<!-- Generated from the domain's specification and testing/contract_news.py; a test keeps it so. -->

What `each` of `{domain}.changes` may map in a
[file of calls](../mapping.md#what-the-erp-says-by-itself), and of `{domain}.list` where the ERP
owns the domain. A row is about one thing, named by {number}.
"""
_OF = """\
It belongs to one {kind}: one of `{first}` (our external reference) and `{second}` (the ERP's
number) is mapped.
"""
_WORDS = {
    str: "text", int: "whole number", Decimal: "number", bool: "true or false",
    datetime: "moment", date: "day",
}  # fmt: skip
_TOLD = [spec for spec in SPECS if spec.tells]


def page_of(spec: DomainSpec) -> Path:
    return FOLDER / f"{spec.name}.md"


def document(spec: DomainSpec) -> str:
    news = spec.tells
    assert news is not None
    sections = [_preface(spec, news)]
    for kind, example in _shapes(_example(spec)).items():
        about = (kind.__doc__ or "").strip().split("\n\n")
        sections.append(
            f"## {kind.__name__}\n\n" + "\n\n".join(" ".join(part.split()) for part in about) + "\n"
        )
        sections.append("| field | is | | example |\n|---|---|---|---|")
        sections += _rows(kind, example)
        sections.append("")
    return "\n".join(sections).rstrip() + "\n"


def _preface(spec: DomainSpec, news: NewsSpec) -> str:
    number = " and ".join(f"`{name}`" for name in news.number)
    if news.of is None:
        return PREFACE.format(domain=spec.name, number=number)
    kind, first, second = news.of
    of = _OF.format(kind=kind, first=first, second=second)
    return PREFACE.format(domain=spec.name, number=number) + of


def _example(spec: DomainSpec) -> Any:
    """A row of which every list has an entry."""
    return next(told.row(5) for told in TOLD_DOMAINS if told.name == spec.name)


def _shapes(value: Any) -> dict[type[msgspec.Struct], Any]:
    """Every kind of value in the row with the first of it, in the order of the fields."""
    found = {type(value): value}
    for name in value.__struct_fields__:
        inner = getattr(value, name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(one, msgspec.Struct):
                found = {**found, **{k: v for k, v in _shapes(one).items() if k not in found}}
    return found


def _rows(kind: type[msgspec.Struct], example: Any) -> Iterator[str]:
    hints = field_types(kind)
    for field in msgspec.structs.fields(kind):
        must = "must be mapped" if field.required else ""
        words, shown = _words(hints[field.name]), _shown(getattr(example, field.name))
        yield f"| `{field.name}` | {words} | {must} | {shown} |"


def _words(hint: Any) -> str:
    wanted = bare(hint)
    if typing.get_origin(wanted) is tuple:
        words = f"list of {_words(typing.get_args(wanted)[0])}"
    elif is_struct(wanted):
        words = f"[{wanted.__name__}](#{wanted.__name__.lower()})"
    else:
        words = _WORDS[wanted]
    return f"{words} ?" if is_optional(hint) else words


def _shown(example: Any) -> str:
    if example is None or example is msgspec.UNSET or isinstance(example, tuple):
        return ""
    text = msgspec.json.Encoder(decimal_format="number").encode(example).decode()
    return f"`{text}`".replace("|", "\\|")


@pytest.mark.parametrize("spec", _TOLD, ids=lambda spec: spec.name)
def test_the_committed_page_is_what_the_types_and_the_sample_say(spec: DomainSpec) -> None:
    assert page_of(spec).read_text("utf-8") == document(spec), REMEDY


def test_every_domain_that_the_erp_tells_of_has_its_page() -> None:
    assert set(FOLDER.iterdir()) == {page_of(spec) for spec in _TOLD}


def test_the_conformance_kit_plays_every_domain_that_the_erp_tells_of() -> None:
    assert {told.name for told in TOLD_DOMAINS} == {spec.name for spec in _TOLD}


@pytest.mark.parametrize("spec", _TOLD, ids=lambda spec: spec.name)
def test_every_field_has_its_line(spec: DomainSpec) -> None:
    page = page_of(spec).read_text("utf-8")

    for kind in _shapes(_example(spec)):
        section = page.split(f"## {kind.__name__}\n")[1].split("\n## ")[0]
        assert {f"| `{name}` |" in section for name in kind.__struct_fields__} == {True}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.iterdir():
        stale.unlink()
    for each in _TOLD:
        page_of(each).write_text(document(each), encoding="utf-8")
