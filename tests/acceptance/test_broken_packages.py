"""A package that cannot be used is named with its cause; it ends only what needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
BROKEN = PROJECT / "tests" / "broken_packages"
PACKAGES = {
    "colliding": "'parcels = erp_parcels:DOMAIN' (erp_sidecar.domains) of the package "
    "erp-parcels 2.1 claims the kind 'order', which the domain orders has",
    "unimportable": "'warranties = erp_warranties:DOMAIN' (erp_sidecar.domains) of the package "
    "erp-warranties 0.3 cannot be loaded: ModuleNotFoundError: No module named "
    "'a_library_that_is_not_installed'",
    "leaving": "'returns = erp_returns:DOMAIN' (erp_sidecar.domains) of the package "
    "erp-returns 0.1 cannot be loaded: SystemExit: 3",
}
OPENAPI = json.dumps(
    {
        "openapi": "3.0.0",
        "info": {"title": "x", "version": "1"},
        "paths": {
            "/orders": {
                "post": {"operationId": "create", "responses": {"200": {"description": "ok"}}}
            }
        },
    }
)
CONFIGURATION = """\
version: 1
shop:
  name: demo
  timezone: UTC
  database: {socket: away.sock, name: magento, user: sidecar, password: {file: password}}
erp: {adapter: rest.generic, url: "http://127.0.0.1:9", calls: calls.yaml}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration that is right, of a shop whose database is away."""
    (tmp_path / "sidecar.yaml").write_text(CONFIGURATION, "utf-8")
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("secret", "utf-8")
    calls = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
    (tmp_path / "calls.yaml").write_text(calls, "utf-8")
    return tmp_path


def run(folder: Path, package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with that package installed."""
    path = (str(BROKEN / package), str(PROJECT / "tests" / "other_package"), str(PROJECT))
    return subprocess.run(
        [sys.executable, "-c", "from sidecar.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "ERP_SIDECAR_CONFIG": str(folder / "sidecar.yaml"),
        },
    )


def findings(report: str) -> list[dict[str, Any]]:
    said = json.loads(report)["findings"]
    return [one for one in said if one["id"] not in ("database-unreachable", "erp-unreachable")]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    "command",
    [
        ("config", "validate"),
        ("events", "schema"),
        ("queue", "list", "--domain", "orders"),
        ("domain", "pause", "orders"),
        ("parcel", "show", "000000001"),
    ],
    ids=" ".join,
)
def test_what_needs_the_domains_names_the_package_and_ends_with_78(
    folder: Path, package: str, command: tuple[str, ...]
) -> None:
    done = run(folder, package, *command)
    assert (done.returncode, done.stdout) == (78, "")
    assert PACKAGES[package] in done.stderr
    assert "remedy: correct or update erp-" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_monitoring_system_is_told_that_it_cannot_be_told(folder: Path) -> None:
    done = run(folder, "colliding", "nagios", "--domain", "orders")
    assert done.returncode == 3
    assert done.stdout.startswith("ERP-SIDECAR UNKNOWN - the entry point 'parcels")


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("--help",), "payment "),
        (("--version",), "erp-sidecar, version"),
        (("queue", "list", "--help"), "|payments]"),
        (("config", "show"), "rest.generic"),
        (("doctor", "explain", "package-unusable"), "entry point"),
    ],
    ids=["help", "version", "help of a command", "config show", "explain"],
)
def test_help_and_what_needs_no_domain_work(
    folder: Path, package: str, command: tuple[str, ...], says: str
) -> None:
    done = run(folder, package, *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_doctor_finds_the_package_and_what_it_can_look_at(folder: Path, package: str) -> None:
    done = run(folder, package, "doctor", "--json")
    assert done.returncode == 2, done.stderr
    told = findings(done.stdout)
    assert {one["id"] for one in told} == {"package-unusable"}
    assert PACKAGES[package] in told[0]["found"]
    assert told[0]["remedy"].startswith("correct or update erp-")


def test_doctor_finds_adapters_and_readers_of_interfaces_that_cannot_be_used(folder: Path) -> None:
    told = [
        one["found"] for one in findings(run(folder, "unimportable", "doctor", "--json").stdout)
    ]
    assert len(told) == 3
    for group in ("domains", "adapters", "contracts"):
        assert any(
            f"(erp_sidecar.{group}) of the package erp-warranties 0.3" in one for one in told
        )


def test_the_bundle_has_the_finding(folder: Path) -> None:
    done = run(folder, "unimportable", "bundle", "--output", "bundle.tar.gz")
    assert done.returncode == 0, done.stderr
    with tarfile.open(folder / "bundle.tar.gz") as archive:
        (report,) = [one for one in archive if one.name.endswith("doctor.json")]
        read = archive.extractfile(report)
        assert read is not None
        assert "package-unusable" in {one["id"] for one in findings(read.read().decode())}


def test_an_adapter_that_cannot_be_loaded_is_named_where_it_is_used(folder: Path) -> None:
    file = folder / "sidecar.yaml"
    done = run(folder, "unimportable_adapter", "config", "validate")
    assert done.returncode == 0, done.stderr
    file.write_text(file.read_text("utf-8").replace("rest.generic", "couriers.rest"), "utf-8")
    done = run(folder, "unimportable_adapter", "config", "validate")
    assert (done.returncode, done.stdout) == (78, "")
    assert "of the package erp-couriers 0.1 cannot be loaded: ModuleNotFoundError" in done.stderr


def test_a_reader_of_interfaces_that_cannot_be_loaded_keeps_no_other_from_reading(
    folder: Path,
) -> None:
    (folder / "api.json").write_text(OPENAPI, "utf-8")
    done = run(folder, "unimportable_adapter", "adapter", "describe", "api.json")
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "notes.txt").write_text("no interface", "utf-8")
    done = run(folder, "unimportable_adapter", "adapter", "describe", "notes.txt")
    assert done.returncode == 78
    assert "Traceback" not in done.stderr


def test_an_adapter_of_a_taken_name_is_refused_with_both_packages(folder: Path) -> None:
    done = run(folder, "adapter_of_a_taken_name", "config", "validate")
    assert done.returncode == 78, done.stderr
    assert "erp-copies 0.1" in done.stderr
    assert "magento-erp-sidecar" in done.stderr
    listed = run(folder, "adapter_of_a_taken_name", "adapter", "list", "--json")
    assert [one["name"] for one in json.loads(listed.stdout)].count("rest.generic") == 2
