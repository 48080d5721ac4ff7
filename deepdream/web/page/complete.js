// Completion of an objective's text: functions, layers, classes and pictures, where each may stand.

const FUNCTIONS = [
  ['l2("', "all of a layer"],
  ['channel("', "some channels of a layer"],
  ['neuron("', "one place of a layer's channel"],
  ['strongest("', "what is strongest there already"],
  ['score("', "a class"],
  ['guide("', "a layer, and pictures to be like"],
  ['.within("', "only where a mask is white"],
];
const MOST = 40;
const field = document.querySelector("#objective");
const list = document.querySelector("#completions");
let known = { layers: [], classes: [], pictures: [] };
let offered = [];
let at = -1;

/** What may be written at the end of a text: {from, words: [[text, about]]}. */
export function completions(text, { layers, classes, pictures }) {
  const quoted = /(?:\.(within)|(\w+))\(((?:[^()"]|"[^"]*")*)"([^"]*)$/.exec(text);
  if (quoted) {
    const [, within, name, before, begun] = quoted;
    const first = !before.includes(",");
    const kind =
      within || (name === "guide" && !first) ? pictures : name === "score" ? classes : layers;
    const low = begun.toLowerCase();
    const words = kind.filter((x) => x.toLowerCase().includes(low));
    words.sort((a, b) => b.toLowerCase().startsWith(low) - a.toLowerCase().startsWith(low));
    return { from: text.length - begun.length, words: words.map((x) => [`${x}")`, ""]) };
  }
  const begun = /\.?[a-z0-9]*$/.exec(text)[0];
  const after = text.slice(0, text.length - begun.length).trimEnd();
  const joined = after === "" || /[-+*(]$/.test(after);
  const words = FUNCTIONS.filter(
    ([word]) => word.startsWith(begun) && (word.startsWith(".") ? after.endsWith(")") : joined),
  );
  return { from: text.length - begun.length, words };
}

function offer() {
  const text = field.value.slice(0, field.selectionStart);
  const found = completions(text, known);
  offered = found.words.slice(0, MOST).map(([word, about]) => ({ from: found.from, word, about }));
  at = -1;
  list.replaceChildren(
    ...offered.map(({ word, about }, i) => {
      const item = document.createElement("li");
      Object.assign(item, { id: `completion-${i}`, role: "option" });
      item.setAttribute("aria-selected", "false");
      const small = document.createElement("small");
      small.textContent = about;
      item.append(word, small);
      item.addEventListener("pointerdown", (e) => {
        e.preventDefault();
        take(i);
      });
      return item;
    }),
  );
  open(offered.length > 0);
}

function open(yes) {
  list.hidden = !yes;
  field.setAttribute("aria-expanded", String(yes));
  if (!yes) field.removeAttribute("aria-activedescendant");
}

function move(by) {
  if (list.hidden) return offer();
  at = (at + by + offered.length) % offered.length;
  [...list.children].forEach((x, i) => x.setAttribute("aria-selected", String(i === at)));
  field.setAttribute("aria-activedescendant", `completion-${at}`);
  list.children[at].scrollIntoView({ block: "nearest" });
}

function take(i) {
  const { from, word } = offered[i];
  const rest = field.value.slice(field.selectionStart);
  field.value = field.value.slice(0, from) + word + rest;
  const caret = from + word.length;
  field.setSelectionRange(caret, caret);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function make() {
  field.addEventListener("input", offer);
  field.addEventListener("focus", offer);
  field.addEventListener("blur", () => open(false));
  field.addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      move(e.key === "ArrowDown" ? 1 : -1);
    } else if ((e.key === "Enter" || e.key === "Tab") && !list.hidden && at >= 0) {
      take(at);
    } else if (e.key === "Escape" && !list.hidden) {
      open(false);
    } else {
      return;
    }
    e.preventDefault();
  });
}

export function know(facts) {
  known = { ...known, ...facts };
}
