"""Trains one draw of a recipe of the fault suite, and logs nothing: a script for `watch`."""

# Run as: python -m tests.watched.recipe_script RECIPE VARIANT ATTEMPT STEPS
from __future__ import annotations

import sys

from tests.faults.build import quiet_torch
from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import all_recipes


def main() -> None:
    name, variant, attempt, steps = sys.argv[1:]
    quiet_torch()
    lab = Lab(Draw(name, int(variant), int(attempt)), judged=False)
    lab.draw.integer(0, 2**31)  # what the suite draws before it begins
    for row in all_recipes()[name].run(lab):
        if row.step + 1 >= int(steps):
            break


if __name__ == "__main__":
    main()
