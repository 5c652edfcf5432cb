"""The ``edfi-cte`` command as a whole; each subcommand has tests of its own."""

from __future__ import annotations

from importlib import import_module

import pytest

from pytest_edfi_cte import __version__, cli


def test_version_and_help(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"edfi-cte {__version__}\n"
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


def test_every_command_is_a_documented_module() -> None:
    for name in cli.COMMANDS:
        module = import_module(f"pytest_edfi_cte.commands.{name}")
        assert module.__doc__
        assert callable(module.add_arguments)
        assert callable(module.run)


def test_no_command_and_an_unknown_one_are_mistakes(capsys) -> None:
    for arguments in ([], ["nonsense"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == cli.ExitCode.CONFIGURATION
        assert "usage: edfi-cte" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["doctor", "--bogus"], "unrecognized arguments: --bogus"),
        (["doctor", "--mode", "observe"], "unrecognized arguments: --mode observe"),
        (["sandbox", "--port", "many"], "argument --port: invalid"),
    ],
)
def test_a_mistake_in_the_arguments_is_exit_code_4_with_the_commands_usage(
    arguments, wrong, capsys
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == cli.ExitCode.CONFIGURATION
    said = capsys.readouterr().err
    assert said.startswith(f"usage: edfi-cte {arguments[0]} ")
    assert f"edfi-cte {arguments[0]}: error: {wrong}" in said
