"""Build the fault suite into .faults/: python -m tests.faults [RECIPE...]; --try keeps nothing."""

from __future__ import annotations

import argparse
import time

from tests.faults.build import Unconvincing, build, quiet_torch
from tests.faults.recipe import all_recipes
from tests.faults.suite import VARIANTS, build_suite


def try_out(names: list[str], variants: int) -> None:
    """Train some recipes and say how they went, without keeping anything."""
    quiet_torch()
    for name in names:
        for variant in range(variants):
            began = time.process_time()
            try:
                record = build(all_recipes()[name], variant)
            except Unconvincing as reason:
                print(f"{name} {variant}: FAILED {reason}")
                continue
            loss = record.columns.get("loss")
            shown = "" if loss is None else f" loss {loss[0]:.3g} -> {loss[-1]:.3g}"
            window = f"{record.earliest}-{record.latest}"
            print(
                f"{name} {variant}: {len(record.step)} rows{shown}, bad from {window}, "
                f"{record.settings}, {record.error or ''} {time.process_time() - began:.1f} s"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--variants", type=int, default=VARIANTS)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.names and not options.keep:
        try_out(options.names, options.variants)
    else:
        build_suite(options.names or list(all_recipes()), options.variants)
