"""The certification rehearsed in the product's own test run; `conftest.py` makes it act."""


def test_our_product_is_ready_for_the_certification(edfi_rehearsal, subtests):
    edfi_rehearsal.run()
    edfi_rehearsal.conclude(subtests, strict=True)
