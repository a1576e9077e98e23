"""Reports made by hand for the browser: a replay, per-layer norms, a sweep, and hostile names."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np

from gradcheck.model import (
    Evidence,
    Family,
    Missing,
    Rejection,
    Remedy,
    Replay,
    Report,
    Role,
    RunReport,
    Series,
    Trial,
    Tried,
    Unread,
    Where,
)
from tests.reports.conftest import (
    BAD,
    exploding,
    healthy,
    nan_input,
    recovered_spike,
    series,
    unclear,
)

HOSTILE = (
    '</script><script>window.injected=1</script><img src=x onerror="window.injected=2">'
    '"><svg onload=window.injected=3> javascript:window.injected=4 {{7*7}} {% raw %} ${7*7} '
    "<!--<script> &lt;b&gt; &amp; ' \u2028\u2029\u202e\udcff\x00\x1b[2J\r\n"
)
LONG = "w" * 10_000


def replayed() -> RunReport:
    """A failure that came back bit for bit, and four changes tried on it."""
    found = nan_input()
    prevented = Trial("prevented", 25, None, 0.4132)
    tried = (
        Tried("drop_samples", "leave sample 301 out of the batch", "skip = {301}", prevented),
        Tried("clip", "clip the gradient norm at 1", None, Trial("not_prevented", 0, BAD, None)),
        Tried("lower_rate", "halve the learning rate", None, Trial("delayed", 7, 319, None)),
        Tried("float64", "compute in float64", None, Trial("prevented", 25, None, 3.1), False),
    )
    replay = Replay("fork", reproduced=True, bit_exact=True, snapshot_step=308, tried=tried)
    best = found.diagnoses[0]
    remedies = (replace(best.remedies[0], trial=prevented), *best.remedies[1:])
    where = Where("input", "encoder.layers.2", "aten::log", "train.py", 41, (301, 17), 0)
    diagnoses = (replace(best, remedies=remedies, where=where), *found.diagnoses[1:])
    return replace(found, run=replace(found.run, replay=replay), diagnoses=diagnoses)


def layered(layers: int = 12) -> RunReport:
    """An explosion that starts in the last layer, with a norm logged for each."""
    found = exploding()
    total = found.run.get(Role.GRAD_NORM)
    assert total is not None
    norms = tuple(
        Series(
            f"grad_norm/layers.{layer}.weight",
            total.order,
            total.step,
            total.value * 10.0 ** (6 * layer / layers - 6),
            role=Role.LAYER_GRAD_NORM,
        )
        for layer in range(layers)
    )
    return replace(found, run=replace(found.run, series=(*found.run.series, *norms)))


def resumed() -> RunReport:
    """A healthy run whose steps go back once."""
    found = healthy("runs/resumed")
    [loss] = found.run.series
    step = np.concatenate([np.arange(200), np.arange(150, 350)])
    return replace(found, run=replace(found.run, series=(replace(loss, step=step),)))


def sweep(runs: int = 50) -> Report:
    """Runs of every kind, the worst first as the diagnosis orders them."""
    kinds = [nan_input, exploding, unclear, recovered_spike, healthy]
    made = [kinds[at * len(kinds) // runs]() for at in range(runs)]
    named = [
        replace(one, run=replace(one.run, path=Path(f"sweep/run_{at:02d}")))
        for at, one in enumerate(made)
    ]
    return Report(tuple(named), (Unread(Path("sweep/notes.csv"), "not a log"),))


def hostile(name: str = HOSTILE) -> RunReport:
    """Every text of a report says the same hostile thing."""
    found = layered(3)
    best = found.diagnoses[0]
    loss, norm, *layers = found.run.series
    columns = (
        replace(loss, name=name),
        replace(norm, name=name + "2"),
        *(replace(layer, name=f"{at}{name}") for at, layer in enumerate(layers)),
    )
    trial = Trial("prevented", 3, None, 0.1)
    replay = Replay(name, True, False, 3, (Tried(name, name, name, trial, False),))
    run = dataclasses.replace(
        found.run,
        path=Path("runs") / name.replace("\x00", "").replace("/", "\u2215"),
        format=name,
        framework=name,
        series=columns,
        primary={Role.LOSS: name, Role.GRAD_NORM: name + "2"},
        notes=(name,),
        replay=replay,
    )
    diagnosis = replace(
        best,
        cause=name,
        summary=name,
        evidence=(Evidence(name, name, 120, 300),),
        ruled_out=(Rejection(name, name),),
        remedies=(Remedy(name, name, name, name, trial),),
        where=Where(name, name, name, name, 3, (1, 2), 0),
    )
    events = tuple(replace(event, series=name, text=name) for event in found.events)
    missing = (Missing(name, (Family.BAD_DATA, Family.UNSTABLE_LOSS), name),)
    return replace(
        found, run=run, events=events, diagnoses=(diagnosis,), missing=missing, notes=(name,)
    )


def extreme() -> RunReport:
    """Values at the ends of what a float holds, of both signs, zero among them."""
    values = np.array([1e308, -1e308, 5e-324, 0.0, -0.0, np.inf, -np.inf, np.nan] * 10)
    found = healthy("runs/extreme")
    columns = (
        series("loss", values, Role.LOSS),
        series("tiny", np.full(80, 5e-324), Role.OTHER),
        series("lost", np.full(80, np.nan), Role.OTHER),
        series("huge", np.full(80, 1.7e308), Role.OTHER),
        series("one", np.array([1.0]), Role.OTHER),
    )
    return replace(found, run=replace(found.run, series=columns, primary={Role.LOSS: "loss"}))
