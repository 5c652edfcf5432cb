"""Checks of an API host against the Ed-Fi API guidelines; needs no pytest.

A check is a function ``check(bench) -> findings``; which requirement it covers stands in
``fixtures/requirements.yaml``. :mod:`catalogue` knows all of them.
"""
