// The list of a net's classes, one of which may grow.

import * as lines from "./lines.js";

const list = document.querySelector("#classes");
const filter = document.querySelector("#class-filter");
const told = document.querySelector("#class-chosen");
let names = [];
let chosen = 0; // its number
let changed = () => {};

function line(name, number) {
  const shown = document.createElement("span");
  shown.textContent = name;
  const small = document.createElement("small");
  small.textContent = number;
  return lines.radio("class", number, number === chosen, [shown, small], choose);
}

function draw() {
  const found = names.map((name, i) => [name, i]).filter(([x]) => lines.finds(filter.value, x));
  list.replaceChildren(...found.map(([name, i]) => line(name, i)));
  if (!found.length) list.textContent = "No class has this in its name.";
  lines.showChosen(list);
}

function choose(number) {
  chosen = number;
  tell();
  changed();
}

function tell() {
  told.textContent = names[chosen] ?? "";
}

export function make(call) {
  changed = call;
  filter.addEventListener("input", draw);
  lines.leads(filter, list);
}

/** Show the classes of a net; whether it has names for them. */
export function show(all) {
  const before = names[chosen];
  names = all;
  chosen = Math.max(0, names.indexOf(before));
  filter.value = "";
  draw();
  tell();
  return names.length > 0;
}

/** What grows, as an objective: the class by its name, or by its number where several have that. */
export function objective() {
  const name = names[chosen];
  const isOne = names.filter((x) => x === name).length === 1;
  return `score(${JSON.stringify(isOne ? name : String(chosen))})`;
}
