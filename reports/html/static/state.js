// What a person has chosen, and what follows from it: the designs shown, and their Pareto front.

class State {
  constructor(designs) {
    const { objectives, parameters, columns } = designs.meta;
    this.designs = designs;
    this.x = objectives[0];
    this.y = objectives[1];
    const named = columns.find((one) => parameters.includes(one.name) && one.texts.length);
    this.colour = (named ?? designs.columns.get(parameters[0]) ?? { name: "" }).name;
    this.sort = { name: objectives[0], down: false };
    this.allowed = new Map(); // name of a column -> (row) => whether it is shown
    this.shown = new Uint8Array(designs.rows).fill(1);
    this.count = designs.rows;
    this.front = [];
    this.selected = -1;
    this.listeners = [];
    this.filterMs = 0;
  }

  column(name) {
    return this.designs.columns.get(name);
  }

  changed(what) {
    const begun = performance.now();
    if (what === "filter") this.filter();
    if (what === "filter" || what === "axes") this.front = this.paretoFront();
    for (const listen of this.listeners) listen(what);
    if (what === "filter") {
      this.filterMs = performance.now() - begun;
      document.documentElement.dataset.filterMs = this.filterMs.toFixed(1);
      document.documentElement.dataset.shown = this.count;
    }
  }

  filter() {
    const { shown } = this;
    shown.fill(1);
    for (const { codes, masks, values, low, high } of this.allowed.values()) {
      if (masks) for (let row = 0; row < shown.length; row++) shown[row] &= masks[codes[row]];
      else for (let row = 0; row < shown.length; row++) {
        if (values[row] < low || values[row] > high) shown[row] = 0;
      }
    }
    let count = 0;
    for (let row = 0; row < shown.length; row++) count += shown[row];
    this.count = count;
  }

  // Shown rows in the order of a column; `down` from the largest.
  * sorted(name, down) {
    const order = orderOf(this.column(name));
    for (let i = 0; i < order.length; i++) {
      const row = order[down ? order.length - 1 - i : i];
      if (this.shown[row]) yield row;
    }
  }

  // Along x from its best end, a design is on the front if its y is better than all before it.
  paretoFront() {
    const [x, y] = [this.column(this.x), this.column(this.y)];
    if (x === y || !this.isGoal(x) || !this.isGoal(y)) return [];
    const [sx, sy] = [x.maximise ? -1 : 1, y.maximise ? -1 : 1];
    const front = [];
    let best = Infinity;
    for (const row of this.sorted(x.name, x.maximise)) {
      const value = sy * y.values[row];
      if (value >= best) continue;
      const last = front.at(-1);
      if (last !== undefined && sx * x.values[last] === sx * x.values[row]) front.pop();
      front.push(row);
      best = value;
    }
    return front;
  }

  isGoal(column) {
    return this.designs.meta.metrics.includes(column.name);
  }

  select(row) {
    this.selected = row;
    this.changed("selection");
  }
}
