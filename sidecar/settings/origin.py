"""Where a value of the configuration was written: what is wrong with what it names begins there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sidecar.model.errors import ConfigurationError, SidecarError
from sidecar.settings.fields import SecretRef, Section

#: Key → `file:line` (`sidecar.settings.load.Loaded.origin`); what is not in it is a default.
Origin = Mapping[str, str]
NOWHERE: Origin = {}


def place_of(key: str, origin: Origin) -> str:
    """File and line of a key, or of the first below it, with its name; the name alone for none."""
    written = next((at for name, at in origin.items() if f"{name}.".startswith(f"{key}.")), None)
    return f"{written}: {key}" if written else key


@contextmanager
def named_by(key: str, origin: Origin) -> Iterator[None]:
    """Errors that are raised within begin with the place of the key."""
    try:
        yield
    except SidecarError as error:
        message = f"{place_of(key, origin)}: {error.message}"
        raise type(error)(message, error.remedy) from None


def require_files(section: Section, at: str, origin: Origin) -> None:
    """Every file that a section names is there.  Raises ConfigurationError.

    Secrets are not looked at: they have rules of their own (`sidecar.settings.secrets`).
    """
    for key, path in _files(section, at):
        if _is_missing(path):
            raise ConfigurationError(
                f"{place_of(key, origin)}: {path}: there is no such file",
                "correct the path, or put the file there",
            )


def _files(section: Section, at: str) -> Iterator[tuple[str, Path]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            yield f"{at}.{name}", value
        elif isinstance(value, Section) and not isinstance(value, SecretRef):
            yield from _files(value, f"{at}.{name}")


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # whoever reads it says what is in the way
    return False
