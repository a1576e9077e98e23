"""A fuzzer of the readers: damaged logs of every format must cost no more than what was damaged."""
