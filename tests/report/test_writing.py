"""The page and the Markdown: all is shown as it is called, nothing is run, and nothing is fetched."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from sweep.errors import SweepError, UsageError
from sweep.report.content import Section, Table, Text
from sweep.report.writing import html, in_markdown, markdown
from tests.report.hostile_sweep import DESCRIPTION, LONG, METRIC, OPTIONS, Page


@pytest.fixture(scope="module")
def elements(page):
    return Page(page)


@pytest.fixture(scope="module")
def tokens(text):
    return MarkdownIt("commonmark").enable("table").parse(text)


def test_names_are_shown_and_not_run(page, elements):
    assert "<script>alert" not in page and "<img" not in page and "<b>" not in page
    assert elements.texts("p")[0] == DESCRIPTION
    assert METRIC in elements.texts("th") and LONG in elements.texts("th")
    assert set(OPTIONS) & set(elements.texts("td"))
    assert {tag for tag, _, _ in elements.elements}.isdisjoint({"img", "iframe", "object", "link", "form", "b"})


def test_a_sweep_of_any_name_is_shown(report):
    named = Page(html(replace(report, name='<script>"日本"</script>')))
    assert named.texts("h1") == ['<script>"日本"</script>']
    assert named.texts("title") == ['<script>"日本"</script>: report of a sweep']
    assert in_markdown("<script>") in markdown(replace(report, name="<script>"))


def test_what_is_said_of_marks_cannot_end_its_script(report):
    shown = html(replace(report, marks={"0": ["</script><script>alert(1)"]}))
    assert len(Page(shown).all("script")) == 2


def test_characters_that_no_page_may_hold_are_spaces(report):
    assert "\x00" not in html(replace(report, description="a\x00b\x1bc\ud800"))
    assert Page(html(replace(report, description="a\x00b"))).texts("p")[0] == "a b"


def test_the_policy_allows_the_own_style_and_script_alone(elements):
    (policy,) = [each["content"] for _, each, _ in elements.all("meta") if "http-equiv" in each]
    (style,) = elements.texts("style")
    marks, script = elements.texts("script")
    for kind, content in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert '"0"' in marks


def test_nothing_is_fetched_and_nothing_has_a_style_of_its_own(page, elements):
    for _, attributes, _ in elements.elements:
        assert not {"src", "style", "srcset", "onload"} & attributes.keys()
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in page and "@import" not in page


def test_links_lead_to_sections_and_headings_are_in_order(elements):
    ids = [each["id"] for _, each, _ in elements.elements if "id" in each]
    assert len(set(ids)) == len(ids)
    assert {each["href"][1:] for _, each, _ in elements.all("a")} <= set(ids)
    levels = [int(tag[1]) for tag, _, _ in elements.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_heads_and_charts_have_a_text(elements):
    assert len(elements.all("table")) == len([text for text in elements.texts("caption") if text]) > 5
    assert {each.get("scope") for _, each, _ in elements.all("th")} == {"col", "row"}
    charts = [each for tag, each, _ in elements.all("svg") if "role" in each]
    assert charts and all(each["role"] == "img" and len(each["aria-label"]) > 20 for each in charts)
    assert len(elements.all("figcaption")) == len(charts)
    assert elements.all("html")[0][1]["lang"] == "en"


def test_markdown_holds_no_html_and_the_same_tables(tokens, report):
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} & {"html_block"} == set()
    assert {child.type for child in inline} & {"html_inline", "link_open", "image"} == set()
    tables = [table for _, section in report.outline() for table in section.tables]
    cells = ["".join(child.content for child in token.children) for token in cell_tokens(tokens)]
    assert cells == [cell for table in tables for row in (table.columns, *table.rows) for cell in row]


def test_code_is_no_text_in_backquotes(elements, tokens):
    assert [text for text in elements.texts("li") if "`" in text] == []
    assert "configuration" in elements.texts("code")
    code = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
    assert "configuration" in code


def test_legends_are_where_charts_are(elements, tokens, report):
    keys = [key for _, section in report.outline() for key in section.legend]
    assert {key.words for key in keys} >= {"the other trials", "completed", "diverged"}
    assert set(elements.texts("span")) >= {key.mark for key in keys}
    headings = [after.content for before, after in pairwise(tokens) if before.type == "heading_open"]
    assert "Curves" not in headings and "Each parameter" not in headings


def cell_tokens(tokens):
    """The contents of all cells."""
    return [
        after for before, after in pairwise(tokens) if before.type in ("th_open", "td_open") and after.type == "inline"
    ]


def test_markdown_shows_the_description_and_the_file_as_they_are(tokens, report):
    paragraphs = ["".join(child.content for child in token.children) for token in tokens if token.type == "inline"]
    assert paragraphs[:2] == ["hostile", DESCRIPTION]
    files = [token.content for token in tokens if token.type == "fence"]
    texts = [text.text for _, section in report.outline() for text in section.texts]
    assert [file.strip() for file in files] == [each.strip() for each in texts]


@pytest.mark.parametrize(
    "word",
    ["# a", "- a", "1. a", "a_b", "_a_", "***", "a\n\nb", "~~a~~", "&lt;", "a\\", "| a", "![a](b)", "==="],
)
def test_any_word_is_shown_as_it_is_in_markdown(word):
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(f"{in_markdown(word)}\n")
    assert [token.type for token in parsed] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in parsed[1].children) == " ".join(word.split())


def test_a_file_with_fences_stays_in_its_own(report):
    part = Section("x", "x", texts=(Text("x", "```\n# no heading\n````"),))
    parsed = MarkdownIt("commonmark").parse(markdown(replace(report, sections=(part,))))
    assert [token.content for token in parsed if token.type == "fence"] == ["```\n# no heading\n````\n"]


def test_what_a_template_lacks_is_an_error(report):
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        html(replace(report, sections=(Table("no section", (), (), ()),)))


def test_it_is_written_whole_in_place_of_an_older_one(searched, report, tmp_path, monkeypatch):
    monkeypatch.setattr("sweep.report.gathering.gather", lambda results, progress: report)
    file = tmp_path / "report.md"
    file.write_text("older")
    assert searched.report(file) == file
    assert file.read_text(encoding="utf-8").startswith("# hostile\n")
    assert [each.name for each in tmp_path.iterdir()] == ["report.md"]


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        ("report.pdf", UsageError, "its name must end in .html or .md"),
        ("report", UsageError, "its name must end in .html or .md"),
        ("no/report.html", SweepError, "there is no folder"),
    ],
)
def test_where_it_cannot_be_written_nothing_is_gathered(searched, tmp_path, file, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        searched.report(tmp_path / file, progress=lambda done, total: pytest.fail("gathered"))
