"""Replays leave no trace: files, output and processes are what the run itself made of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.watch.running import Zygote, clean_environment, write
from tests.watch.test_rerun import WARM, processes_of
from tests.watch.test_rerun import script as plain

SCRIPT = """
import json, os, pathlib, sqlite3, sys
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0)
out = pathlib.Path("out")
out.mkdir()
log = open(out / "log.txt", "w", buffering=1)
writer = SummaryWriter(out / "board")
db = sqlite3.connect(out / "runs.sqlite")
db.execute("create table steps (step, loss)")
curve = np.memmap(out / "curve.dat", dtype="float32", mode="w+", shape=(64,))
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
step = 0
for epoch in range(2):
    for x, y in DataLoader(data, batch_size=2, shuffle=True, num_workers=2):
        pred = model(x)
        loss = F.mse_loss(pred, y)
        if step == 22:
            loss = loss + (pred * 0).pow(2).sqrt().sum()
        optimizer.zero_grad()
        loss.backward()
        print("step", step, loss.item())
        print("warning", step, file=sys.stderr)
        log.write(f"{step}\\n")
        writer.add_scalar("loss", loss, step)
        db.execute("insert into steps values (?, ?)", (step, loss.item()))
        db.commit()
        curve[step] = loss.item()
        curve.flush()
        torch.save(model.state_dict(), out / f"model{step % 3}.pt")
        np.save(out / "weights.npy", model[0].weight.detach().numpy())
        (out / "progress.tmp").write_text(json.dumps({"step": step}))
        os.replace(out / "progress.tmp", out / "progress.json")
        assert json.loads((out / "progress.json").read_text()) == {"step": step}
        assert db.execute("select count(*) from steps").fetchone() > (step,)
        PAUSE
        optimizer.step()
        step += 1
"""

LONGEST = 60.0
"""Seconds until the first replay: torch is imported twice."""

LOOK = """
import os
from pathlib import Path
from gradcheck.watch import conclusion
from tests.watch.test_no_trace import seen
again = conclusion._run_again
def run_again(*args, **kwargs):
    import json, sys
    sys.stdout.flush()
    before = seen(os.getpid())
    found = again(*args, **kwargs)
    Path("seen.json").write_text(json.dumps([before, seen(os.getpid())]))
    return found
conclusion._run_again = run_again
"""


def seen(me: int) -> dict[str, object]:
    """Every file under `out`, both streams, and the processes below this one."""
    files = {}
    for path in sorted(Path("out").rglob("*")):
        kind = path.lstat()
        content = path.read_bytes().hex() if path.is_file() else ""
        files[str(path)] = [kind.st_mode, kind.st_mtime_ns, kind.st_ino, content]
    here = sorted(one.name for one in Path().iterdir())
    streams = [Path(name).read_text("utf-8") for name in ("out.txt", "err.txt")]
    scratch = sorted(str(one) for one in Path(tempfile.gettempdir()).glob("gradcheck-*"))
    return {
        "files": files,
        "here": [name for name in here if name != "seen.json"],
        "streams": streams,
        "children": Path(f"/proc/{me}/task/{me}/children").read_text(),
        "scratch": scratch,
    }


@pytest.mark.parametrize("way", ["fork", "rerun"])
def test_before_and_after(zygote: Zygote, tmp_path: Path, way: str) -> None:
    """Between the two looks, all replays ran, each of them with every one of these effects."""
    own = tmp_path / "tmp"
    own.mkdir()
    private = f"import tempfile; tempfile.tempdir = {str(own)!r}\n"
    ran = zygote.watch(
        tmp_path,
        SCRIPT.replace("PAUSE", "pass"),
        f"--replay={way}",
        prelude=private + LOOK + (WARM if way == "rerun" else ""),
    )
    before, after = json.loads((tmp_path / "seen.json").read_text("utf-8"))
    if way == "rerun":  # the warm process of the tests is gone afterwards
        before["children"] = after["children"] = ""
        before["scratch"] = after["scratch"] = []
    assert before == after
    assert len(before["files"]) == 10
    found = ran.run["replay"]
    assert found["method"] == way
    assert found["reproduced"]
    assert found["bit_exact"]
    assert len(found["trials"]) >= 3
    assert [int(line.split()[1]) for line in ran.out.splitlines()] == list(range(23))
    assert left_in(own) == []


def left_in(folder: Path) -> list[str]:
    """What is ours there: a script's own workers may leave folders as well."""
    return [one.name for one in folder.iterdir() if one.name.startswith("gradcheck")]


# ---- ended in the middle of it

MAIN = """
import sys
from pathlib import Path
from gradcheck.watch import conclusion
from gradcheck.watch.replay import processes
ended = processes._Reading._take
def take(self, said):
    ended(self, said)
    if "pid" in said and Path("decided").exists():
        Path("replaying").touch()
processes._Reading._take = take
real = conclusion._run_again
def run_again(*args, **kwargs):
    Path("decided").touch()
    return real(*args, **kwargs)
conclusion._run_again = run_again
from gradcheck.cli import main
main()
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("way", ["fork", "rerun"])
def test_ended_in_the_middle(tmp_path: Path, way: str, how: str) -> None:
    """Whoever ends gradcheck ends its replays: no process and no folder is left."""
    script = write(tmp_path, plain("import time; time.sleep(0.1); torch.save(model, 'model.pt')"))
    own = tmp_path / "tmp"
    own.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", MAIN, "watch", f"--replay={way}", str(script)],
        cwd=tmp_path,
        env={**clean_environment(), "TMPDIR": str(own)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + LONGEST
        while not (tmp_path / "replaying").exists():
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)  # the replay is on its way
        assert len(processes_of(tmp_path, seconds=0)) >= 2
        process.send_signal(getattr(signal, how))
        process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode != 0
    assert processes_of(tmp_path) == []
    assert left_in(own) == []
