"""The evidence pack of a real run: eight files, each a view of one document."""

from __future__ import annotations

import csv
import hashlib
import json
from xml.etree import ElementTree

import pytest

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.reporting.pack import SUMS, VIEWS
from tests.reporting import MIXED, MIXED_ARGUMENTS, prepare


def test_a(new_sandbox, kit, pytester):
    prepare(pytester)
    sandbox = new_sandbox(*MIXED)
    r = kit.run(sandbox, *MIXED_ARGUMENTS)
    import shutil
    shutil.copytree(pytester.path / "pack", "/tmp/rp/pack", dirs_exist_ok=True)
