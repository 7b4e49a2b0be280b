"""The packages as they are given to people; skipped unless ERP_SIDECAR_PACKAGES=1 asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def wanted() -> None:
    if os.environ.get("ERP_SIDECAR_PACKAGES") != "1":
        pytest.skip("takes minutes and changes the machine (make acceptance-deb)")


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the repository, and nothing that a build left beside it."""
    copy = tmp_path_factory.mktemp("source")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in files:
        if name and (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    return copy
