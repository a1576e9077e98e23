"""Draws the reliability of the confidence as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from tests.evaluation.judging import Prediction
from tests.evaluation.scoring import reliability
from tests.evaluation.tables import TITLES

mpl.use("Agg")


def draw(by_level: Mapping[str, Sequence[Prediction]], path: Path) -> None:
    """One line a level of logging: how often reports of a confidence name the right family."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4.2), dpi=110)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="as right as it says")
    for level, predictions in by_level.items():
        bins = reliability(predictions)
        sizes = [20 + 300 * b.share for b in bins]
        x, y = [b.confidence for b in bins], [b.right for b in bins]
        (line,) = axes.plot(x, y, linewidth=1.2, label=TITLES[level])
        axes.scatter(x, y, s=sizes, color=line.get_color(), alpha=0.6, linewidths=0)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence in the leading family",
             ylabel="share of reports that are right")  # fmt: skip
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    # no date or version in it: the same figures give the same file
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
