"""What the documents point at is there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
READMES = [ROOT / "README.md", ROOT / "README.pt-BR.md"]
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


def outline(page: Path) -> list[int]:
    """The levels of the headings, in their order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(page), re.MULTILINE)]


def commands(page: Path) -> list[list[str]]:
    """The code blocks, without the comments, which are in the page's language."""
    blocks = re.findall(r"^```(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [[re.sub(r"\s*(^|\s)# .*", "", line) for line in block.splitlines()] for block in blocks]


def targets(page: Path) -> list[str]:
    """Where links and images lead, but for the page's own headings and the other language."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return sorted(target for target in found if not target.startswith(("#", "README")))


def terms(page: Path) -> set[str]:
    """What stands in code: commands, settings, routes, fields."""
    return set(re.findall(r"`([^`\n]+)`", without_code(page)))


def without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("part", [outline, commands, targets, terms], ids=lambda part: part.__name__)
def test_the_readme_is_the_same_in_both_languages(part: Callable[[Path], object]):
    english, portuguese = map(part, READMES)
    assert english
    assert portuguese == english


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
