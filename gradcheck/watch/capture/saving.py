"""Makes a capture of the failing step: in a replay that ends with it, else from what is there."""

# mypy: allow-untyped-calls
from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gradcheck.errors import UsageError
from gradcheck.watch.capture import files, fitting
from gradcheck.watch.capture.files import AFTER, BATCH, BEFORE, MADE, STEP, Capture
from gradcheck.watch.capture.given import Memory
from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import scratch, state
from gradcheck.watch.replay.state import State

if TYPE_CHECKING:
    from gradcheck.watch.session import Session

_LONGEST = 300
MOST_STEPS = 200
"""Of which loss and norm are told, so that a report sees what came before."""


class Saving:
    """What a replay does: takes the state at the beginning of the step, and the step's batches."""

    def __init__(self, probe: Probe, memory: Memory) -> None:
        self._probe, self._memory = probe, memory
        self._order: Mapping[str, Any] = {}
        self._state: State | None = None
        self._kinds = files.Kinds((), ())
        self._gradients: Mapping[str, Tensor] = {}
        self._ticks = 0

    def order(self, order: Mapping[str, Any]) -> None:
        """Which step, at which moment its state is taken, and where to write."""
        self._order = order

    def begin(self) -> None:
        """The state that the step begins with; one that comes with a batch is still to be asked."""
        self._memory.copying = True
        self._take()
        if self._order["moment"] == BATCH:
            self._memory.asked = self._asked

    def _asked(self) -> None:
        if self._memory.begin(self._order["tick"]) != self._order["from"]:
            self._take()  # none was given yet in this step

    def _take(self) -> None:
        self._state = state.collect(self._probe, self._order["from"])
        self._kinds = fitting.kinds(self._probe)
        self._gradients = gradients(self._probe)

    def boundary(self, step: Step) -> None:
        """A step of another optimizer went by, or the one in question."""
        self._ticks += 1

    def arrive(self, followed: Followed, step: Step) -> Mapping[str, Any] | None:
        """A step is not finite: the one that is wanted, or one that the script skips before it."""
        if self._order["from"] + self._ticks < self._order["tick"]:
            return None
        failure = {"loss": _exact(step.loss), "gradient_norm": _exact(step.norm)}
        return self._write({**failure, "came_back": True})

    def passed(self) -> Mapping[str, Any]:
        """The failure did not come back: what the step began with is as good as it gets."""
        return self._write({"came_back": False})

    def crash(self, error: BaseException | None) -> Mapping[str, Any]:
        """The script ended, by the error that ended the run or because it was done."""
        if error is None:
            return self._write({"came_back": False})
        told = f"{type(error).__name__}: {error}"[:_LONGEST]
        return self._write({"error": told, "came_back": True})

    def _write(self, failure: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._state is not None
        moment = self._order["moment"]
        batches = self._memory.of_step(self._order["from"], self._state.generators)
        capture = Capture(
            moment,
            self._state,
            self._kinds,
            self._gradients,
            batches if moment == BATCH else (),
            {**self._order["facts"], "failure": failure, "random": BEFORE},
        )
        try:
            files.write(capture, scratch.delivery(self._order["scratch"]))
        except OSError as error:
            return {"trouble": error.strerror or str(error)}
        return {"written": True, **failure}


class Capturing:
    """Decides when a capture is made, and puts it where the user wants it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.directory: Path | None = None
        """Where it goes; None where none is wanted."""
        self.done = False
        self._command: list[str] = []
        self._home = Path.cwd()
        self.memory = Memory(lambda: session.tick)
        self.saving = Saving(session.probe, self.memory)

    def want(self, directory: Path, command: Sequence[str]) -> None:
        """Make one when the time comes; `command` is the script, or -m MODULE, and its arguments.

        Raises:
            UsageError: as `check`.
        """
        self.directory, self._command = check(directory), list(command)
        self.session.probe.loading.memory = self.memory

    def capture(self, step: Step | None, error: BaseException | None = None) -> None:
        """The first failing step is here: one that is held, or one that ended in an error."""
        if self.directory is None or self.done:
            return
        self.done = True
        folder = Path(
            tempfile.mkdtemp(prefix=f".{self.directory.name}-", dir=self.directory.parent)
        )
        try:
            trouble = self._fill(folder, step, error)
            if trouble is None:
                _move(folder, self.directory)
        except OSError as failed:
            trouble = failed.strerror or str(failed)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        shown = self._shown(self.directory)
        if trouble is not None:
            self.session.tell(f"no capture was made: {trouble}")
        else:
            again = shlex.join(["gradcheck", "watch", "--from", shown, *self._command])
            self.session.tell(f"the failing step is in {shown}; to go straight to it: {again}")

    def _fill(self, folder: Path, step: Step | None, error: BaseException | None) -> str | None:
        session, probe = self.session, self.session.probe
        snapshots = session.snapshots
        tick = snapshots.ticks
        asked = self.memory.begin(tick)
        begin = tick - tick % max(1, probe.optimizers.together) if asked is None else asked
        moment = BATCH if asked is not None else STEP if begin else MADE
        number = probe.optimizers.next_step() if step is None else step.step
        if moment == BATCH and self.memory.lost:
            session.record.note("the capture lacks the first batches of its step: too many to keep")
        facts = {"step": number, "command": self._command}
        facts |= {"method": "fork", "trail": _trail(probe, number)}
        order = {"mode": "capture", "from": begin, "moment": moment, "facts": facts}
        answer = snapshots.run(tick, {**order, "folder": str(folder)}, upto=begin)
        if answer is not None and answer.get("written"):
            if not answer["came_back"]:
                session.record.note("the failure did not come back when its step was captured")
            return None
        if answer is not None and "trouble" in answer:
            return str(answer["trouble"])
        if error is not None and asked is None:
            return (
                "the run cannot be forked, and the step that crashed has changed what it began with"
            )
        return self._from_here(folder, step, error, {**facts, "method": "in place"})

    def _from_here(
        self, folder: Path, step: Step | None, error: BaseException | None, facts: Mapping[str, Any]
    ) -> str | None:
        """Without a replay: the update was withheld, so this is what the step began with."""
        probe, tick = self.session.probe, self.session.snapshots.ticks
        asked = self.memory.begin(tick)
        batches = [] if asked is None else self.memory.of_step(asked)
        failure: dict[str, Any] = {"error": f"{type(error).__name__}: {error}"[:_LONGEST]}
        if step is not None:
            failure = {"loss": _exact(step.loss), "gradient_norm": _exact(step.norm)}
        probe.buffers.restore()
        capture = Capture(
            BATCH if batches else STEP,
            state.collect(probe, tick),
            fitting.kinds(probe),
            {},
            batches,
            {**facts, "failure": failure, "random": BEFORE if batches else AFTER},
        )
        files.write(capture, folder)
        return None

    def _shown(self, place: Path) -> str:
        """As a user would type it where the run was started."""
        return str(place.relative_to(self._home) if place.is_relative_to(self._home) else place)

    def finish(self) -> None:
        """The run is over: say so where there was nothing to capture."""
        if self.directory is not None and not self.done:
            self.session.tell(
                "nothing was captured: no step was held, and the script did not crash"
            )


def check(directory: Path) -> Path:
    """Where a capture may go, made absolute; the directory around it is made.

    Raises:
        UsageError: there is something else at this place, or it cannot be written to.
    """
    place = directory.absolute()
    free = not place.exists() or (place.is_dir() and not any(place.iterdir()))
    if not free and not (place / files.DESCRIPTION).is_file():
        raise UsageError(
            f"{directory}: is there already, and is no capture; name another directory"
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory}: cannot be written: {error.strerror}") from None
    if not os.access(place.parent, os.W_OK):
        raise UsageError(f"{directory}: cannot be written: {place.parent} is read-only")
    return place


def gradients(probe: Probe) -> dict[str, Tensor]:
    """Copies of those that the loop keeps from one step to the next; none where it clears them."""
    if not probe.loop.keeps_gradients:
        return {}
    return {
        name: tensor.grad.detach().to("cpu", copy=True)
        for name, tensor in state.tensors(probe).items()
        if tensor.grad is not None
    }


def _move(folder: Path, place: Path) -> None:
    """Put a finished directory in place of another, or of none."""
    mask = _umask()
    folder.chmod(0o777 & ~mask)
    for file in folder.iterdir():
        file.chmod(0o666 & ~mask)
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        place.rename(old / "old")
        folder.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.rename(place)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _trail(probe: Probe, step: int) -> list[list[Any]]:
    """Step, loss, gradient norm and rate of the steps before; none of several optimizers."""
    if len(probe.optimizers) != 1:
        return []
    known = [one for one in probe.optimizers.trail if one.step < step]
    return [[one.step, *map(_exact, (one.loss, one.norm, one.rate))] for one in known[-MOST_STEPS:]]


def _exact(value: float | None) -> str | None:
    """All bits of a number, as text."""
    return None if value is None else float(value).hex()
