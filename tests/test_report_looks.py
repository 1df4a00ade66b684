"""Colours of the page and the figures: what is drawn or written stands out from what is behind."""

from __future__ import annotations

import re
from itertools import product

import pytest

from gigo.report.figures import asset, look

SCHEMES = ("light", "dark")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.1 defines it."""

    def luminance(colour: str) -> float:
        channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palette(scheme: str) -> dict[str, str]:
    """The page's colours by name."""
    light, dark = re.findall(r":root \{(.*?)\}", asset("page.css"), re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))
    return found


def test_the_contrast_of_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_text_of_the_page_can_be_read(scheme):
    """4.5 to 1 or more (WCAG 2.1, AA)."""
    found = palette(scheme)
    pairs = [*product(("ink", "quiet", "accent"), ("paper", "faint")), ("warn-ink", "warn-paper")]
    assert min(contrast(found[text], found[ground]) for text, ground in pairs) >= 4.5
    assert contrast(found["warn-line"], found["paper"]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_text_of_figures_can_be_read(scheme):
    found, paper = look(scheme), palette(scheme)["paper"]
    texts = [found["text"]["color"], found["axis"]["labelColor"], found["axis"]["titleColor"]]
    texts += [found["legend"]["labelColor"], found["title"]["color"]]
    texts.append(found["title"]["subtitleColor"])
    assert min(contrast(colour, paper) for colour in texts) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_and_marks_can_be_seen(scheme):
    """3 to 1 or more (WCAG 2.1, AA)."""
    found, paper = look(scheme), palette(scheme)["paper"]
    drawn = [*found["range"]["category"], found["rule"]["color"], found["axis"]["domainColor"]]
    drawn.append(found["axis"]["tickColor"])
    drawn += re.findall(r'"symbolStrokeColor": "(#\w+)"', asset("figure.json"))
    assert min(contrast(colour, paper) for colour in drawn) >= 3
