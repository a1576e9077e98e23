"""One file = one output format: a pure function of the report."""
