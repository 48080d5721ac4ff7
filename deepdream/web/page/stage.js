// The picture: the dream, the original beside it behind a slider, and the frames as they come.

const one = (id) => document.querySelector(`#${id}`);
const frame = one("frame");
const dream = one("dream");
const original = one("original");
let waiting = "";
let loading = false;

const shown = (id) => `/pictures/${id}/shown`;

function cut() {
  frame.style.setProperty("--cut", `${one("cut").value}%`);
  one("edge").hidden = one("cut").value === "0";
}

export function make() {
  one("cut").addEventListener("input", cut);
  cut();
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
  one("compare").hidden = one("frames").hidden = true;
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
  const count = result.frames.length;
  one("frames").hidden = count < 2;
  const number = one("number");
  Object.assign(number, { max: count, value: count });
  number.oninput = () => {
    dream.src = shown(result.frames[number.value - 1]);
    one("number-of").textContent = `${number.value} of ${count}`;
  };
  one("number-of").textContent = `${count} of ${count}`;
}

/** Let the photograph go, and offer to choose one. */
export function empty() {
  one("empty").hidden = false;
  one("shown").hidden = true;
}
