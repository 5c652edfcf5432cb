"""``edfi-cte sandbox``: what it prints, whom it lets in, how it ends."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import signal
import stat
import sys
from contextlib import closing

import pytest
import requests
from dotenv import dotenv_values

from pytest_edfi_cte import cli
from pytest_edfi_cte.commands import credentials
from pytest_edfi_cte.commands import sandbox as module
from pytest_edfi_cte.commands.credentials import Key, clients, env_file
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.sandbox.remote import RemoteSandbox
from tests.sandbox.commands import Command

DATA = "/data/v3/ed-fi"


@pytest.fixture
def command():
    """Starts commands; whatever happens they are ended with the test."""
    made = []

    def start(*arguments, **variables):
        made.append(Command(*arguments, **variables))
        return made[-1]

    yield start
    for one in made:
        one.end(signal.SIGKILL)
        one.process.stdout.close()
        one.process.stderr.close()


def token(url, name, secret, **more):
    return requests.post(
        f"{url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(name, secret), **more
    )


# The whole, as a person uses it ----------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_the_screen_says_works(command, number, pytester, monkeypatch):
    """Its two lines are typed as they stand, and both scenarios pass."""
    running = command("--tenant", "Acme", "--year", "2027")
    export, run = [
        line.strip()
        for line in running.screen.splitlines()
        if line.startswith("  ") and line[2:8] in ("export", "pytest")
    ]
    for assignment in shlex.split(export)[1:]:
        monkeypatch.setenv(*assignment.split("=", 1))
    words = shlex.split(run)
    assert words[0] == "pytest"
    assert running.url.endswith("/Acme/2027")
    if number == signal.SIGTERM:
        pytester.runpytest_inprocess(*words[1:], "-p", "no:randomly").assert_outcomes(passed=2)

    said = "edfi-cte sandbox: stopped\n" if number == signal.SIGINT else ""
    assert running.end(number) == (0, said)
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url)


def test_an_env_file_instead_of_secrets_on_the_screen(command, pytester):
    """It holds all that the plugin needs, is for the user alone, and goes with the sandbox."""
    file = pytester.path / "sandbox box.env"
    running = command("--env-file", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dotenv_values(file)
    for name in ("EDFI_CLIENT_SECRET", "EDFI_SANDBOX_ADMIN_TOKEN"):
        assert values[name] not in running.screen
    admin = values["EDFI_SANDBOX_ADMIN_URL"], values["EDFI_SANDBOX_ADMIN_TOKEN"]
    with closing(RemoteSandbox(*admin)) as controlled:
        assert controlled.url == running.url
        assert controlled.records("schools")
    line = next(line for line in running.screen.splitlines() if line.startswith("  pytest "))
    done = pytester.runpytest_inprocess(*shlex.split(line)[1:], "-p", "no:randomly")
    done.assert_outcomes(passed=2)

    assert running.end() == (0, "")
    assert not file.exists()


def test_an_env_file_is_gone_after_ctrl_c_in_the_middle_of_requests(command, tmp_path):
    file = tmp_path / "sandbox.env"
    running = command("--env-file", file, "--db", tmp_path / "sandbox.db")
    with requests.Session() as session:
        session.get(running.url)  # kept alive
        said = f"edfi-cte sandbox: stopped; {file} removed\n"
        assert running.end(signal.SIGINT) == (0, said)
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.db"]


def test_every_key_is_in_the_env_file(command, tmp_path):
    """A secret that was generated can be learnt from nowhere else."""
    file = tmp_path / "sandbox.env"
    keys = ("--client", "a::SIS Vendor:255901", "--client", "b::read-only:255901")
    running = command(*keys, "--env-file", file)
    values = dotenv_values(file)
    for ending, name in (("", "a"), ("_2", "b")):
        secret = values[f"EDFI_CLIENT_SECRET{ending}"]
        assert values[f"EDFI_CLIENT_ID{ending}"] == name
        assert secret not in running.screen
        assert token(running.url, name, secret).status_code == 200


def test_keys_from_everywhere(command, tmp_path):
    """Each with its claim set and ed-orgs; only generated secrets are shown."""
    file = tmp_path / "keys.yaml"
    file.write_text(
        "- {id: from file, secret: 'hush: hush', ed_orgs: [255901], claim_set: SIS Vendor}\n"
    )
    running = command(
        *("--client", "given:pssst:read-only:255901:255950", "--client", "made::SIS Vendor:255901"),
        *("--clients", file),
        EDFI_SANDBOX_CLIENTS="one:un:Ed-Fi Sandbox:255901\n\ntwo:deux:Ed-Fi Sandbox:255950",
    )
    for secret in ("pssst", "hush", "deux"):
        assert secret not in running.screen
    made = re.search(r"made\n  client secret  (\S+)", running.screen)[1]
    keys = [
        ("given", "pssst"),
        ("made", made),
        ("from file", "hush: hush"),
        ("one", "un"),
        ("two", "deux"),
    ]
    for name, secret in keys:
        answer = token(running.url, name, secret)
        assert answer.status_code == 200, name
        assert token(running.url, name, secret + "x").status_code == 401
    bearer = {
        "Authorization": f"Bearer {token(running.url, 'given', 'pssst').json()['access_token']}"
    }
    refused = requests.post(f"{running.url}{DATA}/students", json={}, headers=bearer)
    assert (refused.status_code, refused.json()["title"]) == (403, "Access to the Action Denied")
    assert "has            claim set read-only, for ed-org 255901, 255950" in running.screen
    assert running.end() == (0, "")


def test_options_reach_the_sandbox(command, tmp_path):
    (tmp_path / "seed").mkdir()
    running = command(
        "--data-standard", "4.0", "--no-links", "--seed", "minimal", "--host", "127.0.0.2"
    )
    assert running.url.startswith("http://127.0.0.2:")
    assert requests.get(running.url).json()["dataModels"][0]["version"] == "4.0.0"
    key = running.said("client id"), running.said("client secret")
    bearer = {"Authorization": f"Bearer {token(running.url, *key).json()['access_token']}"}
    (school,) = requests.get(f"{running.url}{DATA}/schools", headers=bearer).json()
    assert "link" not in school["localEducationAgencyReference"]
    assert running.end() == (0, "")


def test_records_are_there_at_the_next_start(command, tmp_path):
    file = tmp_path / "sandbox.db"
    keys = {"EDFI_SANDBOX_CLIENTS": "a:b:Ed-Fi Sandbox:255901"}
    for status in (201, 200):
        running = command("--db", file, **keys)
        bearer = {"Authorization": f"Bearer {token(running.url, 'a', 'b').json()['access_token']}"}
        body = {
            "educationOrganizationReference": {"educationOrganizationId": 255901},
            "programName": "Ours",
            "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Other",
        }
        made = requests.post(f"{running.url}{DATA}/programs", json=body, headers=bearer)
        assert made.status_code == status
        assert running.end() == (0, "")


# What cannot be is said before anything is served, with exit code 4 ----------------------------


@pytest.fixture
def mistake(capsys):
    """Runs the command in this process; what it wrote on stderr about a mistake."""

    def run(*arguments):
        code = cli.main(["sandbox", *map(str, arguments)])
        out, errors = capsys.readouterr()
        assert (code, out) == (4, "")
        assert errors.startswith("edfi-cte sandbox: ")
        return errors.removeprefix("edfi-cte sandbox: ").strip()

    return run


def test_mistakes(mistake, tmp_path):
    (tmp_path / "text.db").write_text("text " * 100)
    assert "text.db cannot be used: it is no SQLite database" in mistake(
        "--db", tmp_path / "text.db"
    )
    assert "neither grand-bend nor minimal nor a folder" in mistake("--seed", tmp_path / "nowhere")
    assert "the tenant 'a/b' becomes a part of the address" in mistake("--tenant", "a/b")
    assert "the school year 27 must have four digits" in mistake("--year", "27")
    assert "--port 70000: a port is a number" in mistake("--port", "70000")
    assert "cannot listen on 127.0.0.1 port 0 with the files /x and /y" in mistake(
        "--tls", "/x", "/y"
    )
    assert "no claim set 'Boss'" in mistake("--client", "a:b:Boss:1")
    assert "can be guessed" in mistake("--host", "0.0.0.0", "--client", "a:secret:SIS Vendor:1")
    assert "No such file" in mistake("--env-file", tmp_path / "nowhere/x.env")


def test_a_port_that_is_taken(mistake, command):
    running = command()
    port = running.url.rpartition(":")[2]
    said = mistake("--port", port)
    assert said.startswith(f"cannot listen on 127.0.0.1 port {port}: the port is taken. Give")
    assert "Errno" not in said


def test_a_file_that_is_in_use(mistake, command, tmp_path):
    command("--db", tmp_path / "sandbox.db")
    assert "another process uses it" in mistake("--db", tmp_path / "sandbox.db")


def test_without_the_extra(mistake, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest_edfi_cte.sandbox", None)
    assert "pip install 'pytest-edfi-cte[sandbox]'" in mistake()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "a:hush:SIS Vendor",
            r"number 1: expected ID:SECRET:CLAIMSET:EDORG\[:EDORG...\], .*--clients FILE",
        ),
        ("a:hu:sh:SIS Vendor:1", "with a colon in it goes into a file"),
        ("a", "expected ID:SECRET"),
        (":hush:SIS Vendor:1", "the id must be text"),
        ("a\x1b[31m:hush:SIS Vendor:1", "the id must be text that can be printed"),
        ("a:hush:SIS Vendor:", "every EDORG is the id"),
        ("a:hush:SIS Vendor:1,two", "every EDORG is the id"),
        ("a:hush:SIS Vendor:1::2", "every EDORG is the id"),
        ("a:hush:SIS Vendor:\u00b2", "every EDORG is the id"),
    ],
)
def test_a_client_that_is_not_understood(text, wrong):
    with pytest.raises(ConfigurationError, match=wrong) as raised:
        clients([text], None, "")
    assert "hush" not in str(raised.value)
    with pytest.raises(ConfigurationError, match="EDFI_SANDBOX_CLIENTS, line 2"):
        clients([], None, f"a:b:SIS Vendor:1\n{text}")


def test_ed_orgs_with_colons_or_commas():
    for text in ("255901:255950:1", "255901,255950,1", "255901:255950, 1"):
        (key,) = clients([f"a:hush:SIS Vendor:{text}"], None, "")
        assert key.ed_orgs == (255901, 255950, 1)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a: hush: b", r"keys.yaml, line 1: is neither YAML nor JSON"),
        ("{id: a}", r"must be a list of \{id, secret, claim_set, ed_orgs, namespaces\}"),
        ("[7]", "client 1: must have id, secret"),
        ("[{id: a, sekret: hush}]", "client 1: unknown sekret; known are id"),
        ("[{id: 7, ed_orgs: [1]}]", "the id must be text"),
        ("[{id: a, secret: 12345678, ed_orgs: [1]}]", "the secret must be text, in quotes"),
        ("[{id: a, secret: '', ed_orgs: [1]}]", "the secret must be text"),
        ("[{id: a, claim_set: 7, ed_orgs: [1]}]", "the claim set must be the name"),
        ("[{id: a}]", "the ed-orgs must be ids"),
        ("[{id: a, ed_orgs: 1}]", "the ed-orgs must be ids"),
        ("[{id: a, ed_orgs: [true]}]", "the ed-orgs must be ids"),
        ("[{id: a, ed_orgs: [1], namespaces: x}]", "namespaces must be a list"),
        ("[{id: a, ed_orgs: [1]}, {id: a, ed_orgs: [1]}]", "the client id a is given twice"),
    ],
)
def test_a_file_of_clients_that_is_not_understood(tmp_path, text, wrong):
    file = tmp_path / "keys.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=wrong) as raised:
        clients([], str(file), "")
    assert "hush" not in str(raised.value)
    assert "12345678" not in str(raised.value)


def test_files_of_clients(tmp_path):
    file = tmp_path / "keys.json"
    one = {
        "id": "a:b",
        "secret": "c:d",
        "claim_set": "SIS Vendor",
        "ed_orgs": [1, 2],
        "namespaces": ["uri://x"],
    }
    file.write_text(json.dumps([one, {"id": "e", "ed_orgs": ["3"]}]))
    first, second = clients([], str(file), "")

    assert first == Key(
        "a:b",
        "c:d",
        (1, 2),
        {"claim_set": "SIS Vendor", "namespaces": ("uri://x",)},
        generated=False,
    )
    assert (second.id, second.ed_orgs, second.options, second.generated) == ("e", (3,), {}, True)
    assert len(second.secret) == 32
    assert "c:d" not in repr(first)
    with pytest.raises(ConfigurationError, match="--clients .*nowhere cannot be read"):
        clients([], str(tmp_path / "nowhere"), "")


# The env file --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret", ["plain", "with space", 'it\'s \\ "quoted" #1 $HOME `id`', "ü=é"]
)
def test_an_env_file_is_read_as_it_was_meant(tmp_path, secret):
    path = tmp_path / "x.env"
    values = {"EDFI_URL": "http://127.0.0.1:1", "EDFI_CLIENT_SECRET": secret}
    with env_file(path, values):
        assert dotenv_values(path, interpolate=False) == values
    assert list(tmp_path.iterdir()) == []


def test_an_env_file_of_ones_own_is_not_overwritten(tmp_path):
    path = tmp_path / ".env"
    path.write_text("MINE=1\n")
    with pytest.raises(ConfigurationError, match="there is such a file already"):
        with env_file(path, {"EDFI_URL": "http://x"}):
            pass
    assert path.read_text() == "MINE=1\n"

    path.write_text(f"{credentials.MARK}\nof one that was killed\n")
    with env_file(path, {"EDFI_URL": "http://x"}):
        assert "http://x" in path.read_text()
        path.write_text("MINE=2\n")  # replaced while the sandbox runs
    assert path.read_text() == "MINE=2\n"


def test_an_env_file_that_cannot_be_written_leaves_no_secrets_behind(tmp_path, monkeypatch):
    def refuse(_source, _target):
        raise OSError(1, "not here")

    monkeypatch.setattr(credentials.os, "replace", refuse)
    with pytest.raises(ConfigurationError, match="x.env: not here"):
        with env_file(tmp_path / "x.env", {"EDFI_CLIENT_SECRET": "hush"}):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_binary_file_in_place_of_the_env_file_is_left_alone(tmp_path):
    path = tmp_path / "x.env"
    with env_file(path, {"EDFI_URL": "http://x"}):
        path.write_bytes(b"\xff")
    assert path.read_bytes() == b"\xff"


# Hosts that others reach: only what is said, nothing is bound -----------------------------------


class Elsewhere:
    url, seed, only_here = "http://192.0.2.1:80", "grand-bend", False
    admin_url, admin_token = "http://192.0.2.1:80/sandbox-admin", "token"


def given(*arguments):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(arguments)


def test_a_host_that_others_reach_is_warned_of(capsys):
    module._warn(given("--host", "192.0.2.1"), Elsewhere)
    assert capsys.readouterr().err == (
        "edfi-cte sandbox: WARNING: others reach this sandbox on 192.0.2.1, and secrets travel unencrypted (see --tls)\n"
    )
    module._warn(given("--host", "192.0.2.1", "--tls", "a", "b"), Elsewhere)
    assert (
        capsys.readouterr().err
        == "edfi-cte sandbox: WARNING: others reach this sandbox on 192.0.2.1\n"
    )


def test_the_screen_of_a_tls_sandbox_says_whom_to_trust():
    screen = module._screen(
        given("--tls", "cert.pem", "key.pem", "--db", "x.db"),
        Elsewhere,
        [Key("a b", "c", generated=False)],
    )
    assert "records        in x.db" in screen
    assert "export EDFI_CLIENT_ID='a b' EDFI_CLIENT_SECRET=...\n" in screen
    assert "--edfi-url=http://192.0.2.1:80 --edfi-ca-bundle=FILE" in screen


def test_a_second_ctrl_c_ends_the_process():
    signals = module._Signals()
    with signals:
        signal.raise_signal(signal.SIGTERM)
        signals.wait()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
