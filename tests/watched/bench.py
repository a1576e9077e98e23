"""What watching costs: ratios to the bare loop, beside anomaly detection: make bench-watch."""

# mypy: allow-untyped-calls
from __future__ import annotations

import argparse
import functools
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from gradcheck.watch.session import Session
from tests.evaluation import readme

Step = Callable[[], None]

SMALL = 384
"""Width of the layers of an MLP that takes 1 to 2 ms a step."""
TWO_MS = 2e-3


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.two = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norms[0](self.one(x)))
        return torch.relu(self.norms[1](self.two(y)) + self.short(x))


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(32, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.cell(x)[0][:, -1])
        return scores


class _Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.body(x).mean(1))
        return scores


def _mlp(width: int) -> tuple[nn.Module, Tensor]:
    first, second, last = nn.Linear(128, width), nn.Linear(width, width), nn.Linear(width, 10)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last), torch.randn(64, 128)


@functools.cache
def _width_of(seconds: float) -> int:
    """The width of the narrowest MLP whose bare step takes so long on this machine."""
    for width in range(SMALL, 4096, 32):
        step, _ = _loop(*_mlp(width))
        if _seconds_a_step(step) >= seconds:
            break
    return width


def _seconds_a_step(step: Step, steps: int = 60) -> float:
    times = []
    for _ in range(steps):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _resnet() -> tuple[nn.Module, Tensor]:
    widths = [(3, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    body = [_Residual(*width) for width in widths]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
    return nn.Sequential(*body, *head), torch.randn(8, 3, 64, 64)


def _cnn() -> tuple[nn.Module, Tensor]:
    layers = [nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*layers, *head), torch.randn(64, 3, 32, 32)


MODELS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "MLP": lambda: _mlp(SMALL),
    "MLP of 2 ms": lambda: _mlp(_width_of(TWO_MS)),
    "CNN, batch 64": _cnn,
    "LSTM": lambda: (_Recurrent(), torch.randn(16, 60, 32)),
    "transformer, 4 layers": lambda: (_Transformer(), torch.randn(4, 128, 256)),
    "ResNet-like, batch 8": _resnet,
}


def _loop(model: nn.Module, inputs: Tensor) -> tuple[Step, torch.optim.Optimizer]:
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    targets = torch.randint(0, 10, (len(inputs),))

    def step() -> None:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, optimizer


@contextmanager
def _anomaly(model: nn.Module) -> Iterator[None]:
    with torch.autograd.detect_anomaly():
        yield


@contextmanager
def _hooks(model: nn.Module) -> Iterator[None]:
    """What people write: a check of every module's output."""

    def check(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
            raise FloatingPointError(str(module))

    handles = [module.register_forward_hook(check) for module in model.modules()]
    yield
    for handle in handles:
        handle.remove()


@contextmanager
def _bare(model: nn.Module) -> Iterator[None]:
    yield


class _Watching:
    """One session that is switched on for some blocks of steps and off for the others."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.session = Session(Path(self.folder) / "record")

    @contextmanager
    def __call__(self, model: nn.Module) -> Iterator[None]:
        self.session.patches.install()
        yield
        self.session.patches.remove()

    def end(self) -> None:
        self.session.finish()
        shutil.rmtree(self.folder, ignore_errors=True)


def measure(name: str, seconds: float, rounds: int) -> list[str]:
    """Seconds a step, bare, and the ratios: watched, anomaly detection, hooks, and bare again."""
    torch.manual_seed(0)
    MODELS[name]()  # a width that is looked for is found with nothing watching
    watching = _Watching()
    watching.session.patches.install()
    model, inputs = MODELS[name]()
    step, _ = _loop(model, inputs)
    for _ in range(5):
        step()
    watching.session.patches.remove()
    begun = time.perf_counter()
    for _ in range(5):
        step()
    block = max(2, round(seconds / ((time.perf_counter() - begun) / 5)))
    kinds: dict[str, Callable[[nn.Module], AbstractContextManager[None]]] = {
        "bare": _bare,
        "watched": watching,
        "anomaly": _anomaly,
        "hooks": _hooks,
        "bare again": _bare,
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, manager in kinds.items():
            with manager(model):
                begun = time.perf_counter()
                for _ in range(block):
                    step()
                times[kind].append((time.perf_counter() - begun) / block)
    watching.end()
    bare = statistics.median(times["bare"])
    cells = [name, f"{bare * 1e3:.1f} ms"]
    for kind in list(kinds)[1:]:
        ratios = [one / base for one, base in zip(times[kind], times["bare"], strict=True)]
        cells.append(f"{statistics.median(ratios):.3f}")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write the table into the README")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    lines = [
        "| model | a step | watched | detect_anomaly | isfinite hooks | bare again |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines))
    for name in options.only or MODELS:
        lines.append("| " + " | ".join(measure(name, options.seconds, options.rounds)) + " |")
        print(lines[-1], flush=True)
    if options.keep:
        readme.put("watch cost", "\n".join(lines))


if __name__ == "__main__":
    main()
