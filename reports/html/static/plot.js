// Two columns against one another, on a canvas: a hundred thousand dots take some milliseconds.

const MARGIN = { left: 72, right: 14, top: 8, bottom: 40 };
const NEAR = 14; // pixels from which a design can be pointed at

class Plot {
  constructor(state) {
    this.state = state;
    this.canvas = document.getElementById("canvas");
    this.tip = document.getElementById("tip");
    this.hovered = -1;
    const { canvas } = this;
    canvas.addEventListener("mousemove", (event) => this.hover(this.nearest(event)));
    canvas.addEventListener("mouseleave", () => this.hover(-1));
    canvas.addEventListener("click", (event) => this.open(this.nearest(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.hover(-1));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    state.listeners.push((what) => {
      if (what === "selection") this.drawMarks();
      else if (what !== "sort") this.draw();
    });
  }

  draw() {
    const { canvas, state } = this;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    if (!this.width || !this.height) return;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    this.ratio = ratio;
    const [x, y] = [state.column(state.x), state.column(state.y)];
    this.x = new Scale(x, state.shown, MARGIN.left, this.width - MARGIN.right);
    this.y = new Scale(y, state.shown, this.height - MARGIN.bottom, MARGIN.top);
    this.colours = new Colours(state.column(state.colour));
    this.context = canvas.getContext("2d");
    this.drawDots();
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawAxes();
    this.base = this.context.getImageData(0, 0, canvas.width, canvas.height);
    this.drawMarks();
    this.drawKey();
    canvas.setAttribute("aria-label", `${state.count} designs: ${y.label} against ${x.label}, `
      + `${state.front.length} on the Pareto front`);
  }

  // Into the pixels themselves, which is several times as fast as drawing shapes.
  drawDots() {
    const { state, ratio, colours } = this;
    const { width, height } = this.canvas;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const [xs, ys] = [this.x.column.values, this.y.column.values];
    const size = Math.round((state.count > 20000 ? 2 : state.count > 2000 ? 3 : 5) * ratio);
    const half = size >> 1;
    this.px = new Float32Array(xs.length);
    this.py = new Float32Array(xs.length);
    for (let row = 0; row < xs.length; row++) {
      if (!state.shown[row]) continue;
      const [px, py] = [this.x.at(xs[row]), this.y.at(ys[row])];
      this.px[row] = px;
      this.py[row] = py;
      const [r, g, b] = colours.of(row);
      const colour = 0xc8000000 | (b << 16) | (g << 8) | r;
      const [left, top] = [Math.round(px * ratio) - half, Math.round(py * ratio) - half];
      for (let v = 0; v < size; v++) {
        const cut = size > 3 && (v === 0 || v === size - 1) ? 1 : 0; // round corners
        const line = Math.min(Math.max(top + v, 0), height - 1) * width + left;
        for (let u = cut; u < size - cut; u++) pixels[line + u] = colour;
      }
    }
    this.context.putImageData(image, 0, 0);
  }

  drawAxes() {
    const { context, x, y, width, height } = this;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = cssColour("--ink");
    context.strokeStyle = cssColour("--faint");
    context.lineWidth = 1;
    context.globalCompositeOperation = "destination-over"; // the grid is behind the dots
    for (const value of x.ticks(Math.max(3, width / 90))) this.line(x.at(value), MARGIN.top, x.at(value), height - MARGIN.bottom);
    for (const value of y.ticks(6)) this.line(MARGIN.left, y.at(value), width - MARGIN.right, y.at(value));
    context.globalCompositeOperation = "source-over";
    context.textAlign = "center";
    let free = -Infinity;
    for (const value of x.ticks(Math.max(3, width / 90))) {
      const text = textOf(x.column, value);
      const half = context.measureText(text).width / 2;
      if (x.at(value) - half < free) continue;
      context.fillText(text, Math.min(x.at(value), width - half), height - MARGIN.bottom + 14);
      free = x.at(value) + half + 8;
    }
    context.textAlign = "right";
    for (const value of y.ticks(6)) context.fillText(textOf(y.column, value), MARGIN.left - 6, y.at(value) + 4);
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(x.column.label, (MARGIN.left + width - MARGIN.right) / 2, height - 6);
    context.save();
    context.translate(11, (MARGIN.top + height - MARGIN.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(y.column.label, 0, 0);
    context.restore();
  }

  line(x0, y0, x1, y1) {
    this.context.beginPath();
    this.context.moveTo(x0, y0);
    this.context.lineTo(x1, y1);
    this.context.stroke();
  }

  // The front, what is pointed at and what is selected, over the dots that do not change.
  drawMarks() {
    const { context, state, base } = this;
    if (!base) return;
    context.putImageData(base, 0, 0);
    context.lineWidth = 1.2;
    context.strokeStyle = cssColour("--ink");
    const radius = state.front.length > 150 ? 1.2 : 3.5; // rings that overlap would hide the dots
    for (const row of state.front) this.ring(row, radius);
    context.lineWidth = 2.5;
    context.strokeStyle = cssColour("--accent");
    for (const row of [this.hovered, state.selected]) if (row >= 0 && state.shown[row]) this.ring(row, 7);
  }

  ring(row, radius) {
    this.context.beginPath();
    this.context.arc(this.px[row], this.py[row], radius, 0, 2 * Math.PI);
    this.context.stroke();
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const [mx, my] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1, least = NEAR * NEAR;
    const weigh = (row, bonus) => {
      const distance = (this.px[row] - mx) ** 2 + (this.py[row] - my) ** 2 - bonus;
      if (distance < least) [best, least] = [row, distance];
    };
    const { shown, front } = this.state;
    for (let row = 0; row < shown.length; row++) if (shown[row]) weigh(row, 0);
    for (const row of front) weigh(row, 9); // the front is what people look for
    return best;
  }

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    this.drawMarks();
    const { tip } = this;
    tip.hidden = row < 0;
    if (row < 0) return;
    tip.replaceChildren(...tipLines(this.state, row));
    const [px, py] = [this.px[row], this.py[row]];
    const left = px + 14 + tip.offsetWidth > this.width ? px - 14 - tip.offsetWidth : px + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.min(Math.max(0, py - 20), Math.max(0, this.height - tip.offsetHeight))}px`;
  }

  open(row) {
    if (row >= 0) this.state.select(row);
  }

  key(event) {
    const { front } = this.state;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") this.open(this.hovered >= 0 ? this.hovered : front[0] ?? -1);
    else if (event.key === "Escape") this.hover(-1);
    else if (step && front.length) {
      const along = [...front].sort((a, b) => this.px[a] - this.px[b]);
      const now = along.indexOf(this.hovered);
      const next = now < 0 ? (step > 0 ? 0 : along.length - 1) : now + step;
      this.hover(along[Math.min(Math.max(next, 0), along.length - 1)]);
    } else return;
    event.preventDefault();
  }

  drawKey() {
    const { column, categories, css, low, high } = this.colours;
    const key = document.getElementById("key");
    if (!column) return key.replaceChildren();
    const name = element("b", column.label);
    if (categories) {
      return key.replaceChildren(name, ...column.levels.map((value, place) => {
        const entry = element("span", textOf(column, value));
        const dot = element("i");
        dot.style.background = css[place];
        entry.prepend(dot);
        return entry;
      }));
    }
    const scale = element("span", "", "scale");
    scale.style.background = `linear-gradient(90deg, ${VIRIDIS.map((c) => `rgb(${c})`).join()})`;
    return key.replaceChildren(name, element("span", textOf(column, low)), scale, element("span", textOf(column, high)));
  }
}

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function tipLines(state, row) {
  const { meta, point } = state.designs;
  const lines = [element("b", `design ${point[row]}`)];
  for (const name of [...meta.parameters, ...meta.objectives]) {
    const column = state.column(name);
    lines.push(element("div", `${column.label}: ${textOf(column, column.values[row])}`));
  }
  return lines;
}
