"""Pages as a reader follows them: what a page has them write and type, done in one folder.

Every fenced block of every page is one of these, and there is no other kind:

- ``sh``: commands, one a line, which end with 0;
- ``python``: a test file, or a ``conftest.py`` where its first line says so;
- ``ini``: a pytest.ini; ``text``: what is shown, never what is typed;
- any of them, and ``yaml`` and ``csv``, with ``title="NAME"``: a file of that name, in the folder.

A comment before a block says what is otherwise: ``<!-- run: exit=1 -->``; ``defect=NAME`` for an API
that is wrong in this way meanwhile; ``into=FILE`` for sections of YAML that take the place of those in
a file that a command has written; ``more=--an-option`` for what spares the test an hour. A command that stands on
several pages is run where it stands first, so pages may repeat each other at no cost.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import cli
from tests.broken_products import Link, post, prepare, put
from tests.conftest import state
from tests.sandbox.commands import Command

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
FENCE = re.compile(
    r"(?:^<!-- run: (?P<notes>.*?) -->\n+)?"
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
PYTEST_9 = pytest.version_tuple >= (9,)
TYPED = re.compile(
    r"^\s*\$?\s*(pytest|edfi-cte|pip|python3?|nox|podman|mkdir|cp|\.venv/bin/\S+) ", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    title: str
    text: str
    notes: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def found(page: str, text: str) -> list[Block]:
    """The fenced blocks of a text."""
    return [
        Block(
            page,
            text.count("\n", 0, match.start("language")) + 1,
            match["language"],
            match["title"] or "",
            match["text"],
            dict(pair.split("=", 1) for pair in (match["notes"] or "").split()),
        )
        for match in FENCE.finditer(text)
    ]


def _pages() -> dict[str, str]:
    """Every page for people, in the order in which their commands are run."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    first = [ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
    others = ("README.md", "CONTRIBUTING.md", "examples/README.md", "examples/ci/README.md")
    paths = dict.fromkeys([*first, *(ROOT / name for name in others), *docs])
    paths[ROOT / "fixtures/README.md"] = None
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


PAGES = _pages()
BLOCKS = {page: found(page, text) for page, text in PAGES.items()}


def owners(blocks: dict[str, list[Block]]) -> dict[str, str]:
    """Each command, and each snippet that is no file of a page -> the page that runs it."""
    owned: dict[str, str] = {}
    for page, its in blocks.items():
        for block in its:
            parts = block.commands if block.language == "sh" else [block.text]
            for part in parts:
                owned.setdefault(part, page)
    return owned


class Product:
    """The product of somebody who does at once what observe mode says."""

    def __init__(self, sandbox: Any) -> None:
        self._key = (sandbox.url, sandbox.client_id, sandbox.client_secret)

    def pytest_edfi_act(self, step: str, values: dict[str, Any]) -> str:
        link = Link(*self._key)
        {"create": post, "update": put}[step](link, values)
        link.close()
        return "sent"


@dataclass
class Reader:
    """Somebody with an empty folder, a page, and the API that the page calls https://host."""

    pytester: pytest.Pytester
    monkeypatch: pytest.MonkeyPatch
    sandbox: Any
    #: What was run: (command, its result), in this order.
    done: list[tuple[str, pytest.RunResult]] = field(default_factory=list)
    #: Whether a product has left records in the API.
    sent: bool = False

    def follow(self, page: str, blocks: dict[str, list[Block]] = BLOCKS) -> None:
        self.owned = {part for part, owner in owners(blocks).items() if owner == page}
        self.folder = self.pytester.path
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self.monkeypatch.setenv("PYTHON", sys.executable)
        # Pauses that are short, and longer than what a busy machine adds.
        self.monkeypatch.setenv("CTE_SCREEN_PAUSE", "0.2")
        self._key(blocks[page])
        for block in blocks[page]:
            if block.title:
                file = self.folder / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._filled(block.text), "utf-8")
            elif "into" in block.notes:
                self._put_into(self.folder / block.notes["into"], block.text)
            elif block.language == "sh":
                self._type(block)
        mine = [b for b in blocks[page] if not b.title and b.text in self.owned]
        # The pages say which of them need pytest 9.
        self._snippets([b for b in mine if PYTEST_9 or "subtests" not in b.text])

    def _key(self, blocks: list[Block]) -> None:
        """Address and key are in the page's own env file, or else there and in the environment."""
        if any(block.title == "staging.env" for block in blocks):
            return
        key = {
            "EDFI_URL": self.sandbox.url,
            "EDFI_CLIENT_ID": self.sandbox.client_id,
            "EDFI_CLIENT_SECRET": self.sandbox.client_secret,
        }
        for name, value in key.items():
            self.monkeypatch.setenv(name, value)
        lines = "".join(f"{name}={value}\n" for name, value in key.items())
        (self.folder / "staging.env").write_text(lines, "utf-8")

    def _filled(self, text: str) -> str:
        """What nobody can know before: address and key of the API."""
        text = text.replace("https://host/v7.3/api", self.sandbox.url)
        text = text.replace("my-client-id", self.sandbox.client_id)
        return re.sub("(?<=SECRET=)…", lambda _: self.sandbox.client_secret, text)

    @staticmethod
    def _put_into(file: Path, text: str) -> None:
        """Each section of the text in place of the file's own."""

        def sections(text: str) -> dict[str, str]:
            parts = re.split(r"^(?=\w+:)", text, flags=re.MULTILINE)
            return {part.partition(":")[0]: part for part in parts if part}

        there, new = sections(file.read_text("utf-8")), sections(text)
        assert set(new) <= set(there), f"{file.name} has no {set(new) - set(there)}"
        file.write_text("\n".join((there | new).values()), "utf-8")

    def _type(self, block: Block) -> None:
        defect = block.notes.get("defect")
        more = [word for word in block.notes.get("more", "").split(",") if word]
        with self.sandbox.fault(defect=defect) if defect else nullcontext():
            for command in block.commands:
                if command not in self.owned:
                    continue
                code = self._run(" ".join([command, *more]))
                assert code == int(block.notes.get("exit", 0)), f"{block.place}: {command}"

    def _run(self, command: str) -> int:
        for start, how in STARTS.items():
            if command.startswith(start):
                return how(self, command)
        raise AssertionError(f"nobody knows how to run {command!r}")

    def _pytest(self, command: str) -> int:
        words = [*shlex.split(self._filled(command))[1:], "-p", "no:randomly"]
        plugins: list[object] = []
        observed = "--edfi-mode=observe" in words
        if (observed or self.sent) and "--edfi-phase=update" not in words:
            self.sandbox.clear()  # as before the first day: the product has sent nothing
            for kept in self.folder.glob("cte_screen.sqlite*"):
                kept.unlink()
        if observed and "--edfi-phase=update" not in words:
            prepare(self.sandbox)
        if observed and "--edfi-act" not in command:
            plugins.append(Product(self.sandbox))
        self.sent = observed
        with self.monkeypatch.context() as patch:
            if observed:  # the example's product has a key of its own
                patch.setenv("CTE_SCREEN_CLIENT_ID", self.sandbox.client_id)
                patch.setenv("CTE_SCREEN_CLIENT_SECRET", self.sandbox.client_secret)
            before = state(self.sandbox)
            result = self.pytester.runpytest_inprocess(*words, plugins=plugins)
        assert observed or state(self.sandbox) == before, f"{command} left something"
        self.done.append((command, result))
        return int(result.ret)

    def _edfi_cte(self, command: str) -> int:
        return cli.main(shlex.split(self._filled(command))[1:])

    def _attack(self, command: str) -> int:
        """Its processes begin as this one did, so that it is not one in which pytester has run."""
        words = [sys.executable, "-m", "pytest_edfi_cte.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=self.folder, check=False, capture_output=True, text=True)
        print(done.stdout, done.stderr)
        return done.returncode

    def _sandbox(self, command: str) -> int:
        started = Command(*shlex.split(command.replace("--port 8765", "--port 0"))[2:])
        assert "Ctrl-C stops it." in started.screen
        code, errors = started.end()
        assert errors == ""
        return int(code)

    def _rehearse(self, command: str) -> int:
        if "--act" not in command:  # a person's terminal: Enter, and skip what nothing came for
            stdin = io.StringIO("\ns\n" * 3)
            stdin.isatty = lambda: True
            self.monkeypatch.setattr("sys.stdin", stdin)
        return self._edfi_cte(command)

    def _locust(self, command: str) -> int:
        """tests/test_load.py runs the line of docs/how-to/load-test.md, and asks what came of it."""
        assert (ROOT / shlex.split(command)[2]).exists(), command
        return 0

    def _shell(self, command: str) -> int:
        words = ["bash", "-c", command]
        done = subprocess.run(words, cwd=self.folder, check=False, capture_output=True)
        return done.returncode

    def _gate(self, command: str) -> int:
        """`.ci/run` runs the README's two lines from nothing: these are parts of them."""
        assert any(command in line for line in BLOCKS["README.md"][0].commands), command
        return 0

    def _nox(self, command: str) -> int:
        sessions = re.findall(
            r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE
        )
        assert set(re.findall(r"-s (\w+)", command)) <= set(sessions), command
        return 0

    def _pip(self, command: str) -> int:
        """The network is no part of a test; `.ci/run` installs. But what is named there exists."""
        project = (ROOT / "pyproject.toml").read_text("utf-8")
        for extra in re.findall(r"pytest-edfi-cte\[(\w+)\]", command):
            assert f"\n{extra} = [\n" in project, command
        return 0

    def _container(self, command: str) -> int:
        """No engine for containers is asked for here; tests/test_ci_templates.py reads the file."""
        for file in re.findall(r"-f (\S+)", command):
            assert (ROOT / "examples/ci" / file).exists(), command
        return 0

    def _checkout(self, command: str) -> int:
        """Of contributors: tests and tools, which the suite itself is."""
        for path in re.findall(r"\S+\.py", command):
            assert (ROOT / path).exists(), command
        return 0

    def _snippets(self, blocks: list[Block]) -> None:
        """Tests of a page together, each `conftest.py` and pytest.ini alone; on the sandbox."""
        tests = [b for b in blocks if b.language == "python" and "# conftest.py" not in b.text]
        alone = [b for b in blocks if b.language in ("python", "ini") and b not in tests]
        for number, files in enumerate([tests, *([b] for b in alone)]):
            if not files:
                continue
            folder = self.folder / f"snippets-{number}"
            folder.mkdir()
            for place, block in enumerate(files):
                name = {"ini": "pytest.ini"}.get(block.language, f"test_snippet_{place}.py")
                name = "conftest.py" if "# conftest.py" in block.text else name
                (folder / name).write_text(block.text, "utf-8")
                if "./sync.sh" in block.text:
                    shutil.copytree(
                        ROOT / "examples/vendor_suite", folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.py[co]", "test_*", "conftest.py"),
                    )  # fmt: skip
            self.monkeypatch.chdir(folder)
            words = ["--edfi-url=sandbox", "--strict-config", "-p", "no:randomly", "--rootdir=."]
            count = sum(len(re.findall(r"^def test_", b.text, re.MULTILINE)) for b in files)
            self.pytester.runpytest_inprocess(*words).assert_outcomes(passed=2 + count)


#: How a command begins -> how it is run. The first that fits.
STARTS: dict[str, Callable[[Reader, str], int]] = {
    "pytest": Reader._pytest,
    "edfi-cte sandbox": Reader._sandbox,
    "edfi-cte rehearse": Reader._rehearse,
    "edfi-cte mutate": Reader._attack,
    "edfi-cte scenarios check": Reader._attack,
    "edfi-cte": Reader._edfi_cte,
    "python3 -m venv": Reader._gate,
    "pip install": Reader._pip,
    ". .venv/bin/activate": lambda _reader, _command: 0,
    ".venv/bin/nox": Reader._nox,
    ".venv/bin/pytest": Reader._checkout,
    "(cd pack && sha256sum": Reader._shell,
    "locust": Reader._locust,
    "mkdir": Reader._shell,
    "podman": Reader._container,
    "cp": Reader._shell,
}
