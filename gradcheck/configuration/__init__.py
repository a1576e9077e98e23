"""What a project wants of the gate: its file, checked, under what the command line says.

The keys of `gradcheck.toml`; in `pyproject.toml` the same ones lie under `[tool.gradcheck]`, so
that `[causes]` is `[tool.gradcheck.causes]` and `[[accept]]` is `[[tool.gradcheck.accept]]`:

    fail-on = "spike"               # failure, spike, warning or never
    loss = "train/loss"             # the series of a role; also grad-norm, learning-rate
    baseline = ["runs/good-*"]      # known good runs, from the file's own folder

    [thresholds]                    # how many times the level before it a spike must reach
    gradient_spike = 10

    [tolerances]                    # how much worse than the noise of the good runs, as a share
    loss_end = 0.05

    [causes]                        # ignore, warning, spike, failure; also [events], [regressions]
    outlier_batch = "warning"

    [[accept]]                      # shown in every report, but no reason to fail
    event = "gradient_spike"        # or cause, or regression
    run = "runs/warmup-*"           # default: every run
    reason = "the first steps without warm-up"
    until = 2026-12-31              # default: for good
"""
