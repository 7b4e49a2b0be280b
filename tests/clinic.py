"""An installation with an account for each role, for the doctor to look at while tests break it."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest

from sidecar.cli import main
from sidecar.doctor.examination import Diagnosis, Report, examine
from sidecar.doctor.examined import ExaminedInstallation, Thresholds
from sidecar.ledger.tables import LedgerNames
from sidecar.model.secret import Secret
from sidecar.settings.load import load
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento

_T = TypeVar("_T")
#: Who runs the tests; the machine may have a user erp-sidecar, to whom their files do not belong.
OURSELVES = pwd.getpwuid(os.getuid()).pw_name

#: An administrator's way to name himself, in remedies; tests have another account for it.
NAMED = "--user root --password-file /root/.db-password"

_CONFIGURATION = """\
version: 1
shop:
  name: clinic
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: daemon, password: {{file: password}}, \
table_prefix: "{prefix}"}}
ledger: {{schema: {ledger}}}
erp:
  adapter: rest.generic
  url: {url}
  calls: calls.yaml
  timeout: {{connect: 500ms, read: 2s}}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    output: str
    errors: str


class Clinic:
    """A shop, an ERP and an installation that lacks nothing: the doctor finds nothing.

    Accounts: `owner@localhost` is Magento's and defines all triggers, `daemon@localhost` has the
    rights of sql/grants.sql, `dba@localhost` administrates.  `one_schema`: the ledger is in
    Magento's schema, whose tables have a prefix.  `install=False`: not installed yet.
    """

    def __init__(
        self,
        server: PrivateServer,
        folder: Path,
        name: str,
        *,
        one_schema: bool = False,
        install: bool = True,
    ) -> None:
        self.server = server
        self.folder = folder
        self.erp = ErpSim.start()
        prefix = "m2_" if one_schema else ""
        self.magento: MagentoDatabase = create_magento(server, name, prefix, mview=False)
        self.ledger = name if one_schema else f"{name}_ledger"
        self.names = LedgerNames.placed(None if one_schema else self.ledger, name)
        self.config = folder / "sidecar.yaml"
        for user in ("daemon", "dba"):
            (folder / user).touch(mode=0o600)
            (folder / user).write_text(user, "utf-8")
        (folder / "daemon").rename(folder / "password")
        calls = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
        (folder / "calls.yaml").write_text(calls, "utf-8")
        self.config.write_text(
            _CONFIGURATION.format(
                socket=server.socket,
                name=name,
                prefix=prefix,
                ledger="null" if one_schema else self.ledger,
                url=self.erp.url,
            ),
            "utf-8",
        )
        self.sql(
            *(f"DROP USER IF EXISTS {one}@localhost" for one in ("daemon", "dba", "owner")),
            "CREATE USER daemon@localhost IDENTIFIED BY 'daemon'",
            "CREATE USER dba@localhost IDENTIFIED BY 'dba'",
            "GRANT ALL ON *.* TO dba@localhost WITH GRANT OPTION",
        )
        self.make_owner()
        self.make_mview()
        if install:
            self.install()

    def install(self) -> None:
        """As an administrator does it, and a daemon begins to work."""
        self.command("install", "--user", "dba", "--password-file", str(self.folder / "dba"))
        self.work()

    def make_owner(self) -> None:
        """Magento's account, with Magento's rights."""
        self.sql(
            "CREATE USER IF NOT EXISTS owner@localhost",
            f"GRANT ALL ON `{self.magento.name}`.* TO owner@localhost",
        )

    def make_mview(self) -> None:
        """One of Magento's own triggers, which shows whose they are."""
        table, log = (
            self.magento.table(name) for name in ("sales_order", "sales_order_data_exporter_cl")
        )
        self.sql(
            f"CREATE DEFINER = owner@localhost TRIGGER trg_{table}_after_insert "
            f"AFTER INSERT ON {table} FOR EACH ROW "
            f"INSERT IGNORE INTO {log} (entity_id) VALUES (NEW.entity_id)"
        )

    def work(self) -> None:
        """A daemon holds the lease, as far as the ledger can tell."""
        self.sql(
            f"REPLACE INTO {self.names('lease')} (name, owner, term, until) "
            "VALUES ('daemon', 'a test', 1, UTC_TIMESTAMP() + INTERVAL 1 DAY)"
        )

    def close(self) -> None:
        self.erp.stop()
        # With them: other modules have accounts of the same names, from other hosts.
        self.sql(*(f"DROP USER IF EXISTS {one}@localhost" for one in ("daemon", "dba", "owner")))
        for schema in {self.ledger, self.magento.name}:
            with self.server.connect() as connection, connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {schema}")

    def sql(self, *statements: str, values: tuple[object, ...] = ()) -> list[Any]:
        """As the server's root, in Magento's schema; the rows of the last one."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if statements else []

    def installation(
        self, *, service_user: str = OURSELVES, view: Thresholds | None = None
    ) -> ExaminedInstallation:
        return ExaminedInstallation(
            lambda: load(self.config),
            user="dba",
            password=Secret("dba"),
            service_user=service_user,
            thresholds=view,
        )

    def examined(self, *only: str, **how: Any) -> Report:
        """But for what is so of every quick server of the tests, unless it is asked for."""
        with closing(self.installation(**how)) as installation:
            report = examine(installation, only)
        findings = [one for one in report.findings if only or one.id != "server-not-durable"]
        return replace(report, findings=tuple(findings))

    def found_by(self, installation: ExaminedInstallation, *only: str) -> list[Diagnosis]:
        with closing(installation):
            return list(examine(installation, only).findings)

    def found(self, *only: str, **how: Any) -> list[Diagnosis]:
        return list(self.examined(*only, **how).findings)

    def until(self, ask: Callable[[], _T], seconds: float = 20.0) -> _T:
        """The first answer that is not empty; a condition is waited for, not a time."""
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, "it does not come about"
            # A server does not renew what it shows of transactions while it is asked all the time.
            time.sleep(0.2)
        return answer

    def run(self, *arguments: str, typed: str = "") -> Ended:
        """The console script's entry point, in this process."""
        with (
            patch("sidecar.cli.doctor.SERVICE_USER", OURSELVES),
            patch("sys.argv", ["erp-sidecar", "--config", str(self.config), *arguments]),
            patch("sys.stdin", StringIO(typed)),
            redirect_stdout(StringIO()) as output,
            redirect_stderr(StringIO()) as errors,
            pytest.raises(SystemExit) as end,
        ):
            main()
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, output.getvalue(), errors.getvalue())

    def command(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.code == 0, done.errors
        return done.output

    def json(self, *arguments: str, code: int) -> Any:
        done = self.run(*arguments, "--json")
        assert done.code == code, done.output + done.errors
        return json.loads(done.output)

    def mend(self, remedy: str) -> None:
        """Run a remedy as it is told, with this clinic's administrator."""
        command = re.search(r"erp-sidecar (.*)", remedy)
        if command is not None:
            mine = f"--user dba --password-file {self.folder / 'dba'}"
            self.command(*shlex.split(command[1].replace(NAMED, mine)))
            return
        for statement in re.findall(r"(?:[^;`]|`[^`]*`)+(?=;)", remedy):
            self.sql(statement.strip())

    @contextmanager
    def edited(self, old: str, new: str, file: str = "sidecar.yaml") -> Iterator[None]:
        """Other text in a file, for a while."""
        path = self.folder / file
        kept = path.read_text("utf-8")
        assert old in kept
        path.write_text(kept.replace(old, new, 1), "utf-8")
        try:
            yield
        finally:
            path.write_text(kept, "utf-8")
