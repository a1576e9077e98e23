"""Train the runs, judge the pairs, print how often the gate fails."""

from __future__ import annotations

import argparse
from collections import Counter

from tests.evaluation.baseline import plan, runs, scoring
from tests.evaluation.baseline.scripts import SCRIPTS
from tests.evaluation.baseline.training import FAULTS

KINDS = (None, *FAULTS)
TITLES = {None: "healthy", "rate": "rate x3", "spike": "spike x30", "clipping": "no clipping"}


def main() -> None:
    """Parse, train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--why", action="store_true", help="a line for each wrong answer")
    options = parser.parse_args()
    runs.ensure(plan.everything())
    without = _without_effect()
    for baselines in plan.BASELINES:
        outcomes = [scoring.judge(trial) for trial in plan.trials(baselines)]
        print(f"\n{baselines} baseline run{'s' if baselines > 1 else ''}: failed / judged\n")
        print(_table(outcomes, without))
        if options.why:
            print(_wrong(outcomes, without))
    for script, fault in sorted(without):
        print(f"(without effect, not counted: {TITLES[fault]} in {script})")


def _without_effect() -> set[tuple[str, str]]:
    found = set()
    for script in SCRIPTS:
        for fault in FAULTS:
            faulty = plan.faulty(script, fault)
            if faulty and not scoring.has_effect(faulty, plan.healthy(script)):
                found.add((script.name, fault))
    return found


def _table(outcomes: list[scoring.Outcome], without: set[tuple[str, str]]) -> str:
    lines = ["".join([f"{'script':20}", *(f"{TITLES[kind]:>14}" for kind in KINDS)])]
    for script in [one.name for one in SCRIPTS]:
        cells = []
        for kind in KINDS:
            found = [o for o in outcomes if o.trial.script == script and o.trial.fault == kind]
            failed, judged = scoring.share(found)
            text = f"{failed}/{judged}" if judged else "-"
            cells.append(f"({text})" if (script, kind) in without else text)
        lines.append("".join([f"{script:20}", *(f"{cell:>14}" for cell in cells)]))
    totals = []
    for kind in KINDS:
        counted = [
            o for o in outcomes if o.trial.fault == kind and (o.trial.script, kind) not in without
        ]
        failed, judged = scoring.share(counted)
        totals.append(f"{failed}/{judged} {100 * failed / judged:.1f}%" if judged else "-")
    lines.append("".join([f"{'all':20}", *(f"{cell:>14}" for cell in totals)]))
    failed, judged = scoring.share(o for o in outcomes if o.trial.fault is None)
    bound = scoring.upper_bound(failed, judged)
    lines.append(f"healthy: below {100 * bound:.1f}% with 95% confidence")
    return "\n".join(lines)


def _wrong(outcomes: list[scoring.Outcome], without: set[tuple[str, str]]) -> str:
    wrong = [
        o
        for o in outcomes
        if o.failed == (o.trial.fault is None) and (o.trial.script, o.trial.fault) not in without
    ]
    lines = [
        f"  {TITLES[o.trial.fault]} {o.trial.run} against {[g[2] for g in o.trial.good]}: "
        f"exit {o.code} {', '.join(o.why)}"
        for o in wrong
    ]
    why = Counter(reason for o in outcomes if o.failed and o.trial.fault for reason in o.why)
    told = ", ".join(f"{reason} {times}" for reason, times in why.most_common())
    return "\n".join([*lines, f"  caught by: {told}"])


if __name__ == "__main__":
    main()
