"""One warm process for all scripts of a test session: to import torch takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.watch.running import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    started = Zygote.start()
    yield started
    started.stop()
