// Building elements without ever parsing text as HTML: what people type reaches the page only as text nodes.

/**
 * Creates an element. `on…` attributes become listeners, `class`, `dataset`, ARIA and plain attributes are set as such,
 * true/false toggles the attribute, null and undefined are left out. Children are nodes, strings or (nested) lists.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("aria-"))
      element.setAttribute(name, String(value)); // false is a value of its own here
    else if (value === false) continue;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && ["value", "disabled", "checked", "hidden", "readOnly"].includes(name))
      element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replaces all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
}

const STROKES = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7",
  send: "M4 12l16-8-5 16-4-6zM11 14l9-10",
  plus: "M12 5v14M5 12h14",
  reply: "M10 6l-6 6 6 6M4 12h10c4 0 6 2 6 6",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.5 14.5c1 1.4 2.2 2 3.5 2s2.500-.6 3.500-2M9 9.500v.5M15 9.500v.5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  open: "M14 4h6v6M20 4l-9 9M18 14v5H5V6h5",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
};

/** A small line icon; decoration only, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}

/** Three dots that mean "working"; the words beside it (or the label) carry the meaning. */
export function dots() {
  return h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
}

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * A link of this server as seen from where the page was opened: through `localhost` or a forwarded port the host
 * differs from the one the server writes into its links, and only the page's own origin is allowed to load.
 */
export function local(url) {
  const parsed = safeUrl(url);
  if (!parsed || !LOOPBACK.has(parsed.hostname)) return url;
  return parsed.protocol.startsWith("ws")
    ? `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${parsed.pathname}${parsed.search}`
    : location.origin + parsed.pathname + parsed.search;
}

/** The parsed URL when it is one that a page may link to or load, else null (`javascript:` and the like). */
export function safeUrl(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:", "ws:", "wss:", "blob:"].includes(parsed.protocol) ? parsed : null;
  } catch {
    return null;
  }
}

/** Says something to screen readers without moving anything on the screen. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
