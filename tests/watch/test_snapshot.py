"""Replays: bit-exact, unseen from outside, gone afterwards, and not needed to name the batch."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.watch.running import Zygote

ANSWERS = """
import json, pathlib
from gradcheck.watch.replay import snapshot
real = snapshot.Snapshots.run
def run(self, *args, **kwargs):
    answer = real(self, *args, **kwargs)
    if not pathlib.Path("answer.json").exists():
        pathlib.Path("answer.json").write_text(json.dumps(answer))
    pathlib.Path("taken.txt").write_text(f"{self.taken} {self.newest} {self.ticks}")
    return answer
snapshot.Snapshots.run = run
"""
SCRIPT = """
import math
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
data = TensorDataset(torch.randn(160, 4), torch.randn(160, 1))
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loader = DataLoader(data, batch_size=8, shuffle=True, num_workers=WORKERS, LOADING)
step = 0
for epoch in range(3):
    for x, y in loader:
        out = model(x + 0.1 * torch.randn_like(x))
        loss = F.mse_loss(out, y)
        if step == 33:
            loss = loss + (out * 0).pow(2).sqrt().sum()
        optimizer.zero_grad()
        loss.backward()
        print(step, loss.item().hex(), flush=True)
        EFFECTS
        optimizer.step()
        step += 1
"""


def script(workers: int = 0, effects: str = "pass", loading: str = "") -> str:
    lines = "\n        ".join(effects.strip().splitlines())
    loaded = SCRIPT.replace("WORKERS", str(workers)).replace(", LOADING", loading)
    return loaded.replace("EFFECTS", lines)


ONE_FOR_ALL = ", persistent_workers=True"
OWN_GENERATOR = ", generator=torch.Generator().manual_seed(5)"


@pytest.mark.parametrize(
    ("workers", "loading", "bad"),
    [
        (0, "", 33), (2, "", 33), (2, "", 41), (2, OWN_GENERATOR, 41), (2, ONE_FOR_ALL, 33),
        (2, ONE_FOR_ALL, 41), (1, ONE_FOR_ALL + OWN_GENERATOR, 21),
    ],
)  # fmt: skip
def test_a_replay_is_bit_exact(
    zygote: Zygote, tmp_path: Path, workers: int, loading: str, bad: int
) -> None:
    """In the middle of an epoch, and just behind its end."""
    source = script(workers, loading=loading).replace("step == 33", f"step == {bad}")
    ran = zygote.watch(tmp_path, source, prelude=ANSWERS)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert ran.held
    assert answer["reproduced"] is True
    assert answer["loss"] == ran.out.splitlines()[-1].split()[1]
    assert answer["norm"] == "nan"
    taken, newest, ticks = map(int, (tmp_path / "taken.txt").read_text().split())
    assert taken >= 2
    assert newest < ticks == bad
    assert ran.keys == ["gradient_undefined"]


def test_with_several_threads(zygote: Zygote, tmp_path: Path) -> None:
    """OpenMP's own threads do not survive a fork: a replay would wait for them for ever."""
    source = "import torch\ntorch.set_num_threads(2)\n" + script().replace("16)", "512)").replace(
        "nn.Linear(16, 1)", "nn.Linear(512, 1)"
    ).replace("batch_size=8", "batch_size=64").replace("step == 33", "step == 5")
    ran = zygote.watch(tmp_path, source, prelude=ANSWERS)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert ran.held
    assert answer["loss"] == ran.out.splitlines()[-1].split()[1]


EFFECTS = {
    "opened": "open('log.txt', 'a').write(f'{step}\\n')",
    "kept_open": """
if step == 0: log = open('log.txt', 'w', buffering=1)
log.write(f'{step}\\n')
""",
    "buffered": """
if step == 0: log = open('log.txt', 'w')
log.write(f'{step}\\n')
""",
    "pathlib": """
import pathlib
with pathlib.Path('log.txt').open('a') as log: log.write(f'{step}\\n')
""",
    "descriptor": """
import os
number = os.open('log.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(number, f'{step}\\n'.encode())
os.close(number)
""",
    "logging": """
import logging
if step == 0: logging.basicConfig(filename='log.txt', level=logging.INFO, format='%(message)s')
logging.info('%d', step)
""",
    "a_process": """
import subprocess
subprocess.run(['sh', '-c', f'echo {step} >> log.txt'], check=False)
""",
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_replay_writes_nothing(zygote: Zygote, tmp_path: Path, name: str) -> None:
    """Every step has left its line once, in the file and on stdout."""
    ran = zygote.watch(tmp_path, script(effects=EFFECTS[name]))
    assert ran.held
    assert ran.keys == ["gradient_undefined"] or name == "a_process"
    assert [int(line.split()[0]) for line in ran.out.splitlines()] == list(range(34))
    assert (tmp_path / "log.txt").read_text() == "".join(f"{step}\n" for step in range(34))


FILES = """
import os, pathlib, shutil
here = pathlib.Path(f'made/{step}')
here.mkdir(parents=True)
(here / 'touched').touch()
(here / 'written').write_text('x')
torch.save(model.state_dict(), here / 'model.pt')
(here / 'written').rename(here / 'renamed')
if step:
    shutil.rmtree(f'made/{step - 1}')
    os.symlink('nowhere', here / 'link')
if step == 0:
    pathlib.Path('once.txt').write_text('kept')
    once = pathlib.Path('once.txt').stat().st_mtime_ns
assert step == 0 or pathlib.Path('once.txt').stat().st_mtime_ns == once
"""


def test_a_replay_makes_moves_and_removes_nothing(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, script(effects=FILES), prelude=ANSWERS)
    assert ran.held, ran.err
    assert [one.name for one in (tmp_path / "made").iterdir()] == ["33"]
    made = {one.name for one in (tmp_path / "made" / "33").iterdir()}
    assert made == {"touched", "renamed", "model.pt", "link"}
    assert (tmp_path / "once.txt").read_text() == "kept"


# ---- processes

CHILDREN = """
import os, pathlib
from gradcheck.watch import session
real = session.Session.finish
me = os.getpid()
def finish(self, error=None):
    real(self, error)
    if os.getpid() == me:
        left = pathlib.Path(f"/proc/{me}/task/{me}/children").read_text()
        pathlib.Path("children.txt").write_text(f"{self.snapshots.taken}:{left}")
session.Session.finish = finish
"""


@pytest.mark.parametrize("bad", ["step == 33", "step == 99"], ids=["failing", "healthy"])
def test_no_process_is_left(zygote: Zygote, tmp_path: Path, bad: str) -> None:
    """Neither one that runs nor one that nobody waited for."""
    zygote.watch(tmp_path, script().replace("step == 33", bad), prelude=CHILDREN)
    taken, _, left = (tmp_path / "children.txt").read_text().partition(":")
    assert int(taken) >= 2
    assert left.strip() == ""
    assert not processes_in(tmp_path)


def processes_in(folder: Path) -> list[str]:
    """Those that work in a directory, after they had some time to end."""
    found: list[str] = []
    for _ in range(25):
        found = [one.name for one in Path("/proc").glob("[0-9]*") if _directory(one) == folder]
        if not found:
            break
        time.sleep(0.02)
    return found


def _directory(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def test_snapshots_end_with_a_script_that_ends_abruptly(zygote: Zygote, tmp_path: Path) -> None:
    ended = "import os, signal\nif step == 20: os.kill(os.getpid(), signal.SIGKILL)"
    ran = zygote.watch(tmp_path, script(effects=ended))
    assert ran.code == -9
    assert not processes_in(tmp_path)


def test_a_script_that_waits_for_any_child(zygote: Zygote, tmp_path: Path) -> None:
    """Its own child is the only one it is told of."""
    waits = """
import os
if step == 20:
    pid = os.fork()
    if pid == 0: os._exit(3)
    print(os.waitpid(pid, 0)[1] >> 8)
"""
    ran = zygote.watch(tmp_path, script(effects=waits).replace("step == 33", "step == 99"))
    assert ran.code == 0, ran.err
    assert "\n3\n" in ran.out


# ---- where no fork is possible

REFUSED = """
from gradcheck.watch.replay import snapshot
snapshot.why_not = lambda growth: "not today"
"""
NO_MEMORY = """
import os
def fork():
    raise OSError(11, "Resource temporarily unavailable")
os.fork = fork
"""


@pytest.mark.parametrize("prelude", [REFUSED, NO_MEMORY], ids=["refused", "no_memory"])
@pytest.mark.parametrize(
    ("damage", "key", "samples"),
    [
        ("data.tensors[0][77, 1] = math.nan", "input_nonfinite", [77]),
        ("data.tensors[1][12] = math.inf", "target_nonfinite", [12]),
        ("model[0].weight.data[0, 0] = math.nan", "weight_nonfinite", None),
    ],
    ids=["input", "target", "weight"],
)
def test_without_a_replay(
    zygote: Zygote, tmp_path: Path, prelude: str, damage: str, key: str, samples: list[int] | None
) -> None:
    source = script().replace("loader =", f"{damage}\nloader =")
    ran = zygote.watch(tmp_path, source, prelude=prelude)
    assert ran.held, ran.err
    seen = next((one for one in ran.observations if one["key"] == key), None)
    assert seen is not None, ran.observations
    assert seen["where"].get("samples") == samples
