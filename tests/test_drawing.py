"""Templates of the reports are compiled once, and drawn all the same where nothing can be kept."""

from __future__ import annotations

import tempfile

import pytest
from jinja2 import Environment, UndefinedError

from pytest_edfi_cte.reporting import drawing

NAMES = ["conformance.html", "pytest_html.html"]


@pytest.fixture(autouse=True)
def anew(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    drawing.template.cache_clear()
    yield
    drawing.template.cache_clear()


def draw(name: str) -> str:
    made = drawing.template(name)
    result = {
        "number": 1,
        "title": "<b>T</b>",
        "verdict": "passed",
        "requirement": "R",
        "level": "",
    }
    values = {"result": result, "row": None, "mode": "drive"}
    return "".join(made.blocks["cells"](made.new_context(values)))


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_compiled_once_on_a_machine(name, tmp_path, monkeypatch) -> None:
    drawing.template(name)
    kept = list(tmp_path.glob("_jinja2-cache-*/pytest-edfi-cte-*.cache"))
    assert len(kept) == 1
    drawing.template.cache_clear()

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Environment, "compile", refuse)
    assert drawing.template(name) is drawing.template(name)


def test_what_is_kept_escapes_and_misses_no_name() -> None:
    for _ in range(2):
        drawing.template.cache_clear()
        assert "&lt;b&gt;T&lt;/b&gt;" in draw("pytest_html.html")
        made = drawing.template("pytest_html.html")
        with pytest.raises(UndefinedError, match="'result' is undefined"):
            "".join(made.blocks["cells"](made.new_context({})))


def test_a_machine_without_a_safe_place_draws(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    assert drawing._kept() is None
    assert "&lt;b&gt;" in draw("pytest_html.html")


def test_a_full_disk_draws(monkeypatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    assert "&lt;b&gt;" in draw("pytest_html.html")
