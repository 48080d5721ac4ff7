// A mask painted on the picture: by the pointer, or by keys.

const canvas = document.querySelector("#mask");
const ring = document.querySelector("#brush");
const size = document.querySelector("#size");
const LONGEST = 1024;
const INK = "#ffb020";
const pen = canvas.getContext("2d", { willReadFrequently: true });
let cursor = null;
let last = null;
let changed = () => {};

const tool = () => document.querySelector("[name=tool]:checked").value;
const scale = () => canvas.width / (canvas.clientWidth || 1);

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * scale(), (event.clientY - box.top) * scale()];
}

function stroke(from, to) {
  pen.globalCompositeOperation = tool() === "eraser" ? "destination-out" : "source-over";
  pen.strokeStyle = INK;
  pen.lineCap = pen.lineJoin = "round";
  pen.lineWidth = size.value * scale();
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(to[0] + 0.01, to[1]);
  pen.stroke();
}

function showRing([x, y]) {
  ring.hidden = false;
  const d = Number(size.value);
  Object.assign(ring.style, {
    width: `${d}px`,
    height: `${d}px`,
    left: `${x / scale() - d / 2}px`,
    top: `${y / scale() - d / 2}px`,
  });
}

function byKeys(event) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  cursor = cursor || [canvas.width / 2, canvas.height / 2];
  if (moves[event.key]) {
    const step = Math.max(4, size.value / 3) * scale();
    const [x, y] = moves[event.key].map((d, i) => cursor[i] + d * step);
    cursor = [Math.min(canvas.width, Math.max(0, x)), Math.min(canvas.height, Math.max(0, y))];
  } else if (event.key === " ") {
    stroke(cursor, cursor);
    changed();
  } else if (event.key === "e") {
    const other = tool() === "eraser" ? "brush" : "eraser";
    document.querySelector(`[name=tool][value=${other}]`).checked = true;
  } else {
    return;
  }
  showRing(cursor);
  event.preventDefault();
}

export function make(call) {
  changed = call;
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    last = place(e);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (e) => {
    const now = place(e);
    showRing(now);
    if (last) {
      stroke(last, now);
      last = now;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last) changed();
      last = null;
    });
  }
  canvas.addEventListener("pointerleave", () => (ring.hidden = true));
  canvas.addEventListener("blur", () => (ring.hidden = true));
  canvas.addEventListener("keydown", byKeys);
  document.querySelector("#clear").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    changed();
  });
  document.querySelector("#invert").addEventListener("click", () => {
    pen.globalCompositeOperation = "xor";
    pen.fillStyle = INK;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    changed();
  });
}

/** Begin anew for a picture of this [width, height]. */
export function fit([width, height]) {
  const share = Math.min(1, LONGEST / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * share));
  canvas.height = Math.max(1, Math.round(height * share));
  cursor = null;
}

export function show(yes) {
  canvas.hidden = !yes;
  if (!yes) ring.hidden = true;
}

/** The mask as a PNG, white where it was painted; null where nothing was. */
export async function png() {
  const { width, height } = canvas;
  const painted = pen.getImageData(0, 0, width, height);
  const values = painted.data;
  let any = false;
  for (let i = 0; i < values.length; i += 4) {
    const alpha = values[i + 3];
    any = any || alpha > 0;
    values[i] = values[i + 1] = values[i + 2] = alpha;
    values[i + 3] = 255;
  }
  if (!any) return null;
  const plain = document.createElement("canvas");
  Object.assign(plain, { width, height });
  plain.getContext("2d").putImageData(painted, 0, 0);
  return new Promise((done) => plain.toBlob(done, "image/png"));
}
