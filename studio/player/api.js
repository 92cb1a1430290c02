// What every panel shares: the page's own API, a bus between panels, and small ways to make elements.
const studio = (window.studio ??= (() => {
  const bus = new EventTarget();
  const config = () => window.gradio_config ?? {};
  const root = () => (config().root ?? location.origin) + (config().api_prefix ?? "/gradio_api");

  // What went wrong, as text: an answer may hold it plain, under a name, or in a list.
  function reason(said, otherwise) {
    if (typeof said === "string" && said.trim()) return said;
    if (Array.isArray(said)) return reason(said[0], otherwise);
    if (!said || typeof said !== "object") return otherwise;
    return reason(said.error ?? said.detail ?? said.msg ?? said.message, otherwise);
  }

  // A server that goes away is told once, and so is its return.
  const AGAIN = 2000, GONE = "The server does not answer. What you wrote is kept here: try again in a moment.";
  let there = true;
  async function asked(path, options) {
    try {
      return await fetch(root() + path, options);
    } catch (failure) {
      if (failure.name === "AbortError") throw failure;
      watch();
      throw new Error(GONE, { cause: failure });
    }
  }

  async function watch() {
    if (!there) return;
    there = false;
    bus.dispatchEvent(new CustomEvent("online", { detail: false }));
    while (!there) {
      await new Promise((after) => setTimeout(after, AGAIN));
      there = await fetch(`${root()}/info`).then((answer) => answer.ok, () => false);
    }
    bus.dispatchEvent(new CustomEvent("online", { detail: true }));
  }

  async function post(path, data, signal) {
    const answer = await asked(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ data }),
      signal,
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(reason(said, "The page does not answer: reload it."));
    return said;
  }

  // Runs a named endpoint and hands on everything that it says, until it is over.
  async function stream(name, data, listen, signal) {
    const { event_id } = await post(`/call/${name}`, data, signal);
    const answer = await asked(`/call/${name}/${event_id}`, { signal });
    if (!answer.ok) throw new Error(reason(await answer.json().catch(() => null), "The page does not answer: reload it."));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", last = null;
    for (;;) {
      const { value, done } = await reader.read().catch((failure) => {
        if (failure.name === "AbortError") throw failure;
        watch();
        throw new Error(GONE, { cause: failure });
      });
      if (done) return last;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const kind = /^event: (.*)$/m.exec(block)?.[1];
        const body = /^data: (.*)$/m.exec(block)?.[1];
        const said = body === undefined ? null : JSON.parse(body);
        if (kind === "error") throw new Error(reason(said, "This went wrong: try again."));
        if (kind === "generating") listen((last = said[0]));
        if (kind === "complete") {
          if (last === null && said) last = said[0];
          return last;
        }
      }
    }
  }

  const call = (name, ...data) => stream(name, data, () => {});
  const quick = async (name, ...data) => (await post(`/run/${name}`, data)).data[0];

  // An element from a tag with classes ("button.big"), attributes, and children.
  function h(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const svg = ["svg", "path", "circle", "line", "g", "text", "rect", "title"].includes(name);
    const made = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    if (classes.length) made.setAttribute("class", classes.join(" "));
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (key === "value") made.value = value;
      else if (key.startsWith("aria-")) made.setAttribute(key, value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  }

  function listener() {
    try {
      return localStorage.getItem("studio-listener");
    } catch {
      return null;
    }
  }

  return Object.assign(bus, {
    call,
    quick,
    stream,
    h,
    reason,
    pair: null,
    recipe: null,
    catalogue: null,
    on: (name, run) => bus.addEventListener(name, (event) => run(event.detail)),
    say: (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail })),
    colour: (place) => getComputedStyle(document.body).getPropertyValue(`--concept-${(place % 6) + 1}`).trim(),
    ink: (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim(),
    async listener() {
      let known = listener();
      if (!known) {
        known = await quick("new_listener");
        try {
          localStorage.setItem("studio-listener", known);
        } catch {
          studio.known = known;
        }
      }
      return studio.known ?? known;
    },
    time: (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`,
    copy: (value) => JSON.parse(JSON.stringify(value)),
    get link() {
      return location.origin + location.pathname;
    },
  });
})());
const { h } = studio;
