"""Fixtures of a vendor's suite, built on the kit's."""

import pytest


@pytest.fixture
def enrolled_student(edfi_new_enrollment):
    """The number of a fictional student who is enrolled in the certification's high school."""
    return edfi_new_enrollment()["studentReference"]["studentUniqueId"]
