"""Fit on the fault suite with recipes left out, score, and say how it went."""

from __future__ import annotations

import argparse

from tests.evaluation import plot, readme, tables
from tests.evaluation.ablation import ablate
from tests.evaluation.fitting import design, unfitted
from tests.evaluation.judging import predict
from tests.evaluation.observations import observe
from tests.evaluation.scoring import score
from tests.evaluation.validation import fit_calibrated, held_out
from tests.faults.presentation import LEVELS
from tests.faults.suite import truths


def main() -> None:
    """Parse, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unfitted", action="store_true", help="score what the causes expect")
    parser.add_argument("--details", metavar="LEVEL", help="a line for each run of a level")
    parser.add_argument("--ablate", action="store_true", help="what each kind of evidence buys")
    parser.add_argument("--keep", action="store_true", help="write weights, README and picture")
    options = parser.parse_args()
    logs = truths()
    shown = [truth for truth in logs if truth.visible]
    print(f"{len(shown)} logs; {len(logs) - len(shown)} more show nothing at their cadence")
    observations = observe(shown)
    columns = design()
    if options.ablate:
        print(tables.ablation(ablate(columns, observations)))
        return
    if options.unfitted:
        predictions = predict(columns, unfitted(columns), observations)
    else:
        predictions = held_out(columns, observations)
    by_level = {level: [p for p in predictions if p.truth.level == level] for level in LEVELS}
    figures = tables.scores({level: score(found) for level, found in by_level.items()})
    mixed_up = tables.confusion(by_level["norm"])
    print(f"{figures}\n\n{mixed_up}")
    if options.details:
        print(tables.recipes(by_level[options.details]))
    if options.keep:
        tables.keep_weights(fit_calibrated(columns, observations).table(columns, digits=2))
        readme.put("scores", figures)
        readme.put("confusion", mixed_up)
        plot.draw(by_level, readme.PICTURE)


if __name__ == "__main__":
    main()
