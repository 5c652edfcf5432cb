import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def edfi_rehearsal_options():
    return {"students": 12, "retry_after": 1}
