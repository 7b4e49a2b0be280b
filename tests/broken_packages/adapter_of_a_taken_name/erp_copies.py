"""An adapter that calls itself as a shipped one does."""


def create(connection: object) -> None:
    """Nobody calls it."""
