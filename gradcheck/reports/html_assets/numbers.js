// Numbers as the page writes them, and the colours of the page's theme.

const NONFINITE = {'nan': 'NaN', 'inf': '+inf', '-inf': '\u2212inf'};

function spell(value) {
  if (value in NONFINITE) return NONFINITE[value];
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    return exponential(value);
  }
  return String(Number(value.toPrecision(4)));
}

function exponential(value) {
  return value.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e');
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function make(tag, name, text = '') {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function limited(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

function lowest(values) {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

function highest(values) {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}
