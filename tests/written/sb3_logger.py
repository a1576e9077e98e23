"""stable-baselines3: PPO and DQN through the logger's csv, json, tensorboard, log and stdout."""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.logger import KVWriter, configure
from stable_baselines3.common.monitor import Monitor

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = (
    "csv", "json", "tensorboard", "log", "stdout", "together", "with_monitor", "dqn",
)  # fmt: skip
FORMATS = ("csv", "json", "tensorboard", "log", "stdout")
FILES = {"csv": "progress.csv", "json": "progress.json", "log": "log.txt", "tensorboard": "events*"}
STEP = "time/total_timesteps"


class Walk(gymnasium.Env[np.ndarray, int]):
    """A walk on a line, whose reward is how far it got."""

    observation_space = gymnasium.spaces.Box(-9.0, 9.0, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at, self.moves = 0.0, 0
        return self._seen(), {}

    def step(self, action: int) -> Any:
        self.at += 1.0 if action else -1.0
        self.moves += 1
        return self._seen(), self.at, abs(self.at) > 4, self.moves >= 16, {}

    def _seen(self) -> Any:
        return np.array([self.at], dtype=np.float32)


class Recorder(KVWriter):
    """An output format that keeps what all formats are handed."""

    def __init__(self) -> None:
        self.record = Record()
        self.hidden: dict[str, tuple[str, ...]] = {}

    def write(self, values: dict[str, Any], excluded: dict[str, Any], step: int = 0) -> None:
        self.record.add(step, values)
        self.hidden.update(excluded)

    def close(self) -> None:
        """Nothing is open."""

    def shown_in(self, output: str, kept: Callable[[Any], float] = float) -> dict[str, Any]:
        """The series that a format is not told to leave out, values as it keeps them."""
        record = Record()
        for step, values in self.record.rows:
            record.add(step, {name: kept(value) for name, value in values.items()})
        hidden = [name for name, where in self.hidden.items() if output in (where or ())]
        # What counts the steps of a table is none of its series.
        return record.without(*hidden, STEP)


class LogsNaN(BaseCallback):
    """Logs a value that turns infinite, then NaN."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        done = self.num_timesteps / 512
        self.logger.record("train/broken", done if done < 3 else math.inf if done < 4 else math.nan)


def learn(model: BaseAlgorithm, into: Path, formats: tuple[str, ...]) -> Recorder:
    recorder = Recorder()
    logger = configure(str(into), list(formats))
    logger.output_formats.append(recorder)
    model.set_logger(logger)
    evaluation = EvalCallback(
        Monitor(Walk(), str(into / "0")), n_eval_episodes=2, eval_freq=600, verbose=0
    )
    model.learn(2560, callback=[LogsNaN(), evaluation], log_interval=1 if len(formats) > 1 else 40)
    logger.close()
    return recorder


def ppo(into: Path) -> Recorder:
    model = PPO(
        "MlpPolicy", Walk(), n_steps=256, batch_size=64, n_epochs=2, seed=0, device="cpu",
        policy_kwargs={"net_arch": [8]}, verbose=1,
    )  # fmt: skip
    return learn(model, into, FORMATS)


def dqn(into: Path) -> Recorder:
    model = DQN(
        "MlpPolicy", Walk(), learning_starts=100, train_freq=8, seed=0, device="cpu",
        policy_kwargs={"net_arch": [8]}, buffer_size=1000,
    )  # fmt: skip
    return learn(model, into, ("csv",))


def write(out: Path) -> Truths:
    torch.set_num_threads(1)
    (out / "stdout").mkdir()
    with (
        (out / "stdout" / "train.log").open("w", encoding="utf-8") as console,
        contextlib.redirect_stdout(console),
    ):
        walked = ppo(out / "together")
    shutil.copytree(out / "together", out / "with_monitor")
    # What Monitor writes of each episode is no log of the training, but lies beside it.
    (out / "together" / "0.monitor.csv").unlink()
    for case, pattern in FILES.items():
        (out / case).mkdir()
        for file in (out / "together").glob(pattern):
            shutil.copy(file, out / case)
    return truths(walked, dqn(out / "dqn"))


def written_out(value: Any) -> float:
    """A value as text keeps it: single precision has fewer digits."""
    return float(str(value))


def printed(value: Any) -> float:
    """A value as the tables for people keep it: single precision is no `float` there."""
    return float(f"{value:.3g}") if isinstance(value, float) else written_out(value)


def truths(walked: Recorder, queued: Recorder) -> Truths:
    name = "stable_baselines3"
    events = walked.shown_in("tensorboard")
    return {
        "csv": {"": Truth(walked.shown_in("csv", written_out), name)},
        "json": {"": Truth(walked.shown_in("json"), name)},
        "tensorboard": {"": Truth(events, name, keeps="float32")},
        "together": {"": Truth(events, name, keeps="float32", whole=False)},
        "with_monitor": {"": Truth(events, name, keeps="float32", whole=False)},
        "log": {"": Truth(walked.shown_in("log", printed), name)},
        "stdout": {"": Truth(walked.shown_in("stdout", printed), name)},
        "dqn": {"": Truth(queued.shown_in("csv", written_out), name)},
    }


if __name__ == "__main__":
    truth.main(write)
