"""What a log says in words: crashes and skipped steps, with their lines, and nothing else."""

from __future__ import annotations

import pytest

from gradcheck.errors import NotALog
from gradcheck.model import Role, Said
from tests.readers.text_logs import points, run_of

BEFORE = [f"step {i} loss {3 - i / 4}" for i in range(5)]


def said(*lines: str) -> list[tuple[str, int]]:
    """What is said, with its line, the first of these lines being 1."""
    run = run_of("\n".join([*BEFORE, *lines]))
    return [(message.said.value, message.order - len(BEFORE)) for message in run.messages]


KNOWN = [
    (Said.NONFINITE, "Loss is nan, stopping training"),
    (Said.NONFINITE, "Loss is inf, stopping training"),
    (
        Said.NONFINITE,
        "RuntimeError: Function 'LogBackward0' returned nan values in its 0th output.",
    ),
    (Said.NONFINITE, "FloatingPointError: Loss became infinite or NaN at iteration=52!"),
    (Said.NONFINITE, "FloatingPointError: Minimum loss scale reached (0.0001)."),
    (Said.NONFINITE, "Batch 3: Invalid loss, terminating training"),
    (Said.NONFINITE, "AssertionError: Rank 0: found NaN in local grad norm in backward pass"),
    (Said.NONFINITE, "olmo.exceptions.OLMoCriticalError: nan loss encountered"),
    (Said.NONFINITE, "FloatingPointError: invalid value (nan) encountered in jit(log)"),
    (Said.NONFINITE, "Exception: Current loss scale already at minimum - cannot decrease scale"),
    (Said.INDEX_OUT_OF_RANGE, "IndexError: index out of range in self"),
    (Said.INDEX_OUT_OF_RANGE, "IndexError: Target 10 is out of bounds."),
    (
        Said.INDEX_OUT_OF_RANGE,
        "Loss.cu:240: block: [0,0,0] Assertion `t >= 0 && t < n_classes` failed.",
    ),
    (
        Said.INDEX_OUT_OF_RANGE,
        "Indexing.cu:1292: block: [1,0,0] Assertion `srcIndex < srcSelectDimSize` failed.",
    ),
    (
        Said.INDEX_OUT_OF_RANGE,
        "Received a label value of 10 which is outside the valid range of [0, 10).",
    ),
    (Said.DEVICE_ASSERT, "RuntimeError: CUDA error: device-side assert triggered"),
    (
        Said.OUT_OF_MEMORY,
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
    ),
    (Said.OUT_OF_MEMORY, "RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[64,512]"),
    (Said.OUT_OF_MEMORY, "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch."),
    (Said.COMMUNICATION, "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=10)"),
    (Said.COMMUNICATION, "RuntimeError: NCCL error: unhandled system error"),
    (Said.KILLED, "Killed"),
    (Said.KILLED, "train.sh: line 3: 12345 Segmentation fault      (core dumped) python train.py"),
    (Said.KILLED, "exitcode  : -9 (pid: 123)"),
    (
        Said.KILLED,
        "slurmstepd: error: *** JOB 1 ON n1 CANCELLED AT 2024-01-01 DUE TO TIME LIMIT ***",
    ),
]


@pytest.mark.parametrize("prefix", ["", "[rank0]: ", "2024-05-01 10:00:00,123 - ERROR - "])
@pytest.mark.parametrize(("kind", "line"), KNOWN)
def test_known_messages(kind: Said, line: str, prefix: str) -> None:
    if kind is Said.KILLED and line == "Killed" and "ERROR" in prefix:
        return  # a shell says it alone on its line
    assert said("step 5 loss 1.0", prefix + line) == [(kind.value, 2)]


@pytest.mark.parametrize(
    "line",
    [
        "UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`.",
        '  warnings.warn("Detected call of lr_scheduler")',
        "WARNING: no NaN found in the dataset, memory pinned",
        "no inf detected in gradients",
        "Using 10 GB of memory, error bars disabled",
        "checking for nan: off",
        "logging_nan_inf_filter=True",
        "nan_policy: raise",
        "Removed 0 rows with NaN values",
        "Checked for inf: none found",
        "skip_nan_loss: False",
        "number of nan iterations: 0",
        "loss_scale: dynamic, minimum 1",
        'print("Loss is nan, stopping training")',
        'raise ValueError("Loss is nan")',
        "except FloatingPointError:",
        'if "out of memory" in str(e):',
        'assert loss < 100, "found nan in loss"',
        'logger.warning("gradient overflow detected, skipping step")',
        "# Loss is NaN when the index is out of bounds for dimension 0",
        'parser.add_argument("--x", help="stop when Loss is nan")',
    ],
)
def test_what_is_no_message(line: str) -> None:
    assert said(line, "step 5 loss 1.0") == []
    assert Role.SKIPPED_STEPS not in run_of("\n".join([*BEFORE, line])).primary


FRAMES = ['  File "/x/train.py", line 20, in <module>', "    loss.backward()", "    ^^^^^^"]


def test_a_traceback_is_told_by_its_last_line() -> None:
    trace = ["Traceback (most recent call last):", *FRAMES, "ValueError: bad image"]
    assert said(*trace) == [("exception", 5)]
    assert said(*trace, "step 5 loss 1.0", "step 6 loss 1.0") == [("exception", 5)]


def test_training_goes_on_after_a_traceback() -> None:
    trace = ["Traceback (most recent call last):", *FRAMES, "ValueError: bad image"]
    after = [f"step {i} loss {3 - i / 4}" for i in range(5, 8)]
    run = run_of("\n".join([*BEFORE, *trace, *after]))
    assert points(run, "loss")[-1] == (len(BEFORE) + 8, 7, 1.25)


def test_chained_tracebacks() -> None:
    trace = [
        "Traceback (most recent call last):",
        *FRAMES,
        "KeyError: 'x'",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        *FRAMES,
        "RuntimeError: CUDA out of memory.",
    ]
    assert said(*trace) == [("exception", 5), ("out_of_memory", 13)]


@pytest.mark.parametrize("prefix", ["[rank{}]: ", "{}: ", "[1,{}]<stderr>:", "(train pid=1{}) "])
def test_tracebacks_of_several_ranks_at_once(prefix: str) -> None:
    trace = ["Traceback (most recent call last):", *FRAMES, "ValueError: bad image"]
    lines = [prefix.format(rank) + line for line in trace for rank in (0, 1)]
    assert said(*lines) == [("exception", 9), ("exception", 10)]


def test_a_traceback_behind_the_clock_of_a_collector() -> None:
    trace = [
        "Traceback (most recent call last):",
        *FRAMES,
        "ValueError: bad image",
        "step 5 loss 1",
    ]
    lines = [f"2024-05-01 10:00:0{n} host1 {line}" for n, line in enumerate(trace)]
    assert said(*lines) == [("exception", 5)]


def test_a_traceback_behind_a_progress_bar() -> None:
    bar = " 50%|#####     | 1/2 [00:01<00:01, 2.00it/s, loss=0.5]"
    trace = [bar + "Traceback (most recent call last):", *FRAMES, "ValueError: bad image"]
    assert said(*trace) == [("exception", 5)]


def test_a_traceback_that_is_cut_short() -> None:
    assert said("Traceback (most recent call last):", *FRAMES) == [("exception", 1)]


def test_an_exception_with_any_name() -> None:
    trace = ["Traceback (most recent call last):", *FRAMES, "my.lib.Diverged: at step 3"]
    assert said(*trace) == [("exception", 5)]


def test_an_interrupt_is_no_fault() -> None:
    assert said("^CTraceback (most recent call last):", *FRAMES, "KeyboardInterrupt") == []


def test_a_syntax_error_comes_without_a_traceback() -> None:
    lines = ['  File "train.py", line 3', "    x = = 3", "        ^", "SyntaxError: invalid syntax"]
    assert said(*lines) == [("exception", 4)]


@pytest.mark.parametrize(
    ("line", "scale"),
    [
        (
            "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32768.0",
            32768.0,
        ),
        (
            "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536,"
            " reducing to 32768",
            32768.0,
        ),
        (
            "[INFO] [stage2.py:1390:step] [deepspeed] fp16 dynamic loss scale overflow! Rank 0"
            " Skipping step. Attempted loss scale: 65536, reducing to 32768.0",
            32768.0,
        ),
        (
            "NOTE: gradient overflow detected, ignoring gradient, setting loss scale to: 64.0",
            64.0,
        ),
        ("| WARNING: overflow detected, setting loss scale to: 64.0", 64.0),
        (
            "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, but"
            " hysteresis is 2. Reducing hysteresis to 1",
            None,
        ),
    ],
)
def test_skipped_steps_are_series(line: str, scale: float | None) -> None:
    run = run_of("\n".join([*BEFORE, line, "step 5 loss 1.0", line, "step 6 loss 1.0"]))
    assert points(run, "overflow") == [(6, 4, 1.0), (8, 5, 1.0)]
    assert run.primary[Role.SKIPPED_STEPS] == "overflow"
    if scale is not None:
        assert points(run, "loss scale") == [(6, 4, scale), (8, 5, scale)]
    assert not run.messages


EPOCH = "epoch 3 | loss 2.5 | lr 0.1 | wps 900"
OVERFLOW = "WARNING: overflow detected, setting loss scale to: {}"


@pytest.mark.parametrize(
    "lines",
    [
        ["epoch 3 | loss 2.5", *(OVERFLOW.format(2.0**-n) for n in range(4))],
        ["epoch 3 | train loss 2.5", "epoch 3 | val loss 2.75"],
        [EPOCH],
    ],
)
def test_few_rows_are_a_log_where_they_are_plain(lines: list[str]) -> None:
    run = run_of("\n".join(lines))
    assert points(run, run.primary[Role.LOSS]) == [(1, 3, 2.5)]


@pytest.mark.parametrize(
    "lines",
    [
        ["epoch 3 | loss 2.5"],
        ["epoch 3 | loss 2.5", "step 9000 | loss 2.75"],
        ["loss 2.5 | lr 0.1 | wps 900"],
        ["epoch 3 | val loss 2.5", "epoch 4 | val loss 2.75 | acc 0.5"],
        ["epoch 3 | acc 0.5 | lr 0.1 | wps 900"],
        ["Namespace(epochs=90, loss_scale=128.0, lr=0.1)"],
        ["steps done: 0"],
    ],
)
def test_few_rows_that_are_no_log(lines: list[str]) -> None:
    with pytest.raises(NotALog):
        run_of("\n".join(lines))


def test_a_thousand_messages_keep_both_ends() -> None:
    lines = [f"step {i} loss nan\nLoss is nan, stopping training" for i in range(1000)]
    run = run_of("\n".join(lines))
    assert len(run.messages) == 100
    assert run.messages[0].order == 2
    assert run.messages[-1].order == 2000


RESUMES = [
    "resuming at step 3000",
    "Resuming training from checkpoint-500",
    "=> loaded checkpoint 'ckpt/last.pth' (epoch 12)",
    "Loading checkpoint from /data/run/iter_0001000",
    "INFO:root:Restored from runs/a/model.ckpt",
    "Loaded optimizer and model from best_checkpoint",
    "Checkpoint runs/last.pt loaded (epoch 3)",
    "Resumed run at iteration 4000",
]
NO_RESUMES = [
    "saving checkpoint to runs/last.pt",
    "resume: false, checkpoint_dir: runs",
    "best checkpoint: epoch 3",
    "assumed training is done",
]


@pytest.mark.parametrize("line", RESUMES)
def test_a_resume_is_no_fault_but_a_place(line: str) -> None:
    run = run_of("\n".join([*BEFORE, line, "step 9 loss 1.0", "step 10 loss 0.9"]))
    assert run.resumed_at == (len(BEFORE) + 1,)
    assert run.messages == ()


@pytest.mark.parametrize("line", NO_RESUMES)
def test_what_is_no_resume(line: str) -> None:
    run = run_of("\n".join([*BEFORE, line, "step 9 loss 1.0", "step 10 loss 0.9"]))
    assert run.resumed_at == ()
