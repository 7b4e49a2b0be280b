"""The manual's pages of the commands, from the tree that `--help` is made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import click

from sidecar.settings.roff import Page

_NAME = "erp-sidecar"
_FILES = (
    ("/etc/erp-sidecar/sidecar.yaml", "The configuration; see erp-sidecar.yaml(5)."),
    ("/etc/erp-sidecar/conf.d/*.yaml", "Read after it, in name order; later wins."),
    ("/etc/erp-sidecar/mappings/", "How the ERP is spoken to, by convention."),
)
_ENVIRONMENT = (
    ("ERP_SIDECAR_CONFIG", "The configuration file, where --config does not name one."),
    ("CREDENTIALS_DIRECTORY", "Where systemd keeps the secrets that the configuration names."),
    ("NO_COLOR", "If it is set and not empty, nothing is coloured."),
    ("EDITOR", "What erp-sidecar queue edit opens."),
)
#: As docs/exit-codes.md tells them.
_EXIT = (
    ("0", "Done, and nothing needs a person."),
    ("1", "Something failed that no other code describes."),
    ("2", "The command worked and found something a person must look at."),
    ("64", "Wrong option, argument or combination; nothing was done."),
    ("65", "An order or file that breaks a rule; an order number that nobody knows."),
    ("69", "The database or the ERP cannot be reached."),
    ("75", "A passing state; try again soon."),
    ("77", "A login is refused, a right or a file mode is wrong."),
    ("78", "The configuration, the mapping or the installation does not fit what was found."),
    ("130", "A question was answered with no, or Ctrl-C."),
)


def pages(cli: click.Group) -> dict[str, str]:
    """File name → page: the program's own, and one for each command."""
    found = {f"{_NAME}.1": _program(cli)}
    for name, command in sorted(commands_of(cli).items()):
        found[f"{_NAME}-{name}.1"] = _command(cli, name, command)
    return found


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """A group's commands by name, also those that it makes when asked."""
    context = click.Context(group)
    made = {
        name: command
        for name in group.list_commands(context)
        if name not in group.commands and (command := group.get_command(context, name))
    }
    return {**group.commands, **made}


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words; a group may be one itself."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, inner in commands_of(command).items():
        yield from leaves(inner, (*path, name))


def help_of(command: click.Command) -> str:
    """The text of a command's `--help`, still with click's marks."""
    return inspect.cleandoc(command.help or "")


def _program(cli: click.Group) -> str:
    context = _root(cli)
    page = Page(_NAME, 1, _short(cli))
    page.heading("SYNOPSIS")
    page.verbatim([f"{_NAME} [OPTIONS] COMMAND [ARGUMENTS]..."])
    page.heading("DESCRIPTION")
    _described(page, cli)
    page.heading("COMMANDS")
    for name, command in sorted(commands_of(cli).items()):
        page.item(f"{_NAME}-{name}(1)", _short(command))
    page.heading("OPTIONS")
    _options(page, cli.get_params(context), context)
    for heading, items in (
        ("ENVIRONMENT", _ENVIRONMENT),
        ("FILES", _FILES),
        ("EXIT STATUS", _EXIT),
    ):
        page.heading(heading)
        for term, text in items:
            page.item(term, text)
    _see_also(page, ["erp-sidecar.yaml(5)"])
    return page.text()


def _command(cli: click.Group, name: str, command: click.Command) -> str:
    page = Page(f"{_NAME}-{name}", 1, _short(command))
    root = _root(cli)
    page.heading("SYNOPSIS")
    found = [(path, leaf, _context(root, (name, *path), leaf)) for path, leaf in leaves(command)]
    page.verbatim([_usage(leaf, context) for _, leaf, context in found])
    page.heading("DESCRIPTION")
    _described(page, command)
    if isinstance(command, click.Group):
        page.heading("COMMANDS")
        for path, leaf, context in found:
            page.subheading(" ".join((_NAME, name, *path)))
            if leaf is not command:
                _described(page, leaf)
            _options(page, leaf.params, context)
    else:
        page.heading("OPTIONS")
        _options(page, command.params, found[0][2])
    _see_also(page, [f"{_NAME}(1)", "erp-sidecar.yaml(5)"])
    return page.text()


def _root(cli: click.Group) -> click.Context:
    return click.Context(cli, info_name=_NAME, **cli.context_settings)


def _context(root: click.Context, path: Sequence[str], command: click.Command) -> click.Context:
    return click.Context(command, parent=root, info_name=" ".join(path))


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join((context.command_path, *command.collect_usage_pieces(context)))


def _short(command: click.Command) -> str:
    return command.get_short_help_str(limit=300).rstrip(".")


def _described(page: Page, command: click.Command) -> None:
    """The text of `--help`; blocks that click does not fill begin with a backspace."""
    for block in help_of(command).split("\n\n"):
        if not block.startswith("\b\n"):
            page.paragraph(block)
            continue
        title, *lines = block.removeprefix("\b\n").splitlines()
        page.paragraph(title)
        page.verbatim(line.removeprefix("  ") for line in lines)


def _options(page: Page, parameters: Sequence[click.Parameter], context: click.Context) -> None:
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            page.item(*record)


def _see_also(page: Page, names: Sequence[str]) -> None:
    page.heading("SEE ALSO")
    page.paragraph(", ".join(names))
