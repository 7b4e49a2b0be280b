"""`blueprint`: signed for an owner, compared later; and who answers is named where trouble is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.acceptance.test_operator_commands import as_json, ok, refused_order, refused_with, run
from tests.rig import Rig

OWNERS = """\
owners:
  shop: {name: Shop team, contact: shop@example.com}
  finance: {name: Finance, contact: finance@example.com}
"""
ANSWERS = "technical: Shop team (shop@example.com), business: Finance (finance@example.com)"


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "blueprint") as installed:
        configured(
            installed,
            "  orders:\n",
            "  orders:\n    answers: {technical: shop, business: finance}\n",
        )
        configured(installed, "version: 1\n", f"version: 1\n{OWNERS}")
        yield installed


def configured(rig: Rig, before: str, after: str) -> None:
    file = rig.folder / "sidecar.yaml"
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")


def attention(rig: Rig) -> list[str]:
    lines: list[str] = as_json(rig, "status", code=2)["attention"]
    return [line for line in lines if not line.startswith("no daemon works")]


def test_a_signature_holds_until_a_rule_changes_and_then_says_which(rig: Rig) -> None:
    assert ok(rig, "blueprint", "diff") == "nobody has signed it\n"
    ok(rig, "blueprint", "sign", "--as", "finance", "--reason", "checked with the auditor")
    assert ok(rig, "blueprint", "diff").rstrip().endswith("(checked with the auditor): is in force")
    assert attention(rig) == []
    configured(rig, "{default: always}", "{default: paid}")
    (line,) = attention(rig)
    assert line.startswith("the blueprint is not what finance signed on ")
    assert line.endswith(": domains.orders (erp-sidecar blueprint diff)")
    done = run(rig, "blueprint", "diff")
    assert done.code == 2
    assert "  domains.orders.gate.payment: default: always → default: paid" in (
        done.output.splitlines()
    )
    ok(rig, "blueprint", "sign", "--as", "finance")
    assert attention(rig) == []


def test_each_owner_signs_for_himself_and_the_audit_keeps_who_did_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    ok(rig, "blueprint", "sign", "--as", "finance", "--reason", "checked")
    configured(rig, "{default: always}", "{default: paid}")
    ok(rig, "blueprint", "sign", "--as", "shop")
    signed = as_json(rig, "blueprint", "diff", code=2)
    assert [(one["owner"], one["who"], one["current"]) for one in signed] == [
        ("finance", "ada", False),
        ("shop", "ada", True),
    ]
    assert as_json(rig, "blueprint", "diff", "--as", "shop")[0]["changes"] == []
    acts = [act for act in as_json(rig, "audit", "list") if act["command"] == "blueprint sign"]
    assert [(act["subject"], act["who"], act["reason"]) for act in acts] == [
        ("shop", "ada", None),
        ("finance", "ada", "checked"),
    ]
    assert acts[0]["detail"]["digest"] == as_json(rig, "blueprint")["digest"]


def test_a_dry_run_signs_nothing(rig: Rig) -> None:
    assert ok(rig, "blueprint", "sign", "--as", "finance", "--dry-run").startswith("would be ")
    assert as_json(rig, "blueprint", "diff") == []


def test_somebody_who_owns_nothing_cannot_sign(rig: Rig) -> None:
    said = refused_with(rig, 64, "blueprint", "sign", "--as", "finanse")
    assert 'there is no owner "finanse"; did you mean "finance"?' in said
    assert "finance has signed nothing" in refused_with(
        rig, 64, "blueprint", "diff", "--as", "finance"
    )


def test_the_document_says_who_signed_it(rig: Rig, tmp_path: Path) -> None:
    assert "Nobody has signed it." in ok(rig, "blueprint", "--signed")
    ok(rig, "blueprint", "sign", "--as", "finance", "--reason", "1 < 2")
    file = tmp_path / "blueprint.html"
    call = ("blueprint", "--format", "html", "--signed", "--output", str(file))
    assert ok(rig, *call) == f"written: {file}\n"
    assert "signed for finance by " in file.read_text("utf-8")
    assert "1 &lt; 2" in file.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named(rig: Rig) -> None:
    said = refused_with(rig, 64, "blueprint", "--output", "/nowhere/blueprint.md")
    assert "/nowhere/blueprint.md: cannot be written" in said


def test_a_file_of_calls_that_is_gone_does_not_keep_status_from_being_told(rig: Rig) -> None:
    ok(rig, "blueprint", "sign", "--as", "finance")
    (rig.folder / "lifecycle.yaml").write_text("states: {}\n", "utf-8")
    calls = rig.folder / "calls.yaml"
    calls.write_text(f"{calls.read_text('utf-8')}\n]", "utf-8")
    (line,) = attention(rig)
    assert line.startswith("the blueprint cannot be compared with what was signed: ")


def test_who_answers_is_named_with_what_was_refused(rig: Rig) -> None:
    number = refused_order(rig).increment_id
    (line,) = attention(rig)
    assert line == f"1 event(s) rejected (erp-sidecar rejections list) [{ANSWERS}]"
    ((event,),) = [story["events"] for story in as_json(rig, "order", "show", number)]
    assert f"who answers    {ANSWERS}" in ok(rig, "queue", "show", event["event_id"])
    assert as_json(rig, "queue", "show", event["event_id"])["answers"] == ANSWERS
    (cause,) = as_json(rig, "rejections", "list")
    assert (cause["domains"], cause["answers"]) == (["orders"], ANSWERS)
    assert ANSWERS in ok(rig, "rejections", "list")
    assert f"orders: 1 rejected [{ANSWERS}]" in run(rig, "nagios").output
    assert f"orders: 1 event(s) are rejected [{ANSWERS}]" in (
        run(rig, "doctor", "--only", "events-refused").output
    )


def test_the_log_names_who_answers_and_not_how_they_are_reached(rig: Rig) -> None:
    refused_order(rig)
    log = (rig.folder / "sidecar.log").read_text("utf-8")
    (refused,) = [line for line in log.splitlines() if '"delivery.rejected"' in line]
    assert '"answers": "shop, finance"' in refused
    assert "example.com" not in log
