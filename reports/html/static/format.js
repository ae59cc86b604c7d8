// Quantities as people read them: the same texts as reports/plots/quantity.py.

const SI = ["p", "n", "u", "m", "", "k", "M", "G", "T", "P"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

function digits(value, count = 4) {
  const plain = Number(value.toPrecision(count));
  return Math.abs(plain) >= 1e15 ? plain.toExponential() : String(plain);
}

function grouped(value) {
  const plain = Number(value.toPrecision(4));
  return plain.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function engineering(value, unit) {
  if (!Number.isFinite(value)) return String(value);
  let thousands = 0;
  if (value !== 0) {
    const power = Number(value.toExponential(3).split("e")[1]);
    thousands = Math.min(Math.max(Math.floor(power / 3), -4), 5);
  }
  return `${digits(value / 1000 ** thousands)} ${SI[thousands + 4]}${unit}`;
}

function binary(value) {
  let power = 0;
  while (Math.abs(value) >= 1024 && power < BINARY.length - 1) {
    value /= 1024;
    power += 1;
  }
  return `${digits(value)} ${BINARY[power]}B`;
}

function count(value) {
  for (const [suffix, size] of [["G", 2 ** 30], ["M", 2 ** 20], ["K", 1024]]) {
    if (value >= size && value % size === 0) return `${value / size}${suffix}`;
  }
  return Number.isInteger(value) ? value.toLocaleString("en-US") : grouped(value);
}

const TEXT_OF = {
  name: (value, column) => column.texts[value],
  count,
  number: grouped,
  bytes: binary,
  bytes_per_s: (value) => engineering(value, "B/s"),
  seconds: (value) => engineering(value, "s"),
  hertz: (value) => engineering(value, "Hz"),
  energy: (value) => engineering(value * 1e-12, "J"),
  energy_delay: (value) => engineering(value * 1e-12, "J s"),
  area: (value) => `${grouped(value / 1e6)} mm²`,
  share: (value) => `${digits(100 * value, 3)} %`,
};

function textOf(column, value) {
  return TEXT_OF[column.measure](value, column);
}
