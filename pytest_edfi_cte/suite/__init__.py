"""The shipped tests: ``pytest --pyargs pytest_edfi_cte --edfi-url=…``."""
