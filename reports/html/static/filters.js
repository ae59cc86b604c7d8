// A control for every parameter and objective: boxes for a few values, else two ends of a range.

const FEW_LEVELS = 24;

class Filters {
  constructor(state) {
    this.state = state;
    this.controls = document.getElementById("controls");
    document.getElementById("reset").addEventListener("click", () => this.reset());
    state.listeners.push(() => {
      const { count, designs } = state;
      document.getElementById("count").value =
        `${count.toLocaleString("en-US")} of ${designs.rows.toLocaleString("en-US")} designs`;
    });
    this.build();
  }

  build() {
    const { parameters, objectives } = this.state.designs.meta;
    const made = [...parameters, ...objectives].map((name) => {
      const column = this.state.column(name);
      if ((column.levels?.length ?? 0) === 1) return "";
      const group = element("fieldset");
      group.append(element("legend", column.label));
      const few = parameters.includes(name) && column.levels && column.levels.length <= FEW_LEVELS;
      group.append(few ? this.boxes(column) : this.range(column));
      return group;
    });
    this.controls.replaceChildren(...made);
  }

  reset() {
    this.state.allowed.clear();
    this.build();
    this.state.changed("filter");
  }

  boxes(column) {
    const box = element("div", "", "levels");
    const masks = new Uint8Array(column.levels.length).fill(1);
    column.levels.forEach((value, code) => {
      const label = element("label", textOf(column, value));
      const input = element("input");
      Object.assign(input, { type: "checkbox", checked: true, name: column.name, value: code });
      input.addEventListener("change", () => {
        masks[code] = input.checked ? 1 : 0;
        this.allow(column, masks.every(Boolean) ? null : { codes: column.codes, masks });
      });
      label.append(input);
      box.append(label);
    });
    return box;
  }

  range(column) {
    const steps = column.levels ?? quantiles(column);
    const box = element("div", "", "range");
    const [from, to] = ["least", "most"].map((end) => {
      const input = element("input");
      Object.assign(input, { type: "range", min: 0, max: steps.length - 1, step: 1, name: column.name });
      input.value = end === "least" ? 0 : steps.length - 1;
      input.setAttribute("aria-label", `${column.label}, ${end}`);
      return input;
    });
    const [low, high] = [element("output"), element("output")];
    const read = () => [steps[Math.min(from.value, to.value)], steps[Math.max(from.value, to.value)]];
    const say = () => {
      [low.value, high.value] = read().map((value) => textOf(column, value));
      [from, to].forEach((input) => input.setAttribute("aria-valuetext", textOf(column, steps[input.value])));
    };
    for (const input of [from, to]) {
      input.addEventListener("input", () => {
        say();
        const [least, most] = read();
        const all = least === steps[0] && most === steps.at(-1);
        this.allow(column, all ? null : { values: column.values, low: least, high: most });
      });
    }
    say();
    box.append(from, to, low, high);
    return box;
  }

  allow(column, rule) {
    if (rule) this.state.allowed.set(column.name, rule);
    else this.state.allowed.delete(column.name);
    this.state.changed("filter");
  }
}

function quantiles(column, steps = 200) {
  const order = orderOf(column);
  const last = order.length - 1;
  const found = Array.from({ length: steps + 1 }, (_, i) => column.values[order[Math.round((i / steps) * last)]]);
  return [...new Set(found)];
}
