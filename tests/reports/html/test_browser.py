"""What a reader does with the page, in headless Chromium; `open_page` holds each page to silence.

No page may write to the console, ask for anything but its own file, or run a script from a log.
"""

from __future__ import annotations

from typing import Any

import pytest

from gradcheck.model import Report
from tests.reports.conftest import exploding, healthy, nan_input, unclear
from tests.reports.html import cases
from tests.reports.html.conftest import DESKTOP, PHONE, Open, render

REPORTS = {
    "exploding": Report((exploding(),)),
    "extreme": Report((cases.extreme(),)),
    "healthy": Report((healthy(),)),
    "hostile": Report((cases.hostile(),)),
    "layered": Report((cases.layered(),)),
    "long": Report((cases.hostile(cases.LONG),)),
    "nothing": Report(()),
    "replayed": Report((cases.replayed(),)),
    "resumed": Report((cases.resumed(),)),
    "sweep": cases.sweep(),
    "unclear": Report((unclear(),)),
}
PAINTED = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3]) seen.add(data.slice(at, at + 3).join());
    }
    return seen.size;
}"""
TEXT_CONTRAST = """() => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const light = rgb => rgb.slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const back = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(back(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found.push([ratio, element.tagName + '.' + element.className]);
    }
    return found;
}"""


def open_all(page: Any) -> None:
    """Unfold whatever is folded, with its plots."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.wait_for_timeout(100)


def picture(page: Any) -> str:
    """The first plot as it is drawn, which any change of its scales or colours changes."""
    return pictures(page)[0]


def pictures(page: Any) -> list[str]:
    return [one.evaluate("canvas => canvas.toDataURL()") for one in page.locator("canvas").all()]


def step_at(page: Any, across: float) -> int:
    """The step of the point that lies across the first plot, from 0 at its left to 1."""
    area = page.locator(".plot").first.locator(".u-over")
    area.hover(position={"x": area.bounding_box()["width"] * across, "y": 60})
    return int(page.locator(".tip").first.inner_text().removeprefix("step ").partition(":")[0])


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_report_fits_its_width(open_page: Open, name: str, size: tuple[int, int]) -> None:
    page = open_page(REPORTS[name], size)
    if name != "sweep":
        open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("name", ["exploding", "layered", "replayed", "sweep", "unclear"])
def test_text_stands_out_in_both_themes(open_page: Open, name: str, scheme: str) -> None:
    found = open_page(REPORTS[name], scheme=scheme).evaluate(TEXT_CONTRAST)
    assert len(found) > 20
    assert [item for item in found if item[0] < 4.5] == []


def test_the_themes_differ_and_the_plots_follow(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    back = "getComputedStyle(document.body).backgroundColor"
    before = (page.evaluate(back), picture(page))
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    assert page.evaluate(back) != before[0]
    assert picture(page) != before[1]


@pytest.mark.parametrize("name", ["exploding", "extreme", "healthy", "hostile", "resumed"])
def test_plots_are_drawn(open_page: Open, name: str) -> None:
    page = open_page(REPORTS[name])
    open_all(page)
    plots = page.locator(".plot")
    assert plots.count() >= 1
    assert page.locator(".plot canvas").count() == plots.count()
    for canvas in page.locator(".plot canvas").all():
        assert canvas.evaluate(PAINTED) > 5


def test_a_plot_without_finite_values_shows_the_marks(open_page: Open) -> None:
    page = open_page(REPORTS["extreme"])
    open_all(page)
    lost = page.locator(".plot", has=page.get_by_text("lost", exact=True))
    assert lost.locator("canvas").evaluate(PAINTED) > 5


def test_pointing_at_a_plot_labels_the_point(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    area = page.locator(".plot").first.locator(".u-over")
    assert not page.locator(".tip").first.is_visible()
    area.hover(position={"x": 100, "y": 60})
    tip = page.locator(".plot").first.locator(".tip")
    assert tip.is_visible()
    assert tip.inner_text().startswith("step ")
    readouts = page.locator(".readout").all_inner_texts()
    assert len(readouts) == 2
    assert len({text.partition(":")[0] for text in readouts}) == 1


def test_a_value_that_is_not_finite_is_named(open_page: Open) -> None:
    page = open_page(Report((nan_input(),)))
    area = page.locator(".plot").first.locator(".u-over")
    area.hover(position={"x": area.bounding_box()["width"] * 0.9, "y": 60})
    assert page.locator(".tip").first.inner_text().endswith("NaN")


def test_an_event_is_named_where_it_is(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    area = page.locator(".plot").first.locator(".u-over")
    wide = area.bounding_box()["width"]
    # The axis reaches a hundredth beyond the steps 0 to 399 at both ends.
    area.hover(position={"x": wide * (165 + 3.99) / (399 * 1.02), "y": 60})
    assert "divergence" in page.locator(".tip").first.inner_text()


def test_dragging_zooms_all_plots_and_reset_shows_all(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    before, ends = pictures(page), (step_at(page, 0.25), step_at(page, 0.5))
    box = page.locator(".plot").first.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 62, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert step_at(page, 0.01) == pytest.approx(ends[0], abs=3)
    assert step_at(page, 0.99) == pytest.approx(ends[1], abs=3)
    page.mouse.move(5, 5)
    assert all(old != new for old, new in zip(before, pictures(page), strict=True))
    page.get_by_role("button", name="Show all steps").last.click()
    page.wait_for_timeout(100)
    assert before == pictures(page)


def test_the_scale_can_be_logarithmic_or_not(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    button = page.get_by_role("button", name="log").first
    assert button.get_attribute("aria-pressed") == "true"
    before = picture(page)
    button.click()
    page.wait_for_timeout(50)
    assert button.get_attribute("aria-pressed") == "false"
    assert picture(page) != before


@pytest.mark.parametrize("name", ["extreme", "healthy", "hostile"])
def test_every_plot_can_change_its_scale(open_page: Open, name: str) -> None:
    page = open_page(REPORTS[name])
    open_all(page)
    for button in page.get_by_role("button", name="log").all():
        button.click()
    for canvas in page.locator(".plot canvas").all():
        assert canvas.evaluate(PAINTED) > 5


def test_the_keyboard_reads_and_zooms(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"])
    page.locator(".drawing").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").first.inner_text().startswith("step 1:")
    before = picture(page)
    page.keyboard.press("+")
    page.wait_for_timeout(50)
    assert picture(page) != before
    page.keyboard.press("0")
    page.wait_for_timeout(50)
    page.keyboard.press("l")
    assert page.get_by_role("button", name="log").first.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_pointing_at_evidence_lights_its_window(open_page: Open, how: str) -> None:
    page = open_page(REPORTS["exploding"])
    sentence = page.locator(".evidence li").first
    assert not any(one.is_visible() for one in page.locator(".window").all())
    getattr(sentence, how)()
    of_norm = page.locator(".plot", has=page.get_by_text("grad_norm", exact=True))
    lit = of_norm.locator(".window")
    assert lit.is_visible()
    assert "faint" not in lit.get_attribute("class")
    assert "faint" in page.locator(".plot").first.locator(".window").get_attribute("class")
    area, box = of_norm.locator(".u-over").bounding_box(), lit.bounding_box()
    share = (box["x"] - area["x"]) / area["width"], box["width"] / area["width"]
    # Steps 120 to 369 of an axis from -3.99 to 402.99, and two pixels around them.
    assert share[0] == pytest.approx(123.99 / 406.98, abs=0.01)
    assert share[1] == pytest.approx(249 / 406.98, abs=0.015)
    page.mouse.move(5, 5)
    page.locator(".drawing").first.focus()
    page.wait_for_timeout(50)
    assert not any(one.is_visible() for one in page.locator(".window").all())


def test_the_steps_of_a_sentence_are_a_button_that_zooms_there(open_page: Open) -> None:
    page = open_page(Report((nan_input(),)), PHONE)
    before = picture(page)
    page.get_by_role("button", name="steps 262-311").first.click()
    page.wait_for_timeout(500)
    assert picture(page) != before
    box = page.locator(".plot").first.bounding_box()
    assert box["y"] >= -1
    assert box["y"] + box["height"] <= PHONE[1] + 1


def test_a_snippet_can_be_copied(open_page: Open) -> None:
    page = open_page(Report((nan_input(),)))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    snippet = nan_input().diagnoses[0].remedies[0].snippet
    assert copied == snippet


def test_a_snippet_can_be_copied_without_the_clipboard(open_page: Open) -> None:
    page = open_page(Report((nan_input(),)))
    page.evaluate(
        """() => {
            navigator.clipboard.writeText = () => Promise.reject(new Error('denied'));
            document.addEventListener('copy', () => { window.copied = String(getSelection()); });
        }"""
    )
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied").startswith("def collate(samples):")


def test_the_heat_map_names_layer_and_norm(open_page: Open) -> None:
    page = open_page(REPORTS["layered"])
    cells = page.locator(".cells canvas")
    assert cells.evaluate(PAINTED) > 50
    cells.hover(position={"x": 300, "y": 8})
    told = page.locator(".cells .tip").inner_text()
    assert told.splitlines()[0] == "layers.0.weight"
    assert told.splitlines()[1].startswith("step ")
    box = cells.bounding_box()
    cells.hover(position={"x": box["width"] - 4, "y": box["height"] - 4})
    assert page.locator(".cells .tip").inner_text().endswith("+inf")
    page.locator(".layers").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".cells .tip").inner_text().startswith("layers.10.weight")


def test_a_sweep_is_a_table_that_sorts(open_page: Open) -> None:
    page = open_page(REPORTS["sweep"])
    paths = page.locator("table.runs tbody td.path a")
    assert paths.count() == 50
    page.get_by_role("button", name="Run in sweep").click()
    assert paths.first.inner_text() == "run_00"
    page.get_by_role("button", name="Run in sweep").click()
    assert paths.first.inner_text() == "run_49"
    page.get_by_role("button", name="Sure").click()
    shares = [text for text in page.locator("table.runs td:nth-child(4)").all_inner_texts() if text]
    assert shares == sorted(shares, key=lambda text: int(text.rstrip("%")))
    assert page.locator("th[aria-sort]").all_inner_texts() == ["Sure"]
    page.get_by_role("button", name="Last loss").click()
    last = page.locator("table.runs td:nth-child(7)").all_inner_texts()
    assert last == sorted(last, key=lambda text: 1e9 if text in ("NaN", "inf") else float(text))


def test_a_sweep_can_be_filtered(open_page: Open) -> None:
    page = open_page(REPORTS["sweep"])
    page.get_by_role("searchbox").fill("learning rate")
    visible = [row for row in page.locator("table.runs tbody tr").all() if row.is_visible()]
    assert len(visible) == 10
    assert [one.is_visible() for one in page.locator("details.run").all()].count(True) == 10


def test_a_row_opens_its_run(open_page: Open) -> None:
    page = open_page(REPORTS["sweep"])
    assert page.locator(".plot canvas").count() == 0
    page.locator("table.runs a").nth(3).click()
    run = page.locator("#run-3")
    run.locator(".plot canvas").first.wait_for()
    assert run.get_attribute("open") is not None
    assert page.locator(".plot canvas").count() == 2


def test_without_javascript_all_but_the_plots_is_there(open_page: Open, browser: Any) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.set_content(render(cases.replayed()))
    text = page.inner_text("body")
    page.context.close()
    for told in ("NaN loss", "93% sure", "train.py:41", "bit for bit", "The plots need JavaScript"):
        assert told in text


def test_motion_only_where_it_is_wanted(open_page: Open) -> None:
    calm = open_page(REPORTS["exploding"], reduced_motion="reduce")
    lively = open_page(REPORTS["exploding"], reduced_motion="no-preference")
    moving = "getComputedStyle(document.querySelector('.evidence li')).transitionDuration"
    assert calm.evaluate(moving) == "0s"
    assert lively.evaluate(moving) != "0s"


def test_paper_is_white(open_page: Open) -> None:
    page = open_page(REPORTS["exploding"], scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
