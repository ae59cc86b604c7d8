// The shown designs, a page at a time, in the order of any column.

const PAGE_ROWS = 50;

class Table {
  constructor(state) {
    this.state = state;
    this.at = 0;
    this.body = document.querySelector("#table tbody");
    const { meta } = state.designs;
    this.names = ["point", ...meta.parameters, ...meta.metrics];
    Object.assign(state.column("point"), { label: "design", measure: "number", texts: [] });
    this.heads = this.names.map((name) => this.head(name));
    const row = element("tr");
    row.append(...this.heads);
    document.querySelector("#table thead").replaceChildren(row);
    this.previous = document.getElementById("previous");
    this.next = document.getElementById("next");
    this.previous.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    state.listeners.push((what) => {
      if (what === "filter" || what === "sort") this.at = 0;
      if (what !== "axes") this.draw();
    });
  }

  head(name) {
    const head = element("th");
    head.scope = "col";
    const button = element("button", this.state.column(name).label);
    button.type = "button";
    button.addEventListener("click", () => {
      const { sort } = this.state;
      this.state.sort = { name, down: sort.name === name && !sort.down };
      this.state.changed("sort");
    });
    head.append(button);
    return head;
  }

  turn(step) {
    this.at += step * PAGE_ROWS;
    this.draw();
  }

  draw() {
    const { state } = this;
    const { name, down } = state.sort;
    const rows = [];
    let place = 0;
    for (const row of state.sorted(name, down)) {
      if (place++ < this.at) continue;
      rows.push(row);
      if (rows.length === PAGE_ROWS) break;
    }
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
    this.names.forEach((one, i) => {
      this.heads[i].ariaSort = one === name ? (down ? "descending" : "ascending") : "none";
      const arrow = one === name ? (down ? " ▾" : " ▴") : "";
      this.heads[i].firstChild.textContent = state.column(one).label + arrow;
    });
    this.previous.disabled = this.at === 0;
    this.next.disabled = this.at + rows.length >= state.count;
    const [first, last] = [rows.length ? this.at + 1 : 0, this.at + rows.length];
    document.getElementById("page").value = `${first} to ${last} of ${state.count.toLocaleString("en-US")}`;
  }

  row(row) {
    const line = element("tr", "", row === this.state.selected ? "selected" : "");
    for (const name of this.names) {
      const column = this.state.column(name);
      const cell = element("td", "", column.measure === "name" ? "text" : "");
      if (name === "point") {
        const button = element("button", String(column.values[row]));
        button.type = "button";
        button.addEventListener("click", () => this.state.select(row));
        cell.append(button);
      } else cell.textContent = textOf(column, column.values[row]);
      line.append(cell);
    }
    return line;
  }
}
