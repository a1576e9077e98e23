// One plot of a run: its curve, what was not finite, its events, and windows of evidence.

const HEIGHT = 190;
const LABELS = 60; // of one width, so that plots above one another line up
const LARGEST = 1e300; // what the library can still compute a range with
const NEAR = 4; // pixels within which an event is pointed at
const FEW = 60; // points that are worth a dot each

class Chart {
  constructor(figure, plot, run) {
    this.figure = figure;
    this.plot = plot;
    this.run = run;
    this.log = plot.log;
    this.place = Number(figure.dataset.plot);
    this.area = figure.querySelector('.drawing');
    this.readout = figure.querySelector('.readout');
    Object.assign(this, joined(plot.stretches));
    this.tip = make('div', 'tip');
    this.window = make('div', 'window');
    this.window.hidden = this.tip.hidden = true;
    this.connectTools();
    this.draw();
    new ResizeObserver(() => this.fit()).observe(this.area);
  }

  draw() {
    this.drawn?.destroy();
    this.colours = Object.fromEntries(
      ['line', 'faded', 'dim', 'grid', 'failure', 'spike', 'warning'].map((name) => [name, colour(name)]));
    this.drawn = new uPlot(this.options(), this.columns(), this.area);
    this.show();
    this.drawn.over.append(this.window, this.tip);
    this.placeWindow();
    this.rest();
  }

  columns() {
    const drawable = (value) => {
      if (typeof value !== 'number') return value === undefined ? undefined : null;
      const bounded = limited(value, -LARGEST, LARGEST);
      return this.log && this.positive && bounded > 0 ? Math.max(bounded, 1 / LARGEST) : bounded;
    };
    return [this.steps, ...this.curves.map((curve) => curve.map(drawable))];
  }

  options() {
    const {line, faded, dim, grid} = this.colours;
    const last = this.curves.length - 1;
    const axis = {stroke: dim, font: '11px system-ui, sans-serif', grid: {stroke: grid, width: 1}, ticks: {stroke: grid, width: 1, size: 4}, gap: 4};
    return {
      width: this.area.clientWidth || 300,
      height: HEIGHT,
      legend: {show: false},
      padding: [10, 22, 0, 0],
      cursor: {
        y: false,
        drag: {x: true, y: false, dist: 5},
        sync: {key: this.run.key, scales: ['x', null], setSeries: false},
        points: {size: 7},
        bind: {dblclick: () => () => { this.run.zoom(...this.run.extent); }},
      },
      scales: {x: {time: false, range: (u, first, last) => [first, last]}, y: this.heights()},
      axes: [
        {...axis, size: 26, space: 60, incrs: whole(), values: (u, ticks) => ticks.map(spellStep)},
        {...axis, size: LABELS, space: 34, incrs: (u, of, low, high) => nice(high / 2 - low / 2), values: (u, ticks) => spellTicks(ticks), ...(this.log && this.logTicks())},
      ],
      series: [{}, ...this.curves.map((curve, at) => ({
        stroke: at === last ? line : faded,
        width: 1.5,
        points: {show: curve.length <= FEW, size: 5},
      }))],
      hooks: {
        draw: [() => this.drawMarks()],
        setScale: [(u, key) => { if (key === 'x') this.zoomed(); }],
        setCursor: [() => this.point()],
      },
    };
  }

  heights() {
    const range = (u, low, high) => {
      if (low === null) return this.log && this.positive ? [0.1, 10] : [0, 1];
      if (this.log && this.positive) {
        const spread = Math.max((high / low) ** 0.1, 1.2);
        return [low / spread, high * spread];
      }
      const room = (high / 2 - low / 2) * 0.2 || Math.abs(high) * 0.1 || 1;
      return [limited(low - room, -LARGEST, LARGEST), limited(high + room, -LARGEST, LARGEST)];
    };
    if (!this.log) return {range};
    // Logarithms need positive values; where there are others, the axis is linear around zero.
    return this.positive ? {distr: 3, range} : {distr: 4, asinh: this.smallest, range};
  }

  logTicks() {
    const splits = (u, axis, low, high) => (this.positive ? decades(low, high) : aroundZero(low, high, this.smallest));
    return {splits, filter: (u, ticks) => ticks, incrs: undefined};
  }

  // -- what lies over the curve

  drawMarks() {
    if (!this.drawn) return;
    const marks = new Marks(this.drawn, this.colours);
    this.events().forEach((event) => marks.event(event));
    if (this.run.firstBad !== null) marks.rule(this.run.firstBad, this.colours.failure, [5, 4]);
    this.lost.forEach(({at, kind}) => marks.lost(this.steps[at], kind));
    marks.finish();
  }

  highlight(span, faint) {
    this.span = span;
    this.window.classList.toggle('faint', faint);
    this.placeWindow();
  }

  placeWindow() {
    this.window.hidden = !this.span;
    if (!this.span) return;
    const ends = this.span.map((step) => this.drawn.valToPos(step, 'x'));
    const wide = this.drawn.over.clientWidth;
    this.window.hidden = ends[1] < 0 || ends[0] > wide;
    const [left, right] = [limited(ends[0] - 2, 0, wide), limited(ends[1] + 2, 0, wide)];
    this.window.style.left = `${left}px`;
    this.window.style.width = `${Math.max(right - left, 4)}px`;
  }

  // -- pointing

  point() {
    const {left, idx} = this.drawn?.cursor ?? {};
    if (idx === null || idx === undefined || left < 0) {
      this.rest();
      return;
    }
    const text = `${this.run.unit} ${spellStep(this.steps[idx])}: ${spell(this.valueAt(idx))}`;
    this.readout.textContent = text;
    const here = this.events().filter((event) => Math.abs(this.drawn.valToPos(event.step, 'x') - left) <= NEAR);
    this.tip.replaceChildren(make('strong', '', text), ...here.slice(0, 3).map((event) => make('span', event.severity, event.kind)));
    this.tip.hidden = !(this.area.matches(':hover') || this.area === document.activeElement);
    const right = left > this.drawn.over.clientWidth / 2;
    this.tip.style.left = right ? '' : `${left + 12}px`;
    this.tip.style.right = right ? `${this.drawn.over.clientWidth - left + 12}px` : '';
  }

  rest() {
    const last = this.steps.length - 1;
    this.tip.hidden = true;
    this.readout.textContent = last < 0 ? '' : `last ${spell(this.valueAt(last))}`;
  }

  valueAt(at) {
    return this.curves.map((curve) => curve[at]).find((value) => value !== undefined);
  }

  events() {
    return this.run.events.filter((event) => event.plot === this.place || event.plot === null);
  }

  connectTools() {
    this.figure.querySelector('.tools').hidden = false;
    const actions = {
      log: () => this.toggleLog(),
      in: () => this.run.scale(0.5),
      out: () => this.run.scale(2),
      reset: () => this.run.zoom(...this.run.extent),
    };
    for (const button of this.figure.querySelectorAll('[data-do]')) {
      button.addEventListener('click', actions[button.dataset.do]);
    }
    this.showScale();
    const keys = {'+': actions.in, '=': actions.in, '-': actions.out, '0': actions.reset, 'l': actions.log};
    this.area.addEventListener('keydown', (event) => {
      const action = keys[event.key.toLowerCase()] ?? {ArrowLeft: () => this.walk(-1), ArrowRight: () => this.walk(1)}[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    });
    this.area.addEventListener('blur', () => this.drawn.setCursor({left: -10, top: -10}));
    this.area.addEventListener('wheel', (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls the page; a pinch comes with Ctrl
      event.preventDefault();
      this.run.scale(event.deltaY > 0 ? 1.25 : 0.8);
    }, {passive: false});
  }

  walk(by) {
    const [first, last] = this.run.shown;
    const seen = this.steps.flatMap((step, at) => (step >= first && step <= last ? [at] : []));
    if (!seen.length) return;
    const idx = this.drawn.cursor.idx ?? (by > 0 ? seen[0] - 1 : seen[seen.length - 1] + 1);
    const at = limited(idx + by, seen[0], seen[seen.length - 1]);
    this.drawn.setCursor({left: this.drawn.valToPos(this.steps[at], 'x'), top: 10});
  }

  // -- scales

  show() {
    const [min, max] = this.run.shown;
    this.drawn.setScale('x', {min, max});
  }

  zoomed() {
    if (!this.drawn) return;
    const {min, max} = this.drawn.scales.x;
    this.placeWindow();
    this.run.zoom(min, max);
  }

  toggleLog() {
    this.log = !this.log;
    this.showScale();
    this.draw();
  }

  showScale() {
    this.figure.querySelector('[data-do=log]').setAttribute('aria-pressed', String(this.log));
  }

  fit() {
    const width = this.area.clientWidth;
    if (width && width !== this.drawn.width) {
      this.drawn.setSize({width, height: HEIGHT});
      this.placeWindow();
    }
  }
}
