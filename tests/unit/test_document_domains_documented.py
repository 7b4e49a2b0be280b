"""What the pages of refunds, invoices and shipments show can be read as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.documents import read_document
from sidecar.settings.domains import Domains
from tests.document_calls import yaml_of
from tests.unit.test_mapping_file import EXAMPLES, read

#: Domain → the events that its page has calls for.
CALLED = {
    "refunds": {"refund.issued"},
    "invoices": {"invoice.issued", "invoice.canceled"},
    "shipments": {"shipment.created", "shipment.tracked"},
}


@pytest.mark.parametrize("domain", CALLED)
def test_the_section_of_the_configuration_enables_them(tmp_path: Path, domain: str) -> None:
    section, _ = yaml_of(f"{domain}.md")
    file = tmp_path / "sidecar.yaml"
    file.write_text(section, "utf-8")
    written = read_document(file).data["domains"]
    assert Domains.model_validate(written).carried().keys() == {"orders", domain}


@pytest.mark.parametrize("domain", CALLED)
def test_the_calls_can_be_read_and_carry_and_ask_for_them(tmp_path: Path, domain: str) -> None:
    _, calls = yaml_of(f"{domain}.md")
    capabilities = read(tmp_path, calls).capabilities(domain)
    assert capabilities.subscriptions == CALLED[domain]
    assert capabilities.probe


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
@pytest.mark.parametrize("domain", ["refunds", "invoices"])
def test_those_of_the_example_for_all_domains_can_be_read_as_written(
    tmp_path: Path, domain: str
) -> None:
    whole = (EXAMPLES / "domains-rest.yaml").read_text("utf-8")
    # The invoices' answers are those of the refunds, by YAML's anchors.
    sections = whole[whole.index("refunds:") : whole.index("customers:")]
    capabilities = read(tmp_path, sections).capabilities(domain)
    assert capabilities.subscriptions == {f"{domain.removesuffix('s')}.issued"}
    assert capabilities.probe
