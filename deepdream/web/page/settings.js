// The settings: what the form says, as the server is asked for it.

import * as classes from "./classes.js";
import * as complete from "./complete.js";
import * as drawing from "./drawing.js";
import * as knobs from "./knobs.js";
import * as layers from "./layers.js";
import { get } from "./server.js";

const one = (id) => document.querySelector(`#${id}`);
const DREAM = ["iterations", "octaves", "octave_scale", "step_size", "jitter"];
let usual = {};
let presets = {};
let about = null;
let changed = () => {};
let failed = () => {};
let begin;
/** Is kept as soon as there is a net, with settings to begin from. */
export const ready = new Promise((resolve) => (begin = resolve));

const goal = () => document.querySelector("[name=goal]:checked")?.value || "layer";

function showGoal() {
  for (const part of document.querySelectorAll("[data-goal]")) {
    part.hidden = part.dataset.goal !== goal();
  }
}

export function aim(name) {
  document.querySelector(`[name=goal][value=${name}]`).checked = true;
  showGoal();
  countSteps();
}

/** A model has its number of steps for its objective; where a layer grows, it is the usual one. */
function countSteps() {
  if (!about || presets[one("preset").value]) return;
  const [own, usually] = [{ ...usual, ...about.own }.iterations, usual.iterations];
  const [from, to] = goal() === "layer" ? [own, usually] : [usually, own];
  if (knobs.value("iterations") === from) knobs.set({ iterations: to });
}

/** Set all numbers to the model's own, or to a preset's. */
function settle() {
  const preset = presets[one("preset").value];
  const values = { ...usual, ...(preset || about.own) };
  knobs.set(values);
  smooth(values.smooth || "");
  if (!preset) return;
  if (preset.objective) {
    one("objective").value = preset.objective;
    aim("objective");
  } else if (preset.end) {
    layers.pick(preset.end);
    aim("layer");
  }
}

/** Choose a smoothing, which a model's readme may name in a way of its own. */
function smooth(value) {
  const select = one("smooth");
  if (![...select.options].some((x) => x.value === value)) select.add(new Option(value, value));
  select.value = value;
}

async function useModel() {
  const wanted = one("model").value;
  let facts;
  try {
    facts = await get(`/models/${encodeURIComponent(wanted)}`);
  } catch (error) {
    return failed(error);
  }
  if (one("model").value !== wanted) return undefined;
  about = facts;
  layers.show(about);
  drawing.show(about);
  complete.know({ layers: layers.names(), classes: about.classes });
  one("class-tab").hidden = !classes.show(about.classes);
  const own = about.own.objective || "";
  one("own-tab").hidden = !own;
  one("own-picture").hidden = !about.picture;
  if (about.picture) one("own-picture").src = `/${about.picture}`;
  one("own").textContent = own ? `What its makers chose for it: ${own}` : "";
  one("preset").value = "";
  settle();
  aim(own ? "own" : "layer");
  return changed();
}

function listModels(state) {
  const here = state.models.filter((x) => x.here).map((x) => new Option(x.name, x.id));
  const others = document.createElement("optgroup");
  others.label = "Not here: `deepdream models get NAME`";
  for (const { id } of state.models.filter((x) => !x.here)) {
    const option = new Option(id, id);
    option.disabled = true;
    others.append(option);
  }
  one("model").replaceChildren(...here, others);
  one("model").value = state.model;
}

export function make(call, wrong) {
  [changed, failed] = [call, wrong];
  knobs.make(changed);
  layers.make(changed);
  drawing.make(failed);
  classes.make(changed);
  complete.make();
  for (const tab of document.querySelectorAll("[name=goal]")) {
    tab.addEventListener("change", () => {
      showGoal();
      countSteps();
      changed();
    });
  }
  one("model").addEventListener("change", useModel);
  one("preset").addEventListener("change", () => {
    settle();
    countSteps();
    changed();
  });
  for (const id of ["objective", "channels", "seed"]) one(id).addEventListener("input", changed);
  for (const id of ["smooth", "keep-colours"]) one(id).addEventListener("change", changed);
  one("settings").addEventListener("submit", (e) => e.preventDefault());
}

/** Take what the server has: once, or again after it was started anew. */
export async function take(state) {
  usual = state.settings;
  presets = state.presets;
  knobs.set({ ...usual, frames: 1 });
  const names = Object.entries(presets).map(([name, x]) => new Option(`${name}: ${x.about}`, name));
  one("preset").replaceChildren(new Option("the model's own", ""), ...names);
  listModels(state);
  drawing.know(state.drawings);
  await useModel();
  one("settings").inert = false; // before, a net that comes would undo what is chosen
  begin();
}

function objective() {
  if (goal() === "own") return about.own.objective;
  if (goal() === "class") return classes.objective();
  return one("objective").value.trim();
}

const numbers = (text) => (text.match(/[^\s,;]+/g) || []).map(Number);

/** What is asked for, but for the pictures. */
export function read() {
  const settings = Object.fromEntries(DREAM.map((name) => [name, knobs.value(name)]));
  settings.smooth = one("smooth").value;
  const asked = { model: one("model").value, settings, channels: [] };
  if (goal() === "layer") {
    settings.end = layers.layer();
    asked.channels = numbers(one("channels").value);
  } else {
    settings.objective = objective();
  }
  const seed = one("seed").value.trim();
  asked.seed = seed === "" ? null : Number(seed);
  asked.max_size = knobs.value("max_size");
  asked.frames = knobs.value("frames");
  asked.scale = knobs.value("scale");
  asked.keep_colours = one("keep-colours").checked;
  return asked;
}

/** A guide needs a layer where it is compared, unless an objective names it. */
export function aimForGuide() {
  if (goal() !== "own" && goal() !== "class") return;
  layers.pick(about.map);
  aim("layer");
}
