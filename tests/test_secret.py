from __future__ import annotations

import base64
import json
import pickle
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.secret import MASK, Redactor, Secret

SECRET_TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"]), min_size=8, max_size=40
).filter(lambda text: text not in MASK)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("s3cr3t-value")
    assert secret.reveal() == "s3cr3t-value"
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any("s3cr3t" in text for text in shown)
    assert bool(secret)
    assert not Secret("")
    assert repr(Secret("")) == "Secret(empty)"


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("s3cr3t-value"))


def test_without_secrets_text_is_unchanged() -> None:
    redactor = Redactor()
    redactor.add(Secret(""))
    assert redactor.clean("any text") == "any text"


@given(SECRET_TEXT, st.text(max_size=20), st.text(max_size=20))
def test_no_form_of_a_secret_survives(value: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(Secret(value), client_id="key")
    basic = base64.b64encode(f"key:{value}".encode()).decode()
    forms = [
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        escape(value),
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
        basic,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    ]
    for form in forms:
        cleaned = redactor.clean(f"{before}{form}{after}")
        assert form not in cleaned.replace(before, "").replace(after, "") or form in before + after


@given(SECRET_TEXT, SECRET_TEXT)
def test_other_text_survives(value: str, other: str) -> None:
    redactor = Redactor()
    redactor.add(Secret(value))
    if value not in other and other not in value:
        text = f"<{other}>"
        cleaned = redactor.clean(text)
        assert cleaned == text or MASK in cleaned


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    redactor = Redactor()
    redactor.add(Secret("abcdefgh"))
    redactor.add(Secret("abcdefgh-longer"))
    assert redactor.clean("x abcdefgh-longer y abcdefgh z") == f"x {MASK} y {MASK} z"
