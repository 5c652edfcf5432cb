#!/bin/sh
# The product's nightly job, as `edfi-cte rehearse --act` and `pytest --edfi-act` run it:
# `sync.sh STEP`. The step does not matter to it: it sends whatever has changed.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
export CTE_SCREEN_DB="${CTE_SCREEN_DB:-$(dirname -- "${EDFI_STUDENTS_CSV:-./}")/cte_screen.sqlite}"
export PYTHONPATH="$here"
# A Python that has requests: the one that is asked for, an active environment's, or a checkout's.
python=${PYTHON:-python3}
if [ -z "${PYTHON:-}${VIRTUAL_ENV:-}" ] && [ -x "$here/../../.venv/bin/python" ]; then
    python="$here/../../.venv/bin/python"
fi
exec "$python" -m cte_screen
