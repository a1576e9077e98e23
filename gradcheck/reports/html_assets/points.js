// The columns that the plotting library draws, from the stretches of a series.

// The points of all stretches in one column of steps, each value in the column of its own stretch:
// the library wants steps that never go back, and leaves out what is undefined.
function joined(stretches) {
  const points = stretches.flatMap(({step, value}, of) => step.map((at, row) => ({at, of, value: value[row]})));
  if (stretches.length > 1) points.sort((a, b) => a.at - b.at);
  const curves = stretches.map((_, of) => points.map((point) => (point.of === of ? point.value : undefined)));
  const finite = points.map((point) => point.value).filter((value) => typeof value === 'number');
  const sizes = finite.map(Math.abs).filter((size) => size > 0);
  return {
    steps: points.map((point) => point.at),
    curves,
    lost: points.flatMap(({value}, at) => (typeof value === 'number' ? [] : [{at, kind: value}])),
    positive: finite.every((value) => value > 0),
    // From where on a logarithmic axis around zero is linear; nine decades are enough to see.
    smallest: sizes.length ? Math.max(lowest(sizes), highest(sizes) * 1e-9) : 1,
  };
}
