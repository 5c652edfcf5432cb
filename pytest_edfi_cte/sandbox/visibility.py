"""Who may see what, as SQL over the store's tables. The claims are bound as ``:claims`` (JSON)."""

from __future__ import annotations

#: The ed-orgs that a list of claims covers: the claimed ones and everything below them.
COVERED = """WITH RECURSIVE covered(id) AS (
  SELECT value FROM json_each(:claims)
  UNION SELECT child FROM hierarchy JOIN covered ON parent = covered.id)"""

# Whether a table has a tie of the row's student to a covered ed-org.
_TIED = """EXISTS(SELECT 1 FROM {table} e WHERE e.student = r.student AND e.edorg IS NOT NULL
              AND e.edorg IN (SELECT id FROM covered))"""

# A tie, or something of an ed-org: if the ed-org is covered. Neither that nor about a student:
# yes. Anything else about a student: if some tie of that student is. Store.visible() says the same
# of one record.
_RULE = """(CASE WHEN r.edorg IS NOT NULL THEN r.edorg IN (SELECT id FROM covered)
  WHEN r.student IS NULL THEN 1
  ELSE {tied} END)"""

#: May a key with these claims see record ``r``?
VISIBLE = _RULE.format(tied=_TIED.format(table="record"))
#: May it see change ``r``? Ties that were deleted count as well as those that are there.
VISIBLE_CHANGE = _RULE.format(
    tied=f"{_TIED.format(table='record')} OR {_TIED.format(table='change')}"
)
