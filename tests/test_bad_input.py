"""Mistakes in the set-up: one clear error, exit code 4, before any test runs and anything is written."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import trustme
from werkzeug.wrappers import Response

from tests.servers import serving

SECRET = "s3cr3t-value-of-nobody"


@pytest.fixture
def refuse(pytester, monkeypatch):
    monkeypatch.setenv("EDFI_CLIENT_ID", "key")
    monkeypatch.setenv("EDFI_CLIENT_SECRET", SECRET)
    pytester.makepyfile("def test_own(): raise SystemExit('ran')")

    def run(*arguments: str, says: list[str]) -> None:
        for workers in ([], ["-n2"]):
            result = pytester.runpytest_inprocess(
                "-p", "no:randomly", "--edfi-retries=0", *workers, *arguments
            )
            assert result.ret == pytest.ExitCode.USAGE_ERROR
            text = result.stdout.str() + result.stderr.str()
            for words in says:
                assert words in text, f"not said: {words}"
            assert "Traceback" not in text
            assert "INTERNALERROR" not in text
            assert "ran" not in text.replace("ran in", "").split()
            assert SECRET not in text

    return run


def answering(body: bytes | str, content_type: str = "application/json", status: int = 200):
    return lambda _request: Response(body, status, content_type=content_type)


def test_unreachable_host(refuse) -> None:
    refuse(
        "--edfi-url=http://127.0.0.1:9/api",
        says=[
            "cannot reach the Ed-Fi API at http://127.0.0.1:9/api",
            "Connection refused",
            "proxy settings",
        ],
    )


def test_html_at_the_address(refuse) -> None:
    with serving(answering("<html>Welcome</html>", "text/html")) as base:
        refuse(
            f"--edfi-url={base}",
            says=["is not an Ed-Fi API: it answered with text/html", "Give the base URL"],
        )


def test_json_without_urls(refuse) -> None:
    with serving(answering('{"version": "1"}')) as base:
        refuse(
            f"--edfi-url={base}",
            says=["its JSON is no discovery document ($: 'urls' is a required property)"],
        )


def test_wrong_secret(refuse, sandbox, monkeypatch) -> None:
    monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
    refuse(f"--edfi-url={sandbox.url}", says=["refused the client", "401", "EDFI_CLIENT_SECRET"])
    assert not [request for request in sandbox.requests if "/ed-fi/" in request.path]


def test_missing_secret_names_the_variable(refuse, monkeypatch) -> None:
    monkeypatch.delenv("EDFI_CLIENT_SECRET")
    refuse(
        "--edfi-url=http://127.0.0.1:9",
        says=["set the environment variable EDFI_CLIENT_SECRET", "--edfi-env-file"],
    )


def test_env_file_without_the_secret_is_named(refuse, monkeypatch, pytester) -> None:
    monkeypatch.delenv("EDFI_CLIENT_SECRET")
    (pytester.path / "my.env").write_text("CLIENT_SECRET=x\n")
    refuse(
        "--edfi-url=http://127.0.0.1:9",
        "--edfi-env-file=my.env",
        says=["(my.env was read, but has no EDFI_CLIENT_SECRET)"],
    )


def test_missing_client_id(refuse, monkeypatch) -> None:
    monkeypatch.delenv("EDFI_CLIENT_ID")
    refuse(
        "--edfi-url=http://127.0.0.1:9",
        says=["--edfi-client-id, EDFI_CLIENT_ID or ini edfi_client_id"],
    )


def test_unknown_set_name_lists_the_known_ones(refuse) -> None:
    refuse(
        "--edfi-url=sandbox",
        "--edfi-set=studentId=5",
        says=[
            "option --edfi-set: studentId: no such property. Did you mean studentUniqueId?",
            "Known names: beginDate,",
            "studentReference.studentUniqueId",
        ],
    )


def test_set_value_of_the_wrong_type(refuse) -> None:
    refuse(
        "--edfi-url=sandbox",
        "--edfi-set=privateCTEProgram=0",
        says=["privateCTEProgram: '0' is not a boolean; write true or false"],
    )


def test_school_year_that_is_none(refuse) -> None:
    refuse(
        "--edfi-url=sandbox",
        "--edfi-school-year=MMXXVII",
        says=["option --edfi-school-year: 'MMXXVII' is not a school year"],
    )


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), ("no certificate", "cannot be used")]
)
def test_ca_bundle_that_cannot_be_used(content, says, refuse, pytester) -> None:
    bundle = pytester.path / "ca.pem"
    if content:
        bundle.write_text(content)
    refuse(
        "--edfi-url=https://127.0.0.1:9",
        f"--edfi-ca-bundle={bundle}",
        says=["option --edfi-ca-bundle", "ca.pem cannot be used", says, "PEM file"],
    )


def test_ca_bundle_may_be_a_folder(refuse, pytester) -> None:
    refuse(
        "--edfi-url=https://127.0.0.1:9",
        f"--edfi-ca-bundle={pytester.path}",
        says=["cannot reach the Ed-Fi API"],
    )


def test_self_signed_certificate_says_which_option_to_use(refuse, pytester) -> None:
    certificate = pytester.path / "server.pem"
    certificate.write_bytes(
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
    )
    with serving(answering("{}"), certificate=certificate) as base:
        refuse(
            f"--edfi-url={base}", says=["certificate is not trusted here", "--edfi-ca-bundle FILE"]
        )


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "scenarios/student-cte-program-association.yaml",
            "type: boolean",
            "type: bool",
            "line 31: rows[9].type: 'bool' is not one of",
        ),
        ("schemas/5.0/studentCTEProgramAssociation.json", '"title"', "title", "line 4: not JSON"),
    ],
)
def test_broken_contract_file_is_said_with_file_and_line(
    file, old, new, says, refuse, tmp_path, monkeypatch
) -> None:
    from importlib import resources

    from pytest_edfi_cte import contract

    folder = tmp_path / "fixtures"
    with resources.as_file(resources.files("pytest_edfi_cte_fixtures")) as shipped:
        shutil.copytree(shipped, folder)
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    monkeypatch.setattr("pytest_edfi_cte.run.contract_of", lambda _: contract.Contract(folder))
    refuse("--edfi-url=sandbox", says=[f"contract file {file}, {says}"])


def test_sandbox_without_its_extra_says_what_to_install(refuse, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest_edfi_cte.sandbox", None)
    refuse(
        "--edfi-url=sandbox",
        says=["needs the sandbox's own dependencies", "pip install 'pytest-edfi-cte[sandbox]'"],
    )


def test_oauth_address_that_would_send_the_secret_unencrypted(refuse, pytester) -> None:
    authority = trustme.CA()
    certificate = pytester.path / "server.pem"
    certificate.write_bytes(
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
    )
    bundle = pytester.path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    urls = {"oauth": "http://localhost:9/token", "dataManagementApi": "https://localhost/data"}
    with serving(answering(json.dumps({"urls": urls})), certificate=certificate) as base:
        refuse(
            f"--edfi-url={base}",
            f"--edfi-ca-bundle={bundle}",
            says=["would travel unencrypted, so nothing was sent"],
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pyargs", "pytest_edfi_cte"],
        ["--pyargs", "pytest_edfi_cte.suite"],
        ["--edfi-env-file=typo.env"],
        ["--edfi-timeout", "5"],
    ],
)
def test_no_address_where_one_was_meant_is_no_green_run(arguments, pytester) -> None:
    (pytester.path / "typo.env").write_text("EDFI_UR=http://127.0.0.1\n")
    pytester.makepyfile("def test_a(): pass")
    plain = ["-p", "no:randomly", "-p", "no:xdist", "-p", "no:cov"]
    result = pytester.runpytest_inprocess(*plain, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    named = "pytest_edfi_cte*" if "--pyargs" in arguments else arguments[0].partition("=")[0]
    result.stderr.fnmatch_lines([f"ERROR: {named} needs an Ed-Fi API: give --edfi-url=URL *"])


@pytest.mark.parametrize("only_shown", ["--help", "--markers", "--fixtures", "--co"])
def test_what_is_only_shown_needs_no_address(pytester, only_shown) -> None:
    arguments = ["-p", "no:randomly", "--pyargs", "pytest_edfi_cte", only_shown]
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret in (0, 5)
    result.stderr.no_fnmatch_line("*needs an Ed-Fi API*")


def test_settings_that_rest_in_the_ini_need_no_address(pytester) -> None:
    pytester.makeini("[pytest]\naddopts = --edfi-timeout=5\nedfi_school_year = 2027")
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)
    # A rehearsal brings an API of its own, and reads these.
    typed = ["--edfi-seed=7", "--edfi-school-year", "2027"]
    pytester.runpytest_inprocess("-p", "no:randomly", *typed).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "written", [["--edfi-client-secret=hush-hush"], ["--edfi-secret", "hush-hush"]]
)
def test_a_secret_as_an_option_is_refused_and_not_repeated(pytester, written) -> None:
    result = pytester.runpytest_subprocess(
        "-p", "no:randomly", "--edfi-url=http://127.0.0.1", *written
    )
    assert result.ret == 4
    said = result.stdout.str() + result.stderr.str()
    assert f"{written[0].partition('=')[0]}: a secret is never an option" in said
    assert "EDFI_CLIENT_SECRET" in said
    assert "hush-hush" not in said
