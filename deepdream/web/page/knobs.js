// The numbers of a dream: each a slider for the pointer beside a field for the keys.

const HOW = [
  // name, words, least and most of the slider, step, least and most of all
  ["iterations", "Steps per size", 1, 60, 1, 0, 1000],
  ["octaves", "Sizes (octaves)", 1, 8, 1, 1, 16],
  ["octave_scale", "Ratio of the sizes", 1.1, 2.5, 0.05, 1.01, 1000],
  ["step_size", "Step size", 0.1, 6, 0.1, 0.001, 1000000],
  ["jitter", "Jitter", 0, 64, 1, 0, 1024],
  ["max_size", "Longest side, px", 160, 1600, 16, 16, 4096],
];
const ZOOM = [
  ["frames", "Frames", 1, 30, 1, 1, 60],
  ["scale", "Enlarged by (share)", 0, 0.2, 0.01, 0, 0.5],
];
const knobs = new Map();

function knob([name, words, low, high, step, least, most], changed) {
  const row = document.createElement("div");
  row.className = "knob";
  row.innerHTML =
    `<label for="${name}"></label><input type="range" tabindex="-1" aria-hidden="true">` +
    `<input type="number" id="${name}" required>`;
  const [label, slider, field] = row.children;
  label.textContent = words;
  Object.assign(slider, { min: low, max: high, step });
  Object.assign(field, { min: least, max: most, step: "any" });
  slider.addEventListener("input", () => {
    field.value = slider.value;
    changed(name);
  });
  field.addEventListener("input", () => {
    slider.value = field.value;
    changed(name);
  });
  knobs.set(name, { slider, field });
  return row;
}

export function make(changed) {
  document.querySelector("#knobs").append(...HOW.map((one) => knob(one, changed)));
  document.querySelector("#zoom").append(...ZOOM.map((one) => knob(one, changed)));
}

export function set(values) {
  for (const [name, value] of Object.entries(values)) {
    const one = knobs.get(name);
    if (!one) continue;
    one.field.value = value;
    one.slider.value = value;
  }
}

/** The number of a knob; null for what is none, which the server refuses with what is allowed. */
export function value(name) {
  const { field } = knobs.get(name);
  const number = field.value.trim() === "" ? NaN : Number(field.value);
  field.setAttribute("aria-invalid", String(!Number.isFinite(number)));
  return number;
}
