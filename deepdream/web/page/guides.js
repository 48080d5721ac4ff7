// Guides: pictures that a dream grows more like.

import { know } from "./complete.js";

const list = document.querySelector("#guides");
let guides = [];
let changed = () => {};

function row(guide) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  Object.assign(image, { src: `/pictures/${guide.id}/thumb`, alt: "", width: 56, height: 56 });
  const label = document.createElement("label");
  const weight = document.createElement("input");
  Object.assign(weight, { type: "number", step: "any", value: guide.weight });
  weight.addEventListener("input", () => {
    guide.weight = weight.value.trim() === "" ? NaN : Number(weight.value);
    changed();
  });
  label.append(`${guide.name}, weight`, weight);
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove the guide ${guide.name}`);
  remove.addEventListener("click", () => {
    guides = guides.filter((x) => x !== guide);
    draw();
    changed();
  });
  item.append(image, label, remove);
  return item;
}

function draw() {
  list.replaceChildren(...guides.map(row));
  know({ pictures: ["mask.png", ...guides.map((x) => x.name)] });
}

export function make(call) {
  changed = call;
  draw();
}

export function add(picture) {
  if (guides.some((x) => x.id === picture.id)) return;
  guides.push({ ...picture, weight: 1 });
  draw();
  changed();
}

export function clear() {
  guides = [];
  draw();
}

/** What is asked for of them; weights only where one is not 1. */
export function read() {
  const weights = guides.map((x) => x.weight);
  const plain = weights.every((x) => x === 1);
  return { guides: guides.map((x) => x.id), guide_weights: plain ? [] : weights };
}

export const count = () => guides.length;
