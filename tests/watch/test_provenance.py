"""Which sample each row belongs to, through whatever a script does with its batches."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from gradcheck.watch.provenance import Rows
from gradcheck.watch.sources import Lists
from gradcheck.watch.trace import Trace

PICK = torch.tensor([7, 2, 9, 4])


def rows_after(run: Callable[[], Tensor]) -> list[int] | None:
    """The samples of what a function gives."""
    trace = Trace({})
    with trace:
        made = run()
        return trace.samples.of(made)


def table() -> Tensor:
    return torch.arange(36.0).reshape(12, 3)


def batches_of_columns() -> Tensor:
    """The second batch of the targets, where inputs and targets are columns of one table."""
    whole = table()
    inputs, targets = whole[:, :2], whole[:, 2]
    batches = [(inputs[i : i + 4], targets[i : i + 4]) for i in (0, 4)]
    return batches[1][1]


TAKEN: dict[str, tuple[Callable[[], Tensor], list[int] | None]] = {
    "index": (lambda: table()[PICK], [7, 2, 9, 4]),
    "index_select": (lambda: table().index_select(0, PICK), [7, 2, 9, 4]),
    "slice": (lambda: table()[3:7], [3, 4, 5, 6]),
    "strided_slice": (lambda: table()[1:10:3], [1, 4, 7]),
    "slice_to_the_end": (lambda: table()[9:], [9, 10, 11]),
    "negative_slice": (lambda: table()[-2:], [10, 11]),
    "split": (lambda: table().split(5)[1], [5, 6, 7, 8, 9]),
    "split_in_unlike_parts": (lambda: table().split([2, 7, 3])[1][1:3], [3, 4]),
    "chunk": (lambda: table().chunk(4)[3], [9, 10, 11]),
    "split_by_columns": (lambda: table()[PICK].split(2, 1)[1], [7, 2, 9, 4]),
    "piece_of_a_permutation": (lambda: table()[torch.arange(11, -1, -1).split(5)[2]], [1, 0]),
    "slice_of_a_permutation": (lambda: table()[torch.arange(11, -1, -1)[2:5]], [9, 8, 7]),
    "taken_twice": (lambda: table()[PICK][torch.tensor([3, 0])], [4, 7]),
    "sliced_after": (lambda: table()[PICK][1:3], [2, 9]),
    "arithmetic": (lambda: (table()[PICK] * 2 + 1).exp().sqrt(), [7, 2, 9, 4]),
    "columns": (lambda: table()[PICK][:, 1:], [7, 2, 9, 4]),
    "reduced": (lambda: table()[PICK].sum(1), [7, 2, 9, 4]),
    "linear": (lambda: F.linear(table()[PICK], torch.ones(2, 3)), [7, 2, 9, 4]),
    "unsqueezed": (lambda: table()[PICK].unsqueeze(1), [7, 2, 9, 4]),
    "flattened": (lambda: table()[PICK].flatten(), [7, 2, 9, 4]),
    "flattened_after_a_cut": (lambda: table()[PICK][:, 1:].reshape(-1), [7, 2, 9, 4]),
    "flattened_and_back": (lambda: table()[PICK].view(-1).view(4, 3), [7, 2, 9, 4]),
    "flattened_and_cut": (lambda: table()[PICK].flatten()[2:5], [7, 2, 2]),
    "flattened_across": (lambda: table()[PICK].t().reshape(-1), None),
    "batches_of_columns": (batches_of_columns, [4, 5, 6, 7]),
    "mean": (lambda: table()[PICK].mean(), None),
    "transposed": (lambda: table()[PICK].t(), None),
    "other_data": (lambda: torch.randn(4, 3), None),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_was_taken(name: str) -> None:
    run, expected = TAKEN[name]
    assert rows_after(run) == expected


def test_integer_lists_are_no_data() -> None:
    """A permutation that is cut into pieces names no samples itself."""
    assert rows_after(lambda: torch.arange(12).flip(0)[2:5]) is None
    assert rows_after(lambda: torch.arange(12).flip(0).split(3)[1]) is None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pick"), st.lists(st.integers(0, 99), min_size=1, max_size=6)),
        st.tuples(st.just("slice"), st.tuples(st.integers(0, 5), st.integers(1, 3))),
        st.tuples(st.just("add"), st.none()),
        st.tuples(st.just("stack"), st.none()),
    ),
    max_size=6,
)


@given(STEPS)
@settings(max_examples=80, deadline=None)
def test_never_a_wrong_sample(steps: list[tuple[str, object]]) -> None:
    """Each row of the table holds its own number: what is said of a row must be what it holds."""
    trace = Trace({})
    held = torch.arange(20.0).reshape(20, 1).repeat(1, 2)
    now, rows = held, list(range(20))
    with trace:
        for kind, what in steps:
            if kind == "pick":
                assert isinstance(what, list)
                places = [one % len(rows) for one in what]
                now, rows = now[torch.tensor(places)], [rows[one] for one in places]
            elif kind == "slice":
                assert isinstance(what, tuple)
                begin, stride = what
                if len(rows[begin::stride]):
                    now, rows = now[begin::stride], rows[begin::stride]
            elif kind == "add":
                now = now + 0.0
            else:
                now = now.unsqueeze(1).squeeze(1)
        found = trace.samples.of(now)
    assert found is None or found == rows
    if len(steps) and steps[0][0] == "pick":
        assert found == rows


SAMPLES = [(torch.full((k % 4 + 1, 2), float(k)), torch.tensor([float(k)])) for k in range(9)]
EQUAL = [torch.full((3,), float(k)) for k in range(9)]


def padded_by_hand() -> Tensor:
    batch = torch.zeros(3, 5, 2)
    for row, at in enumerate((7, 2, 5)):
        batch[row, : len(SAMPLES[at][0])] = SAMPLES[at][0]
    return batch


OF_LISTS: dict[str, tuple[Callable[[], Tensor], list[int] | None]] = {
    "stack": (lambda: torch.stack([EQUAL[7], EQUAL[2]]) * 2, [7, 2]),
    "targets": (lambda: torch.stack([SAMPLES[7][1], SAMPLES[2][1]]), [7, 2]),
    "cat": (lambda: torch.cat([SAMPLES[6][0], SAMPLES[1][0]]), [6, 6, 6, 1, 1]),
    "padded": (
        lambda: nn.utils.rnn.pad_sequence([SAMPLES[at][0] for at in (7, 2, 5)], batch_first=True),
        [7, 2, 5],
    ),
    "padded_by_hand": (padded_by_hand, [7, 2, 5]),
    "copied_to_a_buffer": (lambda: torch.zeros(2, 3).copy_(table()[PICK[:2]]), [7, 2]),
    "columns": (lambda: torch.cat([SAMPLES[3][0], SAMPLES[7][0]], 1), None),
    "all_of_a_list": (lambda: torch.stack(EQUAL), None),
    "of_no_list": (lambda: torch.stack([torch.ones(3), torch.zeros(3)]), None),
    "one_of_no_list": (lambda: torch.stack([EQUAL[1], torch.zeros(3)]), None),
}


@pytest.mark.parametrize("name", OF_LISTS)
def test_samples_of_a_list(name: str) -> None:
    run, rows = OF_LISTS[name]
    assert rows_after(run) == rows


def test_what_stands_twice_in_a_list_is_no_sample() -> None:
    twice, once = torch.ones(2), torch.zeros(2)
    held = [*(torch.ones(2) for _ in range(8)), twice, once, twice]
    assert Lists().places([once]) == [9]
    assert Lists().places([twice]) is None
    assert len(held) == 11


def test_a_batch_is_not_the_data_set() -> None:
    picked = [EQUAL[7], EQUAL[2], EQUAL[5]]
    assert Lists().places(picked[:2]) == [7, 2]


def test_what_a_step_makes_is_no_data_set() -> None:
    """Rows computed within the step, of which some are taken."""

    def run() -> Tensor:
        made = [torch.rand(3) for _ in range(12)]
        return torch.stack(made[:8])

    assert rows_after(run) is None


def test_a_list_that_changed_is_left_alone() -> None:
    data = [torch.full((3,), float(k)) for k in range(12)]
    lists = Lists()
    assert lists.places(data[4:6]) == [4, 5]
    data[4], data[5] = data[5], data[4]
    assert lists.places(data[4:6]) is None
    data.append(torch.ones(3))
    assert lists.places(data[:2]) is None


def test_two_lists_that_say_otherwise_say_nothing() -> None:
    everything = [torch.full((3,), float(k)) for k in range(30)]
    train = everything[10:]
    assert Lists().places(train[:2]) is None
    assert Lists().places(everything[:2]) == [0, 1]


PARTS: dict[str, Callable[[Tensor], object]] = {
    "a column": lambda x: x[:, 0].copy_(torch.rand(4)),
    "a row": lambda x: x[0].copy_(torch.zeros(3)),
    "rows": lambda x: x[:2].copy_(x[2:].clone()),
    "a look": lambda x: x[:2].sum(),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_not_the_whole(name: str) -> None:
    trace = Trace({})
    batch = torch.rand(4, 3)
    trace.samples.know(batch, [10, 11, 12, 13])
    with trace:
        PARTS[name](batch)
        assert trace.samples.of(batch) == [10, 11, 12, 13]


def test_what_has_no_memory_of_its_own_is_passed_over() -> None:
    trace = Trace({})
    sparse = torch.eye(4).to_sparse()
    with trace:
        torch.sparse.mm(sparse, torch.rand(4, 2))
        torch.cat([sparse, sparse]).to_dense()
        sparse.clone().copy_(sparse)
        assert trace.samples.of(sparse) is None


def test_memory_that_was_used_before_tells_nothing() -> None:
    trace = Trace({})
    with trace:
        for _ in range(20):
            known = table()[PICK]
            place = known.data_ptr()
            del known
            fresh = torch.randn(4, 3)
            if fresh.data_ptr() == place:
                assert trace.samples.of(fresh) is None


def test_rows_of_blocks() -> None:
    """Two rows for each sample, as after a reshape; a number that does not divide says nothing."""
    rows = Rows()
    batch = torch.zeros(6, 2)
    rows.know(batch, [5, 8, 3])
    assert rows.of(batch) == [5, 8, 3]
    assert rows.samples([0, 3, 5], [batch]) == (3, 5, 8)
    rows.know(batch, [5, 8, 3, 1])
    assert rows.of(batch) is None


def test_bad_rows() -> None:
    rows = Rows()
    batch = torch.zeros(4, 3)
    batch[1, 2] = batch[3, 0] = float("nan")
    rows.know(batch, [40, 30, 20, 10])
    assert rows.bad([batch], []) == ((1, 3), (10, 30))
    assert rows.bad([torch.zeros(4)], []) == ((), ())
