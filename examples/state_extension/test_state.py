"""What EX asks for and no table can say."""

import pytest

from pytest_edfi_cte import ABSENT, assert_conforms, assert_only_changed, assert_record

EX_SERVICE = "uri://ex.example/CTEProgramServiceDescriptor#07"
SERVICE = "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology"


@pytest.mark.edfi_scenario("ex-crosswalk-1")
def test_the_states_service_counts_as_the_tables(edfi_new_cte_association, edfi_session):
    """A district may send the state's own code for a service (crosswalk.csv)."""
    association = edfi_new_cte_association(
        cteProgramServices=[{"cteProgramServiceDescriptor": EX_SERVICE}]
    )
    stored = edfi_session.get(association.url)
    assert EX_SERVICE in stored.text
    assert_record(stored, {"cteProgramServices": [{"cteProgramServiceDescriptor": SERVICE}]})


@pytest.mark.edfi_scenario("ex-extension-1", requirement="update")
def test_the_extension_can_be_changed_alone(edfi_new_cte_association, edfi_session):
    """The hours of a capstone project change, and nothing else does."""
    association = edfi_new_cte_association()
    before = edfi_session.get(association.url)
    body = {"id": association.id, **association.body}
    body["_ext"]["ex"]["capstoneHours"] = 80
    edfi_session.put(association.url, json=body)
    after = edfi_session.get(association.url)
    assert_conforms(after, "studentCTEProgramAssociation")
    assert_record(after, {"_ext": {"ex": {"capstoneHours": 80}}, "endDate": ABSENT})
    assert_only_changed(before, after, "_ext.ex.capstoneHours")
