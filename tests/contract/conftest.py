"""The kit is shipped as a module; its assertions are explained as those of a test file are."""

import pytest

pytest.register_assert_rewrite("sidecar.testing.adapter_contract")
