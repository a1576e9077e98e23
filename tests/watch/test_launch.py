"""A watched script sees what it would see under plain python, and ends as it would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradcheck.errors import UsageError
from gradcheck.watch import launch
from tests.watch.running import Ran, Zygote, clean_environment, python, write

STEPS = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).pow(2).mean()
        loss.backward()
        optimizer.step()
"""
WATCH = ("-m", "gradcheck", "watch", "--record", "record", "--output", "report.json")


def watched(folder: Path, *arguments: str, timeout: int = 60) -> Ran:
    done = python(*WATCH, *arguments, cwd=folder, timeout=timeout)
    return Ran(done.returncode, done.stdout, done.stderr, folder)


# ---- what a script sees of itself

SELF = """
import multiprocessing
import os
import pickle
import sys
import time


class Thing:
    def __eq__(self, other):
        return type(self) is type(other)


def square(x):
    return x * x


def main():
    print(sys.argv, __name__, __file__, __spec__, __package__, __doc__, sys.path[0], os.getcwd())
    print(sys.modules["__main__"].__dict__ is globals(), __loader__ is not None)
    print(pickle.loads(pickle.dumps(Thing())) == Thing(), Thing.__module__)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [1, 2, 3]))
    import helper
    print(helper.VALUE, "\\N{SNOWMAN}")
    sys.stdout.buffer.write(b"\\xff\\x00 raw\\r\\n")
    sys.exit(7)


if __name__ == "__main__":
    main()
"""


def test_a_script_sees_what_python_shows_it(tmp_path: Path) -> None:
    write(tmp_path, SELF, "scripts/train.py") if False else None
    (tmp_path / "scripts").mkdir()
    write(tmp_path / "scripts", SELF)
    write(tmp_path / "scripts", "VALUE = 41", "helper.py")
    given = ("scripts/train.py", "--lr", "3", "--fail-on", "-m", "a b")
    bare, seen = (
        subprocess.run(
            [sys.executable, *before, *given],
            capture_output=True,
            cwd=tmp_path,
            env=clean_environment(),
            timeout=60,
            check=False,
        )
        for before in ((), WATCH)
    )
    assert seen.stdout == bare.stdout, seen.stderr
    assert (bare.returncode, seen.returncode) == (7, 7)
    assert b"no optimizer of torch's was made" in seen.stderr
    assert b"snowman" not in seen.stderr


RUN = """
from . import other
import sys
print(sys.argv, __name__, __package__, __spec__.name, sys.path[0], other.X)
"""


@pytest.mark.parametrize("given", [("-m", "package.run"), ("-mpackage.run",)])
def test_a_module(tmp_path: Path, given: tuple[str, ...]) -> None:
    """Its options are its own, whatever they are called."""
    package = tmp_path / "package"
    write(package, "", "__init__.py")
    write(package, RUN, "run.py")
    write(package, "X = 5", "other.py")
    own = ("-x", "1", "--record", "mine", "--", "-m", "z")
    bare = python(*given, *own, cwd=tmp_path)
    seen = watched(tmp_path, *given, *own)
    assert seen.out == bare.stdout, seen.err
    assert "package.run" in bare.stdout
    assert not (tmp_path / "mine").exists()


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    ran = watched(tmp_path, "-m", "no_such_module_at_all")
    assert ran.code != 0
    assert "no_such_module_at_all" in ran.err
    assert "Traceback" not in ran.err


def test_a_directory_with_a_main(zygote: Zygote, tmp_path: Path) -> None:
    (tmp_path / "train.py").mkdir()
    write(tmp_path / "train.py", f"{STEPS}\nprint(__name__)\ntrain(3)", "__main__.py")
    done = python(*WATCH, "train.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "__main__\n"), done.stderr


# ---- how it ends

ENDS = {
    "falls_off": ("", 0, ""),
    "none": ("import sys; sys.exit()", 0, ""),
    "zero": ("raise SystemExit(0)", 0, ""),
    "number": ("raise SystemExit(5)", 5, ""),
    "big_number": ("raise SystemExit(257)", 1, ""),
    "negative": ("raise SystemExit(-1)", 255, ""),
    "text": ("raise SystemExit('no data left')", 1, "no data left"),
    "truth": ("raise SystemExit(True)", 1, ""),
    "exception": ("raise ValueError('of my own')", 1, "ValueError: of my own"),
    "base_exception": ("class Own(BaseException): ...\nraise Own('mine')", 1, "Own: mine"),
    "quit": ("quit(3)", 3, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_exit_codes(zygote: Zygote, tmp_path: Path, name: str) -> None:
    source, code, said = ENDS[name]
    text = f"{STEPS}\ntrain(3)\nprint('trained')\n{source}\n"
    ran = zygote.watch(tmp_path, text)
    bare = zygote.bare(tmp_path / "bare", text)
    assert ran.out == bare.out == "trained\n"
    assert said in ran.err
    assert ran.code == code, ran.err
    assert ran.run["last_step"] == 2


RAISES = f"""{STEPS}
def outer():
    try:
        {{}}["missing"]
    except KeyError as error:
        raise RuntimeError("told\\nin two lines") from error

train(3)
outer()
"""


def test_an_exception_is_told_as_python_tells_it(tmp_path: Path) -> None:
    write(tmp_path, RAISES)
    bare, seen = python("train.py", cwd=tmp_path), watched(tmp_path, "train.py")
    assert bare.returncode == seen.code == 1
    assert "direct cause of the following exception" in bare.stderr
    assert seen.err.startswith(bare.stderr)
    assert "gradcheck/" not in seen.err


def test_the_scripts_own_excepthook(zygote: Zygote, tmp_path: Path) -> None:
    hook = "import sys\nsys.excepthook = lambda kind, error, trace: print('hook', error)\n"
    ran = zygote.watch(tmp_path, f"{STEPS}\ntrain(2)\n{hook}raise ValueError('x')")
    assert ran.out == "hook x\n"
    assert "Traceback" not in ran.err


SLEEPS = f"""{STEPS}
import time
train(3)
try:
    print("ready", flush=True)
    time.sleep(30)
finally:
    print("cleaned", flush=True)
"""


def test_ctrl_c(tmp_path: Path) -> None:
    write(tmp_path, SLEEPS)
    process = start(tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert out == "cleaned\n"
    assert "KeyboardInterrupt" in err
    assert process.returncode in (130, -signal.SIGINT)
    assert Ran(0, "", "", tmp_path).run["last_step"] == 2


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *WATCH, "train.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=clean_environment(),
    )


def test_os_exit_keeps_what_was_recorded(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, f"{STEPS}\ntrain(37)\nimport os\nos._exit(4)")
    assert ran.code == 4
    assert steps_in(tmp_path / "record") == 37


def steps_in(record: Path) -> int:
    from gradcheck import diagnosis

    (run,) = diagnosis.analyze(record).runs
    steps = [
        int(step) for series in run.run.series if series.name == "loss" for step in series.step
    ]
    assert steps == list(range(len(steps)))
    return len(steps)


def test_kill_9_loses_no_more_than_a_second(tmp_path: Path) -> None:
    write(tmp_path, f"""{STEPS}
import time
for step in range(10_000):
    train(1)
    print(step, time.time(), flush=True)
    time.sleep(0.005)
""")  # fmt: skip
    process = start(tmp_path)
    assert process.stdout is not None
    steps: list[tuple[int, float]] = []
    while len(steps) < 400:
        number, wall = process.stdout.readline().split()
        steps.append((int(number), float(wall)))
    process.kill()
    out, _ = process.communicate(timeout=30)
    steps += [(int(line.split()[0]), float(line.split()[1])) for line in out.splitlines()[:-1]]
    kept = steps_in(tmp_path / "record")
    old = [number for number, wall in steps if wall < steps[-1][1] - 1.0]
    assert kept > old[-1], (kept, steps[-1])
    assert not children_left(tmp_path)


def children_left(folder: Path) -> list[str]:
    """Processes of a directory that a killed one has left behind; they get a second to end."""
    for _ in range(50):
        found = [one.name for one in Path("/proc").glob("[0-9]*") if directory(one) == folder]
        if not found:
            return []
        time.sleep(0.02)
    return found


def directory(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


FORKS = f"""{STEPS}
import os
train(3)
pid = os.fork()
if pid == 0:
    train(50)
    os._exit(9)
_, status = os.waitpid(pid, 0)
train(2)
print("child", os.waitstatus_to_exitcode(status), flush=True)
"""


def test_a_script_that_forks(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, FORKS)
    assert (ran.code, ran.out) == (0, "child 9\n"), ran.err
    assert ran.run["last_step"] == 4
    assert ran.err.count("\n") == 1


def test_a_child_that_ends_the_script_tells_nothing(zygote: Zygote, tmp_path: Path) -> None:
    """A forked child runs to the end of the script: one record, one report."""
    ran = zygote.watch(tmp_path, FORKS.replace("os._exit(9)", "raise SystemExit(9)"))
    assert ran.out == "child 9\n", ran.err
    assert ran.run["last_step"] == 4
    assert ran.err.count("the record is in") == 1, ran.err


def test_multiprocessing_by_fork(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, f"""{STEPS}
import multiprocessing
def work(x):
    train(2)
    return x + 1
train(3)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, [1, 2]))
""")  # fmt: skip
    assert (ran.code, ran.out) == (0, "[2, 3]\n"), ran.err
    assert ran.run["last_step"] == 2


# ---- what cannot be watched


def one_line(text: str) -> bool:
    return text.startswith("gradcheck: ") and text.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print(1)", "no optimizer of torch's was made"),
        ("import torch\nprint(1)", "no optimizer of torch's was made"),
        (f"{STEPS}\nprint(1)", "no optimizer took a step"),
    ],
    ids=["no_torch", "no_optimizer", "no_step"],
)
def test_nothing_to_judge(zygote: Zygote, tmp_path: Path, source: str, said: str) -> None:
    ran = zygote.watch(tmp_path, source)
    assert (ran.code, ran.out) == (3, "1\n")
    assert one_line(ran.err), ran.err
    assert said in ran.err


UNUSABLE = {
    "missing": ("train", None, "no such script"),
    "syntax": ("train.py", b"x = (\n", "line 1"),
    "null_bytes": ("train.py", b"x = 1\0\n", "not Python"),
    "not_text": ("train.py", b"\xff\xfe\x00", "not Python"),
    "picture": ("train.png", b"\x89PNG\r\n\x1a\n", "not Python"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_script(zygote: Zygote, tmp_path: Path, name: str) -> None:
    file, content, said = UNUSABLE[name]
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        launch.check(launch.Target(str(tmp_path / file), ()))
    assert "\n" not in str(caught.value)


def test_a_missing_script_is_one_line(tmp_path: Path) -> None:
    ran = watched(tmp_path, "nowhere.py")
    assert (ran.code, ran.out) == (2, "")
    assert one_line(ran.err), ran.err
    assert not (tmp_path / "record").exists()


def test_a_directory_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="directory without a __main__"):
        launch.check(launch.Target(str(tmp_path), ()))


def test_a_pipe_is_no_script(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.py")
    with pytest.raises(UsageError):
        launch.check(launch.Target(str(tmp_path / "train.py"), ()))
