"""The state's hooks: what the kit cannot know of the state of EX."""

import os
import uuid

#: The slowest answer of this process: seconds, and which it was.
slowest = (0.0, "")


def pytest_edfi_scenarios(config):
    """The state's own tables, beside the certification's."""
    return config.rootpath / "tables"


def pytest_edfi_modify_scenarios(config, scenarios):
    """EX keeps what is withdrawn for its auditors: nothing is ever gone."""
    scenarios[:] = [entry for entry in scenarios if entry.step != "absent"]


def pytest_edfi_payload(resource, payload, scenario):
    """EX takes no CTE association without its extension."""
    if resource == "studentCTEProgramAssociations":
        payload["_ext"] = {
            "ex": {
                "endorsementTypeDescriptor": "uri://ex.example/EndorsementTypeDescriptor#STEM",
                "capstoneHours": 40,
                "mentors": [{"mentorName": "Ada Example"}, {"mentorName": "Ben Example"}],
            }
        }


def pytest_edfi_session(session):
    """The state's gateway wants a key of its own; it is never shown."""
    session.headers["X-EX-Gateway-Key"] = os.environ.get("EX_GATEWAY_KEY", "of-no-use-here")


def pytest_edfi_before_request(request):
    """With this the state's staff finds a request in their log."""
    request.headers["X-Correlation-Id"] = uuid.uuid4().hex


def pytest_edfi_after_response(exchange):
    global slowest  # noqa: PLW0603 - one value for the process
    slowest = max(slowest, (exchange.duration, f"{exchange.method} {exchange.url}"))


def pytest_edfi_report_row(check):
    if check["id"].startswith("ex-"):
        return "Asked for by the state, not by the Ed-Fi Alliance."
    return None


def pytest_edfi_report_summary(document):
    return f"Slowest answer: {slowest[0]:.3f} s, {slowest[1].partition('?')[0]}"
