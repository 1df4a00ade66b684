from __future__ import annotations

import shutil

import pytest

from factories import grid_of
from gigo.report import Material, write_report
from gigo.report.figures import PUBLISHED
from synthetic import PRECISION, TEST_SETS, demo_accuracy, demo_status, demo_study, make_frame
from test_comparison import ARTICLE, mnist_material

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    study = demo_study().but(validation="oracle")
    frame = make_frame(study, demo_accuracy, demo_status)
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(
        path, Material("demo", frame, [grid_of(study)], TEST_SETS, PRECISION)
    ).as_uri()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as session:
        chromium = session.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_draws_itself_and_fits(browser, url, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    page.wait_for_selector("html[data-drawn]", timeout=20_000)

    figures = page.locator(".chart svg.marks")
    assert figures.count() == 2
    for i in range(2):
        box = figures.nth(i).bounding_box()
        assert box["width"] > 300
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 0.5
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    assert page.get_by_role("alert").is_visible()
    assert complaints == []
    assert requests == [url]
    page.close()


def test_figures_are_images_with_their_finding(browser, url):
    page = browser.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-drawn]", timeout=20_000)
    images = page.get_by_role("img", name="falls below")
    assert images.count() == page.locator(".chart").count() == 2
    assert page.get_by_role("img").locator("summary").count() == 0
    page.close()


def test_a_figure_is_saved_by_keyboard(browser, url):
    page = browser.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-drawn]", timeout=20_000)
    page.get_by_label("Save figure 1").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    link = page.locator(".vega-actions a:focus")
    assert link.inner_text() == "Save as SVG"
    page.wait_for_function("document.activeElement.href.startsWith('blob:')")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "figure-1.svg"
    page.close()


def test_what_is_folded_is_printed(browser, url):
    page = browser.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-drawn]", timeout=20_000)
    folded = page.locator("main > details")
    assert folded.count() > 0
    for event, opened in (("beforeprint", folded.count()), ("afterprint", 0)):
        page.evaluate(f"dispatchEvent(new Event('{event}'))")
        assert page.locator("main > details[open]").count() == opened
    page.close()


@pytest.mark.parametrize("width", [390, 1200])
def test_the_legend_of_published_points_fits(browser, tmp_path, width):
    material = mnist_material(ARTICLE.but(corruption=["symmetric", "two_sink", "biased"]))
    path = write_report(tmp_path / "report.html", material)
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", timeout=20_000)
    chart = page.locator(".chart svg.marks").bounding_box()
    for entry in (PUBLISHED, "symmetric", "two_sink", "biased"):
        box = page.locator(".role-legend-label text", has_text=entry).bounding_box()
        assert chart["x"] <= box["x"]
        assert box["x"] + box["width"] <= chart["x"] + chart["width"]
    page.close()
