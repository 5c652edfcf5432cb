"""Options, environment, env file and ini: precedence, sources, and mistakes said before a run."""

from __future__ import annotations

from datetime import date

import pytest

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.settings import Settings, read_settings

TODAY = date(2026, 11, 24)


@pytest.fixture
def read(pytester):
    def settings(*arguments: str, environment=None, today=TODAY) -> Settings:
        config = pytester.parseconfig("-p", "no:randomly", *arguments)
        return read_settings(config, environment=environment or {}, today=today)

    return settings


def test_defaults(read) -> None:
    settings = read()
    assert settings.url is None
    assert (settings.timeout, settings.retries, settings.namespace) == (30.0, 3, "uri://ed-fi.org")
    assert (settings.insecure, settings.keep_data, settings.overrides) == (False, False, {})
    assert settings.header() == []


VALUES = [
    ("url", "https://a.example/api", "https://b.example/api", "https://c.example/api", str),
    ("client_id", "a", "b", "c", str),
    ("school_year", "2025", "2026", "2027", int),
    ("namespace", "uri://a", "uri://b", "uri://c", str),
    ("seed", "1", "2", "3", int),
    ("timeout", "1.5", "2.5", "3.5", float),
    ("retries", "1", "2", "4", int),
    ("ca_bundle", "/a.pem", "/b.pem", "/c.pem", str),
]


@pytest.mark.parametrize(
    ("name", "option", "environment", "ini", "kind"),
    VALUES,
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_option_before_environment_before_env_file_before_ini(
    name, option, environment, ini, kind, read, pytester
) -> None:
    flag, variable = f"--edfi-{name.replace('_', '-')}", f"EDFI_{name.upper()}"
    pytester.makeini(f"[pytest]\nedfi_{name} = {ini}\n")
    env_file = pytester.path / "x.env"
    env_file.write_text(f"{variable}={environment}\n")

    def effective(*arguments, environment=None):
        settings = read(*arguments, environment=environment)
        return getattr(settings, name), settings.sources[name]

    assert effective() == (kind(ini), f"ini edfi_{name}")
    from_file = effective(f"--edfi-env-file={env_file}")
    assert from_file == (kind(environment), f"{variable} in x.env")
    from_environment = effective(f"--edfi-env-file={env_file}", environment={variable: environment})
    assert from_environment == (kind(environment), f"environment {variable}")
    assert effective(f"{flag}={option}", environment={variable: environment}) == (
        kind(option),
        f"option {flag}",
    )


@pytest.mark.parametrize("name", ["insecure", "keep_data"])
def test_flags(name, read, pytester) -> None:
    variable = f"EDFI_{name.upper()}"
    assert getattr(read(f"--edfi-{name.replace('_', '-')}"), name) is True
    assert getattr(read(environment={variable: "yes"}), name) is True
    pytester.makeini(f"[pytest]\nedfi_{name} = true\n")
    assert getattr(read(), name) is True
    assert getattr(read(environment={variable: "0"}), name) is False


def test_sets_are_merged_by_name(read, pytester) -> None:
    pytester.makeini("[pytest]\nedfi_set =\n    a=ini\n    b=ini\n    c=ini\n")
    settings = read("--edfi-set=a=option", environment={"EDFI_SET": "a=env\nb=env"})
    assert settings.overrides == {"a": "option", "b": "env", "c": "ini"}
    assert settings.sources["set b"] == "environment EDFI_SET"


def test_the_secret_comes_from_environment_or_env_file_alone(read, pytester) -> None:
    env_file = pytester.path / "my.env"
    env_file.write_text("EDFI_CLIENT_SECRET='from$file'\nEDFI_CLIENT_ID=abc\nEMPTY\n")
    settings = read(f"--edfi-env-file={env_file}")
    assert settings.client_secret.reveal() == "from$file"
    assert settings.sources["client_secret"] == "EDFI_CLIENT_SECRET in my.env"
    assert settings.client_id == "abc"
    both = read(f"--edfi-env-file={env_file}", environment={"EDFI_CLIENT_SECRET": "from-env"})
    assert both.client_secret.reveal() == "from-env"
    assert not read().client_secret
    assert not any(option.name == "client_secret" for option in OPTIONS)
    assert "from$file" not in repr(settings)


def test_files_in_the_ini_are_relative_to_it(read, pytester, monkeypatch) -> None:
    (pytester.path / "x.env").write_text("EDFI_CLIENT_ID=from-file\n")
    pytester.makeini("[pytest]\nedfi_env_file = x.env\n")
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    assert read("--rootdir=..", "-c", "../tox.ini").client_id == "from-file"


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2026, 6, 30), 2026), (date(2026, 7, 1), 2027), (date(2027, 1, 1), 2027), (TODAY, 2027)],
)
def test_school_year_turns_on_july_1(day, year, read) -> None:
    settings = read(today=day)
    assert settings.school_year == year
    assert settings.sources["school_year"] == "today's date"


def test_a_random_seed_is_said(read) -> None:
    one, other = read("--edfi-url=sandbox"), read("--edfi-url=sandbox")
    assert one.seed != other.seed
    assert f"seed {one.seed} [random]" in "\n".join(one.header())


WRONG = [
    ("--edfi-url=ftp://host", "is not the base URL of an Ed-Fi API"),
    ("--edfi-url=https://", "is not the base URL of an Ed-Fi API"),
    ("--edfi-url=https://me:pa55@host/api", "credentials do not belong in the URL"),
    ("--edfi-url=https://host/api?x=1", "has a query or fragment"),
    ("--edfi-school-year=twenty", "'twenty' is not a school year"),
    ("--edfi-school-year=1066", "is not a school year"),
    ("--edfi-school-year=2026-2027", "named by the year it ends in, e.g. 2027"),
    ("--edfi-school-year=2026/27", "named by the year it ends in, e.g. 2027"),
    ("--edfi-timeout=0", "not a number of seconds above 0"),
    ("--edfi-timeout=inf", "not a number of seconds above 0"),
    ("--edfi-timeout=soon", "not a number of seconds above 0"),
    ("--edfi-retries=-1", "not a whole number from 0 to 999"),
    ("--edfi-seed=abc", "not a whole number of at most 18 digits"),
    ("--edfi-namespace=http://x", "is not a descriptor namespace"),
    ("--edfi-namespace=uri://ed-fi.org/", "is not a descriptor namespace"),
    ("--edfi-set=studentUniqueId", "is not NAME=VALUE"),
    ("--edfi-set==5", "is not NAME=VALUE"),
]


@pytest.mark.parametrize(("argument", "says"), WRONG)
def test_wrong_value_is_said_with_its_source(argument, says, read) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(argument)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"option {argument.split('=')[0]}: ")
    assert "pa55" not in str(caught.value)


def test_wrong_flag_in_the_environment(read) -> None:
    with pytest.raises(
        ConfigurationError, match="environment EDFI_INSECURE: 'maybe' is neither true nor false"
    ):
        read(environment={"EDFI_INSECURE": "maybe"})


def test_env_file_that_cannot_be_read(read) -> None:
    with pytest.raises(
        ConfigurationError, match="option --edfi-env-file: .*missing.env cannot be read"
    ):
        read("--edfi-env-file=missing.env")


def test_header_shows_every_value_with_its_source_and_shouts_where_it_must(read) -> None:
    arguments = [
        "--edfi-url=https://host/api",
        "--edfi-insecure",
        "--edfi-keep-data",
        "--edfi-set=studentUniqueId=7",
        "--edfi-ca-bundle=x.pem",
    ]
    settings = read(
        *arguments, environment={"EDFI_CLIENT_ID": "key", "EDFI_CLIENT_SECRET": "s3cr3t-value"}
    )
    text = "\n".join(settings.header())
    for shown in (
        "url https://host/api [option --edfi-url]",
        "client_id key [environment EDFI_CLIENT_ID]",
        "client_secret set [environment EDFI_CLIENT_SECRET]",
        "school_year 2027 (2026-2027) [today's date]",
        "timeout 30 s [default]",
        "set studentUniqueId 7 [option --edfi-set]",
        "keep_data True [option --edfi-keep-data]",
        "ca_bundle x.pem",
        "WARNING: TLS CERTIFICATES ARE NOT VERIFIED [option --edfi-insecure]",
    ):
        assert shown in text
    assert "s3cr3t-value" not in text


def test_every_option_has_a_help_text_naming_all_three_ways(pytester) -> None:
    result = pytester.runpytest_inprocess("--help")
    text = " ".join(result.stdout.str().split())
    for option in OPTIONS:
        assert option.flag in text
        assert f"Also {option.variable} or ini {option.ini}." in text
