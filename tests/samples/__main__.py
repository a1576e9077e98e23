"""Regenerate sample_logs/: python -m tests.samples [NAME...]"""

import shutil
import subprocess
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.samples import LOGS, Sample, all_samples

FIRST_WALL_TIME = 1_700_000_000.0
SECONDS_PER_EVENT = 0.125


def main(names: list[str]) -> None:
    if not names:
        shutil.rmtree(LOGS, ignore_errors=True)
    for sample in all_samples():
        if not names or sample.name in names:
            regenerate(sample)
            print(sample.logs.relative_to(LOGS))


def regenerate(sample: Sample) -> None:
    shutil.rmtree(sample.logs, ignore_errors=True)
    sample.logs.mkdir(parents=True)
    subprocess.run([sys.executable, sample.script, sample.logs], check=True)
    for events in list(sample.logs.glob("events.out.tfevents.*")):
        make_reproducible(events, sample.logs / f"events.out.tfevents.0.{sample.name}")


def make_reproducible(events: Path, target: Path) -> None:
    """Replace the clock, the host and the process in an event file and its name by constants."""
    records = list(RawEventFileLoader(str(events)).Load())
    events.unlink()
    with target.open("wb") as file:
        writer = RecordWriter(file)
        for index, record in enumerate(records):
            event = Event.FromString(record)
            event.wall_time = FIRST_WALL_TIME + index * SECONDS_PER_EVENT
            writer.write(event.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(sys.argv[1:])
