"""Each finding about files and the ERP, and what the doctor still sees when a part is not there."""

from __future__ import annotations

import gc
import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from sidecar.doctor.catalogue import SECTIONS
from sidecar.testing.magento_db import Flavour, PrivateServer
from tests.acceptance import test_doctor_api
from tests.clinic import Clinic
from tests.contract.scripted_server import answer, scripted_server
from tests.database import test_doctor, test_doctor_inbound

_AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="another user's rights: for root only")


@pytest.fixture(scope="module")
def clinic(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with ExitStack() as stack:
        made = Clinic(server, tmp_path_factory.mktemp("files"), "files")
        stack.callback(made.close)
        yield made


SOON = (datetime.now(UTC) + timedelta(days=5)).date()
#: The driver leaves its socket open when the server refuses the login.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def no_open_socket_is_left_to_other_modules() -> Iterator[None]:
    yield
    gc.collect()


Broken = Callable[[Clinic], AbstractContextManager[None]]


@contextmanager
def with_mode(path: Path, mode: int) -> Iterator[None]:
    kept = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(kept)


@contextmanager
def without_erp(clinic: Clinic) -> Iterator[None]:
    clinic.erp.kill()
    try:
        yield
    finally:
        clinic.erp.restart()


@contextmanager
def refusing(clinic: Clinic) -> Iterator[None]:
    clinic.erp.rule("unauthorised")
    try:
        yield
    finally:
        clinic.erp.clear_rules()


@contextmanager
def sent_elsewhere(clinic: Clinic) -> Iterator[None]:
    with (
        scripted_server(lambda _: answer(301, Location="https://erp.example.com/v2")) as server,
        clinic.edited(f"url: {clinic.erp.url}", f"url: {server.url}"),
    ):
        yield


@contextmanager
def signing_in(clinic: Clinic) -> Iterator[None]:
    page = "<html><form>Sign in</form></html>"
    with (
        scripted_server(lambda _: answer(200, page, Content_Type="text/html")) as server,
        clinic.edited(f"url: {clinic.erp.url}", f"url: {server.url}"),
    ):
        yield


@contextmanager
def in_environment(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch, clinic.edited("{file: password}", "{env: SHOP_PASSWORD}"):
        patch.setenv("SHOP_PASSWORD", "daemon")
        yield


OWNERS = "owners: {finance: {name: Finance, contact: finance@example.com}}\nerp:"
EXCEPTION = (
    "exceptions: [{domain: orders, when: order.is_virtual, calls: calls.yaml, owner: finance, "
    f"reason: Customs number, expires: {SOON}}}]\n"
)


@contextmanager
def signed_before(clinic: Clinic) -> Iterator[None]:
    with clinic.edited("erp:", OWNERS):
        clinic.command("blueprint", "sign", "--as", "finance")
        try:
            with clinic.edited("timezone: UTC", "timezone: Europe/Berlin"):
                yield
        finally:
            clinic.sql(f"DELETE FROM {clinic.names('installed')} WHERE kind = 'blueprint'")


TROUBLES: dict[str, tuple[Broken, str]] = {
    "configuration-invalid": (
        lambda clinic: clinic.edited("timezone:", "timzone:"),
        'did you mean "timezone"',
    ),
    "secret-unreadable": (lambda clinic: with_mode(clinic.folder / "password", 0o644), "mode 0644"),
    "blueprint-changed": (signed_before, "is not what finance signed on "),
    "exception-ends": (
        lambda clinic: clinic.edited("erp:", EXCEPTION + OWNERS),
        f"'Customs number' ends on {SOON} [Finance (finance@example.com)]",
    ),
    "secret-expires": (
        lambda clinic: clinic.edited(
            "{file: password}", f"{{file: password, expires: {SOON}}}"
        ),
        f"shop.database.password: expires on {SOON}, in ",
    ),
    "env-php-unreadable": (
        lambda clinic: clinic.edited(
            next(line for line in clinic.config.read_text().splitlines() if "socket" in line),
            f"  database: {{magento_root: {clinic.folder}}}",
        ),
        "env.php",
    ),
    "log-not-writable": (
        lambda clinic: clinic.edited("erp:", "logging: {file: logs/sidecar.log}\nerp:"),
        "there is no folder",
    ),
    "database-unreachable": (
        lambda clinic: clinic.edited("server.sock", "away.sock"), "cannot be reached"
    ),
    "database-login-refused": (
        lambda clinic: clinic.edited("daemon", "deamon", "password"), "refused the login (1045"
    ),
    "adapter-invalid": (
        lambda clinic: clinic.edited("rest.generic", "rest.genric"), "there is no adapter"
    ),
    "erp-unreachable": (without_erp, "does not answer"),
    "erp-unauthorised": (refusing, "refuses our login"),
    "erp-answer-unfit": (sent_elsewhere, "redirects to https://erp.example.com/v2"),
}  # fmt: skip


def test_a_page_for_signing_in_at_the_erp_s_address_is_told_before_an_order_meets_it(
    clinic: Clinic,
) -> None:
    with signing_in(clinic):
        (finding,) = clinic.found("erp-answer-unfit")
    assert "<form>Sign in</form>" in finding.found


@pytest.mark.parametrize("name", TROUBLES)
def test_a_fault_is_found_until_it_is_mended(clinic: Clinic, name: str) -> None:
    broken, says = TROUBLES[name]
    with broken(clinic):
        (finding,) = clinic.found(name)
        assert says in finding.found
        assert finding.remedy
    assert [one.found for one in clinic.found()] == []


def test_a_secret_in_the_environment_is_told(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_environment(clinic, monkeypatch):
        (finding,) = clinic.found("secret-in-environment")
        assert finding.found.startswith("shop.database.password: ")
    assert clinic.found("secret-in-environment") == []


def test_the_mode_of_a_secret_is_mended_by_the_command_that_is_told(clinic: Clinic) -> None:
    with with_mode(clinic.folder / "password", 0o640):
        (finding,) = clinic.found("secret-unreadable")
        command, _, _ = finding.remedy.partition(", and ")
        subprocess.run(command, shell=True, check=True)
        assert clinic.found("secret-unreadable") == []


@_AS_ROOT
def test_a_file_that_root_may_read_and_the_daemon_may_not_is_told_with_its_command(
    clinic: Clinic,
) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(clinic.folder / "password", user.pw_uid, user.pw_gid)
    with with_mode(clinic.config, 0o600):
        (finding,) = clinic.found("file-unreadable-for-daemon", service_user="nobody")
        assert finding.found.startswith(f"{clinic.config}: ")
        command = finding.remedy.replace("chgrp nobody", f"chgrp {user.pw_gid}")
        subprocess.run(command, shell=True, check=True)
        assert clinic.found("file-unreadable-for-daemon", service_user="nobody") == []
    os.chown(clinic.folder / "password", 0, 0)
    os.chown(clinic.config, 0, 0)


@_AS_ROOT
def test_a_full_disk_is_told(clinic: Clinic, tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        with clinic.edited("erp:", f"logging: {{file: {tmp_path}/sidecar.log}}\nerp:"):
            (tmp_path / "old.log").write_bytes(b"x" * 1_030_000)
            (finding,) = clinic.found("disk-low")
            assert str(tmp_path) in finding.found
            (tmp_path / "old.log").unlink()
            assert clinic.found("disk-low") == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_mapping_that_the_wsdl_cannot_take_is_told(clinic: Clinic) -> None:
    calls = resources.files("sidecar.testing.demo").joinpath("soap-calls.yaml").read_text("utf-8")
    (clinic.folder / "soap.yaml").write_text(calls, "utf-8")
    with (
        clinic.edited("rest.generic", "soap.generic"),
        clinic.edited(f"url: {clinic.erp.url}", f"wsdl: {clinic.erp.wsdl_url}"),
        clinic.edited("calls: calls.yaml", "calls: soap.yaml"),
    ):
        with clinic.edited("Qty: =item.qty_ordered", "Qty: many", "soap.yaml"):
            (finding,) = clinic.found("mapping-unfit")
            assert "soap.yaml:" in finding.found
        assert clinic.found("adapter-invalid", "erp-unreachable", "mapping-unfit") == []


_OF_A_CLUSTER = ("server-too-old", "server-galera", "server-galera-loses-commits")


@pytest.mark.parametrize(
    ("version", "also"),
    [
        ("10.3.39-MariaDB", "server-too-old"),
        ("12.2.2-MariaDB", "server-galera-loses-commits"),
    ],
)
def test_a_server_of_a_version_that_does_not_do_and_one_of_a_cluster_are_told(
    clinic: Clinic, flavour: Flavour, version: str, also: str
) -> None:
    if flavour.__class__.__name__ != "MariaDb":
        pytest.skip("MySQL does not let itself be called by another version")
    options = {
        "version": version,
        "wsrep_on": "ON",
        "log_bin": "binlog",
        "binlog_format": "ROW",
    }
    with PrivateServer(options=options) as old:
        with old.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE files")
            for user in ("daemon", "dba"):
                cursor.execute(f"CREATE USER {user}@localhost IDENTIFIED BY '{user}'")
                cursor.execute(f"GRANT ALL ON *.* TO {user}@localhost")
        with clinic.edited(str(clinic.server.socket), str(old.socket)):
            found = {one.id: one.found for one in clinic.found(*_OF_A_CLUSTER)}
    assert "Galera" in found.pop("server-galera")
    ((named, told),) = found.items()
    assert (named, version.partition("-")[0] in told) == (also, True)
    assert clinic.found(*_OF_A_CLUSTER) == []


def test_without_a_database_the_files_and_the_erp_are_looked_at_all_the_same(
    clinic: Clinic,
) -> None:
    with clinic.edited("server.sock", "away.sock"), without_erp(clinic):
        said = clinic.json("doctor", code=2)
    assert {one["id"] for one in said["findings"]} == {"database-unreachable", "erp-unreachable"}
    unseen = {one["id"]: one["why"] for one in said["unseen"]}
    assert "ledger-missing" in unseen
    assert all("cannot be reached" in why for why in unseen.values())


def test_without_a_configuration_that_alone_is_found(clinic: Clinic) -> None:
    done = clinic.run("--config", "/nowhere/sidecar.yaml", "doctor")
    assert done.code == 2
    assert "configuration-invalid: " in done.output
    assert "1 finding(s)" in done.output


def test_the_command_exits_2_for_a_finding_and_0_when_it_is_mended(clinic: Clinic) -> None:
    clinic.sql(f"DELETE FROM {clinic.ledger}.lease")
    (finding,) = clinic.json("doctor", "--only", "daemon-absent", code=2)["findings"]
    assert finding.keys() == {"id", "severity", "section", "found", "cause", "remedy"}
    text = clinic.run("doctor", "--only", "daemon-absent").output
    assert "warning  daemon-absent: no daemon holds the ledger's lease" in text
    assert "  remedy: systemctl start erp-sidecar" in text
    clinic.work()
    assert clinic.json("doctor", "--only", "daemon-absent", code=0)["findings"] == []


def test_what_is_good_to_know_does_not_change_the_exit_code(clinic: Clinic) -> None:
    path = "dev/grid/async_indexing"
    clinic.sql(
        "INSERT INTO core_config_data (scope, scope_id, path, value) "
        f"VALUES ('default', 0, '{path}', '1')"
    )
    try:
        (finding,) = clinic.json("doctor", "--only", "grid-async", code=0)["findings"]
        assert finding["severity"] == "info"
    finally:
        clinic.sql(f"DELETE FROM core_config_data WHERE path = '{path}'")


def test_a_finding_is_explained_and_an_unknown_one_is_corrected(clinic: Clinic) -> None:
    text = clinic.command("doctor", "explain", "definer-gone")
    assert "1449" in text
    assert "docs/doctor.md#definer-gone" in text
    assert len(clinic.command("doctor", "explain").splitlines()) > 40
    refused = clinic.run("doctor", "explain", "definer-gon")
    assert (refused.code, 'did you mean "definer-gone"?' in refused.errors) == (64, True)
    assert clinic.run("doctor", "--only", "definer-gon").code == 64


def test_no_secret_is_printed(clinic: Clinic) -> None:
    secret = "s3cr3t-of-the-shop"
    (clinic.folder / "password").write_text(secret, "utf-8")
    try:
        printed = clinic.run("doctor").output + clinic.run("doctor", "--json").output
    finally:
        (clinic.folder / "password").write_text("daemon", "utf-8")
    assert "database-login-refused" in printed
    assert secret not in printed


def test_every_finding_is_made_by_a_test() -> None:
    alone = {
        "api-release-untried", "disk-low", "file-unreadable-for-daemon", "mapping-unfit",
        "outbox-locked",
        "package-unusable", "read-view-held", "secret-in-environment", "server-galera",
        "server-galera-loses-commits", "server-too-old", "setup-upgrade-fails",
    }  # fmt: skip
    ids = {check.id for checks in SECTIONS.values() for check in checks}
    made = {
        *TROUBLES,
        *test_doctor.TROUBLES,
        *test_doctor_api.TROUBLES,
        *test_doctor_inbound.FINDINGS,
    }
    assert ids - made == alone
