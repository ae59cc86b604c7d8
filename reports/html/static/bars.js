// Bars and waterfalls of one design.

const PARTS = 8;

function colourOf(place) {
  return `var(--c${place % PARTS})`;
}

// One line: a name, parts of a whole side by side, and a text.
function bar(name, parts, text) {
  const line = element("div", "", "bar");
  const track = element("span", "", "track");
  for (const { share, colour, title } of parts) {
    const part = element("i");
    part.style.width = `${100 * share}%`;
    part.style.background = colour;
    part.title = title;
    track.append(part);
  }
  const label = element("span", name);
  label.title = name;
  line.append(label, track, element("span", text));
  return line;
}

function legend(names) {
  const box = element("div", "", "inside");
  names.forEach(([name, colour]) => {
    const entry = element("span", name);
    const dot = element("i");
    dot.style.background = colour;
    entry.prepend(dot);
    box.append(entry);
  });
  return box;
}

function percentText(share) {
  return `${(100 * share).toFixed(1)} %`;
}

// Busy times of every unit, Einsum by Einsum, and of DRAM, along the latency.
function busyBars(terms) {
  const units = [...new Set(terms.einsums.map(([, unit]) => unit))];
  const names = terms.einsums.map(([name]) => name);
  const lines = units.map((unit) => {
    const own = terms.einsums.filter(([, where]) => where === unit);
    const busy = own.reduce((sum, [, , time]) => sum + time, 0);
    return [bar(unit, own.map(([name, , time]) => ({
      share: time / terms.latency_s,
      colour: colourOf(own.findIndex(([one]) => one === name)),
      title: `${name}: ${engineering(time, "s")}, ${percentText(time / terms.latency_s)} of the latency`,
    })), percentText(busy / terms.latency_s)),
    legend(own.map(([name], place) => [name, colourOf(place)]))];
  });
  const [memory, time] = terms.dram;
  const dram = bar(memory, [{ share: time / terms.latency_s, colour: "var(--soft)", title: engineering(time, "s") }],
    percentText(time / terms.latency_s));
  return names.length ? [...lines.flat(), dram] : [dram];
}

function shareBars(entries, write) {
  const whole = entries.reduce((sum, [, amount]) => sum + amount, 0) || 1;
  const most = Math.max(...entries.map(([, amount]) => amount), 0) || 1;
  return entries.filter(([, amount]) => amount > 0).sort((a, b) => b[1] - a[1]).map(([name, amount]) =>
    bar(name, [{ share: amount / most, colour: "var(--c0)", title: percentText(amount / whole) }], write(amount)));
}

// The first tile steps, cycle by cycle: a row for every unit, a colour for every step.
function waterfallFigure(fall) {
  const [left, width, height] = [58, 376, 34];
  const spans = fall.spans.filter(([, , begin, end]) => end > fall.first && begin < fall.first + fall.cycles);
  const tall = fall.tracks.length * height + 22;
  const svg = svgElement("svg", { viewBox: `0 0 ${left + width} ${tall}`, role: "img" });
  svg.setAttribute("aria-label", `Waterfall of ${fall.cycles} cycles from cycle ${fall.first} on`);
  const place = (cycle) => left + ((cycle - fall.first) / fall.cycles) * width;
  for (let at = fall.first; at <= fall.first + fall.cycles; at += fall.interval) {
    svg.append(svgElement("line", { x1: place(at), x2: place(at), y1: 0, y2: tall - 18, stroke: "var(--faint)" }));
    const text = svgElement("text", { x: Math.min(place(at), left + width - 14), y: tall - 6, "text-anchor": "middle" });
    text.textContent = at;
    if ((at - fall.first) % (fall.interval * Math.ceil(fall.cycles / fall.interval / 6)) === 0) svg.append(text);
  }
  fall.tracks.forEach((track, row) => {
    const text = svgElement("text", { x: left - 5, y: row * height + height / 2 + 3, "text-anchor": "end" });
    text.textContent = track;
    svg.append(text);
  });
  for (const [track, name, begin, end, step, wide, stride] of spans) {
    const from = place(Math.max(begin, fall.first));
    const to = place(Math.min(end, fall.first + fall.cycles));
    const share = stride > 1 ? wide / stride : 1;
    const top = track * height + 3 + (stride > 1 ? (height - 6) * ((begin % stride) / stride) : 0);
    const tall = (height - 6) * share;
    const box = svgElement("rect", { x: from, y: top, width: Math.max(to - from, 0.4), height: tall,
      fill: step < 0 || fall.tracks[track] === "DRAM" ? "var(--dot)" : colourOf(step % 6), stroke: "var(--panel)", "stroke-width": 0.4 });
    const title = svgElement("title");
    title.textContent = `${fall.names[name]} on ${fall.tracks[track]}: cycles ${begin} to ${end}, step ${step}`;
    box.append(title);
    svg.append(box);
    if (to - from > 6 * fall.names[name].length && tall > 9) {
      const text = svgElement("text", { x: (from + to) / 2, y: top + tall / 2 + 3, "text-anchor": "middle", class: [0, 2, 5].includes(step % 6) ? "on" : "dark" });
      text.textContent = fall.names[name];
      svg.append(text);
    }
  }
  return svg;
}

function svgElement(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
