"""What can go wrong, in three kinds that must never be mistaken for each other.

A mistake in the set-up (:class:`ConfigurationError`), a check that could not be made
(:class:`NotTestable`), a finding against the judged API or product (:class:`NonConformance`).
Anything else that escapes our code is our own bug and is reported as such.
"""

from __future__ import annotations


class EdFiError(Exception):
    """Base of the errors whose text is meant for the person who runs the tests."""


class ConfigurationError(EdFiError):
    """The run cannot start: an option, a file, an address or a credential is wrong.

    Becomes ``pytest.UsageError`` (exit code 4) before any test runs.
    """


class Unreachable(ConfigurationError):
    """No answer comes from the API's address: name, network, proxy or TLS."""


class NotAnApi(ConfigurationError):
    """Something answers at the address, but no usable Ed-Fi discovery document."""


class InsecureAddress(ConfigurationError):
    """An API reached by https names an address without it, so that the secret would be readable."""


class UnsupportedStandard(ConfigurationError):
    """An Ed-Fi API, of a data standard that this kit does not judge."""


class NoToken(ConfigurationError):
    """The API's token address gives no token for this key."""


class NotTestable(EdFiError):
    """A prerequisite is missing, so nothing can be said about the scenario. Red, never skipped."""


class ReadOnlyRun(NotTestable):
    """A test wants to write in a run that only reads; nothing was sent."""

    def __init__(self, method: str, url: str) -> None:
        super().__init__(
            f"this run only reads (--edfi-mode=observe), so {method} {url} was not sent.\n"
            "  A test that creates, changes or deletes records needs --edfi-mode=drive; leave it "
            "out here with -k, -m or --deselect."
        )


class HookFailed(NotTestable, ConfigurationError):
    """A hook of the user's own raised something: red, and no verdict on the API.

    Before the first test it is a mistake in the set-up, in a test that test is not testable.
    """


class NonConformance(EdFiError, AssertionError):
    """The judged API or product does not do what the certification table or the schema asks."""


class RequestFailed(EdFiError):
    """No answer came: the connection, the TLS handshake or the reading of the answer failed."""


#: Why a check could not be made; of a set-up that is wrong only once the tests run (a token that is
#: not renewed) that is so, too.
NOT_ASKED = (NotTestable, ConfigurationError)
