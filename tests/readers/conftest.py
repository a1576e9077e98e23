"""Stores written by the real trackers, once for all tests: each takes seconds to start."""

from __future__ import annotations

import pytest

from tests.readers.store_writers import Written, write_mlflow, write_wandb


@pytest.fixture(scope="session")
def wandb_store(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_wandb(tmp_path_factory.mktemp("wandb_store"))


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_mlflow(tmp_path_factory.mktemp("mlflow_store"))
