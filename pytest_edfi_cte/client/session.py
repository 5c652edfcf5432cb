"""Sessions: a plain one for discovery and token, and the one that talks to the resources."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from pytest_edfi_cte.client.customising import announce, customise
from pytest_edfi_cte.client.discovery import Api, origin
from pytest_edfi_cte.client.environment import Environment
from pytest_edfi_cte.client.exchange import Recorder
from pytest_edfi_cte.client.transport import BACKOFF_FACTOR, RecordingAdapter, describe_failure
from pytest_edfi_cte.errors import ReadOnlyRun, RequestFailed
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.settings import Settings

UNAUTHORIZED = 401
#: Methods that change nothing (RFC 9110, 9.2.1).
READS = frozenset({"GET", "HEAD", "OPTIONS"})


_NO_COOKIES = RequestsCookieJar()


@dataclass(frozen=True)
class Transport:
    """How to send: ``timeout`` and ``backoff`` in seconds; ``retries`` after the first attempt."""

    timeout: float = 30.0
    retries: int = 3
    ca_bundle: str | None = None
    insecure: bool = False
    #: Proxies, netrc and REQUESTS_CA_BUNDLE from the environment, as requests users expect.
    trust_env: bool = True
    backoff: float = BACKOFF_FACTOR
    #: Nothing but reads leaves, and the request for the token.
    read_only: bool = False


def transport_of(settings: Settings) -> Transport:
    """How a run with these settings sends."""
    return Transport(
        timeout=settings.timeout,
        retries=settings.retries,
        ca_bundle=settings.ca_bundle,
        insecure=settings.insecure,
        read_only=settings.observing,
        trust_env=not settings.embedded,  # a proxy has no business with loopback
    )


class Anonymous(AuthBase):
    """Sends no credentials, not even those of a ``.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class Bearer(AuthBase):
    """Puts the token on the wire, and nowhere else."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the ``Authorization`` header."""
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class HttpSession(requests.Session):
    """A requests session with our retries, time limit and evidence.

    Raises :class:`RequestFailed` (never a traceback out of requests, whose frames hold headers)
    where no answer comes.
    """

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        super().__init__()
        self.transport = transport
        self.recorder = recorder
        self.trust_env = transport.trust_env
        self._environment = Environment()
        #: The one address that may be written to in a read-only run: where tokens come from.
        self.token_url: str | None = None
        self.headers["Accept"] = "application/json"
        for scheme in ("https://", "http://"):
            adapter = RecordingAdapter(
                recorder, retries=transport.retries, backoff=transport.backoff
            )
            self.mount(scheme, adapter)
        if recorder.hooks.session:
            customise(self, recorder, recorder.hooks.session)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """As ``requests.Session``'s, with an environment that is read once."""
        if not self.trust_env or proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        if verify is None or verify is True:
            verify = self._environment.bundle or verify
        return {
            # Where both name a scheme, the environment's wins: as in requests.
            "proxies": {**self.proxies, **self._environment.proxies(url)},
            "stream": self.stream if stream is None else stream,
            "verify": self.verify if verify is None else verify,
            "cert": self.cert if cert is None else cert,
        }

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """As ``requests.Session``'s, which merges also what a session and request do not have."""
        own = self.cookies or self.params or self.auth or self.hooks.get("response")
        if own or request.cookies or not request.auth:
            return super().prepare_request(request)
        headers = CaseInsensitiveDict({**self.headers})
        headers.update(request.headers or {})
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=(request.method or "").upper(),
            url=request.url,
            files=request.files,
            data=request.data,
            json=request.json,
            # A header that is None is one that the session has and this request leaves out.
            headers={name: value for name, value in headers.items() if value is not None},
            params=request.params,
            auth=request.auth,
            cookies=_NO_COOKIES,
            hooks=request.hooks,
        )
        return prepared

    def may_send(self, method: str, url: str) -> None:
        """Raise :class:`ReadOnlyRun` where the request would write in a run that only reads."""
        if self.transport.read_only and method.upper() not in READS and url != self.token_url:
            raise ReadOnlyRun(method, url)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As ``requests.Session.send``: every request and redirect passes here, prepared or not."""
        self.may_send(request.method or "", request.url or "")
        if self.recorder.hooks.before_request:
            announce(request, self.recorder, self.recorder.hooks.before_request)
        return super().send(request, **kwargs)

    def request(  # type: ignore[override]  # requests' 16 arguments are passed through unread
        self, method: str, url: str, **kwargs: Any
    ) -> requests.Response:
        """As ``requests.Session.request``; the time limit and the CA bundle are ours by default."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.transport.timeout
        if kwargs.get("verify") is None:
            # Given per request: a session's own `verify` loses against REQUESTS_CA_BUNDLE.
            if self.transport.insecure:
                kwargs["verify"] = False
            elif self.transport.ca_bundle:
                kwargs["verify"] = self.transport.ca_bundle
        try:
            if not self.transport.insecure:
                return super().request(method, url, **kwargs)
            with warnings.catch_warnings():  # the header and the report say it, once and louder
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")
                return super().request(method, url, **kwargs)
        except requests.exceptions.SSLError as error:
            problem: str | None = f"TLS: {describe_failure(error)}"
        except requests.RequestException as error:
            problem = describe_failure(error)
        except KeyboardInterrupt:
            problem = None
        # Outside the except block: the chain behind it would show headers in a traceback.
        if problem is None:
            raise KeyboardInterrupt
        raise RequestFailed(self.recorder.redactor.clean(f"{method.upper()} {url}: {problem}"))


class EdFiSession(HttpSession):
    """A ``requests.Session`` for one Ed-Fi API: authorised, retried, recorded.

    Paths are relative to the API's data management URL: ``session.get("/ed-fi/students")``.
    The token goes to the hosts that discovery named and to no other. A 401 renews it once.
    """

    def __init__(
        self,
        api: Api,
        transport: Transport,
        recorder: Recorder,
        token: Callable[[Secret | None], Secret],
    ) -> None:
        super().__init__(transport, recorder)
        self.api = api
        #: Collection -> its namespace, where that is a state's.
        self.namespaces: Mapping[str, str] = {}
        self._token = token
        self._collections: dict[str, str] = {}

    def resource_url(self, collection: str, record_id: str | None = None) -> str:
        """The absolute URL of a collection or of one record in it."""
        if collection not in self._collections:
            namespace = self.namespaces.get(collection, "ed-fi")
            url = urljoin(self.api.data_url, f"{namespace}/{collection}")
            self._collections[collection] = url
        url = self._collections[collection]
        return f"{url}/{record_id}" if record_id else url

    def request(  # type: ignore[override]  # as in HttpSession
        self, method: str, url: str, **kwargs: Any
    ) -> requests.Response:
        """As ``requests.Session.request``; ``auth`` given here replaces the run's token."""
        # What begins with the data address is of the API: there is no host to look for in it.
        ours = url.startswith(self.api.data_url)
        url = url if ours else urljoin(self.api.data_url, url.lstrip("/"))
        self.may_send(method, url)
        # A redirected POST would silently become a GET: only reads follow.
        kwargs.setdefault("allow_redirects", method.upper() == "GET")
        if kwargs.get("auth") is not None:
            return super().request(method, url, **kwargs)
        if not ours and origin(url) not in self.api.origins:
            return super().request(method, url, **{**kwargs, "auth": Anonymous()})
        token = self._token(None)
        response = super().request(method, url, **{**kwargs, "auth": Bearer(token)})
        if response.status_code == UNAUTHORIZED:
            renewed = self._token(token)
            response = super().request(method, url, **{**kwargs, "auth": Bearer(renewed)})
        return response
