"""Fit on the fault suite with recipes left out, score, and keep the fitted table."""

from __future__ import annotations

import argparse

from tests.evaluation import tables
from tests.evaluation.fitting import design, unfitted
from tests.evaluation.judging import predict
from tests.evaluation.observations import observe
from tests.evaluation.scoring import score
from tests.evaluation.validation import fit_calibrated, held_out
from tests.faults.presentation import LEVELS
from tests.faults.suite import truths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unfitted", action="store_true", help="score what the causes expect")
    parser.add_argument("--details", metavar="LEVEL", help="a line for each recipe")
    parser.add_argument("--keep", action="store_true", help="write gradcheck/weights.json")
    options = parser.parse_args()
    observations = observe(truths())
    columns = design()
    if options.unfitted:
        predictions = predict(columns, unfitted(columns), observations)
    else:
        predictions = held_out(columns, observations)
    by_level = {
        level: score([p for p in predictions if p.truth.level == level]) for level in LEVELS
    }
    print(tables.scores(by_level))
    print(tables.confusion([p for p in predictions if p.truth.level == "norm"]))
    if options.details:
        print(tables.recipes([p for p in predictions if p.truth.level == options.details]))
    if options.keep:
        tables.keep_weights(fit_calibrated(columns, observations).table(columns, digits=2))


if __name__ == "__main__":
    main()
