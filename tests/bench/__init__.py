"""What reading and judging a log costs, beside other tools: `python -m tests.bench`."""
