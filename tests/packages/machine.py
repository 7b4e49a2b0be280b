"""The machine on which the package is installed: dpkg, a systemctl that takes notes, the daemon."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.supervisor import Listening

PACKAGE = "magento-erp-sidecar"
CONFIGURATION = Path("/etc/erp-sidecar/sidecar.yaml")
PROGRAM = Path("/usr/bin/erp-sidecar")
_RUNS_SYSTEMD = Path("/run/systemd/system")
#: What the scripts ask of systemd, and its answers: what is started here is a note in a file.
_SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>{folder}/asked
case $1 in
  list-units) [ ! -e {folder}/runs ] || echo "erp-sidecar.service loaded active running" ;;
esac
"""


def build(source: Path) -> Path:
    """Build the package out of a source tree; gives the file."""
    built = subprocess.run(
        ["packaging/deb/build.sh"], cwd=source, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return source / built.stdout.strip()


class Machine:
    """`folder`: where notes are kept; every account may read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        program = folder / "bin" / "systemctl"
        program.write_text(_SYSTEMCTL.format(folder=folder), "utf-8")
        program.chmod(0o755)
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._made = [path for path in (_RUNS_SYSTEMD, *_RUNS_SYSTEMD.parents) if not path.exists()]
        _RUNS_SYSTEMD.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Take away what is left of the daemons, of the package, and of systemd."""
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()
        CONFIGURATION.unlink(missing_ok=True)  # so that no database is looked for
        self.dpkg("--purge", PACKAGE)
        for path in self._made:
            path.rmdir()

    def dpkg(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """As `apt-get` calls it where nobody can be asked."""
        return subprocess.run(
            ["dpkg", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
                "DEBIAN_FRONTEND": "noninteractive",
                **environment,
            },
        )

    def asked(self) -> list[str]:
        """What systemd was asked for, and forget it."""
        note = self.folder / "asked"
        lines = note.read_text("utf-8").splitlines() if note.exists() else []
        note.unlink(missing_ok=True)
        return lines

    def say_it_runs(self) -> None:
        """From now on `systemctl list-units` names the daemon."""
        (self.folder / "runs").touch()

    def sidecar(self, *arguments: str) -> str:
        """The installed program, as root; what it prints."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd="/",
            env=_clean(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, heard: Listening) -> subprocess.Popen[bytes]:
        """The unit's ExecStart, as the unit's account."""
        with (self.folder / "log").open("ab") as log:
            daemon = subprocess.Popen(
                [PROGRAM, "run"],
                cwd="/",
                env={**_clean(), **heard.environment},
                stdout=log,
                stderr=log,
                user="erp-sidecar",
                group="erp-sidecar",
                extra_groups=[],
            )
        self._daemons.append(daemon)
        return daemon


def _clean() -> dict[str, str]:
    """Without the tests' own way to the source."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
