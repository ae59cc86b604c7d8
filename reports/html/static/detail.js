// The selected design: its settings, its results, and where time, bytes and energy go.

class Detail {
  constructor(state) {
    this.state = state;
    this.box = document.getElementById("detail");
    state.listeners.push((what) => {
      if (what === "selection") this.draw();
    });
    this.box.replaceChildren(element("h2", "No design selected"),
      element("p", "Click a dot or a number in the table.", "note"));
  }

  draw() {
    const { state, box } = this;
    const { meta, point } = state.designs;
    const row = state.selected;
    const number = point[row];
    const terms = meta.details[number];
    const parts = [element("h2", `Design ${number}`), this.list(meta.parameters, row),
      element("h3", "Results"), this.list(meta.metrics, row)];
    if (terms) parts.push(...exactTerms(terms));
    else parts.push(...this.coarse(row), ...this.nearest(row));
    parts.push(element("p", `einfall compare ${meta.folder}:${number} ${meta.folder}:POINT explains the `
      + "difference from another design, term by term.", "note"));
    box.replaceChildren(...parts);
    box.dataset.point = number;
    box.dataset.exact = Boolean(terms);
    if (box.getBoundingClientRect().top > innerHeight) box.scrollIntoView();
  }

  list(names, row) {
    const list = element("dl");
    for (const name of names) {
      const column = this.state.column(name);
      list.append(element("dt", column.label), element("dd", textOf(column, column.values[row])));
    }
    return list;
  }

  // What the columns alone say.
  coarse(row) {
    const value = (name) => this.state.column(name)?.values[row] ?? 0;
    const latency = value("latency_s");
    const line = (name, share) =>
      bar(name, [{ share: Math.min(share, 1), colour: "var(--c0)", title: percentText(share) }], percentText(share));
    return [element("h3", "Waterfall: busy times along the latency"),
      line("2D array", value("util_2d")), line("1D array", value("util_1d")),
      line("DRAM", value("memory_s") / latency),
      element("h3", "Breakdown of the latency"),
      line("computing", value("compute_s") / latency), line("DRAM", value("memory_s") / latency)];
  }

  // The designs in detail are some of all; this is the one with the most settings in common.
  nearest(row) {
    const { designs } = this.state;
    const { meta } = designs;
    const columns = meta.parameters.map((name) => this.state.column(name));
    const spans = columns.map(({ values, order }) => order ?? values).map((_, i) => rangeOf(columns[i]));
    const wanted = new Set(Object.keys(meta.details).map(Number));
    let [best, least] = [-1, Infinity];
    for (let other = 0; other < designs.rows; other++) {
      if (!wanted.has(designs.point[other])) continue;
      let distance = 0;
      columns.forEach(({ values, measure }, i) => {
        const [a, b] = [values[row], values[other]];
        if (measure === "name") distance += a === b ? 0 : 10;
        else distance += a > 0 && b > 0 ? Math.abs(Math.log(a / b)) / spans[i] : Math.abs(a - b);
      });
      if (distance < least) [best, least] = [other, distance];
    }
    if (best < 0) return [];
    const button = element("button", `Nearest design with all terms: ${designs.point[best]}`);
    button.type = "button";
    button.addEventListener("click", () => this.state.select(best));
    return [element("p", `${wanted.size} designs have all their terms in this file: the Pareto fronts, and `
      + "others from all over the sweep.", "note"), button];
  }
}

function rangeOf({ values }) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > 0 && high > low ? Math.log(high / low) : 1;
}

function exactTerms(terms) {
  const parts = [element("h3", "Waterfall: busy times along the latency"), ...busyBars(terms)];
  const fall = terms.waterfall;
  if (fall) {
    parts.push(element("h3", `First tile steps, cycle by cycle (one every ${fall.interval} cycles)`),
      waterfallFigure(fall), element("p", `Colours: tile steps in turn; the limit is ${fall.limit}. All of it: `
        + `${fall.total_cycles.toLocaleString("en-US")} cycles.`, "note"));
  } else if (terms.no_waterfall) {
    parts.push(element("p", `No cycle-by-cycle waterfall: ${terms.no_waterfall}`, "note"));
  }
  const traffic = terms.traffic.map(([name, read, written]) => [name, read + written]);
  parts.push(element("h3", "DRAM traffic by tensor"), ...shareBars(traffic, binary),
    element("h3", "Energy by component"), ...shareBars(terms.energy, (amount) => engineering(amount * 1e-12, "J")),
    element("h3", "Memories, held of their size"), ...terms.held.map(([name, held, size]) =>
      bar(name, [{ share: Math.min(held / size, 1), colour: "var(--c2)", title: `${binary(held)} of ${binary(size)}` }],
        binary(held))));
  return parts;
}
