// Long lists of which one line is chosen, and a field that finds lines by their words.

/** A line: a radio button with its label. `chosen` is called with its value. */
export function radio(group, value, checked, inside, chosen) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: group, value, checked });
  input.addEventListener("change", () => chosen(value));
  label.append(input, ...inside);
  return label;
}

/** Whether all words of a filter are in a name. */
export function finds(filter, name) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => name.toLowerCase().includes(word));
}

/** Let ArrowDown and Enter lead from the field to the first line that it finds, and choose it. */
export function leads(field, list) {
  field.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowDown" && e.key !== "Enter") return;
    e.preventDefault();
    const line = list.querySelector(":checked") || list.querySelector("input");
    if (!line) return;
    line.focus();
    if (!line.checked) line.click();
  });
}

/** Scroll a list, and nothing else, to the line that is chosen. */
export function showChosen(list) {
  const line = list.querySelector(":checked")?.parentElement;
  list.scrollTop = line ? line.offsetTop - list.offsetTop - list.clientHeight / 2 : 0;
}
