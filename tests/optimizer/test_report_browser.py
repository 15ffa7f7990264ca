"""The report in a real browser without a window: what people see, at two widths, in light and in dark."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from optimizer.reporters.report import write_report
from tests.optimizer.report_documents import write_documents

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# Runs in the frame's page, when all is laid out, and tells what a person would see.
MEASURE = r"""
const luminance = (rgb) => rgb.map((one) => one / 255)
  .map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
  .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
const colour = (text) => (text.match(/[\d.]+/g) || []).map(Number);
const contrast = (first, second) => {
  const [dark, light] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const measure = (page) => {
  const view = page.defaultView, root = page.documentElement;
  page.querySelectorAll("details").forEach((one) => { one.open = true; });
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = colour(view.getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const seen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const texts = [...page.body.querySelectorAll("*")].filter((one) =>
    seen(one) && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  const weak = [], weak_graphics = new Set();
  for (const one of texts) {
    const style = view.getComputedStyle(one);
    const ink = colour(one.closest("svg") ? style.fill : style.color).slice(0, 3);
    if (contrast(ink, behind(one)) < 4.5) weak.push(`${one.tagName}: ${one.textContent.trim().slice(0, 30)}`);
  }
  const graphics = ["--mark", "--pale", "--bad", "--ink"].map((name) => {
    const probe = page.createElement("i");
    probe.style.color = `var(${name})`;
    page.body.append(probe);
    const found = colour(view.getComputedStyle(probe).color);
    probe.remove();
    return contrast(found, behind(page.body));
  });
  const focusable = [...page.querySelectorAll("a[href], summary, [tabindex='0']")].filter(seen);
  const lost = focusable.filter((one) => { one.focus(); return page.activeElement !== one; });
  const unmarked = focusable.filter((one) => {
    one.focus({ focusVisible: true });
    return view.getComputedStyle(one).outlineStyle === "none";
  });
  const cut = [...page.querySelectorAll("svg text")].filter(seen).filter((one) => {
    const box = one.getBoundingClientRect();
    return box.left < -1 || box.right > root.clientWidth + 1;
  });
  return {
    width: view.innerWidth,
    wide: root.scrollWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    paper: view.getComputedStyle(page.body).backgroundColor,
    texts: texts.length,
    weak,
    graphics,
    links: page.querySelectorAll("a[href]").length,
    focusable: focusable.length,
    positive: page.querySelectorAll("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").length,
    lost: lost.map((one) => one.outerHTML.slice(0, 80)),
    unmarked: unmarked.map((one) => one.outerHTML.slice(0, 80)),
    cut: cut.map((one) => one.textContent),
    drawings: [...page.querySelectorAll("svg")].filter(seen).map((one) => one.getBoundingClientRect().width),
    least: Math.min(...texts.map((one) => parseFloat(view.getComputedStyle(one).fontSize))),
    requests: view.performance.getEntriesByType("resource").map((one) => one.name),
  };
};
"""
FRAME = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<body style="margin:0"><iframe style="width:{width}px;height:900px;border:0"></iframe><pre id="found"></pre><script>
{measure}
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {{
  const page = frame.contentDocument;
  document.querySelector("#found").textContent = JSON.stringify(measure(page));
}});
frame.srcdoc = {page};
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """A browser; where there is none, what needs it is skipped and says so."""
    named = os.environ.get("BROWSER", "")
    found = [path for name in (named, *BROWSERS) if name and (path := shutil.which(name))]
    if not found:
        pytest.skip(f"no browser: neither $BROWSER nor {', '.join(BROWSERS)} is on the path")
    return found[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run that has everything."""
    out = tmp_path_factory.mktemp("browser")
    write_documents(out)
    return write_report(out)


def run(browser: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the browser with a profile of its own."""
    profile = folder / "profile"
    command = [browser, *QUIET, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def seen(browser: str, folder: Path, page: Path, width: int, *, dark: bool) -> dict[str, Any]:
    """Return what the page looks like in a frame of this width."""
    text = json.dumps(page.read_text(encoding="utf-8")).replace("</", "<\\/")
    wrapper = folder / "wrapper.html"
    wrapper.write_text(FRAME.format(width=width, measure=MEASURE, page=text), encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    size = f"--window-size={max(width, 600)},1000"
    done = run(browser, folder, scheme, size, "--dump-dom", "--virtual-time-budget=5000", wrapper.as_uri())
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return dict(json.loads(html.unescape(found[1])))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_can_be_read(browser: str, page: Path, tmp_path: Path, width: int, dark: bool) -> None:
    found = seen(browser, tmp_path, page, width, dark=dark)
    assert (found["width"], found["dark"]) == (width, dark)
    assert found["requests"] == []
    assert found["wide"] <= width, "the page scrolls to the side"
    assert found["texts"] > 1_000
    assert found["weak"] == [], "text with less than 4.5 to 1"
    assert min(found["graphics"]) >= 3
    assert found["least"] >= 10
    assert found["cut"] == [], "a text of a drawing leaves the page"
    assert len(found["drawings"]) == 5
    assert min(found["drawings"]) > (340 if width == 390 else 780)


def test_every_link_and_every_table_is_reached_by_keyboard(browser: str, page: Path, tmp_path: Path) -> None:
    found = seen(browser, tmp_path, page, 1280, dark=False)
    assert found["links"] > 40
    assert found["focusable"] > found["links"]
    assert found["positive"] == 0, "the order is that of the page"
    assert found["lost"] == found["unmarked"] == []


def test_light_and_dark_are_two_pages_to_the_eye(browser: str, page: Path, tmp_path: Path) -> None:
    papers = {dark: seen(browser, tmp_path, page, 1280, dark=dark)["paper"] for dark in (False, True)}
    light, night = (sum(map(int, re.findall(r"\d+", papers[dark])[:3])) for dark in (False, True))
    assert light > 700
    assert night < 100


def test_it_loads_from_a_file_without_an_error_and_prints(browser: str, page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    done = run(
        browser, tmp_path, "--enable-logging=stderr", "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri()
    )
    assert "CONSOLE" not in done.stderr
    assert paper.read_bytes().startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    assert 5 <= pages <= 40
