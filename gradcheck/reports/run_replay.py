"""Writes what replays showed: whether the failure came back, and what each change made of it."""

from __future__ import annotations

from gradcheck.model import Replay, Tried
from gradcheck.reports.page import Page, Part
from gradcheck.reports.phrases import number
from gradcheck.wording import count

WAYS = {
    "fork": "from a snapshot of the process",
    "rollback": "in the same process, from saved state",
    "rerun": "in a new process",
}


def put_replay(page: Page, replay: Replay) -> None:
    """The control, and the trials as a table."""
    page.heading("Run again")
    page.line(control(replay), indent=2)
    if not replay.tried:
        return
    page.line("With one thing changed:" if replay.reproduced else "", indent=2)
    rows = [
        [
            page.text("  ", outcome(tried, stalled=replay.stalled)),
            page.text(_loss(tried)),
            page.text(tried.action),
        ]
        for tried in replay.tried
    ]
    page.table(("  loss" if replay.stalled else "  failure", "final loss", "change"), rows)


def control(replay: Replay) -> str:
    """What came of the unchanged replay, in a sentence."""
    begin = f"From step {replay.snapshot_step} on, " if replay.snapshot_step is not None else ""
    how = f"{begin}{WAYS[replay.method]}: "
    how = how[0].upper() + how[1:]
    if replay.stalled and replay.reproduced:
        return f"{how}the loss stood still again{', bit for bit' if replay.bit_exact else ''}."
    if replay.reproduced:
        return f"{how}the failure came back{', bit for bit' if replay.bit_exact else ''}."
    return (
        f"{how}the failure did not come back. It was transient, or comes from what a replay does "
        "not reach; nothing is proved."
    )


def outcome(tried: Tried, *, stalled: bool = False) -> Part:
    """What the change did to the failure, coloured."""
    trial = tried.trial
    if stalled:
        return ("learns", "green") if trial.outcome == "prevented" else ("stands still", "red")
    if trial.outcome == "prevented":
        return f"gone for {count(trial.steps, 'step')}", "green" if tried.healthy else "yellow"
    if trial.outcome == "delayed":
        return f"back at step {trial.returned_at_step}", "yellow"
    return "still there", "red"


def _loss(tried: Tried) -> str:
    loss = tried.trial.final_loss
    return "-" if loss is None else number(loss)
