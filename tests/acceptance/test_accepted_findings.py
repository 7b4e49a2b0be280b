"""`adapter check`: what a person has looked at is told no more, and what is no more is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.test_adapter_commands import CALLS, OPENAPI, sidecar

CHECK = ("adapter", "check", "--contract", "orders.json", "--calls", "calls.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mapping that lacks what its interface calls mandatory."""
    (tmp_path / "calls.yaml").write_text(CALLS, encoding="utf-8")
    (tmp_path / "orders.json").write_text(json.dumps(OPENAPI), encoding="utf-8")
    return tmp_path


def ids(folder: Path, *options: str) -> list[str]:
    done = sidecar(folder, *CHECK, *options, "--json")
    assert done.returncode in (0, 2), done.stderr
    return [one["id"] for one in json.loads(done.stdout)["findings"]]


def accepted(folder: Path, *entries: str) -> None:
    text = "accepted:\n" + "".join(f"  - {one}\n" for one in entries)
    (folder / "calls.findings.yaml").write_text(text, encoding="utf-8")


def test_findings_are_ignored_by_their_id(folder: Path) -> None:
    done = sidecar(folder, *CHECK, "--ignore", "missing", "--ignore", "unknown-field")

    assert "[missing]" not in done.stdout
    assert "[unknown-field]" not in done.stdout
    assert done.stdout.endswith(
        "1 error(s), 1 warning(s); 2 ignored (missing); 1 ignored (unknown-field)\n"
    )
    assert done.returncode == 2


def test_what_was_accepted_is_not_told_again_and_the_next_one_is(folder: Path) -> None:
    done = sidecar(folder, *CHECK, "--accept", "--reason", "asked the ERP's people: #12")

    assert done.stdout == "calls.findings.yaml: 5 finding(s) accepted\n", done.stderr
    again = sidecar(folder, *CHECK, "--strict")
    assert (again.stdout, again.returncode) == ("0 error(s), 0 warning(s); 5 accepted\n", 0)

    calls = CALLS.replace("channel: TELEPHONE", "chanel: TELEPHONE")
    (folder / "calls.yaml").write_text(calls, encoding="utf-8")
    assert ids(folder) == ["unknown-field", "accepted-gone"]
    more = sidecar(folder, *CHECK, "--accept", "--reason", "later")
    assert more.stdout == "calls.findings.yaml: 1 finding(s) accepted\n"
    assert ids(folder) == ["accepted-gone"]
    assert (folder / "calls.findings.yaml").read_text("utf-8").count('reason: "asked') == 5


def test_an_entry_may_be_of_a_field_of_a_place_or_of_all(folder: Path) -> None:
    accepted(folder, "{id: missing, field: customer, reason: the ERP fills it}")
    assert ids(folder).count("missing") == 1

    accepted(folder, "{id: missing, path: orders.push.call, reason: not meant}")
    assert ids(folder).count("missing") == 0

    accepted(folder, "{id: missing, path: orders.push.cal, reason: another place}")
    assert ids(folder).count("missing") == 2

    accepted(folder, "{id: missing, reason: the WSDL calls everything mandatory}")
    assert ids(folder) == ["unknown-field", "too-long", "too-long"]


def test_an_entry_of_nothing_any_more_is_told_with_its_line(folder: Path) -> None:
    accepted(folder, "{id: no-choice, path: orders.push.call.json, field: gone, reason: once}")

    done = sidecar(folder, *CHECK)

    assert (
        "calls.findings.yaml:2: warning: nothing is found any more as 'no-choice' at "
        "orders.push.call.json of the field gone [accepted-gone]" in done.stdout
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accepted: [{id: missing}]\n", "calls.findings.yaml:1: 'reason' is missing"),
        ("accepted:\n  - {reason: why}\n", "calls.findings.yaml:2: 'id' is missing"),
        ("accepted:\n  - {id: a, feld: b, reason: c}\n", "an entry has id, path, field, reason"),
        ("acepted: []\n", "this must be 'accepted', a list"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "calls.findings.yaml").write_text(text, encoding="utf-8")

    done = sidecar(folder, *CHECK)

    assert done.returncode == 78
    assert message in done.stderr


def test_a_reason_is_needed_and_a_named_file_must_be_there(folder: Path) -> None:
    without = sidecar(folder, *CHECK, "--accept")
    absent = sidecar(folder, *CHECK, "--accepted", "other.yaml")

    assert (without.returncode, absent.returncode) == (64, 78)
    assert "--accept needs --reason" in without.stderr
    assert "other.yaml: there is no such file" in absent.stderr


def test_the_documented_file_is_one(folder: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "interfaces.md").read_text("utf-8")
    [block] = re.findall(r"```yaml\n(accepted:\n.*?)```", text, re.DOTALL)
    (folder / "calls.findings.yaml").write_text(block, encoding="utf-8")

    # None of them is of this mapping.
    assert ids(folder).count("accepted-gone") == 3
