"""One file = one cause: its docs, its weights for the clues, its remedies."""
