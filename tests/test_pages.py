"""Every command and snippet of every page does what the page says."""

from __future__ import annotations

import re

import pytest

from tests.pages import BLOCKS, PAGES, STARTS, TYPED, Reader, found, owners

ALL = [block for blocks in BLOCKS.values() for block in blocks]
OWNED = owners(BLOCKS)
#: Followed in test_docs.py, which also asks what they lead to.
ELSEWHERE = ("docs/tutorial.md", "docs/how-to/add-a-scenario.md")
TO_FOLLOW = [page for page in BLOCKS if page in OWNED.values() and page not in ELSEWHERE]
#: Written by hand: what the reader writes is used without being named.
BY_ITSELF = ("conftest.py", "pytest.ini")


@pytest.mark.parametrize("page", TO_FOLLOW)
def test_a_reader_can_follow(page, pytester, monkeypatch, sandbox) -> None:
    Reader(pytester, monkeypatch, sandbox).follow(page)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    for block in ALL:
        if block.language not in ("sh", "python", "ini", "text", "mermaid"):
            assert block.language in ("yaml", "csv", "json"), block.place
            assert block.title or "into" in block.notes, f"{block.place}: no command uses it"
    for page, text in PAGES.items():
        assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(BLOCKS[page]), page


def test_what_is_typed_is_not_hidden_in_a_text() -> None:
    for block in ALL:
        if block.language == "text" and not block.title:
            assert not TYPED.search(block.text), block.place


def test_what_a_reader_writes_is_used() -> None:
    for blocks in BLOCKS.values():
        typed = " ".join(command for b in blocks if b.language == "sh" for command in b.commands)
        for block in blocks:
            name = block.title.split("/")[0]
            assert not name or name in BY_ITSELF or name in typed, block.place


def test_every_command_begins_as_one_that_is_run() -> None:
    for block in ALL:
        if block.language == "sh":
            for command in block.commands:
                assert command.startswith(tuple(STARTS)), block.place


TOY = """\
```text title="staging.env"
EDFI_URL=https://host/v7.3/api
EDFI_CLIENT_ID=my-client-id
EDFI_CLIENT_SECRET=…
```

<!-- run: {notes} -->
```sh
pytest --pyargs pytest_edfi_cte --edfi-env-file=staging.env -k update
```
"""


@pytest.mark.parametrize("notes", ["exit=1", "defect=update-not-stored"])
def test_a_command_that_ends_otherwise_is_told(notes, pytester, monkeypatch, sandbox) -> None:
    toy = {"toy.md": found("toy.md", TOY.format(notes=notes))}
    with pytest.raises(AssertionError, match=r"toy\.md:8: pytest --pyargs"):
        Reader(pytester, monkeypatch, sandbox).follow("toy.md", toy)


def test_a_test_that_a_page_shows_and_that_fails_is_told(pytester, monkeypatch, sandbox) -> None:
    toy = {"toy.md": found("toy.md", "```python\ndef test_it():\n    assert False\n```\n")}
    with pytest.raises(AssertionError, match="'failed': 1"):
        Reader(pytester, monkeypatch, sandbox).follow("toy.md", toy)


def test_a_command_on_two_pages_is_run_once() -> None:
    block = "```sh\nedfi-cte mutate --list\n```\n"
    pages = {name: found(name, block) for name in ("a.md", "b.md")}
    assert owners(pages) == {"edfi-cte mutate --list": "a.md"}
