"""The Ed-Fi API over HTTP: addresses by discovery, one token while it lasts, pauses that grow."""

import time

import requests

UNAUTHORIZED, TOO_MANY, SERVER_ERROR = 401, 429, 500


class Unavailable(Exception):
    """The API was in trouble, and still is after every try."""


class Refused(Exception):
    """The API does not want this record as it is; trying again would not help."""


class Api:
    """``pause``: seconds before the second try, doubled for each further one."""

    def __init__(self, url, client_id, client_secret, *, pause=0.5, tries=4, sleep=time.sleep):
        self._http = requests.Session()
        self._key = (client_id, client_secret)
        self._pause, self._tries, self._sleep = pause, tries, sleep
        self._token = None
        self._urls = self._answer(lambda: self._http.get(url, timeout=30)).json()["urls"]

    def close(self):
        self._http.close()

    def read(self, collection):
        """All records of a collection, page by page."""
        found, size = [], 500
        while True:
            query = {"limit": size, "offset": len(found)}
            page = self._call("GET", self._place(collection), params=query).json()
            found += page
            if len(page) < size:
                return found

    def send(self, collection, body, location):
        """PUT to where the record is, POST where it is not known to be; gives its address."""
        if location:
            body = {**body, "id": location.rpartition("/")[2]}
            self._call("PUT", location, json=body)
            return location
        return self._call("POST", self._place(collection), json=body).headers.get("Location")

    def _place(self, collection):
        return f"{self._urls['dataManagementApi'].rstrip('/')}/ed-fi/{collection}"

    def _call(self, method, url, **more):
        def once():
            if self._token is None:
                self._token = self._new_token()
            headers = {"Authorization": f"Bearer {self._token}"}
            return self._http.request(method, url, headers=headers, timeout=30, **more)

        answer = self._answer(once)
        if answer.status_code == UNAUTHORIZED:
            self._token = None
            answer = self._answer(once)
        if not answer.ok:
            raise Refused(f"{answer.status_code}: {answer.text}")
        return answer

    def _new_token(self):
        form = {"grant_type": "client_credentials"}
        answer = self._http.post(self._urls["oauth"], data=form, auth=self._key, timeout=30)
        answer.raise_for_status()
        return answer.json()["access_token"]

    def _answer(self, once):
        """The first answer that is not a trouble of the API's."""
        pause, trouble = self._pause, ""
        for number in range(self._tries):
            if number:
                self._sleep(pause)
                pause *= 2
            try:
                answer = once()
            except requests.ConnectionError:
                trouble = "the connection broke"
                continue
            if answer.status_code != TOO_MANY and answer.status_code < SERVER_ERROR:
                return answer
            trouble = f"answered {answer.status_code}"
            asked = answer.headers.get("Retry-After", "")
            if asked.replace(".", "", 1).isdigit():
                pause = max(pause, float(asked))
        raise Unavailable(f"{trouble}, {self._tries} times")
