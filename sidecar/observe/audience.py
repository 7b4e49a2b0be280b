"""Several narrators that listen as one: the log, and whoever counts."""

from __future__ import annotations

from sidecar.ports import Narrator


class Audience:
    """Each hears all, in this order."""

    def __init__(self, *narrators: Narrator) -> None:
        self._narrators = [*narrators]

    def join(self, narrator: Narrator) -> None:
        """One more, before anything runs that tells."""
        self._narrators.append(narrator)

    def tell(self, event: str, /, **fields: object) -> None:
        """Hand it on."""
        for narrator in self._narrators:
            narrator.tell(event, **fields)
