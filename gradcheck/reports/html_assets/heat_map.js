// The norms of all layers over the steps: a row for each layer, a colour for each decade.

const RAMP = [[36, 18, 84], [46, 74, 140], [28, 125, 145], [62, 172, 120], [163, 211, 71], [252, 236, 110]];
const LOST = [213, 0, 109];
const SIZES = [[30, 16, 1], [80, 11, 1], [Infinity, 6, 2]]; // up to how many rows, their height, and which have a name

class HeatMap {
  constructor(place, layers, run) {
    Object.assign(this, {place, layers, run});
    this.columns = layers.rows[0].length;
    const known = layers.rows.flat().filter((norm) => typeof norm === 'number' && norm > 0).map(Math.log10);
    this.low = lowest(known);
    this.high = highest(known);
    this.build();
    this.paint();
    this.cells.addEventListener('mousemove', (event) => this.point(event));
    this.cells.addEventListener('mouseleave', () => { this.tip.hidden = true; });
    this.place.addEventListener('keydown', (event) => this.walk(event));
    this.place.addEventListener('blur', () => { this.tip.hidden = true; });
  }

  build() {
    const rows = this.layers.rows.length;
    const [, high, every] = SIZES.find(([most]) => rows <= most);
    const names = make('ol', high < 16 ? 'names small' : 'names');
    names.append(...this.layers.names.filter((_, row) => row % every === 0).map((name) => {
      const item = make('li', '');
      item.style.height = item.style.lineHeight = `${high * every}px`;
      item.append(make('bdi', '', name));
      return item;
    }));
    this.cells = make('div', 'cells');
    this.canvas = make('canvas', '');
    this.canvas.width = this.columns;
    this.canvas.height = rows;
    this.canvas.style.height = `${rows * high}px`;
    this.tip = make('div', 'tip');
    this.tip.hidden = true;
    this.cells.append(this.canvas, this.tip);
    const {firstBad} = this.run;
    if (firstBad !== null && firstBad >= this.layers.first && firstBad <= this.layers.last) {
      const mark = make('div', 'mark');
      mark.style.left = `${100 * this.share(firstBad)}%`;
      this.cells.append(mark);
    }
    const ends = make('div', 'ends dim');
    ends.append(make('span', '', `${this.run.unit} ${spellStep(this.layers.first)}`), make('span', '', spellStep(this.layers.last)));
    this.place.append(names, this.cells, ends, this.key());
  }

  key() {
    const key = make('div', 'key dim');
    const ramp = make('canvas', 'ramp');
    ramp.width = 64;
    ramp.height = 1;
    fill(ramp, Array.from({length: 64}, (_, at) => shade(at / 63)));
    const lost = make('i', 'lost');
    if (this.low <= this.high) key.append(make('span', '', spell(10 ** this.low)), ramp, make('span', '', spell(10 ** this.high)));
    if (this.layers.rows.some((row) => row.some((norm) => typeof norm === 'string'))) key.append(lost, make('span', '', 'not finite'));
    return key;
  }

  paint() {
    fill(this.canvas, this.layers.rows.flat().map((norm) => this.shade(norm)));
  }

  shade(norm) {
    if (norm === null) return null;
    if (typeof norm === 'string') return LOST;
    return norm <= 0 ? RAMP[0] : shade((Math.log10(norm) - this.low) / (this.high - this.low || 1));
  }

  share(step) {
    return (step - this.layers.first) / (this.layers.last - this.layers.first + 1);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    this.read(
      Math.floor((event.clientY - box.top) / box.height * this.layers.rows.length),
      Math.floor((event.clientX - box.left) / box.width * this.columns));
  }

  walk(event) {
    const [down, across] = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key] ?? [0, 0];
    if (!down && !across) return;
    event.preventDefault();
    const [row, column] = this.at ?? [-down, -across];
    this.read(row + down, column + across);
  }

  read(row, column) {
    this.at = [limited(row, 0, this.layers.rows.length - 1), limited(column, 0, this.columns - 1)];
    const [y, x] = this.at;
    const norm = this.layers.rows[y][x];
    const step = Math.round(this.layers.first + x * (this.layers.last - this.layers.first + 1) / this.columns);
    this.tip.replaceChildren(
      make('strong', '', this.layers.names[y]),
      make('span', '', `${this.run.unit} ${spellStep(step)}: ${norm === null ? 'not logged' : spell(norm)}`));
    this.tip.hidden = false;
    const {width, height} = this.canvas.getBoundingClientRect();
    const [left, top] = [(x + 0.5) / this.columns * width, y / this.layers.rows.length * height];
    const right = left > width / 2;
    this.tip.style.left = right ? '' : `${left + 12}px`;
    this.tip.style.right = right ? `${width - left + 12}px` : '';
    this.tip.style.top = `${limited(top - 12, 0, Math.max(height - 44, 0))}px`;
  }
}

// A colour between dark and bright, its brightness rising all the way, so that grey shows it too.
function shade(share) {
  const at = limited(share, 0, 1) * (RAMP.length - 1);
  const [from, to] = [RAMP[Math.floor(at)], RAMP[Math.ceil(at)]];
  return from.map((part, of) => Math.round(part + (to[of] - part) * (at % 1)));
}

function fill(canvas, colours) {
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  colours.forEach((rgb, at) => { if (rgb) image.data.set([...rgb, 255], 4 * at); });
  context.putImageData(image, 0, 0);
}
