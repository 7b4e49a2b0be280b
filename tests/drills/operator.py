"""A person at three in the morning: has the log and the command line, and this page."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from sidecar.testing.magento_db import Shop
from sidecar.testing.magento_db.shop import PlacedOrder
from tests.drills.page import Script
from tests.rig import Rig


class Operator:
    """Follows one section of the page on one installation, whose daemon runs."""

    def __init__(self, rig: Rig, title: str) -> None:
        self.rig = rig
        self._script = Script(title)
        self.was_done = False
        self.daemon = rig.start()
        self.told("daemon.started")

    def told(self, event: str, times: int = 1, **fields: str) -> dict[str, Any]:
        """Wait for lines of the log that have these fields; gives the last."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = [
                line
                for line in self._log()
                if line["event"] == event
                and all(words in str(line.get(name)) for name, words in fields.items())
            ]
            return len(found) >= times

        self.rig.until(is_there)
        return found[-1]

    def does(self, begins: str, code: int = 0, shows: str = "", **words: str) -> str:
        """Run the page's next command; it ends with `code` and shows these words."""
        arguments = self._script.next(begins, **words)
        done = subprocess.run(
            self.rig.command(*arguments), capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{output}"
        assert shows in output, output
        return output

    def finds(self, begins: str, code: int = 0, shows: str = "") -> str:
        """As `does`, as often as it takes until it ends so: a look that shows how it gets well."""
        arguments = self._script.next(begins)
        last = ""

        def is_so() -> bool:
            nonlocal last
            done = subprocess.run(
                self.rig.command(*arguments), capture_output=True, text=True, check=False
            )
            last = done.stdout + done.stderr
            return done.returncode == code and shows in last

        try:
            self.rig.until(is_so)
        except AssertionError as wrong:
            raise AssertionError(f"{arguments}:\n{last}") from wrong
        return last

    def reloads(self) -> None:
        """systemctl reload."""
        self.daemon.send_signal(signal.SIGHUP)

    def sells(self, orders: int = 1) -> list[PlacedOrder]:
        """Customers buy; checkout never waits."""
        with Shop(self.rig.magento) as shop:
            return [shop.place() for _ in range(orders)]

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for a condition."""
        self.rig.until(is_so)

    def is_done(self) -> None:
        """All clear: each order booked once and acknowledged, the page followed to its end."""
        self.was_done = True
        self.rig.until_clean()
        assert self._script.is_over, f"not run: {self._script.commands[self._script.done :]}"

    def _log(self) -> list[dict[str, Any]]:
        path = self.rig.folder / "sidecar.log"
        text = path.read_text("utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
