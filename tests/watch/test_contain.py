"""A contained process reads back what it writes, and nothing of it reaches the world."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gradcheck.watch.replay import landlock
from tests.watch.running import Zygote

SCRIPT = """
import json, mmap, os, pathlib, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, time
from os import remove as bound_before
from pathlib import Path
import numpy as np
import torch
from gradcheck.watch.replay import birth, contain, descriptors
me = os.getpid()
BEFORE
since, offsets = birth.now(), descriptors.offsets()
AFTER
ours, theirs = os.pipe()
scratch = tempfile.mkdtemp()
pid = os.fork()
if pid == 0:
    contain.contain(contain.Place(Path(scratch).resolve(), since, HIDES, offsets), keep=theirs)
    def inside():
        INSIDE
    try:
        said = {"value": inside()}
    except BaseException as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    os.write(theirs, json.dumps(said, default=bool).encode())
    os._exit(0)
os.close(theirs)
told = b""
while piece := os.read(ours, 65536):
    told += piece
os.waitpid(pid, 0)
shutil.rmtree(scratch)
END
print(told.decode())
"""


def indented(code: str, by: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip(), by).strip()


def contained(
    zygote: Zygote,
    folder: Path,
    inside: str,
    *,
    before: str = "",
    after: str = "",
    end: str = "",
    hides: bool = False,
) -> Any:
    """What `inside` returns in a contained fork of a script that ran `before` and then `after`.

    `folder` must hold the same afterwards as it did when the fork was made.
    """
    made = SCRIPT.replace("BEFORE", indented(before, "")).replace("HIDES", str(hides))
    made = made.replace("AFTER", indented(after, "") + "\nTREE").replace("END", "CHECK\nEND")
    made = made.replace("END", indented(end, "")).replace("INSIDE", indented(inside, " " * 8))
    made = made.replace("TREE", TREE + "\nheld = tree()")
    ran = zygote.bare(folder, made.replace("CHECK", "assert tree() == held, (held, tree())"))
    assert ran.code == 0, ran.err
    said = json.loads(ran.out.splitlines()[-1])
    assert "error" not in said, said
    return said["value"]


TREE = """
def tree():
    found = {}
    for folder, folders, files in os.walk("."):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            kind = os.lstat(path)
            text = Path(path).read_bytes().hex() if os.path.isfile(path) else ""
            if name not in ("out.txt", "err.txt"):
                found[path] = [kind.st_mode, kind.st_mtime_ns, kind.st_ino, text]
    return found
"""

READ_BACK: Mapping[str, str] = {
    "open": """
        with open("a.txt", "w") as file: file.write("one")
        with open("a.txt", "a") as file: file.write(" two")
        return [open("a.txt").read() == "one two", os.path.getsize("a.txt") == 7]
    """,
    "appended": """
        with open("old.txt", "a") as file: file.write(" new")
        with open("old.txt", "r+") as file: file.write("O")
        return [Path("old.txt").read_text() == "Old new"]
    """,
    "descriptor": """
        number = os.open("a.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(number, b"x")
        os.close(number)
        return [os.read(os.open("a.txt", os.O_RDONLY), 9) == b"x"]
    """,
    "pathlib": """
        Path("new/inner").mkdir(parents=True)
        Path("new/inner/a.txt").write_text("x")
        Path("new/touched").touch()
        return [Path("new/inner/a.txt").read_text() == "x", Path("new/touched").is_file(),
                sorted(p.name for p in Path("new").iterdir()) == ["inner", "touched"],
                [str(p) for p in Path(".").glob("new/*/*.txt")] == ["new/inner/a.txt"],
                Path("new").resolve() == Path(os.getcwd(), "new")]
    """,
    "torch": """
        torch.save({"w": torch.ones(3)}, "model.pt")
        torch.save({"w": torch.ones(3)}, Path("old_folder") / "model.pt")
        return [torch.load("model.pt")["w"].sum().item() == 3,
                torch.load(f="old_folder/model.pt", mmap=True)["w"].sum().item() == 3]
    """,
    "numpy": """
        np.save("a.npy", np.arange(3)); np.savez("b.npz", x=np.ones(2))
        np.savetxt("c.txt", np.zeros(2)); np.arange(4).tofile("d.bin")
        held = np.memmap("e.dat", dtype="int32", mode="w+", shape=(4,)); held[:] = 7; held.flush()
        return [np.load("a.npy").sum() == 3, np.load("b.npz")["x"].sum() == 2,
                (np.loadtxt("c.txt") == 0).all(), np.fromfile("d.bin", int).sum() == 6,
                (np.memmap("e.dat", dtype="int32", mode="r") == 7).all()]
    """,
    "exists": """
        Path("a.txt").write_text("x")
        return [os.path.exists("a.txt"), os.path.isfile("a.txt"), not os.path.isdir("a.txt"),
                not os.path.exists("b.txt"), os.access("a.txt", os.W_OK), os.path.exists("old.txt"),
                os.path.realpath("a.txt") == os.path.join(os.getcwd(), "a.txt")]
    """,
    "listed": """
        Path("old_folder/b.txt").write_text("x")
        os.remove("old_folder/inner.txt")
        found = [(e.name, e.is_file(), e.is_dir()) for e in os.scandir("old_folder")]
        return [os.listdir("old_folder") == ["b.txt"], found == [("b.txt", True, False)],
                list(os.walk("old_folder")) == [("old_folder", [], ["b.txt"])],
                os.listdir(b"old_folder") == [b"b.txt"]]
    """,
    "removed": """
        os.remove("old.txt")
        gone = not os.path.exists("old.txt")
        shutil.rmtree("old_folder")
        os.makedirs("old_folder")
        return [gone, os.listdir("old_folder") == []]
    """,
    "removed_although_gone": """
        os.remove("never.txt"); os.rename("never.txt", "nowhere.txt"); os.rmdir("never")
        return [not os.path.exists("nowhere.txt")]
    """,
    "renamed": """
        Path("a.tmp").write_text("x")
        os.replace("a.tmp", "old.txt")
        os.rename("old_folder", "moved")
        shutil.move("moved/inner.txt", "elsewhere.txt")
        return [Path("old.txt").read_text() == "x", not os.path.exists("a.tmp"),
                not os.path.exists("old_folder"), Path("elsewhere.txt").read_text() == "inner",
                os.listdir("moved") == []]
    """,
    "copied": """
        shutil.copy2("old.txt", "copy.txt")
        shutil.copytree("old_folder", "tree/deep")
        os.chmod("old.txt", 0o600); os.utime("old.txt", (1, 1)); os.truncate("old.txt", 1)
        return [Path("copy.txt").read_text() == "old", Path("tree/deep/inner.txt").exists(),
                Path("old.txt").read_text() == "o"]
    """,
    "linked": """
        Path("a.txt").write_text("x")
        os.symlink("a.txt", "latest")
        with open("link_to_old", "a") as file: file.write("er")
        return [Path("latest").read_text() == "x", os.path.islink("latest"),
                os.readlink("latest") == "a.txt", Path("old.txt").read_text() == "older"]
    """,
    "working_directory": """
        os.makedirs("work/deep")
        os.chdir("work")
        Path("deep/a.txt").write_text("x")
        inside = os.getcwd().endswith("/work") and Path("deep/a.txt").read_text() == "x"
        os.chdir("..")
        return [inside, Path("work/deep/a.txt").exists(), Path("old.txt").read_text() == "old"]
    """,
    "temporary": """
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a").write_text("x")
            held = os.listdir(folder) == ["a"]
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("x"); file.seek(0)
            return [held, not os.path.exists(folder), file.read() == "x"]
    """,
    "database": """
        db = sqlite3.connect("new.sqlite")
        db.execute("create table t (x)"); db.execute("insert into t values (1)"); db.commit()
        db.close()
        old = sqlite3.connect(database="old.sqlite")
        old.execute("insert into t values (3)"); old.commit()
        return [sqlite3.connect("new.sqlite").execute("select x from t").fetchall() == [(1,)],
                old.execute("select sum(x) from t").fetchone() == (5,)]
    """,
    "bound_before": """
        bound_before("old.txt")
        return [not os.path.exists("old.txt")]
    """,
    "nowhere": """
        errors = []
        for do in (lambda: open("no/a.txt", "w"), lambda: open("never.txt"),
                   lambda: os.mkdir("no/folder"), lambda: os.stat("never.txt"),
                   lambda: open("never.txt", "r+"), lambda: os.listdir("never")):
            try: do()
            except FileNotFoundError as error: errors.append(error.filename)
        return [errors == ["no/a.txt", "never.txt", "no/folder", "never.txt", "never.txt", "never"]]
    """,
    "there_already": """
        errors = []
        for do in (lambda: open("old.txt", "x"), lambda: os.mkdir("old_folder"),
                   lambda: os.symlink("a", "old.txt"), lambda: os.rmdir("old_folder")):
            try: do()
            except OSError as error: errors.append(error.filename)
        return [errors == ["old.txt", "old_folder", "old.txt", "old_folder"]]
    """,
}

OLD = """
Path("old.txt").write_text("old")
Path("old_folder").mkdir()
Path("old_folder/inner.txt").write_text("inner")
os.symlink("old.txt", "link_to_old")
np.save("old.npy", np.arange(4))
db = sqlite3.connect("old.sqlite")
db.execute("create table t (x)"); db.execute("insert into t values (2)"); db.commit(); db.close()
time.sleep(0.02)
"""


@pytest.mark.parametrize("name", sorted(READ_BACK))
def test_what_is_written_can_be_read_back(zygote: Zygote, tmp_path: Path, name: str) -> None:
    told = contained(zygote, tmp_path, READ_BACK[name], before=OLD)
    assert told
    assert all(told), told


# ---- files that were open before

STAND = """
log = open("log.txt", "w"); log.write("real "); log.flush()
both = open("both.bin", "w+b"); both.write(b"abc"); both.flush()
lines = open("old.txt"); lines.readline()
source = os.open("old.txt", os.O_RDONLY); os.read(source, 1)
"""


def test_open_files_are_copies(zygote: Zygote, tmp_path: Path) -> None:
    """What is written by a file that was open already is found under its name."""
    inside = """
        log.write("mine"); log.flush()
        both.write(b"d"); both.seek(0)
        print("seen by nobody"); sys.stdout.flush()
        return [open("log.txt").read() == "real mine", both.read() == b"abcd"]
    """
    end = "log.write('again'); log.flush(); assert open('log.txt').read() == 'real again'"
    assert all(contained(zygote, tmp_path, inside, before=OLD + STAND, end=end))


def test_open_files_stand_where_they_stood(zygote: Zygote, tmp_path: Path) -> None:
    """A fork shares the places in its files with the training, which reads on."""
    inside = "return [os.read(source, 9) == b'ld']"
    end = "assert os.read(source, 9) == b'd'"
    after = "assert os.read(source, 1) == b'l'"
    assert all(contained(zygote, tmp_path, inside, before=OLD + STAND, after=after, end=end))


@pytest.mark.parametrize("mode", ["delete", "wal", "truncate"])
def test_an_open_database(zygote: Zygote, tmp_path: Path, mode: str) -> None:
    before = f"""
db = sqlite3.connect("open.sqlite")
db.execute("pragma journal_mode = {mode}")
db.execute("create table t (x)"); db.execute("insert into t values (1)"); db.commit()
"""
    inside = """
        for one in range(50):
            db.execute("insert into t values (1)"); db.commit()
        return [db.execute("select count(*) from t").fetchone()[0] == 51]
    """
    end = """
db.execute("insert into t values (1)"); db.commit()
assert db.execute("select count(*) from t").fetchone()[0] == 2
assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
"""
    assert all(contained(zygote, tmp_path, inside, before=before, end=end))


def test_a_database_in_the_middle_of_a_transaction(zygote: Zygote, tmp_path: Path) -> None:
    """Its journal must stay: to commit is refused."""
    before = """
db = sqlite3.connect("open.sqlite")
db.execute("create table t (x)"); db.commit()
db.execute("pragma cache_size = 1")
db.executemany("insert into t values (?)", [(str(i) * 2000,) for i in range(50)])
assert os.path.exists("open.sqlite-journal")
"""
    inside = """
        try: db.commit()
        except sqlite3.Error as error: return ["not authorized" in str(error)]
    """
    end = "db.rollback(); assert db.execute('select count(*) from t').fetchone()[0] == 0"
    assert all(contained(zygote, tmp_path, inside, before=before, end=end))


def test_shared_memory(zygote: Zygote, tmp_path: Path) -> None:
    """Memory that lies in a file, or is shared with workers, is written by nobody else."""
    before = """
import multiprocessing
stored = np.memmap("stored.dat", dtype="int64", mode="w+", shape=(3000,)); stored[:] = 1
shared = torch.ones(2000).share_memory_()
counter = multiprocessing.Value("i", 5)
"""
    inside = """
        stored[:] += 1; shared.add_(1); counter.value += 1
        return [int(stored.sum()) == 6000, shared.sum().item() == 4000, counter.value == 6]
    """
    end = "assert int(stored.sum()) == 3000 and shared.sum().item() == 2000 and counter.value == 5"
    assert all(contained(zygote, tmp_path, inside, before=before, end=end))


# ---- what was made by the steps that are run again

YOUNG = """
os.mkdir("made"); Path("made/a.txt").write_text("later"); Path("new.txt").write_text("later")
"""


def test_what_was_made_later_can_be_made_again(zygote: Zygote, tmp_path: Path) -> None:
    inside = """
        seen = open("new.txt").read()
        os.mkdir("made"); open("made/a.txt", "x").write("again")
        return [seen == "later", open("made/a.txt").read() == "again"]
    """
    assert all(contained(zygote, tmp_path, inside, before=OLD, after=YOUNG))


def test_what_was_made_later_is_hidden(zygote: Zygote, tmp_path: Path) -> None:
    """From the start of a script, its own checkpoints are not there yet."""
    inside = """
        hidden = [not os.path.exists("new.txt"), not os.path.isdir("made"),
                  "made" not in os.listdir("."), "old.txt" in os.listdir(".")]
        os.makedirs("made")
        return [*hidden, os.listdir("made") == [], Path("old.txt").read_text() == "old"]
    """
    assert all(contained(zygote, tmp_path, inside, before=OLD, after=YOUNG, hides=True))


# ---- processes, signals, sockets

REFUSED: Mapping[str, str] = {
    "command": "subprocess.run(['touch', 'made'])",
    "shell": "os.system('touch made')",
    "spawn": "os.posix_spawn('/bin/touch', ['touch', 'made'], {})",
    "exec": "os.execv('/bin/touch', ['touch', 'made'])",
    "multiprocessing": """
        import multiprocessing
        multiprocessing.get_context("spawn").Process(target=print).start()
    """,
    "connection": "socket.create_connection(address, timeout=5)",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "local": "socket.socket(socket.AF_UNIX).connect(path)",
    "listening": "socket.socket().bind(('127.0.0.1', 0))",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused(zygote: Zygote, tmp_path: Path, name: str) -> None:
    before = """
server = socket.create_server(("127.0.0.1", 0)); address = server.getsockname()
local = socket.socket(socket.AF_UNIX); local.bind("local"); local.listen(); path = "local"
"""
    tried = indented(REFUSED[name], " " * 12)
    inside = f"""
        try:
            {tried}
        except OSError as error:
            return ["a replay" in str(error)]
        return [False]
    """
    assert all(contained(zygote, tmp_path, inside, before=before))


def test_signals_stay_inside(zygote: Zygote, tmp_path: Path) -> None:
    inside = """
        os.kill(me, signal.SIGKILL); os.kill(os.getppid(), signal.SIGKILL); os.killpg(0, 9)
        child = os.fork()
        if child == 0:
            time.sleep(60)
        os.kill(child, signal.SIGKILL)
        return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9]
    """
    assert all(contained(zygote, tmp_path, inside))


def test_a_socket_of_its_own(zygote: Zygote, tmp_path: Path) -> None:
    """Worker processes send their tensors by one, however long the path of its file."""
    inside = """
        os.makedirs("deep/" * 40)
        server = socket.socket(socket.AF_UNIX); server.bind("deep/" * 40 + "own"); server.listen()
        client = socket.socket(socket.AF_UNIX); client.connect(server.getsockname())
        client.send(b"x")
        pair = socket.socketpair(); pair[0].sendall(b"y")
        return [server.accept()[0].recv(1) == b"x", pair[1].recv(1) == b"y"]
    """
    assert all(contained(zygote, tmp_path, inside))


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_what_gets_past_python_is_refused(zygote: Zygote, tmp_path: Path) -> None:
    """The kernel holds what no wrapper sees."""
    inside = """
        import _io, ctypes, posix, _socket
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.getcwd().encode()
        refused = [libc.open(here + b"/made", os.O_CREAT | os.O_WRONLY, 0o600),
                   libc.rename(here + b"/old.txt", here + b"/new.txt"),
                   libc.unlink(here + b"/old.txt"), libc.mkdir(here + b"/made", 0o700)]
        for do in (lambda: _io.FileIO("made", "w"), lambda: posix.truncate("old.txt", 0),
                   lambda: torch._C.PyTorchFileWriter(os.path.abspath("made")),
                   lambda: posix.kill(os.getppid(), 0) if VERSION >= 6 else 1 / 0,
                   lambda: _socket.socket().connect(address) if VERSION >= 4 else 1 / 0):
            try: do()
            except (OSError, RuntimeError, ZeroDivisionError): refused.append(-1)
        return [one == -1 for one in refused]
    """.replace("VERSION", str(landlock.version()))
    before = OLD + 'server = socket.create_server(("127.0.0.1", 0)); address = server.getsockname()'
    assert all(contained(zygote, tmp_path, inside, before=before))
