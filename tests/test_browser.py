"""The HTML report in a real browser: what a person sees."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.broken_apis import answered, ignored, problem, put, shown
from tests.test_report import HOSTILE, HTML

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture
def page(pytester):
    """Opens the report; ``page.asked`` lists what the page wanted from elsewhere."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))

        def show(width: int = 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto((pytester.path / "report.html").as_uri())
            page.wait_for_selector(".edfi-summary")
            return page

        yield show
        browser.close()


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_the_report_shows_verdicts_facts_findings_and_exchanges(
    workers, new_sandbox, kit, page
) -> None:
    sandbox = new_sandbox(answered("PUT", ignored)())
    kit.subprocess(sandbox, "--pyargs", "pytest_edfi_cte", *HTML, *workers)
    shown_page = page()
    verdicts = shown_page.locator(".edfi-verdicts li").all_inner_texts()
    assert len(verdicts) == 2
    assert "PASSED: Scenario 1 Create a Student CTE Program Association" in verdicts[0]
    assert "FAILED: Scenario 2 Modify the program service's primary indicator" in verdicts[1]
    assert "the update was accepted but not stored" in verdicts[1]
    facts = shown_page.locator(".edfi-summary dl").inner_text()
    for words in (
        sandbox.url,
        "7.3",
        "5.2.0",
        "2027 (2026-2027",
        "SIS v5, table without endDate",
        "Seed",
    ):
        assert words in facts
    header = shown_page.locator("#results-table thead th").all_inner_texts()
    assert header[2:6] == ["Scenario", "Requirement", "Expected", "Received"]
    failed = shown_page.locator("tr.collapsible", has_text="Failed").locator("td").all_inner_texts()
    assert failed[4:6] == ["false", "true"]
    findings = shown_page.locator(".edfi-findings").first
    wrong = findings.locator("tr.edfi-wrong")
    assert wrong.count() == 1
    assert "✗ not-stored" in wrong.inner_text()
    assert findings.locator("tr.edfi-ok").count() >= 16
    exchange = shown_page.locator("details.edfi-exchange", has_text="PUT ").first
    assert exchange.locator("pre").first.is_hidden()
    exchange.locator("summary").click()
    text = exchange.inner_text()
    assert '"primaryIndicator": false' in text
    assert "Authorization: [redacted]" in text
    assert all(url.startswith("file:") for url in shown_page.asked)


def test_details_of_passed_scenarios_open_with_a_click(sandbox, kit, page) -> None:
    kit.scenarios(sandbox, *HTML)
    shown_page = page()
    row = shown_page.locator("tr.collapsible td.col-result").first
    assert (
        not shown_page.locator(".edfi-findings").count()
        or shown_page.locator(".edfi-findings").first.is_hidden()
    )
    row.click()
    shown_page.wait_for_selector(".edfi-findings")
    assert shown_page.locator("tr.edfi-wrong").count() == 0


def test_hostile_values_do_nothing(new_sandbox, kit, page) -> None:
    sandbox = new_sandbox(shown(put("technicalSkillsAssessmentDescriptor", HOSTILE))())
    kit.scenarios(sandbox, "-k", "create", *HTML)
    shown_page = page()
    shown_page.wait_for_selector(".edfi-findings")
    assert shown_page.title() == "Ed-Fi CTE conformance report"
    assert "<script>document.title" in shown_page.locator(".edfi-details").first.inner_text()
    assert shown_page.locator("img[src=x]").count() == 0


def test_a_set_up_that_failed_is_readable(new_sandbox, kit, page) -> None:
    def refuse(request, proceed):
        no = request.method == "POST" and request.path.endswith("/studentSchoolAssociations")
        return problem(403, "No enrolling here.") if no else proceed(request)

    kit.scenarios(new_sandbox(refuse), *HTML)
    shown_page = page()
    for verdict in shown_page.locator(".edfi-verdicts li").all_inner_texts():
        assert "NOT TESTABLE" in verdict
        assert "the enrollment could not be created" in verdict
    shown_page.wait_for_selector(".edfi-details")
    assert "No enrolling here." in shown_page.locator(".edfi-message").first.inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_scrolls_sideways(width, new_sandbox, kit, page) -> None:
    kit.scenarios(new_sandbox(answered("PUT", ignored)()), *HTML)
    shown_page = page(width)
    collapsed = "document.documentElement.scrollHeight"
    shown_page.click("#hide_all_details")
    assert shown_page.locator(".edfi-findings").first.is_hidden()
    short = shown_page.evaluate(collapsed)
    shown_page.click("#show_all_details")
    shown_page.wait_for_selector(".edfi-findings")
    assert shown_page.evaluate(collapsed) > short + 500
    assert shown_page.evaluate("document.documentElement.scrollWidth") <= width
