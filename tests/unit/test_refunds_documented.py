"""What docs/refunds.md shows can be read as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidecar.documents import read_document
from sidecar.settings.domains import Domains
from tests.unit.test_mapping_file import EXAMPLES, read

PAGE = (Path(__file__).parents[2] / "docs" / "refunds.md").read_text("utf-8")


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_section_of_the_configuration_enables_them(tmp_path: Path) -> None:
    section, _ = blocks()
    file = tmp_path / "sidecar.yaml"
    file.write_text(section, "utf-8")
    written = read_document(file).data["domains"]
    assert Domains.model_validate(written).carried().keys() == {"orders", "refunds"}


def test_the_calls_can_be_read_and_carry_and_ask_for_refunds(tmp_path: Path) -> None:
    _, calls = blocks()
    capabilities = read(tmp_path, calls).capabilities("refunds")
    assert capabilities.subscriptions == {"refund.issued"}
    assert capabilities.probe


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
def test_the_refunds_of_the_example_for_all_domains_can_be_read_as_written(tmp_path: Path) -> None:
    whole = (EXAMPLES / "domains-rest.yaml").read_text("utf-8")
    section = whole[whole.index("refunds:") : whole.index("invoices:")]
    capabilities = read(tmp_path, section).capabilities("refunds")
    assert capabilities.subscriptions == {"refund.issued"}
    assert capabilities.probe
