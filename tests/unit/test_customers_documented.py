"""What docs/customers.md shows can be read as it is written."""

from __future__ import annotations

import re
from pathlib import Path

from sidecar.documents import read_document
from sidecar.domains.customers.spec import SPEC
from sidecar.settings.domains import Domains
from tests.unit.test_mapping_file import read

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.findall(r"```yaml\n(.*?)```", (DOCS / "customers.md").read_text("utf-8"), re.DOTALL)


def test_the_section_of_the_configuration_enables_them(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.yaml"
    file.write_text(BLOCKS[0], "utf-8")

    domains = Domains.model_validate(read_document(file).data["domains"])

    assert domains.carried().keys() == {"orders", "customers"}
    assert domains.orders.needs == ("customer",)


def test_the_calls_can_be_read_and_carry_all_events(tmp_path: Path) -> None:
    capabilities = read(tmp_path, BLOCKS[1]).capabilities("customers")

    assert (capabilities.subscriptions, capabilities.batch) == (frozenset(SPEC.types), 50)
