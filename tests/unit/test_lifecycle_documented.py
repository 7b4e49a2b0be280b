"""docs/lifecycle.md and the design's example are files that the sidecar reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidecar.domains.order_status.lifecycle import findings
from sidecar.settings.lifecycle import State, read_lifecycle

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lifecycle.md").read_text("utf-8")
EXAMPLE = ROOT.parent / "shared" / "examples" / "lifecycle.yaml"


def test_the_example_of_the_page_is_a_lifecycle_without_a_finding(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "lifecycle.yaml").write_text(text, "utf-8")
    assert findings(read_lifecycle(tmp_path / "lifecycle.yaml")) == []


def test_the_page_tells_every_key_of_a_state() -> None:
    cells = re.findall(r"^\| (`.*?) \| ", PAGE, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)", cell)} == set(
        State.model_fields
    )


def test_the_page_tells_every_finding() -> None:
    for finding in ("unreachable", "dead-end", "endless"):
        assert f"`{finding}`" in PAGE


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs ../shared/examples")
def test_the_example_of_the_design_works_as_written() -> None:
    lifecycle = read_lifecycle(EXAMPLE)
    assert list(lifecycle.states)[:2] == ["DRAFT", "OPEN"]
    assert [finding.id for finding in findings(lifecycle)] == []
