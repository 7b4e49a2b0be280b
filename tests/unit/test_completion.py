"""The scripts that a shell completes with, in that shell where it is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sidecar.cli.root import cli

CALL = """
source "$1"
COMP_WORDS=({words}); COMP_CWORD={last}
_erp_sidecar_completion erp-sidecar
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def script(shell: str) -> str:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_it_can_read(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(script(shell), encoding="utf-8")
    assert "_ERP_SIDECAR_COMPLETE=" in file.read_text("utf-8")
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(file)], check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("erp-sidecar que", ["queue"]),
        ("erp-sidecar queue req", ["requeue"]),
        ("erp-sidecar queue list --status rej", ["rejected"]),
        ("erp-sidecar domain pause orders --u", ["--until"]),
    ],
)
def test_bash_completes_commands_options_and_choices(
    words: str, completed: list[str], tmp_path: Path
) -> None:
    (tmp_path / "script").write_text(script("bash"), encoding="utf-8")
    program = tmp_path / "erp-sidecar"
    code = f"import sys\nsys.argv[0] = '{program}'\nfrom sidecar.cli import main\nmain()\n"
    program.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    program.chmod(0o700)
    call = CALL.format(words=words, last=len(words.split()) - 1)
    done = subprocess.run(
        ["bash", "-c", call, "bash", str(tmp_path / "script")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == completed, done.stderr
