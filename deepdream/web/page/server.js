// What the page says to its server, and what it hears from it.

export class Refused extends Error {}

async function answer(response) {
  let facts = {};
  try {
    facts = await response.json();
  } catch {
    facts = { error: `the server answers ${response.status}` };
  }
  if (!response.ok) throw new Refused(facts.error || `the server answers ${response.status}`);
  return facts;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer. Is `deepdream serve` still running?");
  }
  return answer(response);
}

export const get = (path) => ask(path);

export const post = (path, facts = {}) =>
  ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(facts),
  });

export const upload = (blob, name) =>
  ask(`/pictures?name=${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: blob,
  });

/** Listen to the server's events; `heard` has a function for each, `lost` is called when it goes. */
export function listen(heard, lost) {
  let source;
  const open = () => {
    source = new EventSource("/events");
    for (const [event, call] of Object.entries(heard)) {
      source.addEventListener(event, (e) => call(JSON.parse(e.data)));
    }
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    };
  };
  open();
  addEventListener("pagehide", () => source.close());
}
