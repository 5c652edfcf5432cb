"""Every wrong product is caught with its own words, and no right one is blamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_edfi_cte.errors import NonConformance
from pytest_edfi_cte.sandbox import Sandbox
from tests.broken_products import RIGHT, WRONG, Link, Product, prepare
from tests.observing import OBSERVER, Observer

ASSOCIATIONS = "studentCTEProgramAssociations"


class Stage:
    """One API for all products of this module: emptied between them, lenient where one asks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.middleware: tuple[Any, ...] = ()
        self.link: Link | None = None

    def between(self, request: Any, proceed: Any) -> Any:
        for middleware in self.middleware:
            return middleware(request, proceed)
        return proceed(request)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    place: list[Stage] = []
    sandbox = Sandbox(
        middleware=[lambda request, proceed: place[0].between(request, proceed)], clients=[OBSERVER]
    )
    place.append(Stage(sandbox))
    prepare(sandbox)
    with sandbox:
        place[0].link = Link(sandbox.url, sandbox.client_id, sandbox.client_secret)
        yield place[0]
        place[0].link.close()


@pytest.fixture
def link(stage) -> Iterator[Link]:
    yield stage.link
    stage.middleware = ()
    for record in stage.sandbox.records(ASSOCIATIONS):
        stage.link.delete(record["id"])


@pytest.fixture(scope="module")
def observers(stage) -> Iterator[dict[tuple[str, ...], Observer]]:
    """One run per set of options: a key has 15 tokens at most."""
    made: dict[tuple[str, ...], Observer] = {}
    yield made
    for observer in made.values():
        observer.close()


@pytest.fixture
def observer(stage, observers, link):
    def of(product: Product) -> Observer:
        stage.middleware = product.middleware
        if product.options not in observers:
            observers[product.options] = Observer(stage.sandbox, product.options)
        return observers[product.options].starts_with(product, link)

    return of


def written_by_us(sandbox: Sandbox) -> list[str]:
    ours = [r for r in sandbox.requests if r.client_id == OBSERVER.id]
    return [r.method for r in ours if r.method != "GET" and r.path != "/oauth/token"]


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
