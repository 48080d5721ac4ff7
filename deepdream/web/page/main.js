// The page: a photograph, what is dreamt on it, and the way back.

import * as drawing from "./drawing.js";
import * as drops from "./drops.js";
import * as guides from "./guides.js";
import * as history from "./history.js";
import * as mask from "./mask.js";
import { get, listen, post, upload } from "./server.js";
import * as settings from "./settings.js";
import * as stage from "./stage.js";

const one = (id) => document.querySelector(`#${id}`);
const CHECK_AFTER = 250; // ms without a change
let state = null; // what the server has
let view = null; // {photo, base, result}: what is shown, and what is dreamt on
let before = []; // the views that Undo goes back to
let dreaming = null; // the id of the dream that this page waits for
let early = null; // dreams that are heard of before the answer that tells their id
let results = [];
let maskId = null; // of the mask as it is painted now, or null
let isPainted = false;
let timer = 0;
let checks = 0;

// what is said

function complain(error) {
  one("error").hidden = false;
  one("error").firstElementChild.textContent = error.message || String(error);
}

const forgive = () => (one("error").hidden = true);

function say(text) {
  if (one("said").textContent !== text) one("said").textContent = text;
}

async function trying(call) {
  try {
    return await call();
  } catch (error) {
    complain(error);
    return null;
  }
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} minutes`;
}

// pictures in

async function sent(file) {
  drops.check(file, state.limits.bytes);
  say(`${file.name} is being read ...`);
  try {
    return await upload(file, file.name || "pasted.png");
  } finally {
    say("");
  }
}

function usePhotograph(picture) {
  forgive();
  before = [];
  show({ photo: picture, base: picture, result: null });
}

const useFile = (file) => trying(async () => usePhotograph(await sent(file)));

const useGuide = (file) =>
  trying(async () => {
    if (guides.count() >= state.limits.guides) {
      throw new Error(`There are ${state.limits.guides} guides at most; remove one first.`);
    }
    const picture = await sent(file);
    settings.aimForGuide();
    guides.add(picture);
  });

function listSamples() {
  const buttons = state.samples.map(({ name, about }) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const image = document.createElement("img");
    Object.assign(image, { src: `/samples/${name}`, alt: about, width: 160, height: 120 });
    button.type = "button";
    button.append(image);
    button.addEventListener("click", () =>
      trying(async () => usePhotograph(await post(`/samples/${name}`))),
    );
    item.append(button);
    return item;
  });
  one("samples").replaceChildren(...buttons);
}

// what is shown

function show(next) {
  const isNew = !view || view.base.id !== next.base.id;
  view = next;
  stage.photograph(view.photo);
  if (view.result) stage.finished(view.result);
  else if (view.base.id !== view.photo.id) stage.finished(asResult(view.base));
  if (isNew) {
    mask.fit(view.base.size);
    maskId = null;
    isPainted = false;
  }
  refresh();
  check();
}

const asResult = ({ id }) => ({ id, picture: id, frames: [id], times: [], goal: "", model: "" });

function link(id, href) {
  const a = one(id);
  if (href) a.href = href;
  else a.removeAttribute("href");
  a.setAttribute("aria-disabled", String(!href));
}

function refresh() {
  const busy = dreaming !== null;
  one("start").hidden = busy;
  one("stop").hidden = !busy;
  one("continue").disabled = busy || !view?.result;
  one("undo").disabled = busy || !before.length;
  one("another").disabled = busy;
  one("progress").hidden = !busy;
  const result = !busy && view?.result;
  link("save", result && `/pictures/${result.picture}`);
  link("save-all", result && `/results/${result.id}.zip`);
  mask.show(!busy && one("masked").checked);
  one("painting").hidden = !one("masked").checked;
  if (result) showCommand(result.command);
}

/** A command line that is broken between its words alone. */
function showCommand(text) {
  const words = text.split(/( )/).map((word) => {
    const span = document.createElement("span");
    span.textContent = word;
    return word === " " ? word : span;
  });
  one("command").replaceChildren(...words);
}

const listResults = () => history.list(results, chooseResult);

function chooseResult(result) {
  if (dreaming) return say("A dream is running; stop it, or wait for it.");
  if (view) before.push(view);
  const base = { id: result.image, name: result.name, size: result.size };
  return show({ photo: base, base, result });
}

// what is asked for

async function asked() {
  await settings.ready;
  const { guide_weights, ...pictures } = guides.read();
  const form = { ...settings.read(), ...pictures, image: view.base.id, mask: null };
  form.settings.guide_weights = guide_weights;
  if (one("masked").checked && isPainted) {
    maskId = maskId || (await paintedMask());
    form.mask = maskId;
  }
  return form;
}

async function paintedMask() {
  const blob = await mask.png();
  return blob && (await upload(blob, "mask.png")).id;
}

/** Ask the server what the settings mean: the command line, or what is wrong. */
function check() {
  clearTimeout(timer);
  if (!view || dreaming) return;
  const number = ++checks;
  timer = setTimeout(async () => {
    try {
      const { command } = await post("/check", await asked());
      if (number !== checks) return;
      if (!view.result || isChanged) showCommand(command);
      forgive();
    } catch (error) {
      if (number === checks) complain(error);
    }
  }, CHECK_AFTER);
}

let isChanged = true; // whether the settings are others than those of the result
function changed() {
  isChanged = true;
  check();
}

const start = () =>
  trying(async () => {
    forgive();
    clearTimeout(timer);
    checks += 1;
    const form = await asked();
    const heard = (early = []);
    try {
      const { id, place, command } = await post("/dreams", form);
      showCommand(command);
      begin(id, place);
    } finally {
      early = null;
    }
    heard.forEach(follow);
  });

function begin(id, place = 0) {
  dreaming = id;
  one("bar").removeAttribute("value");
  one("at").textContent = "";
  say(place ? waits(place) : "It begins ...");
  refresh();
}

async function continued() {
  const { result } = view;
  const size = result.size;
  before.push(view);
  const base = { id: result.picture, name: result.name, size };
  show({ photo: view.photo, base, result: null });
  await start();
}

// what is heard

const waits = (place) => `It waits for another dream: number ${place} in the queue.`;

function onStep(step) {
  if (step.id !== dreaming) return;
  one("bar").value = step.share;
  const frame = step.frame[1] > 1 ? `frame ${step.frame.join(" of ")}, ` : "";
  const size = `${step.size[0]}×${step.size[1]}`;
  one("at").textContent =
    `${frame}size ${step.octave.join(" of ")} (${size}), step ${step.step.join(" of ")}` +
    (step.left > 2 ? `; about ${duration(step.left)} left` : "");
  const quarter = Math.floor(step.share * 4) * 25; // not every step is read out
  say(quarter ? `It grows: ${quarter} % are done.` : "It grows.");
  if (step.shown) stage.growing(`/frames/${step.id}/${step.shown}`);
}

function onDream(dream) {
  if (dream.result) {
    results.push(dream.result);
    listResults();
  }
  early?.push(dream);
  follow(dream);
}

function follow(dream) {
  if (dream.id !== dreaming) return;
  if (dream.state === "waiting") say(waits(dream.place));
  if (dream.state === "opening") say("The net is being opened ...");
  if (!["done", "stopped", "failed"].includes(dream.state)) {
    if (dream.stopping) say("It stops after this step ...");
    return;
  }
  dreaming = null;
  ended(dream);
}

function ended({ state: how, result, message }) {
  if (result) {
    before.push(view);
    isChanged = false;
    show({ photo: view.photo, base: view.base, result });
    const [octave, step] = result.stopped || [];
    say(
      octave
        ? `Stopped after step ${step} of size ${octave}; the picture so far is kept. ` +
            "Its recipe ends there too: deepdream replay makes it again."
        : `Done: seed ${result.seed}.`,
    );
    return;
  }
  show(view);
  say(how === "stopped" ? "Stopped, before there was anything to keep." : "");
  if (how === "failed") complain(new Error(message));
}

function onDrawn(drawn) {
  drawing.heard(drawn);
  if (drawn.message) complain(new Error(drawn.message));
}

function onQueue({ waiting }) {
  const place = waiting.indexOf(dreaming) + 1;
  if (place) say(waits(place));
}

async function onHello({ server }) {
  one("connection").textContent = "";
  document.body.classList.remove("lost");
  const fresh = await trying(() => get("/state"));
  if (!fresh) return;
  const anew = state && state.server !== server;
  const first = !state;
  state = fresh;
  stage.know(state.animations);
  results = state.results;
  listResults();
  if (first || anew) {
    listSamples();
    await settings.take(state);
  }
  if (anew) startOver("The server was started anew and has forgotten the pictures; choose one.");
  else {
    drawing.know(state.drawings);
    resume();
  }
}

function startOver(text) {
  view = null;
  before = [];
  dreaming = null;
  guides.clear();
  stage.empty();
  refresh();
  if (text) complain(new Error(text));
}

/** Join the dream that goes on: that of this page before it was reloaded, or lost its server. */
async function resume() {
  const going = state.dreams.find((x) => x.id === dreaming) || state.dreams[0];
  if (dreaming && going?.id !== dreaming) {
    const made = results.at(-1); // it has ended while nobody listened
    dreaming = null;
    if (made && made.image === view.base.id) ended({ state: "done", result: made });
    else ended({ state: "stopped" });
  } else if (going && (dreaming || !view)) {
    if (!view) {
      const base = { id: going.image, name: "picture", size: going.size || [4, 3] };
      show({ photo: base, base, result: null });
    }
    begin(going.id);
    onDream(going);
    if (going.share) onStep(going);
  }
}

function onLost() {
  document.body.classList.add("lost");
  one("connection").textContent = "The server does not answer; trying again ...";
}

// the buttons

function make() {
  settings.make(changed, complain);
  guides.make(changed);
  mask.make(() => {
    maskId = null;
    isPainted = true;
    changed();
  });
  stage.make();
  drops.take(useFile, useGuide);
  const on = (id, call) => one(id).addEventListener("click", call);
  on("dismiss", forgive);
  on("start", start);
  on("stop", () => {
    say("It stops after this step ...");
    trying(() => post(`/dreams/${dreaming}/stop`));
  });
  on("continue", () => trying(continued));
  on("undo", () => {
    isChanged = false;
    show(before.pop());
    say("Undone.");
  });
  on("another", () => startOver(""));
  on("copy", copy);
  one("masked").addEventListener("change", () => {
    refresh();
    changed();
  });
}

async function copy() {
  try {
    await navigator.clipboard.writeText(one("command").textContent);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(one("command")); // where the browser gives no clipboard
    say("It is selected; copy it with Ctrl-C.");
  }
}

make();
listen(
  { hello: onHello, step: onStep, dream: onDream, queue: onQueue, drawn: onDrawn, note: (x) => say(x.text) },
  onLost,
);
