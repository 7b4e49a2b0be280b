"""The kit is shipped as modules; their assertions are explained as those of a test file are."""

import pytest

pytest.register_assert_rewrite(
    "sidecar.testing.adapter_contract",
    "sidecar.testing.contract_calls",
    "sidecar.testing.figures_contract",
    "sidecar.testing.wire_contract",
)
