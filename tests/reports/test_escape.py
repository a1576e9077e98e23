"""Text from a log cannot act on a terminal."""

from __future__ import annotations

import pytest

from gradcheck.reports.escape import ascii_only, safe, shorten


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("train/loss", "train/loss"),
        ("перте́я 損失", "перте́я 損失"),
        ("[red]loss[/red]", "[red]loss[/red]"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u200b", "a\\u2066b\\u200b"),
        ("a\u2028b", "a\\u2028b"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("\x00\x07\x7f", "\\x00\\x07\\x7f"),
    ],
)
def test_safe(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 7, 10, 100])
def test_shortened_names_fit(limit: int) -> None:
    short = shorten("encoder.layers.0.weight", limit)
    assert len(short) <= max(limit, 3)


def test_shortening_keeps_both_ends() -> None:
    assert safe("encoder.layers.0.attention.weight", 13) == "encod...eight"


def test_ascii() -> None:
    assert ascii_only("0.4 ± 0.1, 2/λ → ×3, é") == "0.4 +/- 0.1, 2/lambda -> x3, \\xe9"
