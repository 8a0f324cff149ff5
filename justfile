# Shortcuts for just (https://just.systems). Nothing depends on just: each recipe is a command you can type.

# Lists the recipes.
default:
    @just --list

# Runs the README's test command, word for word; .ci/run reads the same line from the README.
test:
    python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest

# Measures branch coverage, which has to stay above 90 %. Not a part of CI: tracing takes a third of its time.
coverage:
    .venv/bin/pytest --cov=agenciaos_jobs --cov-branch --cov-report=term:skip-covered --cov-fail-under=90

# Runs the checks that tests/project/test_quality.py runs.
check:
    .venv/bin/pytest tests/project/test_quality.py

# Formats Python and templates.
format:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .
    .venv/bin/djlint --reformat agenciaos_jobs

# Starts the whole stack on this machine.
dev:
    .venv/bin/agenciaos-jobs dev

# Renews constraints.txt and requirements.lock; "just lock --upgrade" takes newer releases.
lock *arguments:
    .ci/lock {{arguments}}

# Draws the READMEs' pictures anew; needs Chromium.
pictures:
    .venv/bin/python -m bench.pictures
