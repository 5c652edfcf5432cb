"""Every wrong product is caught with its own words, and no right one is blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pytest_edfi_cte.errors import NonConformance
from tests.broken_products import RIGHT, WRONG, Product
from tests.observing import Observer, Stage, link_to, written_by_us


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.sandbox:
        yield stage


@pytest.fixture
def observer(stage) -> Iterator[Callable[[Product], Observer]]:
    with ExitStack() as stack:

        def of(product: Product) -> Observer:
            sandbox = stage.set_up(*product.middleware)
            watching = Observer(sandbox, product.options)
            stack.callback(watching.close)
            return watching.starts_with(product, stack.enter_context(link_to(sandbox)))

        yield of
    stage.clean()


@pytest.mark.parametrize("product", RIGHT, ids=lambda product: product.name)
def test_right_product_is_not_blamed(product: Product, stage, observer) -> None:
    watching = observer(product)
    watching.judge("create")
    watching.judge("update")
    assert written_by_us(stage.sandbox) == []


@pytest.mark.parametrize("product", WRONG, ids=lambda product: product.name)
def test_wrong_product_is_caught(product: Product, stage, observer) -> None:
    watching = observer(product)
    if product.step == "update":
        watching.see("create")
    with pytest.raises(NonConformance) as raised:
        watching.judge(product.step)
    text = str(raised.value)
    number = {"create": 1, "update": 2}[product.step]
    assert text.startswith(f"Scenario {number} (")
    headline = text.splitlines()[0]
    assert product.says[0] in headline
    for words in product.says:
        assert words in text, f"not said: {words}"
    for words in product.never:
        assert words not in text, f"said: {words}"
    assert written_by_us(stage.sandbox) == []


def test_the_products_are_distinct_and_many() -> None:
    names = [product.name for product in (*RIGHT, *WRONG)]
    assert len(set(names)) == len(names)
    assert len(WRONG) >= 30
