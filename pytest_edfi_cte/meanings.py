"""The words of findings about a product (observe mode); those about an API are in verdicts.py."""

from __future__ import annotations

#: kind of finding -> (what it means, what to do next)
OF_PRODUCTS: dict[str, tuple[str, str]] = {
    "not-sent": (
        "the product's record is not there",
        (
            "Let the product send it (--edfi-wait 15m gives it time). If it was sent: the key that "
            "looks must see the student (an enrollment under its ed-orgs); a student, program or "
            "date of your own is told to this run with --edfi-set."
        ),
    ),
    "other-key": (
        "there is a record of the student, but under another natural key",
        "Send the table's values, or name your own with --edfi-set NAME=VALUE.",
    ),
    "key-namespace": (
        "there is a record of the student, but its code value matches and its namespace differs",
        "If the state's own value means the same, say so: --edfi-descriptor 'RECEIVED=EXPECTED'.",
    ),
    "sent-twice": (
        "the product's record is there more than once",
        (
            "One record per student, program and begin date: find the one that is sent again "
            "with it (here or under a value that was mapped to it)."
        ),
    ),
    "second-record": (
        "the product sent a second record of the student instead of one",
        (
            "A change goes to the record that is there, under the same begin "
            "date, program and ed-org."
        ),
    ),
    "not-supplied": (
        "the product did not send a value",
        "Let the product send the property; REQUIRED ones must be supplied.",
    ),
    "supplied-null": (
        "the product sent null where a value is asked for",
        "Send the value; null says that there is none.",
    ),
    "supplied-type": (
        "the product sent a value with another JSON type",
        (
            'Send the JSON type of the API model: true is not "true", "11.0103" is not 11.0103. '
            "An API that takes both does not make it right for the next one."
        ),
    ),
    "supplied-value": (
        "the product sent another value",
        "Send the value of the table, or name your own with --edfi-set NAME=VALUE.",
    ),
    "supplied-case": (
        "the product sent a descriptor in another spelling",
        "Take the value from the API's own descriptor list, letter by letter.",
    ),
    "local-namespace": (
        "a descriptor's code value matches, its namespace differs",
        "If the state's own value means the same, say so: --edfi-descriptor 'RECEIVED=EXPECTED'.",
    ),
    "supplied-extra": (
        "the product sent more than was asked for",
        "Send exactly the elements of the table.",
    ),
    "supplied-duplicate": (
        "the product sent an element more than once",
        "The elements of a collection are unique by their key.",
    ),
    "supplied-schema": (
        "the product sent what does not fit the API's data model",
        "Compare the property with the Ed-Fi data standard's definition.",
    ),
    "service-missing": (
        "the product sent the record without the element that is asked for",
        "Send the collection with the table's element in the same request.",
    ),
    "other-service": (
        "the product sent another element than the one asked for",
        (
            "Send the table's element. If yours means the same, say so with --edfi-descriptor "
            "'RECEIVED=EXPECTED'."
        ),
    ),
    "not-updated": (
        "nothing changed: the record is as it was before the update",
        (
            "Make the change in the product and let it send it, as PUT or as POST of the same key. "
            "If it needs time, give it some: --edfi-wait 15m."
        ),
    ),
    "recreated": (
        "the record was deleted and re-created, not updated in place",
        (
            "Update with PUT, or POST the same natural key, so that the id stays. The "
            "certification refuses DELETE and POST: what refers to the record breaks with it."
        ),
    ),
    "deleted": (
        "the record is gone: the product deleted it instead of updating it",
        "Update with PUT, or POST the same natural key, so that the record and its id stay.",
    ),
    "service-replaced": (
        "the element was replaced by another instead of being changed",
        "Keep the element under its key, and change in it what the scenario changes.",
    ),
    "wrong-service": (
        "the product changed the wrong element",
        "Change the table's element of the collection; leave the others as they are.",
    ),
    "not-moved": (
        "the record under the old natural key is gone, and none is there under the new one",
        (
            "Send the record with its new natural key: where an API does not let a key change, an "
            "update of the key is a DELETE and a POST."
        ),
    ),
    "old-key-kept": (
        "the record is still there under the old natural key, beside the new one",
        (
            "Let the product DELETE the old record where the API does not let its key change by "
            "PUT: else the student has both."
        ),
    ),
    "not-deleted": (
        "the record is still there: the product did not delete it",
        (
            "Delete it in the product and let it send the DELETE. If it needs time, give it some: "
            "--edfi-wait 15m."
        ),
    ),
    "sent-again": (
        "the record was deleted, and the product sent it again",
        "What is deleted in the product must stay away: see what its next synchronisation sends.",
    ),
    "also-changed": (
        "the product changed more than it should",
        "Send the other properties as they were: an update replaces the whole record.",
    ),
    "also-lost": (
        "the product's update lost a value",
        (
            "Send every property again, also those that did not change: an update replaces the "
            "whole record."
        ),
    ),
    "also-added": (
        "the product's update added a value that was not asked for",
        "Change what the scenario changes, and nothing else.",
    ),
    "act-failed": (
        "the product's own step failed",
        "Its output above says why; run it by hand with the same values.",
    ),
    "act-timeout": (
        "the product's own step did not end in time and was stopped",
        "See its output above, or give it longer with --edfi-act-timeout.",
    ),
}
