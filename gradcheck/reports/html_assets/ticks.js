// Where the axes of a plot have ticks, and how they are written.

// Distances between the ticks of steps, which are whole.
function whole() {
  return Array.from({length: 16}, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
}

function spellStep(step) {
  return Number.isInteger(step) ? step.toLocaleString('en-US').replaceAll(',', '\u202f') : '';
}

// Distances between ticks of any range: the library itself knows none beyond 1e32.
function nice(half) {
  const power = Math.floor(Math.log10(half || 1));
  return [-3, -2, -1, 0, 1].flatMap((by) => [1, 2, 2.5, 5].map((digit) => digit * 10 ** (power + by)));
}

// Powers of ten, at most six; with digits between them where there are few.
function decades(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const span = Math.log10(high) - Math.log10(low);
  const every = Math.max(Math.ceil(span / 6), 1);
  const digits = span > 3 ? [1] : span > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const ticks = [];
  for (let power = Math.ceil(first / every) * every; power <= last; power += every) {
    ticks.push(...digits.map((digit) => digit * 10 ** power));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function aroundZero(low, high, smallest) {
  const side = (most) => (most > smallest ? decades(smallest, most) : []);
  return [...side(-low).map((tick) => -tick).reverse(), 0, ...side(high)].filter((tick) => tick >= low && tick <= high);
}

// All ticks of an axis in one notation.
function spellTicks(ticks) {
  const known = ticks.filter((tick) => tick !== null && tick !== 0);
  const powers = known.some((tick) => Math.abs(tick) >= 1e5 || Math.abs(tick) < 1e-4);
  const write = (tick) => (powers && tick !== 0 ? exponential(tick) : String(Number(tick.toPrecision(5))));
  return ticks.map((tick) => (tick === null ? '' : write(tick)));
}
