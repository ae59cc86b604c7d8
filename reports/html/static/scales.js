// From values to places and colours.

const CATEGORIES = 8;
// Viridis (Smith and van der Walt, 2015; CC0) at nine places.
const VIRIDIS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141],
  [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
const POWERS_OF_TWO = ["bytes", "count"];

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

class Scale {
  // Over the shown rows of a column, from pixel `start` to pixel `end`.
  constructor(column, shown, start, end) {
    let low = Infinity, high = -Infinity;
    const { values } = column;
    for (let row = 0; row < values.length; row++) {
      if (!shown[row]) continue;
      const value = values[row];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) [low, high] = [0, 1];
    this.column = column;
    this.named = column.measure === "name";
    this.log = !this.named && low > 0 && high / low > 20;
    [this.low, this.high] = [low, high];
    let [a, b] = this.log ? [Math.log(low), Math.log(high)] : [low, high];
    const room = this.named ? 0.5 : (b - a || Math.abs(a) || 1) * 0.04;
    [this.a, this.b] = [a - room, b + room];
    [this.start, this.end] = [start, end];
  }

  at(value) {
    const place = this.log ? Math.log(value) : value;
    return this.start + ((place - this.a) / (this.b - this.a)) * (this.end - this.start);
  }

  ticks(most) {
    if (this.named) return this.column.texts.map((_, place) => place);
    const { low, high } = this;
    if (this.log && POWERS_OF_TWO.includes(this.column.measure)) {
      const [first, last] = [Math.ceil(Math.log2(low)), Math.floor(Math.log2(high))];
      const step = Math.max(1, Math.ceil((last - first + 1) / most));
      return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 2 ** (first + i * step));
    }
    if (this.log) {
      const found = [];
      const marks = Math.log10(high / low) < most / 2.5 ? [1, 2, 5] : [1];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
        for (const mark of marks) found.push(mark * 10 ** power);
      }
      const every = Math.ceil(found.length / (2 * most));
      return found.filter((value, i) => value >= low * 0.98 && value <= high * 1.02 && i % every === 0);
    }
    const rough = (high - low) / most || Math.abs(low) || 1;
    const binarySteps = POWERS_OF_TWO.includes(this.column.measure);
    const power = binarySteps ? 2 ** Math.floor(Math.log2(rough)) : 10 ** Math.floor(Math.log10(rough));
    const step = (binarySteps ? [1, 2] : [1, 2, 5, 10]).find((one) => one * power >= rough) * power;
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) found.push(i * step);
    return found.length ? found : [low];
  }
}

class Colours {
  constructor(column) {
    const levels = column?.levels ?? [];
    this.column = column;
    this.categories = column && levels.length <= CATEGORIES && levels.length > 0;
    if (this.categories) {
      this.css = levels.map((_, place) => cssColour(`--c${place}`));
      this.list = this.css.map(rgb);
    } else if (column) {
      let low = Infinity, high = -Infinity;
      for (const value of column.values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
      this.log = low > 0 && high / low > 20;
      [this.low, this.high] = [low, high];
    } else {
      this.list = [rgb(cssColour("--c0"))];
    }
  }

  of(row) {
    if (!this.column) return this.list[0];
    if (this.categories) return this.list[this.column.codes[row]];
    const value = this.column.values[row];
    const { low, high } = this;
    const share = this.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low || 1);
    const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
    const [from, to] = [VIRIDIS[Math.floor(place)], VIRIDIS[Math.ceil(place)]];
    const part = place % 1;
    return [0, 1, 2].map((i) => from[i] + (to[i] - from[i]) * part);
  }
}
