"""The subcommands of ``edfi-cte``: one module each, imported when it is asked for.

A module has ``add_arguments(parser)`` and ``run(arguments) -> int``, the exit code. Its docstring
is the help text: the first line in the overview, all of it in ``edfi-cte NAME --help``.
"""
