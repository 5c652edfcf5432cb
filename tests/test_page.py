"""The page to publish, in a real browser: what a person sees, and what the page asks of the network."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from pytest_edfi_cte.reporting.page import MOST_DETAILED, page
from tests.reporting import check, exchange, finding, made, mixed_pack, run_info, wrong
from tests.test_browser import ARGUMENTS, CHROMIUM
from tests.test_report import HOSTILE

A4 = 718  # CSS pixels between margins of 14 mm
#: Everything that axe knows of WCAG up to 2.2 AA, and its best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """The page of a real run: two passes, a failure, a not testable and a waiver."""
    folder = tmp_path_factory.mktemp("mixed")
    mixed_pack(folder)
    return folder / "pack" / "conformance.html"


@pytest.fixture
def show(browser, tmp_path):
    """``show(page_or_document, **context)`` opens it; ``.asked`` and ``.said`` list what it did."""
    contexts = []

    def open_page(source, fragment: str = "", **options):
        if not isinstance(source, Path):
            path = tmp_path / "conformance.html"
            path.write_text(page(source), encoding="utf-8")
            source = path
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**options)
        contexts.append(context)
        opened = context.new_page()
        opened.asked, opened.said = [], []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("console", lambda message: opened.said.append(message.text))
        opened.on("dialog", lambda dialog: opened.said.append(dialog.message))
        opened.goto(source.as_uri() + fragment)
        return opened

    yield open_page
    for context in contexts:
        context.close()


def test_the_verdict_comes_first_and_every_check_has_its_own(mixed, show) -> None:
    shown = show(mixed)
    assert shown.title() == "Not conformant: Ed-Fi CTE conformance report"
    assert shown.locator("main > :first-child h1").inner_text() == "✗ Not conformant"
    assert "2 passed, 1 failed, 1 not testable, 1 waived" in shown.locator(".banner").inner_text()
    verdicts = shown.locator("article.check > details > summary .verdict").all_inner_texts()
    assert [v.lower() for v in verdicts] == [
        "✓ passed",
        "✗ failed",
        "✓ passed",
        "? not testable",
        "~ waived",
    ]
    first = shown.locator(".problems > li").first.inner_text()
    assert "primaryIndicator: expected false, received true" in first
    assert "Store what was sent" in first
    second = shown.locator(".problems > li").nth(1).inner_text()
    assert "Next: This key may not write that: ask the host" in second


def test_expected_and_received_stand_side_by_side(mixed, show) -> None:
    shown = show(mixed)
    failed = shown.locator("article.check.v-failed")
    headings = failed.locator("thead th").all_inner_texts()
    assert headings == ["Result", "Property", "Certification", "API", "Expected", "Received"]
    rows = failed.locator("tbody tr")
    assert rows.count() >= 20
    assert rows.nth(0).locator("th").inner_text() == "beginDate"  # the table in its own order
    row = failed.locator("tr.r-wrong")
    assert row.locator("td").nth(0).inner_text() == "✗ not-stored"
    assert [c.split()[0] for c in row.locator("td").all_inner_texts()[1:]] == [
        "REQUIRED",
        "optional",
        "false",
        "true",
    ]
    # More than colour: a mark, a word, a border and a line under what differs.
    style = row.locator("mark").first.evaluate(
        "e => [getComputedStyle(e).textDecorationLine, getComputedStyle(e).borderTopStyle]"
    )
    assert style == ["underline", "solid"]


def test_what_was_not_tested_and_how_the_table_was_read(mixed, show) -> None:
    shown = show(mixed)
    text = shown.locator("main").inner_text()
    for words in (
        "Certification step 6: The initial synchronisation of many records",
        "Dates of the current school year",
        "in 2027 that is 2026-08-23",
        "The edition without endDate",
        "The vendor fixes it in the May release",
        "J. Doe, State Education Agency",
        "--edfi-seed=5",
        "EDFI_CLIENT_SECRET",
    ):
        assert words in text
    assert shown.locator(".timeline").count() >= 3
    opened = shown.locator("article.check.v-failed .timeline details", has_text="PUT").first
    assert opened.locator("pre").first.is_hidden()
    opened.locator("summary").click()
    assert '"primaryIndicator": false' in opened.inner_text()
    assert "Authorization: [redacted]" in opened.inner_text()


def test_the_coverage_names_requirements_and_their_checks(show) -> None:
    from pytest_edfi_cte.contract import shipped
    from pytest_edfi_cte.requirements import requirements

    first = next(r for r in requirements(shipped()) if r.checks)
    tested = check(first.checks[0], kind="contract", level="must", number=0, title=first.text)
    shown = show(made(check(), tested))
    shown.locator("summary", has_text="Requirements (").click()
    row = shown.locator("tr", has=shown.locator("th", has_text=first.id)).first
    assert first.text in row.inner_text()
    assert "PASSED" in row.inner_text()
    assert "not covered: " in shown.locator("main").inner_text()
    assert "not tested: " in shown.locator("main").inner_text()


def test_every_finding_can_be_linked_to(mixed, show) -> None:
    shown = show(mixed)
    places = shown.locator("tbody tr[id]").evaluate_all("rows => rows.map(row => row.id)")
    links = shown.locator("tbody th a").evaluate_all(
        "links => links.map(l => l.getAttribute('href').slice(1))"
    )
    assert places == links
    assert len(places) == len(set(places)) > 40
    # A finding of a check that is closed: its link opens it.
    name = next(p for p in places if "1-create--beginDate" in p)
    linked = show(mixed, f"#{name}")
    assert linked.locator(f"[id='{name}']").is_visible()
    every = linked.locator("a[href^='#']").evaluate_all(
        "links => links.filter(l => !document.getElementById(l.getAttribute('href').slice(1))).map(l => l.href)"
    )
    assert every == []


def test_links_are_the_same_in_the_next_run(show) -> None:
    one = page(made(check(), check("s-2-update", "failed", number=2)))
    other = page(made(check(verdict="failed"), check("s-2-update", number=2)))
    for place in ('id="s-2-update--beginDate"', 'id="s-1-create--beginDate"'):
        assert place in one
        assert place in other


def test_the_page_asks_nothing_of_the_network(mixed, show) -> None:
    shown = show(mixed)
    shown.wait_for_load_state("networkidle")
    assert shown.asked == [mixed.as_uri()]
    assert shown.said == []
    policy = shown.locator("meta[http-equiv]").get_attribute("content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    # And it could not if it wanted to.
    asked = "fetch('https://example.org').then(() => 'answered', () => 'refused')"
    assert shown.evaluate(asked) == "refused"


def test_filters(mixed, show) -> None:
    shown = show(mixed)
    form = shown.locator("#filter")
    assert form.is_visible()
    visible = "checks => checks.filter(c => c.offsetParent !== null).length"
    articles = shown.locator("article.check")
    assert articles.evaluate_all(visible) == 5
    form.get_by_label("passed").uncheck()
    assert articles.evaluate_all(visible) == 3
    form.get_by_label("Text").fill("primary indicator")
    assert articles.evaluate_all(visible) == 1
    assert shown.locator("#shown").inner_text() == "1 of 5 checks shown"
    assert shown.locator("h2#own").is_hidden()


def test_it_can_be_used_by_keyboard(mixed, show) -> None:
    shown = show(mixed)
    shown.keyboard.press("Tab")
    skip = shown.evaluate(
        "[document.activeElement.className, document.activeElement.getBoundingClientRect().left >= 0]"
    )
    assert skip == ["skip", True]
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.activeElement.id") == "main"
    closed = shown.locator("article.check.v-passed > details > summary").first
    closed.focus()
    assert closed.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    shown.keyboard.press("Enter")
    assert shown.locator("article.check.v-passed table").first.is_visible()


def test_without_javascript_everything_can_be_read(mixed, show) -> None:
    shown = show(mixed, java_script_enabled=False)
    assert shown.locator("#filter").is_hidden()
    assert shown.locator("article.check.v-failed tr.r-wrong").is_visible()
    closed = shown.locator("article.check.v-passed").first
    assert closed.locator("table").is_hidden()
    closed.locator("summary").first.click()
    assert closed.locator("table").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing(scheme, width, mixed, show) -> None:
    shown = show(
        mixed, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    shown.locator("#open").click()
    shown.locator(".timeline summary").first.click()
    shown.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
    found = shown.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    said = [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]]
    assert said == []
    assert len(found["passes"]) > 25


def test_axe_would_find_something(show) -> None:
    """The look above is a look: what is wrong on purpose is found."""
    shown = show(made(check()), bypass_csp=True)
    shown.evaluate("document.querySelector('h1').style.color = '#f7dede'")
    shown.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
    found = shown.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert [v["id"] for v in found["violations"]] == ["color-contrast"]


def test_light_and_dark_differ(mixed, show) -> None:
    colours = [
        show(mixed, color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 27)"]


@pytest.mark.parametrize("width", [390, 320, 1280])
def test_nothing_scrolls_sideways(width, mixed, show) -> None:
    shown = show(mixed, viewport={"width": width, "height": 900})
    shown.locator("#open").click()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_printed_on_a4_the_tables_are_readable(mixed, show) -> None:
    shown = show(mixed)
    printed = PdfReader(BytesIO(shown.pdf(format="A4", prefer_css_page_size=True)))
    sizes = {tuple(round(float(x)) for x in p.mediabox[2:]) for p in printed.pages}
    assert sizes == {(595, 842)}
    text = " ".join(" ".join(p.extract_text() for p in printed.pages).split())
    for words in (
        "Not conformant",
        "Expected",
        "[InformationTechnology].cipCode",
        "technicalSkillsAssessmentDescriptor",
        "How the table was read",
    ):
        assert words.replace(" ", "") in text.replace(" ", "")
    # The closed ones are printed, too: both scenarios and the waived check have their tables.
    assert text.count("Expected") >= 3
    assert "Open all" not in text
    shown.set_viewport_size({"width": A4, "height": 1000})
    shown.emulate_media(media="print")
    assert shown.evaluate("document.documentElement.scrollWidth") <= A4
    wide = "tables => tables.filter(t => t.scrollWidth > t.clientWidth + 1).length"
    assert shown.locator("table").evaluate_all(wide) == 0


LONG = "x" * 1_000_000
EVIL = (
    HOSTILE,
    "</script><script>document.title='owned'</script>",
    "{{ 7 * 7 }}",
    "javascript:document.title='owned'",
    "' onmouseover='document.title=1",
)


def hostile():
    """A document whose every text wants to be something else."""
    from pytest_edfi_cte.reporting.model import visible

    evil = visible(" ".join(EVIL))
    rows = [wrong(evil, received=visible(LONG), property="", rule=evil)]
    rows += [wrong(f"cteProgramServices[{n}]", property="", received="{}") for n in range(10_000)]
    bodies = exchange(
        line=evil, request_body=evil, response_body=LONG, request_headers=[[evil, evil]]
    )
    return made(
        check(
            evil,
            "failed",
            title=evil,
            message=f"{evil}\n{LONG}",
            requirement=evil,
            findings=rows,
            notes=[evil],
            steps=[{"line": evil, "output": evil}],
            exchanges=[bodies],
        ),
        check("waived", "waived", waiver=evil),
        runs=[
            run_info(
                facts={"API": evil, "WARNING": evil},
                notes=[evil],
                left_behind=[evil],
                set_up=[evil],
            )
        ],
        waivers=[
            {
                "check": evil,
                "path": evil,
                "reason": evil,
                "who": evil,
                "until": "2027-01-01",
                "state": "expired",
                "checks": [],
            }
        ],
    )


def test_hostile_values_are_only_text(show) -> None:
    content = hostile()
    shown = show(content, viewport={"width": 390, "height": 900})
    shown.locator("#open").click()
    assert shown.title() == "Not conformant: Ed-Fi CTE conformance report"
    assert shown.said == []
    assert len(shown.asked) == 1
    assert shown.locator("img").count() == 0
    assert shown.locator("script").count() == 1
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    text = shown.locator("main").inner_text()
    assert "<script>document.title='owned'</script>" in text
    assert r"\u202eevil\u0000" in text
    assert "{{ 7 * 7 }}" in text
    assert "49" not in shown.locator("h3").first.inner_text()
    # Cut, with the length said; the document itself has all of it.
    assert "(1,000,000 characters)" in text
    assert "9,701 more compared values are in results.json" in text
    assert len(page(content)) < 1_000_000
    assert len(json.dumps(content)) > 3_000_000


def test_5000_scenario_instances_stay_small_and_quick(show, tmp_path) -> None:
    rows = [finding(f"property{n}") for n in range(20)]
    exchanges = [exchange(n, response_body="x" * 1500) for n in range(5)]
    checks = [
        check(
            f"s-{n % 2 + 1}-create",
            "failed" if n % 500 == 0 else "passed",
            number=n % 2 + 1,
            findings=[*rows, wrong("last")] if n % 500 == 0 else rows,
            exchanges=exchanges,
        )
        for n in range(5000)
    ]
    path = tmp_path / "many.html"
    path.write_text(page(made(*checks)), encoding="utf-8")
    assert path.stat().st_size < 20_000_000
    began = time.perf_counter()
    shown = show(path)
    shown.wait_for_selector("html[data-ready]", state="attached")
    shown.locator("#filter").get_by_label("passed").uncheck()
    assert shown.locator("#shown").inner_text() == "10 of 5000 checks shown"
    assert time.perf_counter() - began < 3
    assert shown.locator("article.check").count() == 5000
    assert shown.locator("article.check.v-failed tr.r-wrong").count() == 10
    assert (
        f"shows {5000 - MOST_DETAILED} checks as one line each"
        in shown.locator(".note").first.inner_text()
    )


def test_a_conformant_page_says_so_and_no_more(show) -> None:
    shown = show(made(check()))
    assert shown.locator("h1").inner_text() == "✓ Conformant"
    assert shown.locator("#first").count() == 0
    assert "this report is not a certification" in shown.locator("footer").inner_text()


def test_what_was_seen_of_a_product_is_evidence(show) -> None:
    """Observe mode: the product is judged, and its own step is shown."""
    step = {"line": "./sync.sh create: exit code 0 after 1.2 s", "output": "sent 1 record"}
    run = run_info(mode="observe", options=["--edfi-mode=observe"])
    shown = show(made(check(verdict="failed", steps=[step]), runs=[run]))
    assert "the product was judged (observe)" in shown.locator(".banner").inner_text()
    assert "What was seen of the product" in shown.locator("article").inner_text()
    assert "sent 1 record" in shown.locator("article").inner_text()
    assert "--edfi-mode=observe" in shown.locator("main").inner_text()


def test_several_runs_are_told_apart(show) -> None:
    other = run_info(id="b", api={**run_info()["api"], "url": "https://other/api"})
    shown = show(made(check(), check("s-2-update", run=1, number=2), runs=[run_info(), other]))
    assert shown.locator(".banner .subject").count() == 2
    shown.locator("#open").click()
    metas = shown.locator("article .meta").all_inner_texts()
    assert [("https://other/api" in m) for m in metas] == [False, True]


def test_an_interrupted_run_is_not_good(show) -> None:
    shown = show(made(check(), runs=[run_info(outcome="interrupted")]))
    assert shown.locator("h1").inner_text() == "✗ Interrupted"
    assert "This run was interrupted." in shown.locator(".banner").inner_text()
