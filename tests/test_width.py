"""Several workers against one API: one token, no student twice, everything deleted after a crash."""

from __future__ import annotations

import pytest
from werkzeug import Response

from pytest_edfi_cte import sharing
from pytest_edfi_cte.client.tokens import Token
from pytest_edfi_cte.errors import NoToken
from pytest_edfi_cte.secret import Secret
from tests.conftest import state
from tests.test_repeat import numbers, results, workers


def tokens(sandbox) -> int:
    return len([r for r in sandbox.requests if r.path.endswith("/oauth/token")])


def test_a_token_that_is_spent_is_replaced_once_for_all_workers(new_sandbox, kit) -> None:
    """The first token is refused to everybody from some moment on."""
    dead: list[str] = []
    seen: list[str] = []

    def through(request, proceed):
        token = request.headers.get("Authorization", "")
        if request.method == "POST" and token.startswith("Bearer"):
            seen.append(token)
            dead[:] = seen[:1] if len(seen) > 2 else []
        if token and token in dead:
            return Response(status=401)
        return proceed(request)

    sandbox = new_sandbox(through)
    before = state(sandbox)
    result = workers(kit, sandbox, "--edfi-repeat=8")
    result.assert_outcomes(passed=8)
    assert tokens(sandbox) == 2
    assert len(set(seen)) == 2
    assert state(sandbox) == before


def test_a_worker_asks_the_desk_for_a_token() -> None:
    asked = []

    def answer(mark: str) -> dict:
        asked.append(mark)
        if mark == "refused":
            raise NoToken("the API refused the client")
        if mark == "odd":
            raise KeyError("ours")
        return Token(Secret("new"), 5.0, 2.0).plain()

    desk = sharing.Desk(answer)
    address = desk.address
    token = sharing.new_token(address, "spent")
    assert token is not None
    assert (token.value.reveal(), token.expires, token.lifetime) == ("new", 5.0, 2.0)
    with pytest.raises(NoToken, match="the API refused the client"):
        sharing.new_token(address, "refused")
    with pytest.raises(RuntimeError, match="the controller failed: KeyError: 'ours'"):
        sharing.new_token(address, "odd")  # nothing that the API did
    desk.close()
    assert sharing.new_token(address, "spent") is None
    assert asked == ["spent", "refused", "odd"]


def test_what_a_crashed_worker_left_is_deleted(new_sandbox, kit, pytester) -> None:
    """One worker is killed amid a student; another takes its place, and the others go on."""
    sandbox = new_sandbox()
    before = state(sandbox)
    pytester.makeconftest(
        """
        import os, signal
        import pytest
        from pytest_edfi_cte.client.session import EdFiSession

        class Dying(EdFiSession):
            def put(self, url, **given):
                if not os.path.exists("killed") and os.environ["PYTEST_XDIST_WORKER"] == "gw1":
                    open("killed", "w").close()
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().put(url, **given)

        @pytest.fixture(scope="session")
        def edfi_session(edfi_session):
            edfi_session.__class__ = Dying
            return edfi_session
        """
    )
    result = workers(kit, sandbox, "--edfi-repeat=10", "--edfi-report=pack")
    assert (pytester.path / "killed").exists()
    result.stdout.fnmatch_lines(["*Deleted 3 records that a killed worker had left behind.*"])
    result.assert_outcomes(passed=9, failed=1)
    assert state(sandbox) == before
    assert len(set(numbers(sandbox))) == len(numbers(sandbox)) == 10
    content = results(pytester.path / "pack")
    dead = [c for c in content["checks"] if c["verdict"] == "not testable"]
    assert len(dead) == 1
    assert "the process that ran this test ended under it" in dead[0]["message"]
    assert list((pytester.path / ".pytest_cache/d/edfi").glob("run-*")) == []
