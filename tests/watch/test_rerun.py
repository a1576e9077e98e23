"""A script run again from its start: as exact as it is seeded, unseen, gone afterwards."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gradcheck.watch.launch import Target
from gradcheck.watch.replay.rerun import Rerun
from tests.watch.running import Ran, Zygote, clean_environment, write

FORCED = "--replay=rerun"
UNFORKABLE = """
from gradcheck.watch.replay import snapshot
snapshot.why_not = lambda growth: "not today"
"""
WARM = """
import os, socket
from gradcheck.watch.replay import fresh, rerun, scratch
root = scratch.make()
ours, theirs = socket.socketpair()
warm = os.fork()
if warm == 0:
    ours.close()
    fresh.serve(theirs.detach(), str(root))
theirs.close()
rerun.processes.read_line(ours)
def start(self):
    self._scratch = root
    return ours
rerun.Rerun._start = start
usual = rerun.Rerun.close
def close(self):
    ours.close()
    os.kill(warm, 15)
    os.waitpid(warm, 0)
    usual(self)
rerun.Rerun.close = close
"""
"""A fresh process that need not import torch; its own start has tests of its own."""

SCRIPT = """
import math, sys
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
torch.manual_seed(0)
class Data(Dataset):
    x, y = torch.randn(96, 4), torch.randn(96, 1)
    def __len__(self): return 96
    def __getitem__(self, at): return self.x[at] + NOISE * torch.randn(4), self.y[at]
SETUP
if __name__ == "__main__":
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
    model = WRAP(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = DataLoader(Data(), batch_size=8, shuffle=True, num_workers=WORKERS)
    step = 0
    for epoch in range(6):
        for x, y in loader:
            out = model(x)
            loss = F.mse_loss(out, y)
            if step == 33:
                loss = loss + (out * 0).pow(2).sqrt().sum()
            optimizer.zero_grad()
            loss.backward()
            EFFECTS
            optimizer.step()
            step += 1
    print("done", sys.argv)
"""


def script(
    effects: str = "pass", *, workers: int = 0, noise: str = "0", setup: str = "", wrap: str = ""
) -> str:
    lines = "\n            ".join(effects.strip().splitlines())
    made = SCRIPT.replace("WORKERS", str(workers)).replace("NOISE", noise)
    return made.replace("EFFECTS", lines).replace("SETUP", setup).replace("WRAP", wrap)


def replay(ran: Ran) -> dict[str, Any]:
    found = ran.run["replay"]
    assert isinstance(found, dict), (ran.notes, ran.err)
    return found


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {trial["change"]: trial["outcome"] for trial in found["trials"]}


def test_a_seeded_script(zygote: Zygote, tmp_path: Path) -> None:
    """The failure comes back bit for bit, and the changes do what they do in a fork."""
    ran = zygote.watch(tmp_path / "rerun", script(), FORCED, prelude=WARM)
    found = replay(ran)
    assert found["method"] == "rerun"
    assert found["reproduced"]
    assert found["bit_exact"]
    assert found["snapshot_step"] == 0
    forked = replay(zygote.watch(tmp_path / "fork", script(), "--replay"))
    assert forked["method"] == "fork"
    assert outcomes(found) == outcomes(forked)
    assert "prevented" in outcomes(found).values()
    assert "not_prevented" in outcomes(found).values()


def test_an_unseeded_script(zygote: Zygote, tmp_path: Path) -> None:
    """Other numbers, the same failure: shown, and not called exact."""
    ran = zygote.watch(tmp_path, script(setup="torch.seed()"), FORCED, prelude=WARM)
    assert replay(ran)["reproduced"]
    assert not replay(ran)["bit_exact"]


def test_a_failure_that_does_not_come_back(zygote: Zygote, tmp_path: Path) -> None:
    """It hangs on something that no rerun has: nothing is claimed."""
    effects = "if step == 33 and os.getpid() != int(open('pid').read()): optimizer.zero_grad()"
    own = "import os, pathlib; pathlib.Path('pid').write_text(str(os.getpid()))\n"
    source = script(effects, setup="import os")
    ran = zygote.watch(tmp_path, source, FORCED, prelude=own + WARM)
    assert replay(ran)["reproduced"] is False
    assert replay(ran)["trials"] == []


@pytest.mark.parametrize("noise", ["0", "0.1"], ids=["plain", "augmented"])
def test_with_workers(zygote: Zygote, tmp_path: Path, noise: str) -> None:
    """They are processes of the rerun, so that what they draw is drawn again."""
    ran = zygote.watch(tmp_path, script(workers=2, noise=noise), FORCED, prelude=WARM)
    assert replay(ran)["reproduced"]
    assert replay(ran)["bit_exact"]


def test_a_compiled_model(zygote: Zygote, tmp_path: Path) -> None:
    """A replay runs it uncompiled."""
    source = script(wrap="torch.compile(backend='aot_eager')").replace(
        "torch.compile(backend='aot_eager')(model)", "torch.compile(model, backend='aot_eager')"
    )
    assert replay(zygote.watch(tmp_path, source, FORCED, prelude=WARM))["reproduced"]


def test_where_no_fork_is_possible(zygote: Zygote, tmp_path: Path) -> None:
    """Then a rerun is chosen without being asked for."""
    ran = zygote.watch(tmp_path, script(), "--replay", prelude=UNFORKABLE + WARM)
    assert replay(ran)["method"] == "rerun"
    assert replay(ran)["bit_exact"]


def test_too_long_a_way(zygote: Zygote, tmp_path: Path) -> None:
    short = "from gradcheck.watch.replay import prove\nprove.MOST_SECONDS = 0.01\n"
    ran = zygote.watch(tmp_path, script(), "--replay", prelude=UNFORKABLE + short + WARM)
    assert ran.run["replay"] is None
    assert "takes about" in ran.notes


def test_arguments_and_directory(zygote: Zygote, tmp_path: Path) -> None:
    """The rerun starts where the script was started, and as it was."""
    setup = "import os; assert sys.argv[1:] == ['--x', 'a b']; os.chdir('/'); sys.argv[1:] = []"
    setup += "; os.environ['CHANGED'] = '1' if 'CHANGED' not in os.environ else 1 / 0"
    ran = zygote.watch(
        tmp_path, script(setup=setup), FORCED, prelude=WARM, arguments=["--x", "a b"]
    )
    assert replay(ran)["bit_exact"]


OWN_FILES = """
import os, pathlib
os.makedirs("out")
state = pathlib.Path("last.pt")
begin = torch.load(state)["step"] if state.exists() else 0
assert begin == 0
open("once.txt", "x").close()
"""


def test_files_of_the_run_itself(zygote: Zygote, tmp_path: Path) -> None:
    """A rerun does not find the checkpoint that the run has written, and makes it again."""
    effects = "torch.save({'step': step}, 'last.pt'); assert torch.load('last.pt')['step'] == step"
    ran = zygote.watch(tmp_path, script(effects, setup=OWN_FILES), FORCED, prelude=WARM)
    assert replay(ran)["bit_exact"]


def test_a_script_that_reads_its_input(zygote: Zygote, tmp_path: Path) -> None:
    """In a rerun it is at an end at once, and nobody waits for it."""
    ran = zygote.watch(tmp_path, script(setup="sys.stdin.read()"), FORCED, prelude=WARM)
    assert replay(ran)["reproduced"]


@pytest.mark.parametrize("way", ["WORLD_SIZE", "initialised"])
def test_one_of_several_processes(zygote: Zygote, tmp_path: Path, way: str) -> None:
    """It is not run again, and the record says why."""
    group = f"""
import torch.distributed
torch.distributed.init_process_group("gloo", init_method="file://{tmp_path}/store", rank=0,
                                     world_size=1)
"""
    environment = {"WORLD_SIZE": "2", "RANK": "1"} if way == "WORLD_SIZE" else {}
    setup = group if way == "initialised" else ""
    ran = zygote.watch(tmp_path, script(setup=setup), "--replay", environment=environment)
    record = tmp_path / "record" / ("rank1" if environment else "")
    notes = (record / "gradcheck.observations").read_text()
    assert "one of several communicating processes cannot be run again alone" in notes
    assert "single process" in notes
    assert '"replay"' not in notes
    assert ran.code == 1


# ---- the fresh process itself


def test_the_fresh_process(tmp_path: Path) -> None:
    """Started as the script was: flags, environment, directory; ended with all that it runs."""
    setup = """
import os
assert sys.flags.optimize == FLAG and os.environ["GIVEN"] == "1" and os.getcwd() == HERE
""".replace("HERE", repr(str(tmp_path))).replace("FLAG", str(sys.flags.optimize))
    write(tmp_path, script(setup=setup))
    rerun = Rerun(Target("train.py", []))
    rerun._folder = tmp_path
    rerun._environment = {**clean_environment(), "GIVEN": "1"}
    order: dict[str, Any] = {"mode": "trial", "change": None, "trouble": {}, "skips_fail": False}
    try:
        answer = rerun.run(40, order, patience=30)
        assert answer is not None
        assert answer["end"] == "failed"
        assert len(answer["rows"]) == 34
        assert rerun.run(20, order, patience=30) is not None
        write(tmp_path, "while True: pass")
        begun = time.monotonic()
        assert rerun.run(20, order, patience=0.5) is None
        assert time.monotonic() - begun < 10
        process = rerun._process
        assert process is not None
    finally:
        rerun.close()
    assert process.poll() is not None
    assert not [one for one in processes_of(tmp_path) if one != os.getpid()]


def processes_of(folder: Path, seconds: float = 5.0) -> list[int]:
    """Those that work in a directory, after they had some time to end."""
    ended = time.monotonic() + seconds
    while True:
        found = [int(one.name) for one in Path("/proc").glob("[0-9]*") if _works_in(one, folder)]
        if not found or time.monotonic() >= ended:
            return found
        time.sleep(0.05)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False
