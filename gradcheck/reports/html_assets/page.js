// Brings the page to life: plots when their run comes into sight, evidence, copying, the table.

class Run {
  constructor(place) {
    const values = JSON.parse(place.querySelector('script.values').textContent);
    this.place = place;
    this.key = `run-${place.dataset.run}`;
    Object.assign(this, {values, unit: values.unit, firstBad: values.firstBad, events: values.events});
    this.extent = this.shown = extent(values.plots);
    this.charts = [];
    this.drawIn(place.querySelector('.pictures'));
    const more = place.querySelector('.more-plots');
    more?.addEventListener('toggle', () => this.drawIn(more), {once: true});
    const layers = place.querySelector('.layers');
    if (layers) new HeatMap(layers, values.layers, this);
    place.querySelectorAll('.evidence li[data-first]').forEach((item) => this.connect(item));
  }

  drawIn(part) {
    for (const figure of part.querySelectorAll('.plot')) {
      this.charts.push(new Chart(figure, this.values.plots[figure.dataset.plot], this));
    }
  }

  // All plots of a run show the same steps; each tells of its own change, and this ends the echo.
  zoom(first, last) {
    if (this.shown[0] === first && this.shown[1] === last) return;
    this.shown = [first, last];
    this.charts.forEach((chart) => chart.show());
  }

  scale(by) {
    const [first, last] = this.shown;
    const [middle, half] = [(first + last) / 2, Math.max((last - first) / 2 * by, 1)];
    const [low, high] = this.extent;
    this.zoom(limited(middle - half, low, high), limited(middle + half, low, high));
  }

  connect(item) {
    const span = [Number(item.dataset.first), Number(item.dataset.last)];
    const of = item.dataset.plot;
    const mark = () => {
      item.classList.add('pointed');
      this.charts.forEach((chart) => chart.highlight(span, of !== undefined && String(chart.place) !== of));
    };
    const unmark = () => {
      if (item.matches(':hover') || item.contains(document.activeElement)) return;
      item.classList.remove('pointed');
      this.charts.forEach((chart) => chart.highlight(null, false));
    };
    item.addEventListener('mouseenter', mark);
    item.addEventListener('focusin', mark);
    item.addEventListener('mouseleave', unmark);
    item.addEventListener('focusout', () => setTimeout(unmark));
    item.querySelector('.show')?.addEventListener('click', () => this.lookAt(span, of));
  }

  lookAt([first, last], of) {
    const around = Math.max((last - first) * 0.75, (this.extent[1] - this.extent[0]) * 0.02, 5);
    this.zoom(Math.max(first - around, this.extent[0]), Math.min(last + around, this.extent[1]));
    const chart = this.charts.find((one) => String(one.place) === of) ?? this.charts[0];
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    chart?.figure.scrollIntoView({block: 'nearest', behavior: calm ? 'auto' : 'smooth'});
  }
}

function extent(plots) {
  const steps = plots.flatMap((plot) => plot.stretches.flatMap(({step}) => [step[0], step[step.length - 1]]));
  const [low, high] = [lowest(steps), highest(steps)];
  const edge = (high - low) * 0.01 || 1;
  return [low - edge, high + edge];
}

// -- copying

function connectCopy(button) {
  const code = button.parentElement.querySelector('code');
  button.hidden = false;
  button.addEventListener('click', async () => {
    button.textContent = (await copied(code)) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}

// Some browsers keep the clipboard from pages that are opened from a disk: the old way works there,
// and if it does not, the snippet is selected already.
async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand('copy');
  }
}

// -- the table of runs

function connectTable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    if (!cell.dataset.kind) return;
    const button = make('button', '', cell.textContent);
    button.type = 'button';
    cell.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = cell.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      cell.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      body.append(...sorted([...body.rows], column, cell.dataset.kind === 'text', down));
    });
  });
  const filter = document.querySelector('.filter');
  filter.hidden = false;
  filter.querySelector('input').addEventListener('input', ({target}) => {
    const wanted = target.value.trim().toLowerCase();
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      const details = row.querySelector('a')?.hash;
      if (details) document.querySelector(details).hidden = row.hidden;
    }
  });
}

// Rows without a value come last, whichever way the others go.
function sorted(rows, column, asText, down) {
  const key = (row) => row.cells[column].dataset.key;
  const size = (text) => ({nan: Infinity, inf: Infinity, '-inf': -Infinity}[text] ?? Number(text));
  const compare = (a, b) => (asText ? a.localeCompare(b, 'en', {numeric: true}) : size(a) - size(b) || 0);
  return rows.sort((a, b) => {
    if (!key(a) || !key(b)) return Number(!key(a)) - Number(!key(b));
    return (down ? -1 : 1) * compare(key(a), key(b));
  });
}

// -- runs

const runs = new Map();

function enliven(place) {
  if (!runs.has(place)) runs.set(place, new Run(place));
}

function open() {
  const wanted = /^#run-\d+$/.test(location.hash) && document.querySelector(location.hash);
  if (!wanted) return;
  wanted.open = true;
  wanted.scrollIntoView();
}

function redraw() {
  for (const run of runs.values()) run.charts.forEach((chart) => chart.draw());
}

document.querySelectorAll('.copy').forEach(connectCopy);
document.querySelectorAll('table.runs').forEach(connectTable);
document.querySelectorAll('article.run').forEach(enliven);
document.querySelectorAll('details.run').forEach((place) => {
  place.addEventListener('toggle', () => { if (place.open) enliven(place); });
});
addEventListener('hashchange', open);
open();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
// Paper is white, whatever the theme of the screen.
addEventListener('beforeprint', () => { document.documentElement.classList.add('paper'); redraw(); });
addEventListener('afterprint', () => { document.documentElement.classList.remove('paper'); redraw(); });
