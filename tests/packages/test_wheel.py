"""`pip install` and `pipx install`: the wheel has everything that it runs with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_THE_SOURCE = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.fixture(scope="module")
def program(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script, out of a wheel, in a virtual environment of its own."""
    venv = tmp_path_factory.mktemp("wheel") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", venv, source], check=True)
    (wheel,) = venv.glob("*.whl")
    subprocess.run([*pip, "install", "-c", source / "constraints.txt", wheel], check=True)
    return venv / "bin" / "erp-sidecar"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [[], ["--soap"]], ids=["REST", "SOAP"])
def test_the_demonstration_runs_out_of_the_wheel(
    program: Path, tmp_path: Path, options: list[str]
) -> None:
    played = subprocess.run(
        [program, "demo", "--json", *options],
        cwd=tmp_path,
        env=WITHOUT_THE_SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert played.returncode == 0, played.stderr
    statement = json.loads(played.stdout)
    assert (statement["placed"], statement["lost"], statement["doubled"]) == (25, 0, 0)
