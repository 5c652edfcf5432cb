"""Where the sandbox is reached: tenant and year, HTTPS, hosts and who may be let in there."""

import re
import warnings
from contextlib import suppress

import pytest
import requests
import trustme

from pytest_edfi_cte.sandbox import Client, Sandbox
from pytest_edfi_cte.sandbox.address import base_path, is_loopback, require_unguessable, url
from pytest_edfi_cte.sandbox.auth import guessable
from tests.sandbox.support import DATA, Api, refused, student


@pytest.fixture
def tenanted(new_box):
    return new_box(tenant="Acme", year=2027)


def test_every_address_has_tenant_and_year(tenanted, connect):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/Acme/2027", tenanted.url)
    for base in (tenanted.url, f"{tenanted.url}/", tenanted.url.replace("Acme", "aCME")):
        urls = requests.get(base).json()["urls"]
        assert {u.startswith(base.rstrip("/") + "/") for u in urls.values()} == {True}
        for name in ("dependencies", "openApiMetadata"):
            assert requests.get(urls[name]).status_code == 200
    listed = requests.get(f"{tenanted.url}/metadata").json()
    assert {entry["endpointUri"].startswith(f"{tenanted.url}/metadata") for entry in listed} == {
        True
    }
    document = requests.get(listed[0]["endpointUri"]).json()
    assert document["basePath"] == "/Acme/2027/data/v3"
    assert document["securityDefinitions"]["oauth2_client_credentials"]["tokenUrl"] == (
        f"{tenanted.url}/oauth/token"
    )

    api = connect(tenanted)
    address = api.made("students", student())
    assert address.startswith(f"{tenanted.url}{DATA}/students/")
    tenanted.load(
        "studentSchoolAssociations",
        [
            {
                "studentReference": {"studentUniqueId": "222222"},
                "schoolReference": {"schoolId": 255901001},
                "entryDate": "2026-08-23",
                "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
            }
        ],
    )
    assert api.get(address).json()["studentUniqueId"] == "222222"


@pytest.mark.parametrize(
    "other", ["", "/", "/Acme", "/Acme/2028", "/Else/2027", "/Acme/20271", f"{DATA}/students"]
)
def test_other_tenants_and_years_are_not_there(tenanted, other):
    root = tenanted.url.removesuffix("/Acme/2027")
    document = refused(requests.get(root + other), 404, "not-found")
    assert document["detail"] == "This API is at /Acme/2027 and below."
    assert [r.status for r in tenanted.requests] == [404]


def test_a_token_of_another_address_is_not_given(tenanted):
    root = tenanted.url.removesuffix("/Acme/2027")
    body = {"grant_type": "client_credentials"}
    key = (tenanted.client_id, tenanted.client_secret)
    assert requests.post(f"{root}/oauth/token", data=body, auth=key).status_code == 404


def test_paths_of_requests_are_below_the_base(tenanted, connect):
    seen = []

    def middleware(request, proceed):
        seen.append(request.path)
        return proceed(request)

    with Sandbox(tenant="t", middleware=[middleware]) as box:
        assert box.url.endswith("/t")
        requests.get(f"{box.url}/metadata")
    assert seen == ["/metadata"]
    assert [r.path for r in box.requests] == ["/metadata"]


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "a b", "ä", "?"])
def test_a_tenant_is_a_segment_of_the_address(tenant):
    with pytest.raises(ValueError, match="becomes a part of the address"):
        Sandbox(tenant=tenant)


def test_bases():
    assert base_path(None, None) == ""
    assert base_path("a", None) == "/a"
    assert base_path(None, 2027) == "/2027"
    with pytest.raises(ValueError, match="27 must have four digits"):
        base_path("a", 27)
    assert url("::1", 80, "/a", tls=True) == "https://[::1]:80/a"
    assert url("0.0.0.0", 80, "", tls=False) == "http://127.0.0.1:80"


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.0.2.1", False),
        ("no such host", False),
    ],
)
def test_what_only_this_machine_reaches(host, only_here):
    assert is_loopback(host) is only_here


def client(secret, name="key"):
    return Client(name, secret, (255901,))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "secret",
        "minimalSecret",
        "populatedSecret",
        "x" * 40,
        "abcdefg" * 4,
        "a key of some length",
    ],
)
def test_guessable_secrets_are_for_this_machine_alone(secret):
    key = client(secret, name="a key of some length")
    assert guessable(key)
    require_unguessable("127.0.0.1", [key])
    with pytest.raises(ValueError, match=r"others reach 0\.0\.0\.0, and the secret of a key of"):
        Sandbox(host="0.0.0.0", clients=[key])
    with pytest.raises(ValueError, match="can be guessed"):
        Sandbox(host="0.0.0.0", client_id="default", client_secret="default")


def test_generated_and_long_secrets_are_for_everyone():
    require_unguessable("0.0.0.0", [client("correct horse battery staple")])
    assert not Sandbox(host="0.0.0.0").only_here  # not started: nothing is bound
    assert Sandbox().only_here


def test_another_loopback_address(new_box):
    box = new_box(host="127.0.0.2", clients=[client("short")])
    assert requests.get(box.url).json()["urls"]["oauth"].startswith("http://127.0.0.2:")
    assert box.only_here


def test_a_port_of_ones_own_and_one_that_is_taken(new_box):
    box = new_box()
    port = int(box.url.rpartition(":")[2])
    box.stop()
    with Sandbox(port=port) as again:
        assert again.url == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()


# HTTPS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    """(authority, certificate with chain, key, encrypted key) as files."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = [folder / name for name in ("ca.pem", "cert.pem", "key.pem", "encrypted.pem")]
    authority.cert_pem.write_to_path(files[0])
    for blob in issued.cert_chain_pems:
        blob.write_to_path(files[1], append=True)
    issued.private_key_pem.write_to_path(files[2])
    files[3].write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    return [str(file) for file in files]


class TrustingApi(Api):
    def __init__(self, box, authority):
        self.authority = authority
        super().__init__(box)

    def login(self):
        self.session.verify = self.authority
        super().login()


# cheroot leaves an answer that it could not write to its writer's destructor, and from Python 3.13 on
# io reports what is raised there.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*IOBase.__del__:pytest.PytestUnraisableExceptionWarning"
)
def test_https(new_box, pems):
    authority, certificate, key, _ = pems
    box = new_box(tls=(certificate, key))
    assert box.url.startswith("https://127.0.0.1:")
    urls = requests.get(box.url, verify=authority).json()["urls"]
    assert {u.startswith(box.url) for u in urls.values()} == {True}
    api = TrustingApi(box, authority)
    assert api.made("students", student()).startswith(f"{box.url}{DATA}/students/")
    api.close()

    with pytest.raises(requests.exceptions.SSLError):
        requests.get(box.url)
    with suppress(requests.ConnectionError):  # it may be gone before its answer was read
        assert requests.get(box.url.replace("https", "http")).status_code == 400
    assert requests.get(box.url, verify=authority).status_code == 200  # and goes on


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [(1, 3, "encrypted.pem is encrypted"), (1, 0, "ca.pem|PEM"), (2, 2, "PEM")],
)
def test_tls_files_that_do_not_fit(pems, certificate, key, text):
    box = Sandbox(tls=(pems[certificate], pems[key]))
    with warnings.catch_warnings(), pytest.raises(OSError, match=text):
        box.start()
    with pytest.raises(FileNotFoundError):
        Sandbox(tls=("/nowhere", "/nowhere")).start()
