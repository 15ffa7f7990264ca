"""The report: a page and Markdown that are whole, whatever the documents have."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import InputError
from optimizer.reporters.report import write_report, write_run_page
from tests.optimizer.page_reading import Element, read_page
from tests.optimizer.report_documents import RUN, run_document, write_documents

ROOT = Path(__file__).parents[2]
HOSTILE = '<script>alert("1")</script> | `tick` $x^$ [a](http://evil.example) *b* &amp; \x07'
_UNIT = re.compile(
    r"\d ?(s|ms|µs|min|x|%|B|KiB|MiB|GiB|MHz|[a-z]+(/s)?|.iB/s|x \([\d,.]+ to [\d,.]+\))(, (measured|modelled))?$"
    r"|^(not measured|-|yes|no|ssd|hdd|none)$|^n\^|cores, .* GiB of memory"
)
_COUNTED = re.compile(
    r"pairs|scenarios|cells|hits|misses|calls|arguments|repeated|allocations|symbols|timestamps|bars|points|exponent|share"
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report on a run that has everything."""
    out = tmp_path_factory.mktemp("out")
    folder = write_documents(out)
    write_run_page(out, folder)
    write_report(out)
    return out


@pytest.fixture(scope="module")
def page(out: Path) -> Element:
    """Its page."""
    return read_page((out / "index.html").read_text(encoding="utf-8"))


def report_of(out: Path, run: dict[str, Any], *, others: bool = False) -> tuple[Element, str]:
    """Return the page and the Markdown of a report on this run."""
    write_documents(out, run, others=others)
    path = write_report(out)
    return read_page(path.read_text(encoding="utf-8")), (out / "index.md").read_text(encoding="utf-8")


def section(page: Element, name: str) -> Element:
    """Return the part of a page that has this name."""
    (found,) = [one for one in page.all("section") if one.attributes["aria-labelledby"] == name]
    return found


class TestThePage:
    """Structure that people who see, hear or print it rely on."""

    def test_says_its_language_and_has_one_title_and_one_main(self, page: Element) -> None:
        assert page.one("html").attributes["lang"] == "en"
        assert RUN in page.one("title" if len(page.all("title")) == 1 else "h1").text
        assert len(page.all("main")) == len(page.all("h1")) == len(page.all("nav")) == len(page.all("header")) == 1

    def test_has_headings_in_order(self, page: Element) -> None:
        levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))

    def test_begins_with_a_way_to_the_report(self, page: Element) -> None:
        first = page.all("a")[0]
        assert first.attributes["href"] == "#report"
        assert page.one("main").attributes["id"] == "report"

    def test_has_no_id_twice_and_no_way_to_an_id_that_is_not_there(self, page: Element) -> None:
        ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        wanted = {one.attributes["href"][1:] for one in page.all("a", "use") if one.attributes["href"].startswith("#")}
        for name in ("aria-labelledby", "aria-describedby", "headers"):
            wanted |= {part for one in page.all() for part in one.attributes.get(name, "").split()}
        for value in (value for one in page.all() for value in one.attributes.values()):
            wanted |= set(re.findall(r"url\(#([^)]+)\)", value))
        assert wanted <= set(ids)

    def test_every_table_has_a_caption_and_says_what_a_heading_is_of(self, page: Element) -> None:
        tables = page.all("table")
        assert len(tables) > 20
        for table in tables:
            assert table.one("caption").text
            assert all(cell.attributes["scope"] in ("col", "row") for cell in table.all("th"))
            for row in table.one("tbody").all("tr"):
                assert [cell.tag for cell in row.children][:1] == ["th"]
                assert len(row.children) == len(table.one("thead").all("th"))

    def test_every_wide_table_and_listing_can_be_scrolled_by_keyboard(self, page: Element) -> None:
        for one in page.all("table"):
            assert one.parent is not None
            assert one.parent.attributes["tabindex"] == "0"
            assert one.parent.attributes["role"] == "region"
        assert all(one.attributes["tabindex"] == "0" for one in page.all("pre"))

    def test_every_drawing_has_a_title_words_and_a_table(self, page: Element) -> None:
        figures = page.all("figure")
        assert len(figures) == 5
        for figure in figures:
            assert figure.one("figcaption").text
            assert figure.one("details").one("table").all("td")
            drawings = figure.all("svg")
            assert len(drawings) == 2
            for svg in drawings:
                title, about = svg.one("title"), svg.one("desc")
                assert svg.attributes["role"] == "img"
                assert svg.attributes["aria-labelledby"].split() == [title.attributes["id"], about.attributes["id"]]
                assert len(about.text) > len(title.text) > 0

    def test_names_nothing_that_would_be_loaded(self, out: Path, page: Element) -> None:
        html = (out / "index.html").read_text(encoding="utf-8")
        assert not page.all("script", "link", "img", "iframe", "object", "embed", "base", "form", "video", "audio")
        assert "http" not in html
        assert "@import" not in html
        assert not re.search(r"url\((?!#)", html)
        assert not [key for one in page.all() for key in one.attributes if key.startswith("on") or key == "src"]

    def test_every_link_goes_to_a_file_that_is_there(self, out: Path, page: Element) -> None:
        for base, root in (
            (out, page),
            (out / "runs" / RUN, read_page((out / "runs" / RUN / "report.html").read_text())),
        ):
            hrefs = [one.attributes["href"] for one in root.all("a") if not one.attributes["href"].startswith("#")]
            assert len(hrefs) > 12
            assert all((base / href).is_file() for href in hrefs)

    def test_no_colour_is_drawn_that_the_page_does_not_have(self, page: Element) -> None:
        style = page.one("style").text
        for svg in page.all("svg"):
            for one in svg.all():
                for colour in re.findall(r"(?:fill|stroke): ([^;]+)", one.attributes.get("style", "")):
                    name = colour.removeprefix("var(").removesuffix(")")
                    assert colour == "none" or f"{name}:" in style, colour


class TestFigures:
    """No figure without its unit."""

    def test_every_cell_of_figures_has_a_unit_by_its_text_or_its_column(self, page: Element) -> None:
        looked_at = 0
        for table in page.all("table"):
            heads = [head.text for head in table.one("thead").all("th")]
            for row in table.one("tbody").all("tr"):
                for head, cell in zip(heads, row.children, strict=True):
                    if "n" in cell.classes and not re.search(_COUNTED, head):
                        looked_at += 1
                        assert _UNIT.search(cell.text), f"{table.one('caption').text}: {head}: {cell.text}"
        assert looked_at > 200

    def test_every_figure_that_stands_out_has_one(self, page: Element) -> None:
        figures = [one.text for one in page.all("dd") if "figure" in one.classes]
        assert figures == ["469x", "34.1x", "288 MiB", "9 changes", "1.002x"]

    def test_every_tick_of_a_drawing_has_one(self, page: Element) -> None:
        ticks = [one.text for svg in page.all("svg") for one in svg.all("text") if re.match(r"[\d.]", one.text)]
        assert len(ticks) > 60
        alone = [tick for tick in ticks if re.fullmatch(r"[\d.,]+", tick)]
        assert set(alone) <= {"10", "100", "1,000"}  # symbols: the axis says so
        assert all("symbols" in [one.text for one in svg.all("text")] for svg in page.all("svg") if _has(svg, alone))

    def test_the_lead_says_what_came_out_and_what_to_do(self, page: Element) -> None:
        lead, action = (next(one.text for one in page.all("p") if name in one.classes) for name in ("lead", "action"))
        assert "469x as fast (446 to 502x)" in lead
        assert "takes 7.65 ms where the reference takes 3.59 s" in lead
        assert "the same bits in 44 scenarios and 9 environments" in lead
        assert "optimize ecn accept ECN-0001" in action
        assert "Do not merge approximate_broker (diverged)" in action


def _has(svg: Element, texts: list[str]) -> bool:
    return any(one.text in texts for one in svg.all("text"))


def test_the_markdown_tells_the_same(out: Path, page: Element) -> None:
    markdown = (out / "index.md").read_text(encoding="utf-8")
    assert [line[3:] for line in markdown.splitlines() if line.startswith("## ")] == [
        one.text for one in page.all("h2")
    ][1:]
    plain = markdown.replace("\\", "").replace("`", "")
    for cell in page.all("td", "caption"):
        shown = cell.text.removeprefix("✓ ").removeprefix("○ ").removeprefix("✕ ")
        assert shown in plain, shown


def test_every_table_of_the_markdown_has_its_columns(out: Path) -> None:
    for name in ("index.md", f"runs/{RUN}/summary.md"):
        rows = [line for line in (out / name).read_text().splitlines() if line.startswith("|")]
        assert len(rows) > 150
        blocks = "\n".join((out / name).read_text().splitlines()).split("\n\n")
        for block in (block for block in blocks if block.startswith("|")):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block


def test_the_markdown_links_to_files_that_are_there(out: Path) -> None:
    for base, name in ((out, "index.md"), (out / "runs" / RUN, "summary.md")):
        links = re.findall(r"\]\(([^)]+)\)", (base / name).read_text())
        assert len(links) > 12
        assert all((base / link).is_file() for link in links)


class TestWhatIsMissing:
    """Every part says what was not measured, and the command that measures it."""

    def test_a_run_alone_is_shown_with_the_commands_for_the_rest(self, tmp_path: Path) -> None:
        page, markdown = report_of(tmp_path, run_document())
        missing = [one.text for one in page.all("p") if "missing" in one.classes]
        commands = " ".join(missing)
        for command in ("optimize profile", "optimize scale", "optimize hardware", "make calibrate", "optimize bench"):
            assert command in commands
            assert command in markdown
        assert all(one.startswith("Not measured.") and "Measure it: " in one for one in missing)

    def test_schema_1_still_shows(self, tmp_path: Path) -> None:
        run = run_document(schema=1)
        for name in ("measurement", "exit_code", "profile", "settings", "order"):
            del run[name]
        run["aa_control"] = {"ratio": 1.0, "ci95": [0.99, 1.01], "passed": True}
        for change in run["changes"]:
            for name in ("title", "cpu_seconds", "cold", "load", "peak", "source_digest"):
                del change[name]
            for name in ("bounds", "before_all", "after_all"):
                del change["seconds"][name]
        page, markdown = report_of(tmp_path, run)
        assert "34.1x" in section(page, "tried").text
        assert "its component, feed, took 40% of the time" in markdown

    @pytest.mark.parametrize(
        "name", ["seconds", "peak", "parity", "determinism", "workload", "worst", "verdict", "ecn"]
    )
    def test_any_part_of_a_change_may_be_missing(self, tmp_path: Path, name: str) -> None:
        run = run_document()
        for change in run["changes"]:
            change[name] = None
        page, _ = report_of(tmp_path, run)
        assert "array_feed" in section(page, "tried").text

    @pytest.mark.parametrize("value", [None, "text", [None, 1, "x"], {"a": None}])
    def test_any_part_of_a_run_may_be_of_another_kind(self, tmp_path: Path, value: object) -> None:
        run = {name: value for name in run_document() if name != "run_id"} | {"run_id": RUN}
        page, _ = report_of(tmp_path, run)
        assert page.one("h1").text == f"Run {RUN}"

    @pytest.mark.parametrize(
        "name", ["profile-before", "profile-after", "attribution", "scaling", "calibration", "hardware", "bench"]
    )
    @pytest.mark.parametrize("text", ["{", '{"points": [{}], "changes": [{}], "components": {"a": 1}}'])
    def test_a_damaged_document_is_told_or_shown_as_far_as_it_goes(self, tmp_path: Path, name: str, text: str) -> None:
        folder = write_documents(tmp_path)
        path = folder / f"{name}.json" if (folder / f"{name}.json").exists() else tmp_path / f"{name}.json"
        path.write_text(text)
        page = read_page(write_report(tmp_path).read_text())
        told = [one.text for one in page.all("p") if one.text.startswith("Left out:")]
        assert (f"{name}.json can't be read" in " ".join(told)) == (text == "{")

    def test_a_run_that_tried_nothing(self, tmp_path: Path) -> None:
        empty = {"reference_seconds": None, "final_seconds": None, "ratio": None, "ci95": None}
        aa = {"ratio": None, "ci95": None, "passed": None}
        page, _ = report_of(tmp_path, run_document(changes=[], totals=[], total=empty, aa_control=aa, order=[]))
        assert "Nothing was tried" in page.text

    def test_a_run_in_which_nothing_passed(self, tmp_path: Path) -> None:
        run = run_document(totals=[], total={"ratio": None})
        run["changes"] = [change for change in run["changes"] if change["verdict"] == "diverged"]
        page, _ = report_of(tmp_path, run)
        assert "None of 1 change passed, so the build stays as it was" in page.text
        assert "Do not merge approximate_broker (diverged)" in page.text

    def test_a_void_run_says_so_first_and_asks_for_another(self, tmp_path: Path) -> None:
        aa = {"ratio": 1.2, "ci95": [1.1, 1.3], "bounds": [1.08, 1.32], "passed": False, "pairs": 8}
        page, markdown = report_of(tmp_path, run_document(aa_control=aa, exit_code=3))
        lead = next(one.text for one in page.all("p") if "lead" in one.classes)
        assert lead.startswith("The measurement is void.")
        assert "Accept nothing" in markdown
        assert "ecn accept" not in markdown
        assert "exit code 3: the measurement is void" in page.text

    def test_the_newest_run_is_the_one_that_is_told(self, tmp_path: Path) -> None:
        write_documents(tmp_path)
        write_documents(tmp_path, run_document(run_id="20261122T000000Z-ffff"), others=False)
        page = read_page(write_report(tmp_path).read_text())
        assert page.one("h1").text == "Run 20261122T000000Z-ffff"
        assert RUN in section(page, "runs").text

    def test_a_folder_without_a_run_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no run to report on"):
            write_report(tmp_path)

    def test_a_damaged_run_is_refused_with_its_name(self, tmp_path: Path) -> None:
        folder = write_documents(tmp_path, others=False)
        (folder / "run.json").write_text("{")
        with pytest.raises(InputError, match=r"run\.json: is damaged"):
            write_run_page(tmp_path, folder)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report on documents in which others have written."""
    out = tmp_path_factory.mktemp("hostile")
    folder = write_documents(out)
    for path in [*folder.glob("*.json"), *out.glob("*.json")]:
        path.write_text(json.dumps(_spoiled(json.loads(path.read_text()))))
    write_report(out)
    return out


class TestHostileText:
    """What others wrote is shown, and never read as a part of the page."""

    def test_none_of_it_becomes_an_element_of_the_page(self, hostile: Path) -> None:
        html = (hostile / "index.html").read_text()
        page = read_page(html)
        assert html.count("&lt;script&gt;") > 100
        assert "<script" not in html
        assert not [one for one in page.all("a") if "evil" in one.attributes["href"]]

    def test_none_of_it_becomes_a_part_of_the_markdown(self, hostile: Path) -> None:
        lines = (hostile / "index.md").read_text().splitlines()
        outside = [re.sub(r"(`+) ?.*? ?\1", "", line.replace("\\`", "")) for line in lines]
        fenced = False
        for line, text in zip(lines, outside, strict=True):
            fenced ^= line.startswith("```")
            if not fenced:
                assert "<script" not in text.replace("\\<", ""), line
                assert "](http" not in text.replace("\\](", ""), line
        tables = [line for line in lines if line.startswith("|")]
        assert len(tables) > 100

    def test_a_document_cannot_point_outside_of_its_run(self, tmp_path: Path) -> None:
        folder = write_documents(tmp_path)
        (tmp_path / "secret.html").write_text("a secret")
        profile = json.loads((folder / "profile-before.json").read_text())
        profile["files"] = {"flame_graph": "../../secret.html", "other": "javascript:alert(1)", "none": 3}
        (folder / "profile-before.json").write_text(json.dumps(profile))
        html = write_report(tmp_path).read_text()
        assert "secret" not in html
        assert "javascript:" not in html


def _spoiled(value: Any, key: str = "") -> Any:
    """Return a document with hostile text in place of every text that is not a word of the format."""
    if isinstance(value, dict):
        return {name: _spoiled(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_spoiled(one, key) for one in value]
    words = ("verdict", "figure", "build", "axis", "quantity", "before", "after", "run_id", "ecn")
    return HOSTILE if isinstance(value, str) and key not in words else value


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the seed of hashes, the home folder and a user's own style."""
    write_documents(tmp_path)
    style = tmp_path / "style" / "matplotlibrc"
    style.parent.mkdir()
    style.write_text("font.size: 30\naxes.grid: True\nsvg.hashsalt: other\n")
    code = "import sys, pathlib, optimizer.reporters.report as r; r.write_report(pathlib.Path(sys.argv[1]))"
    found = []
    for seed, more in (("1", {}), ("2", {"MATPLOTLIBRC": str(style), "MPLBACKEND": "pdf", "TZ": "Asia/Tokyo"})):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONWARNINGS": "error"} | more
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], env=environment, cwd=ROOT, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        found.append([(tmp_path / name).read_bytes() for name in ("index.html", "index.md")])
    assert found[0] == found[1]


@pytest.mark.slow
def test_the_command_builds_a_report_again(tmp_path: Path, optimize: Any) -> None:
    write_documents(tmp_path / "out")
    done = optimize("report", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "index.html").is_file()
    assert (tmp_path / "out" / "runs" / RUN / "summary.md").is_file()
    wrong = optimize("report", "nothing", "--out", tmp_path / "out")
    assert wrong.returncode == 2
    assert RUN in wrong.stderr
    shutil.rmtree(tmp_path / "out" / "runs")
    empty = optimize("report", "--out", tmp_path / "out")
    assert empty.returncode == 2
    assert "has no run to report on" in empty.stderr
