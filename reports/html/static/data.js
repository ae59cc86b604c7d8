// The designs: typed columns out of the page's compressed text (reports/html/columns.py).

async function inflated(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Bytes of equal significance stand together; here they come back to their numbers.
function numbers(bytes, rows, width) {
  const whole = new Uint8Array(rows * width);
  for (let plane = 0; plane < width; plane++) {
    for (let row = 0, at = plane * rows; row < rows; row++) whole[row * width + plane] = bytes[at++];
  }
  return whole.buffer;
}

async function readDesigns() {
  const meta = JSON.parse(document.getElementById("meta").textContent);
  const source = document.getElementById("data");
  const bytes = await inflated(source.textContent.trim());
  source.remove();
  const columns = new Map();
  let at = 0;
  for (const column of meta.columns) {
    const size = meta.rows * column.width;
    const buffer = numbers(bytes.subarray(at, at + size), meta.rows, column.width);
    at += size;
    if (column.kind === "levels") {
      column.codes = column.width === 1 ? new Uint8Array(buffer) : new Uint16Array(buffer);
      column.values = Float64Array.from(column.codes, (code) => column.levels[code]);
    } else {
      column.values = column.kind === "float" ? new Float32Array(buffer) : new Uint32Array(buffer);
    }
    columns.set(column.name, column);
  }
  return { meta, columns, rows: meta.rows, point: columns.get("point").values };
}

// Rows by increasing value, kept: sorting happens once for each column, filtering never sorts.
function orderOf(column) {
  if (!column.order) {
    const { values } = column;
    const order = Uint32Array.from({ length: values.length }, (_, row) => row);
    column.order = order.sort((a, b) => values[a] - values[b] || a - b);
  }
  return column.order;
}
