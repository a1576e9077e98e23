"""Large plain tables: what pandas reads is what the reader of any table reads, to the bit."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.errors import NotALog
from gradcheck.readers import csv_plain
from gradcheck.readers.csv_blocks import parse_plain
from gradcheck.readers.csv_cells import parse_any, parse_table
from gradcheck.readers.table import ABSENT, Table


def content(table: Table) -> object:
    """All that a table says; arrays as bytes, so that NaNs and zeros compare by their bits."""
    columns = [
        (one.name, one.row.tolist(), one.value.tobytes(), one.blank.tolist())
        for one in table.columns
    ]
    texts = [(one.name, one.row.tolist(), one.text) for one in table.texts]
    return table.header, table.line.tolist(), columns, texts


def read_alike(data: bytes) -> bool:
    """Whether the fast reader took the table; if so it must give what the other gives."""
    found = parse_plain(data, "value")
    if found is not None:
        assert content(found) == content(parse_any(data, "value"))
        arrays = [found.line, *(a for one in found.columns for a in (one.row, one.blank))]
        assert {array.dtype.str for array in arrays} == {"<i8"}
        assert {one.value.dtype.str for one in found.columns} <= {"<f8"}
    return found is not None


@pytest.fixture(params=[30, 200, 1 << 22], autouse=True)
def block(request: pytest.FixtureRequest) -> Iterator[None]:
    """Blocks so small that most tables are read in several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_plain, "_BLOCK", request.param)
        yield


FLOATS = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.floats(width=32, allow_nan=False).map(repr),
    st.floats(allow_nan=False).map(lambda x: f"{x:.5g}"),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: f"{x:.25e}"),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(r"-?[0-9]{1,25}\.[0-9]{0,25}(e[+-]?[0-9]{1,3})?", fullmatch=True),
)
WORDS = st.sampled_from([
    "", "nan", "NaN", "NAN", "-nan", "+nan", "nAn", "inf", "-inf", "Infinity", "+inf", "-0", "-0.0",
    "1_000", "007", "+5", ".5", "5.", "1e5", "1E+5", "1e", ".", "-", "e", "0x1p3", "1d5", "1 2",
    "True", "False", "1e400", "1e-400", "tensor(0.3)", "tensor(nan)", "nan(1)", "9" * 400,
    "\u0661", "\u00a01.5", "caf\u00e9", "\x0c", "\x1c1", "a", "2024-01-01 00:00:00", "1j", "#",
    "#{", '"1"', '""', '"a,b"', '"a\nb"', "'1'", "\ufeff1", "a+b", "\t", "1\t", "3" * 20, "00:11",
    *sorted(ABSENT),
])  # fmt: skip
PADDED = st.tuples(st.sampled_from(["", " ", "   "]), st.sampled_from(["", "", " "]))
COMMON = st.one_of(st.just(""), st.just("nan"), FLOATS)
LABELS = st.sampled_from(["train", "val", "", "1", "NA", "step"])
TRUTHS = st.sampled_from(["True", "False", "true", "FALSE", ""])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    is_usual = draw(st.booleans())  # else most tables are too odd for the fast reader
    delimiter = draw(st.sampled_from(",;\t" if is_usual else ",;\t "))
    names = draw(
        st.lists(st.sampled_from(["loss", "acc", "nan", "", "NA", "loss", '"x"', "é"]), max_size=3)
    )
    header = ["step", *names]
    kinds = [st.integers(0, 99).map(str)]
    for _ in names:
        odd = draw(st.integers(0, 4))
        kinds.append([COMMON, FLOATS, LABELS, TRUTHS, st.one_of(COMMON, WORDS)][odd])
    lines = [draw(st.tuples(*kinds)) for _ in range(draw(st.integers(0, 14)))]
    if draw(st.booleans()):
        lines = [tuple(draw(PADDED)[0] + cell + draw(PADDED)[1] for cell in row) for row in lines]
    rows = [delimiter.join(row) for row in lines]
    head = delimiter.join(header)
    oddities = [
        head, head, f" {head}", head[:-1], f"{head}{delimiter}", "", "  ",
        delimiter * len(names), delimiter * (len(names) + 1), "1", "1\r2", "#{a}", '#{"a": 1}',
    ]  # fmt: skip
    for oddity in draw(st.lists(st.sampled_from(oddities[: 1 if is_usual else None]), max_size=2)):
        rows.insert(draw(st.integers(0, len(rows))), oddity)
    if is_usual or draw(st.integers(0, 9)):
        rows.insert(0, head)
    if not is_usual and not draw(st.integers(0, 9)):
        rows.insert(0, draw(st.sampled_from(['#{"t_start": 1, "env_id": "a"}', "", '"', "#{a"])))
    if not draw(st.integers(0, 19)):
        rows += ["1" + delimiter + "2"] * 2000  # NULs may follow these
    end = draw(st.sampled_from(["\n", "\n", "\r\n"] if is_usual else ["\n", "\r\n", "\r"]))
    text = end.join(rows) + draw(st.sampled_from(["", end, end, end * 2, "\0\0", f"{end}\0"]))
    text = text[: len(text) - draw(st.sampled_from([0, 0, 0, 1, 3]))]
    encoding = draw(
        st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"][: 3 if is_usual else 4])
    )
    return text.encode(encoding, errors="replace")


@settings(max_examples=200, deadline=None)
@given(tables())
def test_any_table_is_read_alike_or_declined(data: bytes) -> None:
    try:
        read_alike(data)
    except NotALog:
        raise AssertionError("read by one, refused by the other") from None


@settings(deadline=None)
@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=50))
def test_numbers_are_exact(rows: list[list[str]]) -> None:
    text = "step,a,b\n" + "".join(",".join(row) + "\n" for row in rows)
    table = parse_plain(text.encode(), "value")
    assert table is not None
    for column, cells in zip(table.columns, zip(*rows, strict=True), strict=True):
        expected = b"".join(struct.pack("<d", float(cell)) for cell in cells)
        assert column.value.tobytes() == expected


@pytest.mark.parametrize(
    "text",
    [
        "step,loss\n1,2\n2,\n3,nan\n4,NA\n5,inf\n",
        "step,loss,acc\r\n1,2,\r\n2,,5\r\n3,nan,NaN\r\n4,NA,\r\n",
        "step;loss\n1;2\n2;-nan\n",
        "step\tloss\n1\t2\n2\t\n",
        "   step,   loss\n   1,   2.5\n   2,      \n   3,   nan\n",
        "step,loss\n1,2\nstep,loss\n1,3\nstep,loss\nstep,loss\n2,3\n",
        "step,loss\n1,2\n2,3\n3",
        "step,loss\n1,2\n2,3\n3,",
        "step,loss\n1,2\n2,tensor(0.3)\n" + "3,1\n" * 20,
        "step,phase,loss\n" + "1,train,2\n1,val,\n" * 20,
        '#{"t_start": 1.5, "env_id": "x"}\nr,l,t\n1.5,200,0.3\n2.5,100,0.4\n',
        "1,0.5\n2,0.25\n",
        "\n\nstep,loss\n1,2\n",
        '"step","loss"\n1,2\n2,3\n',
        "\ufeffstep,loss\n1,2\nstep,loss\n2,3\n",
        "step,loss\n" + "1,2\n2,3\n" * 600 + "\0\0\0\0",
        "step,loss\n1,-0\n2,1e400\n3,12345678901234567890123\n4,1e+05\n",
        "step,done,loss\n1,True,1\n2,,2\n3,False,3\n4,TRUE,null\n",
        "step,note\n1,caf\u00e9\n2,na\u00efve\n",
    ],
)
def test_plain_tables_are_taken(text: str) -> None:
    assert read_alike(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        'step,loss\n1,"2"\n2,3\n',
        "step,loss\n1,2\n2\n3,4\n",
        "step,loss\n1,2\n2,3,4\n5,6\n",
        "step,loss\n1,2\n\n3,4\n",
        "step,loss\n1,2\n,\n3,4\n",
        "step,loss\n1,2\n step,loss\n3,4\n",
        "step,loss\n1,2\r\n3,4\n",
        "step,loss\r1,2\r3,4\r",
        "step loss\n1 2\n3 4\n",
        "step,loss\na,1,2\nb,2,3\n",
        "step,loss\n1,+2\n",
        "step,loss\n1,2\n#{a},3\n",
        "step,loss\n1,2\n2,\0\n3,4\n",
        "step,loss\n1," + "9" * 200_000 + "\n",
        "step,loss\n" + "step,loss\n1,2\n" * 300,
        "step,loss\n",
    ],
)
def test_others_are_declined(text: str) -> None:
    assert parse_plain(text.encode(), "value") is None
    assert parse_plain(text.encode("utf-16"), "value") is None


def test_a_column_of_text_whose_numbers_were_read_as_such() -> None:
    text = "step,tag\n" + "1,2\n" * 30 + "2,a\n" * 40
    data = text.encode()
    assert content(parse_table(data, "value")) == content(parse_any(data, "value"))
    read_alike(data)


def test_a_small_table_needs_no_pandas_and_a_large_one_is_read_without_it() -> None:
    program = (
        "import sys; sys.modules['pandas'] = None\n"
        "from gradcheck.readers.csv_cells import parse_table\n"
        "table = parse_table(b'step,loss\\n' + b'1,2\\n' * 600_000, 'value')\n"
        "assert table.rows == 600_000\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
