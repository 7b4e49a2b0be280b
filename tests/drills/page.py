"""docs/drills.md: what an operator does, command by command, section by section."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "drills.md"
_COMMAND = re.compile(r"^    erp-sidecar (.+)$", re.MULTILINE)


def titles() -> list[str]:
    """The drills that the page describes."""
    return re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)


@dataclass
class Script:
    """The commands of one section, to be run in their order; words in capitals are filled in."""

    title: str
    commands: list[str] = field(init=False)
    done: int = 0

    def __post_init__(self) -> None:
        text = PAGE.read_text("utf-8")
        section = text.partition(f"## {self.title}\n")[2].partition("\n## ")[0]
        self.commands = _COMMAND.findall(section)

    def next(self, begins: str, **words: str) -> list[str]:
        """The arguments of the next command, which the drill expects to begin so."""
        command = self.commands[self.done] if self.done < len(self.commands) else ""
        assert command.startswith(begins), f"the page says '{command}', the drill '{begins}'"
        self.done += 1
        for word, value in words.items():
            command = command.replace(word, value)
        return shlex.split(command)

    @property
    def is_over(self) -> bool:
        """Whether every command of the section was run."""
        return self.done == len(self.commands)
