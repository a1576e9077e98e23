// What lies over the curve of a plot: events, the first bad step, and values that are not finite.

class Marks {
  constructor(plot, colours) {
    Object.assign(this, {plot, colours, ctx: plot.ctx, box: plot.bbox, unit: uPlot.pxRatio});
    this.free = {};
    this.ctx.save();
    this.ctx.beginPath();
    this.ctx.rect(this.box.left, this.box.top, this.box.width, this.box.height);
    this.ctx.clip();
  }

  finish() {
    this.ctx.restore();
  }

  rule(step, stroke, dash) {
    const at = Math.round(this.across(step));
    this.pen(stroke, 1);
    this.ctx.setLineDash(dash.map((length) => length * this.unit));
    this.line([at, this.box.top], [at, this.bottom()]);
    this.ctx.setLineDash([]);
  }

  event({step, severity}) {
    const [at, size] = [this.across(step), 5 * this.unit];
    this.rule(step, this.colours[severity], [2, 4]);
    this.ctx.fillStyle = this.colours[severity];
    this.ctx.beginPath();
    this.ctx.moveTo(at, this.bottom() - 1.8 * size);
    this.ctx.lineTo(at - size, this.bottom());
    this.ctx.lineTo(at + size, this.bottom());
    this.ctx.fill();
  }

  // A cross is NaN, an arrow points to its infinity; closer than they are wide they would blur.
  lost(step, kind) {
    const [x, size] = [this.across(step), 3.5 * this.unit];
    if (x < (this.free[kind] ?? -Infinity)) return;
    this.free[kind] = x + 3 * size;
    const y = kind === '-inf' ? this.bottom() - 4 * size : this.box.top + 2 * size;
    this.pen(this.colours.failure, 1.5);
    if (kind === 'nan') {
      this.line([x - size, y - size], [x + size, y + size]);
      this.line([x + size, y - size], [x - size, y + size]);
    } else {
      this.line([x - size, y], [x, y + (kind === 'inf' ? -size : size)], [x + size, y]);
    }
  }

  across(step) {
    return this.plot.valToPos(step, 'x', true);
  }

  bottom() {
    return this.box.top + this.box.height;
  }

  pen(stroke, width) {
    this.ctx.strokeStyle = stroke;
    this.ctx.lineWidth = width * this.unit;
  }

  line(...places) {
    this.ctx.beginPath();
    places.forEach((place) => this.ctx.lineTo(...place));
    this.ctx.stroke();
  }
}
