"""Steps run again within the process: the same failure, the repair, and the state as it was."""

from __future__ import annotations

import json
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.watch.replay.recorded import MOST, Recorded
from tests.watch.running import Zygote

HEAD = """
import math
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
"""
LOADED = """
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
data.tensors[0][77, 1] = math.nan
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(8):
    for x, y in DataLoader(data, batch_size=8, shuffle=True):
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        print("loss", loss.item())
        opt.step()
"""
OWN = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
while True:
    x = torch.randn(8, 4)
    p = model(x).sigmoid() * (model(x).detach().sum() < LIMIT)
    loss = -p.log().mean()
    opt.zero_grad()
    loss.backward()
    print("loss", loss.item())
    opt.step()
"""
FED = """
import queue
fed = queue.SimpleQueue()
for step in range(9):
    fed.put(torch.randn(8, 4) if step < 8 else torch.full((8, 4), math.nan))
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
while True:
    loss = model(fed.get()).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
SCALED = """
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
data.tensors[1][50] = math.nan
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.StepLR(opt, 5)
scaler = torch.amp.GradScaler("cpu", init_scale=128.0)
for epoch in range(8):
    for x, y in DataLoader(data, batch_size=8):
        with torch.autocast("cpu", torch.bfloat16):
            out = model(x)
        loss = F.mse_loss(out.float(), y)
        opt.zero_grad()
        scaler.scale(loss).backward()
        print("loss", loss.item())
        scaler.step(opt)
        scaler.update()
        schedule.step()
"""
STATES = """
import json, pathlib
from gradcheck.watch.replay import rollback, state
real_begin, real_finish = rollback.Rollback.begin, rollback.Rollback._finish
seen = {}
def plain(kept):
    tensors = {n: t.double().tolist() for n, t in kept.tensors.items()}
    rest = [kept.optimizers, kept.schedulers, kept.scalers, kept.generators["torch"].tolist()]
    return repr((tensors, rest))
def begin(self, answers, tick):
    seen["before"] = plain(state.collect(self._probe, tick))
    return real_begin(self, answers, tick)
def finish(self, found):
    real_finish(self, found)
    seen["after"] = plain(state.collect(self._probe, 0))
    pathlib.Path("states.json").write_text(json.dumps(seen))
rollback.Rollback.begin, rollback.Rollback._finish = begin, finish
"""
AHEAD = LOADED.replace("for x, y in DataLoader", "for x, y in ahead(DataLoader").replace(
    "shuffle=True):", "shuffle=True)):"
)
"""A loop that holds a batch in advance, as Accelerate and Lightning do."""
AHEAD = f"""
def ahead(loader):
    batches = iter(loader)
    held = next(batches)
    for following in batches:
        yield held
        held = following
    yield held
{AHEAD}"""
DRAWN = """
import numpy as np
class Table:
    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.x = torch.randn(96, 4)
        self.x[77, 1] = math.nan
    def draw(self):
        return self.x[torch.from_numpy(self.rng.choice(96, 8))]
table = Table()
noise = torch.Generator().manual_seed(4)
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
while True:
    x = table.draw()
    loss = (model(x) - torch.randn(8, 1, generator=noise)).square().mean()
    opt.zero_grad()
    loss.backward()
    print("loss", loss.item())
    opt.step()
"""
CASES = {
    "loaded": (LOADED, {"without_samples"}),
    "loaded_ahead": (AHEAD, {"without_samples"}),
    "own_generators": (DRAWN, {"skip_nonfinite", "skip_batch", "replace_nonfinite_inputs"}),
    "own_batches": (OWN.replace("LIMIT", "9.5"), {"guard_log"}),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_steps_are_run_again_in_place(zygote: Zygote, tmp_path: Path, name: str) -> None:
    source, right = CASES[name]
    ran = zygote.watch(tmp_path, HEAD + source, "--replay", "rollback", prelude=STATES)
    replay = ran.run["replay"]
    assert replay is not None, ran.err + ran.notes
    assert replay["method"] == "rollback"
    assert replay["reproduced"] is True
    assert replay["bit_exact"] is True
    assert replay["trials"][0]["change"] in right
    assert replay["trials"][0]["outcome"] == "prevented"
    assert ran.code == 1
    seen = json.loads((tmp_path / "states.json").read_text())
    assert seen["before"] == seen["after"]
    printed = [line for line in ran.out.splitlines() if line.startswith("loss")]
    assert len(printed) == len(ran.out.splitlines()) == ran.run["last_step"] + 1
    assert printed[-1] == "loss nan" or "inf" in printed[-1]
    assert [line for line in ran.err.splitlines() if "record" not in line] in ([], [""])


def test_with_a_scaler_and_a_schedule(zygote: Zygote, tmp_path: Path) -> None:
    """The scaler skips the step by itself: nothing is held, and nothing is run again in place."""
    ran = zygote.watch(tmp_path, HEAD + SCALED, "--replay", "rollback", prelude=STATES)
    assert "switched off" not in ran.err
    assert len(ran.out.splitlines()) == 96
    assert ran.run["verdict"] == "bad_data"
    assert "--replay rerun runs the script again" in str(ran.notes)


def test_a_loop_that_ends_within_the_trials(zygote: Zygote, tmp_path: Path) -> None:
    source = LOADED.replace("range(8)", "range(1)")
    ran = zygote.watch(tmp_path, HEAD + source, "--replay", "rollback", prelude=STATES)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert ran.cause == "nonfinite_input"
    seen = json.loads((tmp_path / "states.json").read_text())
    assert seen["before"] == seen["after"]


def test_workers_that_begin_within_the_trials(zygote: Zygote, tmp_path: Path) -> None:
    """They make a socket in a directory of theirs; the script's own directories are not made."""
    source = LOADED.replace("shuffle=True", "shuffle=True, num_workers=2")
    source = source.replace("range(8):", 'range(8):\n    import os; os.makedirs(f"epoch/{epoch}")')
    ran = zygote.watch(tmp_path, HEAD + source, "--replay", "rollback")
    replay = ran.run["replay"]
    assert replay is not None, ran.err + ran.notes
    assert (replay["method"], replay["reproduced"]) == ("rollback", True)
    assert "prevented" in {trial["outcome"] for trial in replay["trials"]}
    before = ran.run["first_bad_step"] // 12
    made = sorted(int(one.name) for one in (tmp_path / "epoch").iterdir())
    assert made == list(range(before + 1))


def test_a_batch_that_never_comes_within_the_trials(zygote: Zygote, tmp_path: Path) -> None:
    """A queue that is empty by then; the script waits, and would for ever."""
    hurry = STATES + "rollback.PATIENCE, rollback.STUCK = 0.0, 1.0\n"
    begun = time.monotonic()
    ran = zygote.watch(tmp_path, HEAD + FED, "--replay", "rollback", prelude=hurry)
    assert time.monotonic() - begun < 60
    assert ran.code == 1, ran.err
    assert "Traceback" not in ran.err
    assert ran.held
    seen = json.loads((tmp_path / "states.json").read_text())
    assert seen["before"] == seen["after"]


def test_a_script_that_fails_on_its_own_within_the_trials(zygote: Zygote, tmp_path: Path) -> None:
    source = LOADED.replace(
        "        opt.step()", "        opt.step()\n        assert math.isfinite(loss.item()), loss"
    )
    ran = zygote.watch(tmp_path, HEAD + source, "--replay", "rollback", prelude=STATES)
    assert ran.code == 1
    assert "switched off" not in ran.err
    assert ran.cause == "nonfinite_input"


# ---- recorded batches


class Loader:
    """As an iterator of torch's: it knows its data set."""

    def __init__(self, dataset: object) -> None:
        self._dataset = dataset


def leave(*bad: int) -> Any:
    def change(index: list[int]) -> list[int]:
        kept = [one for one in index if one not in bad]
        return index if len(kept) == len(index) else kept

    return change


SAME = leave()


@given(st.lists(st.integers(0, 1), max_size=30), st.integers(0, 30))
def test_batches_are_given_again_in_order(sources: list[int], tick: int) -> None:
    """By data set, whatever iterator asks; from the step that is gone back to."""
    recorded, data = Recorded(), ["a", "b"]
    for at, source in enumerate(sources):
        recorded.give(Loader(data[source]), f"batch {at}", None, at)
    recorded.rewind(tick)
    for source in (0, 1):
        expected = [f"batch {at}" for at, s in enumerate(sources) if s == source and at >= tick]
        given: list[Any] = []
        while (again := recorded.next(Loader(data[source]), SAME)) is not None:
            given += again
        assert given == expected


@given(st.integers(0, 3), st.integers(1, 3), st.integers(1, 9), st.integers(0, 12))
def test_batches_held_in_advance_belong_to_later_steps(
    lead: int, each: int, steps: int, tick: int
) -> None:
    """Of a loop that takes `each` batches a step, and has drawn `lead` more before the first."""
    recorded, loader = Recorded(), Loader("a")
    warm_up = Loader("a")
    recorded.give(warm_up, "looked at once", None, 0)
    drawn = 0
    for step in range(steps):
        for _ in range(each + lead if step == 0 else each):
            recorded.give(loader, drawn, None, step)
            drawn += 1
    assert recorded.lead(loader) == (lead if steps > 1 else 0)
    recorded.rewind(tick)
    given: list[Any] = []
    while (again := recorded.next(loader, SAME)) is not None:
        given += again
    needed = list(range(each * tick, drawn))
    if 0 < tick < steps and (steps > 1 or not lead):
        assert given == needed


def test_what_a_trial_draws_is_given_to_the_next_trial() -> None:
    recorded, loader = Recorded(), Loader("a")
    recorded.give(loader, "one", None, 5)
    for expected in (["one"], ["one", "new"], ["one", "new"]):
        recorded.rewind(5)
        given: list[Any] = []
        while (again := recorded.next(loader, SAME)) is not None:
            given += again
            recorded.give(loader, again[0], None, 6)  # is not recorded twice
        assert given == expected
        if expected == ["one"]:
            recorded.give(loader, "new", None, 6)


def test_only_the_last_batches_are_kept() -> None:
    recorded = Recorded()
    assert recorded.empty
    assert recorded.reaches(0)
    for at in range(MOST + 10):
        recorded.give(Loader("a"), at, None, at)
    assert not recorded.empty
    assert not recorded.reaches(9)
    assert recorded.reaches(10)


Pair = namedtuple("Pair", "x y")


def test_samples_are_taken_out_of_whatever_nesting() -> None:
    x, y = torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 2])
    left = torch.tensor([0, 2])
    scalar, other = torch.tensor(7), torch.ones(5)
    batches: list[tuple[Any, Any]] = [
        (x, x[left]),
        ([x, y], [x[left], y[left]]),
        ((x, "name"), (x[left], "name")),
        ({"x": x, "deep": [y]}, {"x": x[left], "deep": [y[left]]}),
        (Pair(x, y), Pair(x[left], y[left])),
        ([scalar, other], [scalar, other]),
    ]
    for batch, expected in batches:
        recorded = Recorded()
        recorded.give(Loader("a"), batch, [10, 77, 12], 0)
        recorded.rewind(0)
        again = recorded.next(Loader("a"), leave(77))
        assert again is not None
        assert type(again[0]) is type(expected)
        assert repr(again[0]) == repr(expected)
        recorded.rewind(0)
        whole = recorded.next(Loader("a"), SAME)
        assert whole is not None
        assert whole[0] is batch


def test_random_numbers_go_on_as_they_did() -> None:
    """Making a batch drew some, which a batch that is given again does not."""
    recorded, loader = Recorded(), Loader("a")
    drawn = []
    for at in range(3):
        torch.randn(3)  # by the sampler, or an augmentation
        recorded.give(loader, at, None, at)
        drawn.append(torch.randn(2))
    recorded.rewind(1)
    for expected in drawn[1:]:
        recorded.next(loader, SAME)
        assert torch.equal(torch.randn(2), expected)
