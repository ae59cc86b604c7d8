// Puts the page together.

function sayWhatItIs({ meta }) {
  const number = (value) => value.toLocaleString("en-US");
  document.getElementById("title").textContent = meta.name;
  const parts = [`${number(meta.rows)} designs`];
  if (meta.infeasible) parts.push(`${number(meta.infeasible)} break ${meta.constraints.join(", ")}`);
  if (meta.failed) parts.push(`${number(meta.failed)} failed`);
  const fixed = meta.fixed.map(([name, value]) => `${name} = ${value}`);
  document.getElementById("subtitle").textContent = [parts.join("; "), ...fixed].join(" · ");
}

function chooser(state, id) {
  const select = document.getElementById(id);
  const { meta } = state.designs;
  for (const [title, names] of [["Results", meta.metrics], ["Parameters", meta.parameters]]) {
    const group = element("optgroup");
    group.label = title;
    for (const name of names) group.append(new Option(state.column(name).label, name));
    select.append(group);
  }
  select.value = state[id];
  select.addEventListener("change", () => {
    state[id] = select.value;
    state.changed("axes");
  });
}

async function main() {
  const designs = await readDesigns();
  const state = new State(designs);
  sayWhatItIs(designs);
  for (const id of ["x", "y", "colour"]) chooser(state, id);
  if (matchMedia("(max-width: 720px)").matches) document.getElementById("filters").open = false;
  const plot = new Plot(state);
  new Filters(state);
  new Table(state);
  new Detail(state);
  state.changed("filter");
  window.einfall = { state, plot };
  document.documentElement.dataset.ready = "true";
}

main().catch((error) => {
  document.getElementById("subtitle").textContent = `This report cannot be shown: ${error.message}`;
  throw error;
});
