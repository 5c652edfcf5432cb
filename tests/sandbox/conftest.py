import pytest

from pytest_edfi_cte.sandbox import Sandbox
from tests.sandbox.support import CTE, ENROLLMENTS, Api, association, enrollment, student


class Clock:
    """A clock that only moves when told to; seconds since 1970."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="session")
def _clock():
    return Clock()


@pytest.fixture(scope="session")
def _running(_clock):
    with Sandbox(clock=_clock) as running:
        yield running


@pytest.fixture
def clock(_clock):
    return _clock


@pytest.fixture
def box(_running):
    """A started sandbox in its seed state."""
    _running.clear()
    return _running


@pytest.fixture
def new_box():
    """Makes started sandboxes with options of the test's own; stops them all afterwards."""
    started = []

    def make(**options):
        sandbox = Sandbox(**options)
        sandbox.start()
        started.append(sandbox)
        return sandbox

    yield make
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def connect():
    """Makes clients of any sandbox; closes them all afterwards."""
    made = []

    def make(sandbox, client=None):
        made.append(Api(sandbox, client))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(box, connect):
    return connect(box)


@pytest.fixture
def enrolled(api):
    """A client of a sandbox in which student 222222 exists and is enrolled."""
    api.made("students", student())
    api.enrollment = api.made(ENROLLMENTS, enrollment())
    return api


@pytest.fixture
def associated(enrolled):
    """The same with the student's CTE association, whose address is ``.association``."""
    enrolled.association = enrolled.made(CTE, association())
    return enrolled
