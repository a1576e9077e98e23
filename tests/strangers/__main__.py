"""Diagnose every stranger's log and compare: make evaluate-logs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from gradcheck.model import HEALTHY, INCONCLUSIVE
from tests.evaluation import readme
from tests.strangers.truth import Outcome, outcome, truths


def main() -> None:
    """Parse, diagnose, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="logs whose name holds one of these")
    parser.add_argument("--keep", action="store_true", help="write the table into the README")
    options = parser.parse_args()
    found = [
        outcome(truth)
        for truth in truths()
        if not options.names or any(name in truth.name for name in options.names)
    ]
    for one in found:
        print(_line(one))
    told = table(found)
    print(f"\n{told}")
    if options.keep:
        readme.put("stranger logs", told)


def _line(one: Outcome) -> str:
    truth = one.truth
    steps = "" if truth.steps is None else f" @{truth.steps[0]}..{truth.steps[1]}"
    said = f"{one.verdict} {one.confidence:.2f} {', '.join(one.causes[:2])} @{one.first_bad_step}"
    return (
        f"{_mark(one):12} {truth.name:22} {truth.family}: {'/'.join(truth.causes)}{steps}: {said}"
    )


def _mark(one: Outcome) -> str:
    if one.truth.family == HEALTHY:
        return "FAILURE" if one.failed else "TOLD" if one.decided else "ok"
    if one.verdict == INCONCLUSIVE:
        return "inconclusive"
    if not one.found:
        return "missed"
    return "ok" if one.has_family and one.has_cause else "cause" if one.has_family else "WRONG"


def table(found: Sequence[Outcome]) -> str:
    """The figures, as a table in Markdown."""
    failing = [one for one in found if one.truth.family != HEALTHY]
    healthy = [one for one in found if one.truth.family == HEALTHY]
    decided = [one for one in failing if one.decided]
    unsure = [one for one in failing if one.verdict == INCONCLUSIVE]
    placed = [one for one in failing if one.truth.steps is not None and one.found]
    rows: list[tuple[str, Callable[[Outcome], bool], Sequence[Outcome]]] = [
        ("found", lambda one: one.found, failing),
        ("decided", lambda one: one.decided, failing),
        ("family, of the decided", lambda one: one.has_family, decided),
        ("cause, of the decided", lambda one: one.has_family and one.has_cause, decided),
        ("family among the first two, of the inconclusive", lambda one: one.among_two, unsure),
        ("first bad step within one logged row, of the found", lambda one: one.placed, placed),
        ("healthy without failure", lambda one: not one.failed, healthy),
        ("healthy without a cause", lambda one: not one.decided, healthy),
    ]
    lines = ["| | right | of |", "| --- | --- | --- |"]
    for title, right, of in rows:
        share = f"{sum(map(right, of)) / len(of):.3f}" if of else "-"
        lines.append(f"| {title} | {share} | {len(of)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
