"""Write the parts of ``docs/`` that are made from the code: options, fixtures, verdicts.

    python -m tools.make_docs

A page says with two comments where such a part stands; what is between them is replaced. A test
fails while a page is not as this writes it (``tests/test_docs.py``).
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

import pytest_edfi_cte
from pytest_edfi_cte import cli, hookspecs, plugin
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.reporting.pack import SUMS, VIEWS
from pytest_edfi_cte.reporting.words import MARKS, OVERALL
from pytest_edfi_cte.requirements import Requirement, requirements
from pytest_edfi_cte.verdicts import MEANINGS
from tests.test_quality import LAYERS, imports, modules

ROOT = Path(__file__).parents[1]
PART = re.compile(r"<!-- made: (?P<name>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)

#: Box of the diagram -> (what it is, modules and folders in it). Everything else is on the ground.
BOXES: dict[str, tuple[str, str]] = {
    "contract": (
        "contract: tables, schemas, requirements",
        (
            "contract openapi_document openapi_import extension state_contract requirements "
            "properties table_files making resolving scenarios tables catalogue"
        ),
    ),
    "client": ("client: discovery, tokens, exchanges", "client"),
    "records": (
        "records: prerequisites, factories",
        "records prerequisites factories preparing answers",
    ),
    "judge": (
        "judge: comparison, findings, verdicts",
        (
            "compare judge payloads differences expectations meanings verdicts judgements evidence "
            "observed state product"
        ),
    ),
    "run": (
        "run: drive, observe",
        "run sharing cleaning facts watch following drive steps observe asserting",
    ),
    "doctor": ("doctor", "doctor"),
    "pack": ("contract pack", "contract_checks"),
    "rehearsal": ("rehearsal", "rehearsal"),
    "reporting": ("reporting: one document, many views", "reporting"),
    "plugin": (
        "plugin: hooks, fixtures, collecting for the report",
        (
            "plugin hooks fixtures scenario_fixtures sandbox_fixtures rehearsal_fixtures "
            "report_hooks running_hooks collection python_scenarios reporting.collect "
            "reporting.tracebacks reporting.pytest_html reporting.contract"
        ),
    ),
    "suite": ("suite: the shipped tests", "suite"),
    "mutation": ("mutation", "mutation"),
    "authoring": ("authoring: drafts and checks of tables", "authoring"),
    "commands": ("edfi-cte: commands", "cli commands"),
    "seam": ("sandboxes: the seam", "sandboxes"),
    "sandbox": ("sandbox: the stand-in API", "sandbox"),
}


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are texts of ours, on one line each."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    # A backslash inside code is shown; outside of it, these two would begin something else.
    return text.replace("|", "\\|").replace("<", "&lt;")


def code(text: object) -> str:
    """``text`` as code."""
    return f"`{text}`"


def rst(text: str) -> str:
    """A docstring as Markdown: double backticks and roles become code."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


def options() -> str:
    """The table of options is the plugin's own."""
    rows = [
        (
            code(f"{o.flag} {o.metavar}" if o.metavar else o.flag),
            f"{code(o.variable)}, {code(o.ini)}",
            o.help,
            "" if o.default in (None, False) else code(o.default),
        )
        for o in OPTIONS
    ]
    return table(("option", "variable, ini key", "meaning", "default"), rows)


def commands() -> str:
    """Every subcommand with the words and options that `--help` gives."""
    parts = []
    for name in cli.COMMANDS:
        module = import_module(f"pytest_edfi_cte.commands.{name}")
        parser = argparse.ArgumentParser(prog=f"edfi-cte {name}", add_help=False)
        module.add_arguments(parser)
        words = inspect.cleandoc(module.__doc__ or "")
        parts += [f"## edfi-cte {name}", _fenced(rst(words))]
        parts += _arguments(parser, f"edfi-cte {name}")
    return "\n\n".join(parts)


def _arguments(parser: argparse.ArgumentParser, name: str) -> list[str]:
    """The table of a parser's arguments, or those of each of its subcommands."""
    actions = [a for a in parser._actions if "-h" not in a.option_strings]  # noqa: SLF001 - no public list
    (*_, last) = actions
    if not isinstance(last, argparse._SubParsersAction):  # noqa: SLF001 - as above
        plugins = [a for a in actions if a.dest in {option.ini for option in OPTIONS}]
        names = ", ".join(code(action.option_strings[0]) for action in plugins)
        said = [f"Of the plugin's [options](options.md), with or without `edfi-`: {names}."]
        others = [_argument(action) for action in actions if action not in plugins]
        return [*(said if plugins else []), table(("argument", "meaning"), others)]
    parts = []
    for choice in last._choices_actions:  # noqa: SLF001 - as above
        parts += [f"### {name} {choice.dest}", f"*{choice.help}*"]
        parts += _arguments(last.choices[choice.dest], f"{name} {choice.dest}")
    return parts


def _fenced(words: str) -> str:
    """Indented lines are commands."""
    return re.sub(r"(?m)(?:^ {2}edfi-cte.*\n?)+", _fence, words)


def _fence(found: re.Match[str]) -> str:
    return f"```sh\n{inspect.cleandoc(found[0])}\n```\n"


def _argument(action: argparse.Action) -> tuple[str, str]:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.nargs != 0:
        values = action.metavar or action.dest.upper()
        name += f" {values if isinstance(values, str) else ' '.join(values)}"
    words = (action.help or "") % {"default": action.default, "prog": "edfi-cte"}
    choices = f"one of {', '.join(map(str, action.choices))}" if action.choices else ""
    return code(name), "; ".join(filter(None, (words, choices)))


def fixtures() -> str:
    """Name, scope and documentation of every ``edfi_…`` fixture."""
    rows = []
    for module in ("fixtures", "scenario_fixtures", "sandbox_fixtures", "rehearsal_fixtures"):
        tree = ast.parse((ROOT / f"pytest_edfi_cte/{module}.py").read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("edfi_"):
                words = inspect.cleandoc(ast.get_docstring(node) or "")
                rows.append((code(node.name), _scope(node), rst(words)))
    return table(("fixture", "scope", "what it gives"), sorted(rows))


def _scope(node: ast.FunctionDef) -> str:
    found = re.search(r"scope='(\w+)'", " ".join(map(ast.unparse, node.decorator_list)))
    return found[1] if found else "function"


def markers() -> str:
    """The plugin's markers."""
    pairs = [marker.split(": ", 1) for marker in plugin.MARKERS]
    return table(("marker", "meaning"), [(code(name), words) for name, words in pairs])


def hooks() -> str:
    """What a ``conftest.py`` may implement."""
    parts = []
    for name, hook in vars(hookspecs).items():
        if name.startswith("pytest_edfi_"):
            arguments = ", ".join(inspect.signature(hook).parameters)
            parts += [f"### {name}({arguments})", rst(inspect.cleandoc(hook.__doc__ or ""))]
    return "\n\n".join(parts)


def helpers() -> str:
    """The assertions for tests of one's own."""
    parts = []
    for name in pytest_edfi_cte.__all__:
        helper = getattr(pytest_edfi_cte, name)
        if inspect.isfunction(helper):
            words = rst(inspect.cleandoc(helper.__doc__ or ""))
            arguments = ", ".join(str(p).partition(":")[0] for p in _given(helper))
            parts += [f"### {name}({arguments})", words]
    return "\n\n".join(parts)


def _given(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function).parameters.values()


def verdicts() -> str:
    """A verdict of a check, and of a report."""
    checks = table(("verdict", "mark", "meaning"), [(v, m, w) for v, (m, w) in MARKS.items()])
    return f"{checks}\n\n{table(('verdict of a report', 'meaning'), OVERALL.items())}"


def findings() -> str:
    """Every kind of finding."""
    rows = [(code(kind), words, step) for kind, (words, step) in MEANINGS.items()]
    return table(("kind", "meaning", "next step"), rows)


def exit_codes() -> str:
    """The numbers that pytest and ``edfi-cte`` share."""
    return table(("code", "name"), [(e.value, e.name.lower()) for e in cli.ExitCode])


def pack() -> str:
    """The files of an evidence pack."""
    return ", ".join(code(name) for name in (*VIEWS, SUMS))


def coverage() -> str:
    """Each requirement with its checks, or with the reason why there are none."""
    found = requirements(Contract())
    levels = Counter(r.level for r in found)
    counts = ", ".join(f"{levels[level]} {level}" for level in ("must", "should", "could"))
    excluded = sum(bool(r.excluded) for r in found)
    checks = {check for r in found for check in r.checks}
    head = (
        f"{len(found)} requirements ({counts}): {len(found) - excluded} covered by "
        f"{len(checks)} checks, {excluded} excluded in writing."
    )
    rows = [(code(r.id), r.level, r.text, r.source, _covered(r)) for r in found]
    return f"{head}\n\n{table(('requirement', 'level', 'text', 'source', 'checks'), rows)}"


def _covered(requirement: Requirement) -> str:
    return ", ".join(map(code, requirement.checks)) or f"*excluded:* {requirement.excluded}"


def wire_checks() -> str:
    """What is judged of a product's traffic."""
    rows = [
        (code(c["id"]), c["step"], c["level"], c["title"], c["next"])
        for c in Contract().rehearsal()["checks"]
    ]
    return table(("check", "certification step", "level", "what must hold", "next step"), rows)


def schemas() -> str:
    """The formats of files that people write or read."""
    folder = ROOT / "fixtures/schemas"
    rows = []
    for path in sorted(folder.glob("*.json")):
        said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows.append((code(f"fixtures/schemas/{path.name}"), said.get("title", "")))
    for standard in sorted(p for p in folder.iterdir() if p.is_dir()):
        number = len(list(standard.glob("*.json")))
        rows.append((code(f"fixtures/schemas/{standard.name}/"), f"{number} schemas"))
    return table(("file", "what it describes"), rows)


def box_of(module: str) -> str:
    """The box of the diagram that a module is in; "ground" where no box names it."""
    names = {name: box for box, (_, listed) in BOXES.items() for name in listed.split()}
    return names.get(module) or names.get(module.split(".", maxsplit=1)[0]) or "ground"


@cache
def arrows() -> set[tuple[str, str]]:
    """Which box imports from which, without the ground that everything stands on."""
    found = {
        (box_of(name), box_of(other)) for name, path in modules().items() for other in imports(path)
    }
    return {(a, b) for a, b in found if a != b and "ground" not in (a, b)}


def direct(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the arrows that say only what a longer way says already; CycleError for a circle."""
    nexts: dict[str, set[str]] = {}
    for a, b in pairs:
        nexts.setdefault(a, set()).add(b)
    below: dict[str, set[str]] = {}
    for box in TopologicalSorter(nexts).static_order():  # what is imported comes first
        below[box] = set().union(*({b} | below[b] for b in nexts.get(box, ())))
    return {(a, b) for a, b in pairs if not any(b in below[other] for other in nexts[a])}


def diagram() -> str:
    """The boxes and who imports from whom, read from the code."""
    boxes = [f'  {box}["{words}"]' for box, (words, _) in BOXES.items()]
    lines = [f"  {a} --> {b}" for a, b in sorted(direct(arrows()))]
    return "\n".join(["```mermaid", "flowchart TD", *boxes, *lines, "```"])


def layers() -> str:
    """Every module, from what knows nothing of the others to what sees them all."""
    paths = modules()
    rows = []
    for number, line in enumerate(LAYERS, start=1):
        for name in line.split():
            words = ast.get_docstring(ast.parse(paths[name].read_text(encoding="utf-8"))) or ""
            rows.append((number, code(name), rst(words.partition("\n")[0])))
    return table(("layer", "module", "what it is"), rows)


#: Name of a part -> what makes it.
PARTS: dict[str, Callable[[], str]] = {
    "options": options,
    "commands": commands,
    "fixtures": fixtures,
    "markers": markers,
    "hooks": hooks,
    "helpers": helpers,
    "verdicts": verdicts,
    "findings": findings,
    "exit-codes": exit_codes,
    "pack": pack,
    "coverage": coverage,
    "wire-checks": wire_checks,
    "schemas": schemas,
    "diagram": diagram,
    "layers": layers,
}


def renewed(page: str) -> str:
    """The page with each part as the code makes it now; KeyError for an unknown name."""
    return PART.sub(
        lambda found: f"<!-- made: {found['name']} -->\n{PARTS[found['name']]()}\n<!-- end -->",
        page,
    )


def main() -> None:
    """Write every page anew."""
    for path in sorted((ROOT / "docs").rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
