// The list of layers: those with pictures to click on, and all of them by name.

import * as lines from "./lines.js";

const pictured = document.querySelector("#pictured");
const list = document.querySelector("#layers");
const filter = document.querySelector("#filter");
const told = document.querySelector("#chosen");
let layers = [];
let chosen = "";
let changed = () => {};

function picture(layer) {
  const image = document.createElement("img");
  Object.assign(image, { src: `/${layer.picture}`, alt: "", width: 192, height: 144 });
  image.loading = "lazy";
  const name = document.createElement("span");
  name.textContent = layer.short || layer.name.split("/")[0];
  name.title = layer.name;
  return lines.radio("pictured", layer.name, layer.name === chosen, [image, name], choose);
}

function line(layer) {
  const name = document.createElement("span");
  name.textContent = layer.name;
  const size = document.createElement("small");
  size.textContent = layer.channels ? `${layer.channels} channels` : "";
  return lines.radio("layer", layer.name, layer.name === chosen, [name, size], choose);
}

function draw() {
  const found = layers.filter((x) => lines.finds(filter.value, x.name));
  list.replaceChildren(...found.map(line));
  if (!found.length) list.textContent = "No layer has this in its name.";
  lines.showChosen(list);
}

function choose(name) {
  chosen = name;
  for (const input of document.querySelectorAll("#pictured input, #layers input")) {
    input.checked = input.value === name;
  }
  tell();
  changed();
}

function tell() {
  const layer = layers.find((x) => x.name === chosen);
  const channels = layer && layer.channels ? `, ${layer.channels} channels` : "";
  told.textContent = chosen ? `${chosen}${channels}` : "No layer is chosen.";
}

export function make(call) {
  changed = call;
  filter.addEventListener("input", draw);
  lines.leads(filter, list);
}

/** Show the layers of a net, with its end chosen unless one of the same name was. */
export function show(about) {
  layers = about.layers;
  if (!layers.some((x) => x.name === chosen)) chosen = about.end;
  drawPictured();
  document.querySelector("#every").open = pictured.hidden;
  filter.value = "";
  draw();
  tell();
}

function drawPictured() {
  const shown = layers.filter((x) => x.picture);
  pictured.replaceChildren(...shown.map(picture));
  pictured.hidden = !shown.length;
}

/** Show the picture of a layer, which was made just now. */
export function drew(name, address) {
  const layer = layers.find((x) => x.name === name);
  if (!layer) return;
  const focused = pictured.contains(document.activeElement) && document.activeElement.value;
  layer.picture = address;
  drawPictured();
  if (focused) [...pictured.querySelectorAll("input")].find((x) => x.value === focused)?.focus();
}

export const layer = () => chosen;
export const names = () => layers.flatMap((x) => (x.short ? [x.short, x.name] : [x.name]));
export const pick = choose;
