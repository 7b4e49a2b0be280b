"""The conformance kit over the SAP pack: in change sets and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.erps.sap_s4 import adapter as sap
from sidecar.model.errors import Unavailable
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.erpsim import Line
from sidecar.testing.erpsim.books import Document
from tests.contract.sap_bench import filled_in


class SapContract(AdapterContract):
    """What both have in common."""

    changes: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = filled_in(tmp_path, **self.changes)

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        settings = self.adapter_settings(url, read_timeout, calls=self.calls)
        made = sap.create(settings)
        # A service gives its token with the first answer: what breaks shall be the call itself.
        for domain in ("orders", "refunds"):
            with suppress(Unavailable):
                made.probe(domain, ["nothing"])
        return made

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books shipping and charges as lines of their own."""
        return [line for line in document.lines if line.sku not in ("SHIPPING", "WEEE")]


class TestChangeSets(SapContract):
    pass
