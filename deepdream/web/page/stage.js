// The picture: the dream, the original beside it behind a slider, and the frames as they come.

const one = (id) => document.querySelector(`#${id}`);
const frame = one("frame");
const dream = one("dream");
const original = one("original");
let waiting = "";
let loading = false;
let film = null; // {pictures, times, at, timer} of the frames that are shown
let kinds = []; // of animations that the server can write

const shown = (id) => `/pictures/${id}/shown`;

function cut() {
  frame.style.setProperty("--cut", `${one("cut").value}%`);
  one("edge").hidden = one("cut").value === "0";
}

export function make() {
  one("cut").addEventListener("input", cut);
  one("play").addEventListener("click", () => (film?.timer ? pause() : play()));
  one("number").addEventListener("input", () => {
    pause();
    turn(one("number").value - 1);
  });
  cut();
}

/** Know which animations the server can write. */
export function know(animations) {
  kinds = animations;
}

/** Show a photograph that nothing was dreamt on yet. */
export function photograph(picture) {
  one("empty").hidden = true;
  one("shown").hidden = false;
  waiting = "";
  frame.style.setProperty("--width", picture.size[0]);
  frame.style.setProperty("--height", picture.size[1]);
  original.src = dream.src = shown(picture.id);
  dream.alt = `The photograph ${picture.name}`;
  close();
  one("compare").hidden = true;
  one("cut").value = 0;
  cut();
}

/** Show the newest picture of a dream, as soon as it is here; those in between are left out. */
export function growing(address) {
  waiting = address;
  if (!loading) next();
  one("compare").hidden = false;
  dream.alt = "The dream as it grows";
}

function next() {
  if (!waiting) return;
  const image = new Image();
  loading = true;
  const address = waiting;
  waiting = "";
  image.onload = () => {
    dream.src = address;
    document.body.dataset.frames = Number(document.body.dataset.frames || 0) + 1;
    loading = false;
    next();
  };
  image.onerror = () => {
    loading = false;
    next();
  };
  image.src = address;
}

/** Show a finished dream. */
export function finished(result) {
  waiting = "";
  dream.src = shown(result.picture);
  dream.alt = `The dream of ${result.goal}, by ${result.model}`;
  one("compare").hidden = false;
  close();
  if (result.frames.length > 1) open(result);
}

// the frames of a zoom

function open(result) {
  const pictures = result.frames.map((id) => {
    const image = new Image();
    image.src = shown(id);
    return image;
  });
  film = { pictures, times: result.times, at: 0, timer: 0 };
  one("number").max = pictures.length;
  const links = kinds.map((kind) => {
    const a = document.createElement("a");
    Object.assign(a, { href: `/results/${result.id}.${kind}`, className: "button" });
    a.textContent = `Save as ${kind === "webp" ? "WebP" : kind.toUpperCase()}`;
    return a;
  });
  one("animations").replaceChildren(...links);
  one("film").hidden = false;
  turn(pictures.length - 1);
}

function close() {
  pause();
  film = null;
  one("film").hidden = true;
}

function turn(number) {
  film.at = number;
  dream.src = film.pictures[number].src;
  one("number").value = number + 1;
  one("number-of").textContent = `${number + 1} of ${film.pictures.length}`;
}

function play() {
  if (!film) return;
  one("play").textContent = "Pause";
  const next = () => {
    turn((film.at + 1) % film.pictures.length);
    film.timer = setTimeout(next, film.times[film.at]);
  };
  next();
}

function pause() {
  clearTimeout(film?.timer);
  if (film) film.timer = 0;
  one("play").textContent = "Play";
}

/** Let the photograph go, and offer to choose one. */
export function empty() {
  close();
  one("empty").hidden = false;
  one("shown").hidden = true;
}
