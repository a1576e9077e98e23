"""Running the last steps of a training again: unchanged, under a magnifier, or with one change."""
