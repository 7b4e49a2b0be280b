"""Nothing that a terminal obeys, that hides or that forges a line gets through the outlet."""

from __future__ import annotations

import ast
import json
import tarfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.bundle.archive import write
from sidecar.cli.manual import pages
from sidecar.cli.root import cli
from sidecar.model.printable import printable, printable_json, printable_lines
from sidecar.monitor.nagios import Grade, Judgement
from sidecar.observe.log import _as_json, _as_text

PACKAGE = Path(__file__).parents[2] / "sidecar"
#: What these categories hold is obeyed, hidden, or of no meaning: controls, formats (bidirectional
#: and zero width), surrogates, private use, unassigned, line and paragraph separators.
UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE = st.text(
    st.characters()
    | st.sampled_from("\x1b\x9b\x07\n\r\t|\u202e\u2066\u200b\u2028\ufeff\u3164'\"\\")
)


def is_safe(text: str) -> bool:
    """Whether a terminal may have it: one line, all of it seen, none of it obeyed."""
    return not any(
        unicodedata.category(letter) in UNSAFE or letter in "\u3164\ufe0f\u034f" for letter in text
    )


@given(HOSTILE)
def test_a_line_has_printable_characters_only(text: str) -> None:
    assert is_safe(printable(text))


@given(st.text(st.characters(categories=["L", "Mc", "N", "P", "S"]) | st.just(" ")))
def test_what_people_write_stays_as_it_is(text: str) -> None:
    unseen = set("\u115f\u1160\u3164\uffa0")
    assert printable(text) == text or unseen & set(text)


@given(HOSTILE)
def test_only_line_feeds_divide_lines(text: str) -> None:
    lines = printable_lines(text).split("\n")
    assert len(lines) == text.count("\n") + 1
    assert all(map(is_safe, lines))


@given(st.dictionaries(HOSTILE, HOSTILE), st.sampled_from(["utf-8", "latin-1", "ascii"]))
def test_a_json_document_is_safe_to_look_at_and_still_the_same(
    value: dict[str, str], encoding: str
) -> None:
    shown = printable_json(json.dumps(value, ensure_ascii=False, indent=1), encoding)
    assert all(map(is_safe, shown.split("\n")))
    shown.encode(encoding)
    assert json.loads(shown) == value


@given(HOSTILE)
def test_a_plugin_s_line_is_one_line_and_its_figures_are_ours(text: str) -> None:
    line = str(Judgement(Grade.WARNING, (text, text), ("hints=3;;;0",)))
    assert is_safe(line)
    assert line.count("|") == 1
    assert line.endswith(" | hints=3;;;0")


@given(HOSTILE)
def test_a_log_line_is_one_line_in_both_forms(text: str) -> None:
    line = {
        "ts": "2026-11-23T08:56:58.469+00:00", "level": "info", "event": "delivery.accepted",
        "reference": text,
    }  # fmt: skip
    assert is_safe(_as_text(line))
    assert is_safe(_as_json(line))
    assert json.loads(_as_json(line)) == line


def test_the_parts_of_a_bundle_are_safe_in_a_pager(tmp_path: Path) -> None:
    nasty = "\x1b]52;c;eA==\x07\u202e\x9b2J"
    document = json.dumps({"why": nasty}, ensure_ascii=False)
    write(tmp_path / "b.tar.gz", {"missing.txt": f"{nasty}\n", "standing.json": document})
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        parts = {
            Path(name).name: (archive.extractfile(name) or pytest.fail(name)).read().decode()
            for name in archive.getnames()
        }
    assert all(is_safe(line) for text in parts.values() for line in text.splitlines())
    assert json.loads(parts["standing.json"]) == {"why": nasty}


def test_the_manual_is_made_of_printable_characters() -> None:
    for name, page in pages(cli).items():
        assert printable_lines(page) == page, name


def printers(file: Path) -> set[str]:
    """The ways to a terminal that a module takes by itself."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Name) and node.id == "print":
            found.add("print")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            way = f"{node.value.id}.{node.attr}"
            if way in {
                *("click.echo", "click.secho", "click.confirm", "click.prompt", "click.pause"),
                *("click.echo_via_pager", "sys.stdout", "sys.stderr", "os.write"),
            }:
                found.add(way)
    return found


def test_no_module_prints_but_by_the_outlet() -> None:
    own = {
        "cli/outlet.py": {"click.confirm", "sys.stdout", "sys.stderr"},
        # A screen's lines are cut, and made printable, by screen.py beside it; the rest is ours.
        "monitor/top/terminal.py": {"sys.stdout"},
        # Lines in the forms of observe/log.py.
        "observe/log.py": {"sys.stderr"},
        "observe/log_file.py": {"sys.stderr", "os.write"},
    }
    found = {
        str(file.relative_to(PACKAGE)): ways
        for file in PACKAGE.rglob("*.py")
        if "testing" not in file.parts and (ways := printers(file))
    }
    assert found == own
