"""The command line, `erp-sidecar NOUN VERB`: no logic, commands print what the app returns."""

from __future__ import annotations

import io
import signal
import sys
from types import FrameType

from sidecar.host.process import hold_signals
from sidecar.model.errors import PermissionDenied, SidecarError, UsageError, described, frames

_ABORTED = 130
#: Enough to lead to a defect.
_PLACES = 8
#: Seconds after which an interrupt that a destructor swallowed comes again.
_A_MOMENT = 0.01


def main() -> None:
    """Entry point of the console script; every way out has its fixed exit code."""
    hold_signals()
    # Only now: what these import takes most of a second, in which a signal may come.
    from sidecar.cli.outlet import echo, take_over, unwritten

    take_over()
    sys.unraisablehook = _raise_again
    try:
        code = _run()
    except KeyboardInterrupt:
        echo("aborted: nothing more was changed", err=True)
        code = _ABORTED
    if code == 0 and (why := unwritten()):
        code = _failed(
            SidecarError(
                f"standard output could not be written: {why}",
                "the command itself was carried out; repeat one that only shows",
            )
        )
    sys.exit(code)


def _raise_again(swallowed: sys.UnraisableHookArgs) -> None:
    """A Ctrl-C that fell into a destructor, such as a database result's, was lost: it comes again.

    A moment later, in no destructor and not in this hook, where it would be lost as well.
    """
    if not issubclass(swallowed.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(swallowed)
        return
    signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, _A_MOMENT)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code is _raise_again.__code__:
            # The machine is slow: the hook has not ended yet.
            signal.setitimer(signal.ITIMER_REAL, _A_MOMENT)
            return
        frame = frame.f_back
    signal.raise_signal(signal.SIGINT)


def _run() -> int:
    import click

    from sidecar.cli.outlet import echo, echo_lines
    from sidecar.cli.root import cli
    from sidecar.model.printable import printable

    # Bytes that are no text in this locale: as their escapes they are an unknown name, no defect.
    arguments = [printable(one) if not _is_text(one) else one for one in sys.argv[1:]]
    try:
        result = cli(arguments, prog_name="erp-sidecar", standalone_mode=False)
    except SidecarError as error:
        return _failed(error)
    except click.exceptions.NoArgsIsHelpError as error:
        echo_lines(error.format_message())
        return UsageError.exit_code
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        echo_lines(said.getvalue(), err=True)
        return UsageError.exit_code
    except click.Abort:
        echo("aborted: nothing more was changed", err=True)
        return _ABORTED
    except OSError as error:
        kind = PermissionDenied if isinstance(error, PermissionError) else SidecarError
        # Without a name it is the folder that a relative path is looked for from.
        place = error.filename or "the working directory, or a device"
        return _failed(kind(f"{place}: {error.strerror or type(error).__name__}"))
    except Exception as error:  # noqa: BLE001 - a traceback helps nobody who did not write this
        return _failed(
            SidecarError(
                f"a defect: {described(error)}",
                f"please report it, with these places: {', '.join(frames(error)[-_PLACES:])}",
            )
        )
    return result if isinstance(result, int) else 0


def _failed(error: SidecarError) -> int:
    from sidecar.cli.outlet import echo_lines

    echo_lines(f"erp-sidecar: {error.message}", err=True)
    if error.remedy:
        echo_lines(f"  remedy: {error.remedy}", err=True)
    return error.exit_code


def _is_text(argument: str) -> bool:
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
