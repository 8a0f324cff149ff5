"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return {anchor(re.sub(r"[`\[\]]", "", heading)) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_a_heading_that_there_are(page: Path):
    for link in LINK.findall(page.read_text()):
        path, _, name = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if name:
            assert name in anchors(target), link


def test_the_index_of_decisions_lists_each_file_by_number_title_status_and_date():
    files = sorted(DECISIONS.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \| (.+) \| (.+) \|$", index(), re.MULTILINE)
    assert listed == [(path.name[:4], path.name, *heading(path)) for path in files]
    assert [int(number) for number, *_ in listed] == list(range(1, len(files) + 1))
    dates = [date for *_, date in listed]
    assert dates == sorted(dates)


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_a_decision_has_the_sections_of_the_template(path: Path):
    template = re.findall(r"^## (.+)$", index().partition("```markdown")[2], re.MULTILINE)
    assert re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) == template
    assert 25 <= len(path.read_text().splitlines()) <= 60
    assert max(map(len, path.read_text().splitlines())) <= 120


def index() -> str:
    return (DECISIONS / "README.md").read_text()


def heading(path: Path) -> tuple[str, str, str]:
    """A decision's title, its status without dates, and the date on which it was accepted."""
    found = re.match(r"# \d{4}\. (.+)\n\nStatus: (accepted|superseded by \[.+?\]\(.+?\)).*\n", path.read_text())
    assert found, path.name
    accepted = re.search(r"accepted, (\d{4}-\d{2}-\d{2})", found[0])
    assert accepted, path.name
    return found[1], found[2], accepted[1]
