// Small pictures of the layers of a net that has none: made on the server while nothing else is.

import * as layers from "./layers.js";
import { post } from "./server.js";

const one = (id) => document.querySelector(`#${id}`);
let model = "";
let missing = 0; // layers without a picture
let going = {}; // {model: pictures that are still to be made}

function tell() {
  const left = going[model] || 0;
  one("drawing").hidden = !missing && !left;
  one("draw").textContent = left ? "Stop drawing" : "Draw the layers";
  one("drawn").textContent = left
    ? `${left} are still to be drawn; a dream comes first.`
    : `a small picture of what each of ${missing} layers dreams; takes a minute or more`;
}

export function make(failed) {
  one("draw").addEventListener("click", async () => {
    const path = `/models/${encodeURIComponent(model)}/pictures`;
    try {
      if (going[model]) await post(`${path}/stop`);
      else going[model] = (await post(path)).left;
      tell();
    } catch (error) {
      failed(error);
    }
  });
}

/** Know what goes on, when the page opens. */
export function know(drawings) {
  going = { ...drawings };
  tell();
}

export function show(about) {
  [model, missing] = [about.id, about.undrawn];
  tell();
}

/** Hear of a picture, or of the end. */
export function heard(drawn) {
  going[drawn.model] = drawn.left;
  if (drawn.model !== model) return;
  if (drawn.picture) {
    layers.drew(drawn.layer, drawn.picture);
    missing -= 1;
  }
  tell();
}
