"""`python -m tests.fuzz`: damages logs, reads them, and says what went wrong."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.fuzz import findings
from tests.fuzz.judge import Outcome
from tests.fuzz.pool import Work, outcomes
from tests.fuzz.seeds import KINDS

_SAVED_OF_A_KIND = 5


def main() -> int:
    """Exit code 1 where anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=_kinds, default=KINDS, metavar=",".join(KINDS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--findings", type=Path, default=Path(".fuzz"), metavar="DIR")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="see a finding again")
    options = parser.parse_args()
    if options.replay:
        wrong = findings.replay(options.replay)
        print(wrong or "nothing is wrong any more")
        return int(wrong is not None)
    return _fuzz(options)


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if not set(kinds) <= set(KINDS):
        raise argparse.ArgumentTypeError(f"choose of {', '.join(KINDS)}")
    return kinds


def _fuzz(options: argparse.Namespace) -> int:
    tally: dict[str, list[Outcome]] = defaultdict(list)
    alike: Counter[str] = Counter()
    start = time.monotonic()
    work = Work(options.seed, options.only, 0, options.cases, options.jobs)
    for done, (number, outcome) in enumerate(outcomes(work), 1):
        tally[outcome.kind].append(outcome)
        if outcome.wrong:
            place = f"{outcome.kind}: {_place(outcome.wrong)}"
            alike[place] += 1
            if alike[place] <= _SAVED_OF_A_KIND:
                saved = findings.save(
                    options.findings, options.seed, number, options.only, outcome.wrong
                )
                print(f"{saved}: {outcome.wrong}", flush=True)
        if done % 5000 == 0:
            print(f"{done} cases, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    _summarise(tally, alike)
    return int(bool(alike))


def _place(wrong: str) -> str:
    """What findings of one fault have in common."""
    first, _, where = wrong.partition("\n")
    return where or first.partition(" ")[0]


def _summarise(tally: dict[str, list[Outcome]], alike: Counter[str]) -> None:
    print(f"{'format':8} {'cases':>7} {'demanded points':>15} {'CPU s':>7} {'slowest':>8} findings")
    for kind, told in sorted(tally.items()):
        seconds = [one.seconds for one in told]
        wrong = sum(one.wrong is not None for one in told)
        print(f"{kind:8} {len(told):7} {sum(one.demanded for one in told):15} {sum(seconds):7.0f}"
              f" {max(seconds):8.2f} {wrong}")  # fmt: skip
    for place, times in alike.most_common():
        print(f"{times:6} x {place}")


if __name__ == "__main__":
    sys.exit(main())
