"""How errors are told: their shape, and what must never stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_edfi_cte.compare import ABSENT
from pytest_edfi_cte.contract_checks.answers import FIRST_ERROR, Answer
from pytest_edfi_cte.contract_checks.bench import NOBODY, Bench
from pytest_edfi_cte.contract_checks.cleanup import STUDENTS
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of
from pytest_edfi_cte.judge import Finding

#: What the inside of a server looks like: name -> pattern. Each is narrow enough not to be prose.
INTERNALS = {
    "a stack trace": r"Traceback \(most recent call last\)|^\s*at [\w.$<>`]+\(|\bin \S+:line \d+"
    r'|File "[^"]+", line \d+|\.(java|cs|py|js|kt):\d+\b',
    "an exception's class": r"\b(?:[A-Za-z_]\w*\.)+\w*(?:Exception|Error)\b"
    r"|\b\w+Exception:|\bORA-\d{5}\b|\bSQLSTATE\b",
    "an SQL statement": r"\bSELECT\s+.+?\s+FROM\s+|\bINSERT\s+INTO\s+\S+\s*\(|\bDELETE\s+FROM\s+\w"
    r"|\bUPDATE\s+\S+\s+SET\s+|\bviolates foreign key constraint\b|\bFK_\w+",
    "a path of the server": r"\b[A-Za-z]:\\[\w\\. -]+"
    r"|(?<![\w/:.])/(?:usr|var|opt|home|app|srv|etc)/\w",
}
_FLAGS = re.IGNORECASE | re.MULTILINE
#: Fields that problem details should have; `correlationId` and the others are optional here.
MEMBERS = {"type": str, "title": str, "status": int, "detail": str}
#: What breaks the quoting of careless code: a way to see its inside.
ODD = "'\"\\;--<%00"


def _errors(bench: Bench) -> dict[str, Answer]:
    """One refused request of every sort, asked once."""

    def ask() -> dict[str, Answer]:
        json = {"Content-Type": "application/json"}
        own = bench.common.url or ""
        odd = bench.body(privateCTEProgram=ODD)
        unresolved = bench.body()
        unresolved["programReference"] = {**unresolved["programReference"], "programName": ODD}
        no_date = {k: v for k, v in bench.body().items() if k != "beginDate"}
        return {
            "a missing property": bench.post(no_date),
            "a wrong type": bench.post(odd),
            "a missing reference": bench.post(unresolved),
            "malformed JSON": bench.post(bench.body(), data=b'{"beginDate": }', headers=json),
            "an unknown id": bench.get(bench.gone.url or ""),
            "an odd id": bench.get(f"{bench.collection}/%27%22%3B--"),
            "an odd query": bench.query(beginDate=ODD, limit=ODD),
            "a missing token": bench.get(own, auth=NOBODY),
            "a method": bench.send("PATCH", own, json={}),
        }

    answers = bench.once("errors", ask)
    return {
        where: answer for where, answer in answers.items() if (answer.status or 0) >= FIRST_ERROR
    }


def _problems(bench: Bench) -> dict[str, Answer]:
    """The errors that are problem details; :class:`DoesNotApply` where none is."""
    errors = _errors(bench)
    found = {where: answer for where, answer in errors.items() if answer.problem}
    if not found:
        some = next(iter(errors.values()), None)
        shown = f"{some.exchange.line}: {some.text[:200]}" if some else "no error was answered"
        raise DoesNotApply(f"the API sends no problem details: {shown}")
    return found


@check
def errors_are_problem_details(bench: Bench) -> Iterator[Finding]:
    """Errors are told as problem details (RFC 9457)."""
    for where, answer in _errors(bench).items():
        told = answer.text[:200] or "an empty body"
        expected = "problem details: a JSON object with type"
        yield finding_of(answer.problem, f"answer to {where}", expected, told, answer)


@check
def problem_details_are_complete(bench: Bench) -> Iterator[Finding]:
    """Problem details have their members."""
    for where, answer in _problems(bench).items():
        missing = [n for n, kind in MEMBERS.items() if not isinstance(answer.at(n), kind)]
        place = f"problem details of {where}"
        yield finding_of(
            not missing, place, ", ".join(MEMBERS), f"without {', '.join(missing)}", answer
        )


@check
def problem_details_have_the_status(bench: Bench) -> Iterator[Finding]:
    """Problem details that name a status name that of the answer."""
    for where, answer in _problems(bench).items():
        told = answer.at("status")
        expected = f"{answer.status}, as in the answer"
        place = f"status in the problem details of {where}"
        yield finding_of(told in (ABSENT, answer.status), place, expected, told, answer)


@check
def problem_types_are_ed_fi(bench: Bench) -> Iterator[Finding]:
    """Problem details have one of Ed-Fi's types."""
    for where, answer in _problems(bench).items():
        told = str(answer.at("type"))
        good = told.startswith("urn:ed-fi:api:")
        expected = "urn:ed-fi:api:…"
        yield finding_of(good, f"type of the problem of {where}", expected, told, answer)


@check
def errors_are_no_server_errors(bench: Bench) -> Iterator[Finding]:
    """A client's mistake is answered with 4xx, never with 5xx."""
    for where, answer in _errors(bench).items():
        good = answer.status is not None and answer.status < 500  # noqa: PLR2004 - a status says itself
        yield finding_of(good, f"status of {where}", "400 to 499", answer.told, answer)


@check
def errors_hide_the_inside(bench: Bench) -> Iterator[Finding]:
    """Errors show nothing of the server's inside: stack traces, SQL, paths, classes."""
    for where, answer in _errors(bench).items():
        for what, pattern in INTERNALS.items():
            found = re.search(pattern, answer.text, _FLAGS)
            told = found[0][:200] if found else ""
            place = f"answer to {where}: {what}"
            yield finding_of(found is None, place, "nothing of the inside", told, answer)


@check
def errors_hide_people(bench: Bench) -> Iterator[Finding]:
    """Errors about a student's data do not repeat the student's name or birth date."""
    body = bench.recipes.student(bench.run.fiction.next())
    body["lastSurname"] = f"{body['lastSurname']}-{'x' * 80}"
    wrong_student = bench.post(body, resource=STUDENTS)
    answers = {"a student whose name is too long": (wrong_student, body)}
    for where, answer in _errors(bench).items():
        answers[where] = (answer, bench.student)
    for where, (answer, person) in answers.items():
        private = [person.get(n) for n in ("firstName", "lastSurname", "birthDate")]
        found = [str(p) for p in private if p and re.search(rf"\b{re.escape(p)}", answer.text)]
        expected = "no name and no birth date"
        yield finding_of(not found, f"answer to {where}", expected, f"{len(found)} of them", answer)


@check
def errors_hide_the_token(bench: Bench) -> Iterator[Finding]:
    """A refused token is not repeated in the answer."""
    token = "edfi0contract0pack0token0that0is0none"  # noqa: S105 - a token of nobody
    answer = bench.get(bench.common.url or "", auth=bench.token(token))
    expected = "without the token"
    told = "the token" if token in answer.text else "nothing of it"
    yield finding_of(token not in answer.text, "answer to a wrong token", expected, told, answer)
