"""Makes histograms and images to lie between scalars: a pool of them, used over and over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tensorboard.compat.proto import summary_pb2

from tests.bench import event_bytes

_LAYERS = 24
_BUCKETS = 740
_IMAGES = 10
_IMAGE_BYTES = 115_000
_PNG = b"\x89PNG\r\n\x1a\n"


class Pool:
    """48 histograms of about 12 KB and 10 images of 115 KB, each time the same bytes."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names = (f"{kind}/layers.{n}" for n in range(_LAYERS) for kind in ("weights", "gradients"))
        self._summaries = [_histogram(name, rng) for name in names]
        self._summaries += [_image(f"samples/{n}", rng) for n in range(_IMAGES)]

    def records(self, step: int, wall: float) -> Iterator[bytes]:
        """One record for each of them."""
        for summary in self._summaries:
            yield event_bytes.summary_record(step, wall, summary)


def _histogram(tag: str, rng: np.random.Generator) -> bytes:
    limits = np.linspace(-1, 1, _BUCKETS) * rng.uniform(0.01, 0.2)
    counts = rng.poisson(1000 * np.exp(-0.5 * np.linspace(-4, 4, _BUCKETS) ** 2)).astype(float)
    histogram = summary_pb2.HistogramProto(
        min=limits[0],
        max=limits[-1],
        num=counts.sum(),
        sum=counts @ limits,
        sum_squares=counts @ limits**2,
        bucket_limit=limits,
        bucket=counts,
    )
    return _summary(summary_pb2.Summary.Value(tag=tag, histo=histogram))


def _image(tag: str, rng: np.random.Generator) -> bytes:
    image = summary_pb2.Summary.Image(
        height=224,
        width=224,
        colorspace=3,
        encoded_image_string=_PNG + rng.bytes(_IMAGE_BYTES),
    )
    return _summary(summary_pb2.Summary.Value(tag=tag, image=image))


def _summary(value: summary_pb2.Summary.Value) -> bytes:
    return bytes(summary_pb2.Summary(value=[value]).SerializeToString())
