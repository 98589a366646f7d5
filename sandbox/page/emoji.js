// Emoji as drawings of our own, as Discord has its own: the page needs no emoji font, and 🔄 looks alike everywhere.
import { h } from "./dom.js";

const BLUE = "#3b88c3";
const RED = "#dd2e44";
const GOLD = "#ffac33";
const GREY = "#99aab5";
const WHITE = "#fff";

// name → layers [path, fill, stroke]; all on a grid of 24. A layer without a fill is an outline.
const box = (colour = BLUE) => ["M5 2h14a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V5a3 3 0 0 1 3-3z", colour];
const boxed = (path) => [box(), [path, null, WHITE]];
const outline = (path, colour) => [[path, null, colour]];
const filled = (path, colour) => [[path, colour]];
const ARROW = { left: "M17 12H7m4-4-4 4 4 4", right: "M7 12h10m-4-4 4 4-4 4" };

const DRAWN = {
  "🔄": boxed("M6.5 11a5.5 5.5 0 0 1 9.8-2.8M17.5 13a5.5 5.5 0 0 1-9.8 2.8M16.8 5.2v3.3h-3.3M7.2 18.8v-3.3h3.3"),
  "🔁": boxed("M6.5 11V9.5a2 2 0 0 1 2-2h8M14.5 5l2.5 2.5-2.5 2.5M17.5 13v1.5a2 2 0 0 1-2 2h-8M9.5 19 7 16.5 9.5 14"),
  "⬅": boxed(ARROW.left),
  "➡": boxed(ARROW.right),
  "⬆": boxed("M12 17V7M8 11l4-4 4 4"),
  "⬇": boxed("M12 7v10m-4-4 4 4 4-4"),
  "↔": boxed("M6 12h12M9 9l-3 3 3 3M15 9l3 3-3 3"),
  "↕": boxed("M12 6v12M9 9l3-3 3 3M9 15l3 3 3-3"),
  "↩": boxed("M9 6 6 9l3 3M6 9h8a4 4 0 0 1 0 8h-3"),
  "◀": [box(), ["M15 7v10l-7-5z", WHITE]],
  "▶": [box(), ["M9 7v10l7-5z", WHITE]],
  "⏮": [box(), ["M17 7v10l-6-5zM11 7v10l-5-5z", WHITE]],
  "⏭": [box(), ["M7 7v10l6-5zM13 7v10l5-5z", WHITE]],
  "⏩": [box(), ["M6 7v10l6-5zM12 7v10l6-5z", WHITE]],
  "⏸": boxed("M9.5 7v10M14.5 7v10"),
  "⏹": [box(), ["M8 8h8v8H8z", WHITE]],
  "✅": [box("#77b255"), ["M7 12.5l3.5 3.5L17 8.5", null, WHITE]],
  "✔": outline("M5 12.5l4.5 4.5L19 7", "#77b255"),
  "❌": outline("M6 6l12 12M18 6 6 18", RED),
  "✖": outline("M6 6l12 12M18 6 6 18", GREY),
  "➕": outline("M12 5v14M5 12h14", GREY),
  "❤": filled("M12 20.5C5 15.5 2.5 12 2.5 8.5a5 5 0 0 1 9.5-2 5 5 0 0 1 9.5 2c0 3.5-2.5 7-9.5 12z", RED),
  "♥": filled("M12 20.5C5 15.5 2.5 12 2.5 8.5a5 5 0 0 1 9.5-2 5 5 0 0 1 9.5 2c0 3.5-2.5 7-9.5 12z", RED),
  "⭐": filled("M12 2.5l2.9 6.3 6.9.8-5.1 4.7 1.4 6.8L12 17.7l-6.1 3.4 1.4-6.8-5.1-4.7 6.9-.8z", GOLD),
  "✉": [
    ["M3 5.5h18v13H3z", "#ccd6dd"],
    ["M3 6l9 7 9-7", null, "#66757f"],
  ],
  "🔍": [
    ["M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "#bdddf4"],
    ["M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15 15l6 6", null, "#8899a6"],
  ],
  "🔎": [
    ["M14 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "#bdddf4"],
    ["M14 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM9 15l-6 6", null, "#8899a6"],
  ],
  "🌳": [
    ["M10.5 14h3v7.5h-3z", "#662113"],
    ["M12 2a5 5 0 0 1 4.8 3.6A4.6 4.6 0 0 1 16.5 15h-9a4.6 4.6 0 0 1-.3-9.4A5 5 0 0 1 12 2z", "#5c913b"],
  ],
  "🪄": [
    ["M3 21 14 10", null, "#66757f"],
    [
      "M17 2l1.2 3.8L22 7l-3.8 1.2L17 12l-1.2-3.8L12 7l3.8-1.2zM7 4l.6 1.9L9.5 6.5l-1.9.6L7 9l-.6-1.9-1.9-.6 1.9-.6zM20 14l.6 1.9 1.9.6-1.9.6L20 19l-.6-1.9-1.9-.6 1.9-.6z",
      GOLD,
    ],
  ],
  "✨": filled(
    "M11 3l1.8 5.7L18.5 10.5l-5.7 1.8L11 18l-1.8-5.7L3.5 10.5l5.7-1.8zM19 15l.8 2.2 2.2.8-2.2.8L19 21l-.8-2.2-2.2-.8 2.2-.8z",
    GOLD,
  ),
  "🖌": [
    ["M10 13 20 3", null, "#c1694f"],
    ["M9.5 12.5l2 2c.5 3-2.5 6-8.5 6 2-1.5 1.5-3 2-5s2.5-3.5 4.5-3z", GOLD],
  ],
  "🎨": [
    ["M12 3a9 9 0 1 0 0 18c2 0 1.5-1.6 1-2.6-.6-1.2.2-2.4 1.8-2.4H18c2 0 3-1.5 3-4a9 9 0 0 0-9-9z", "#d99e82"],
    ["M7.5 11a1.5 1.5 0 1 0 0-.1z", RED],
    ["M11.5 6.7a1.5 1.5 0 1 0 0-.1z", BLUE],
    ["M16.5 9.2a1.5 1.5 0 1 0 0-.1z", GOLD],
    ["M8 15.7a1.5 1.5 0 1 0 0-.1z", "#77b255"],
  ],
  "✏": outline("M4 20l1-4L16 5l3 3L8 19zM14 7l3 3", GOLD),
  "🗑": outline("M4 6.5h16M9.5 6V4h5v2M6 7l1 13.5h10L18 7M10 10.5v6.5M14 10.5v6.5", GREY),
  "🔗": outline(
    "M10.5 13.5a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1.3 1.3M13.5 10.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1.3-1.3",
    GREY,
  ),
  "📄": [
    ["M5 2h10l4 4v16H5z", "#e1e8ed"],
    ["M8 9h8M8 13h8M8 17h5", null, "#66757f"],
  ],
  "⚙": outline(
    "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M18.7 5.3l-2.1 2.1M7.4 16.6l-2.1 2.1",
    GREY,
  ),
  "⚠": [
    ["M12 3 22 20.5H2z", GOLD],
    ["M12 9.5v5M12 17.5v.1", null, "#231f20"],
  ],
  "🖼": [
    ["M2 4h20v16H2z", "#c1694f"],
    ["M4.5 6.5h15v11h-15z", "#bdddf4"],
    ["M4.5 17.5l5-6 3.5 4 2.5-3 4 5z", "#5c913b"],
  ],
  "🎞": [
    ["M2 4h20v16H2z", "#4b545d"],
    ["M6 4v16M18 4v16M2 9.3h4M2 14.6h4M18 9.3h4M18 14.6h4", null, "#ccd6dd"],
  ],
  "🎬": [
    ["M3 9h18v12H3z", "#4b545d"],
    ["M3 9 4 4l17-1v4z", "#ccd6dd"],
  ],
  "🎲": [
    ["M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z", "#f5f8fa"],
    ["M8 8v.1M16 8v.1M12 12v.1M8 16v.1M16 16v.1", null, RED],
  ],
  "🔒": [
    ["M5 11h14v10H5z", GOLD],
    ["M8 11V8a4 4 0 0 1 8 0v3", null, GREY],
  ],
  "⚡": filled("M13 2 4 14h6l-1 8 10-13h-7z", GOLD),
  "🎉": [
    ["M3 21l5-12 7 7z", GOLD],
    ["M13 7c1-2 0-3-1-4M16 10c2-2 4-1 5-2M18 15c1-.5 2 0 3 1M16 4v.1M20 12.5v.1", null, RED],
  ],
  "🏆": filled("M7 3h10v3h4c0 4-2 6-5 6.5-.8 1.5-2 2.3-3 2.5v3h3v3H8v-3h3v-3c-1-.2-2.2-1-3-2.5C5 12 3 10 3 6h4z", GOLD),
  "👍": filled(
    "M2 11h4v10H2zM8 11l4-8c2 0 3 1.5 2.5 3.5L14 10h6c1.5 0 2 1 1.7 2.3l-1.7 7c-.3 1.2-1 1.7-2.2 1.7H8z",
    GOLD,
  ),
  "👎": filled(
    "M22 13h-4V3h4zM16 13l-4 8c-2 0-3-1.5-2.5-3.5L10 14H4c-1.5 0-2-1-1.7-2.3l1.7-7C4.3 3.5 5 3 6.2 3H16z",
    GOLD,
  ),
  "⏱": outline("M12 6a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 2.5h4M12 2.5V6M12 10v4l2.5 1.5", GREY),
  "⏳": outline("M7 3h10M7 21h10M8 3c0 5 8 6 8 9s-8 4-8 9M16 3c0 5-8 6-8 9s8 4 8 9", GOLD),
  "🐢": filled("M4 15c0-5 3.5-8 8-8s8 3 8 8l2-1v3h-4v3h-3v-3H9v3H6v-3H3z", "#77b255"),
  "🐇": filled(
    "M9 3c2 0 3 3 3 6 4 0 8 3 8 8 0 3-2 4-4 4H7c-2 0-3-1-3-2.5C4 17 5 16 7 16c-1.5-1-2-2.5-2-4 0-2 1-3 2.5-3C7 6 7.5 3 9 3z",
    GREY,
  ),
  "🌀": outline("M12 12a1.5 1.5 0 1 1 1.5 1.5c-3 0-4-5 0-6 5-1 7 6 3 9-5 4-13 0-12-7", BLUE),
  "☑": [box(), ["M7 12.5l3.5 3.5L17 8.5", null, WHITE]],
};

const VARIANT = /\ufe0f/g;
const KEYCAP = /^([0-9#*])\ufe0f?\u20e3$/;
const SVG = "http://www.w3.org/2000/svg";

function svg(layers) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  for (const [d, fill, stroke] of layers) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", fill ?? "none");
    if (stroke) path.setAttribute("stroke", stroke);
    drawing.append(path);
  }
  return drawing;
}

function keycap(sign) {
  const drawing = svg([box()]);
  const text = document.createElementNS(SVG, "text");
  for (const [name, value] of Object.entries({ x: 12, y: 17.5, "text-anchor": "middle", fill: WHITE }))
    text.setAttribute(name, value);
  text.textContent = sign;
  drawing.append(text);
  return drawing;
}

/** The drawing of an emoji, or null for one that is left to the browser's fonts. */
export function drawing(name) {
  const key = KEYCAP.exec(name);
  if (key) return keycap(key[1]);
  const layers = DRAWN[name.replace(VARIANT, "")];
  return layers ? svg(layers) : null;
}

/** An emoji as an element that says its name; `label` is null where the words beside it say enough. */
export function emojiElement(name, label = name) {
  const said = label === null ? { "aria-hidden": "true" } : { role: "img", "aria-label": label };
  return h("span", { class: "emoji", ...said }, drawing(name) ?? name);
}

// What is a sign of its own without the selector (as ↔ is) stays one in text.
const inText = (name) => `${name}\\ufe0f${/\p{Emoji_Presentation}/u.test(name) ? "?" : ""}`;

/** Matches, from `lastIndex`, an emoji that is drawn here. */
export const DRAWN_EMOJI = new RegExp(`[0-9#*]\\ufe0f?\\u20e3|${Object.keys(DRAWN).map(inText).join("|")}`, "uy");

/** Whether this browser has a font with coloured emoji, for those that are not drawn here. */
export function hasEmojiFont() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.font = "12px 'Noto Color Emoji', 'Apple Color Emoji', 'Segoe UI Emoji', sans-serif";
  context.fillText("🦊", 0, 13);
  const { data } = context.getImageData(0, 0, 16, 16);
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] && data[i] !== data[i + 2]) return true;
  return false;
}
