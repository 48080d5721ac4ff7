// What was made before, as small pictures, the newest first.

const one = (id) => document.querySelector(`#${id}`);

function item(result, choose) {
  const image = document.createElement("img");
  Object.assign(image, { src: `/pictures/${result.picture}/thumb`, loading: "lazy" });
  image.alt = `${result.name}: ${result.goal}`;
  const button = document.createElement("button");
  button.type = "button";
  button.title = `${result.goal}\nseed ${result.seed}`;
  button.append(image);
  button.addEventListener("click", () => choose(result));
  const place = document.createElement("li");
  place.append(button);
  return place;
}

/** Show the results; `choose` is called with the one that is clicked. */
export function list(results, choose) {
  one("history").hidden = !results.length;
  one("results").replaceChildren(...[...results].reverse().map((x) => item(x, choose)));
}
