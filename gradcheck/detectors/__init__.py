"""One file = one kind of event, found by looking back only."""
