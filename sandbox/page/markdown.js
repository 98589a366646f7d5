// Discord's markdown subset → DOM nodes. https://support.discord.com/hc/en-us/articles/210298617
import { h, safeUrl } from "./dom.js";
import { DRAWN_EMOJI, emojiElement } from "./emoji.js";
import { formatStamp } from "./time.js";

/**
 * Renders text. `names` resolves mentions: {user(id), channel(id), command(name, id), place(url)}; the first two give a
 * display name or undefined, the third is called when a command mention is clicked, the last gives the page's own
 * address of what a link of Discord's names, if it is here.
 */
export function markdown(text, names) {
  const nodes = [];
  let rest = text;
  for (const fence of text.matchAll(/```(?:([\w+-]*)\n)?([\s\S]*?)```/g)) {
    const before = text.slice(text.length - rest.length, fence.index);
    nodes.push(...blocks(before.replace(/\n$/, ""), names));
    nodes.push(h("pre", {}, h("code", {}, fence[2].replace(/\n$/, ""))));
    rest = text.slice(fence.index + fence[0].length).replace(/^\n/, "");
  }
  return [...nodes, ...blocks(rest, names)];
}

const BLOCKS = [
  [
    /^(#{1,3}) +(.+)/,
    (m, names) =>
      h(
        "div",
        { class: `heading heading-${m[1].length}`, role: "heading", "aria-level": m[1].length + 2 },
        inline(m[2], names),
      ),
  ],
  [/^-# +(.+)/, (m, names) => h("small", { class: "subtext" }, inline(m[1], names))],
];

function blocks(text, names) {
  if (text === "") return [];
  const nodes = [];
  const lines = text.split("\n");
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) nodes.push(h("div", { class: "paragraph" }, inline(paragraph.join("\n"), names)));
    paragraph = [];
  };
  const take = (pattern, at) => {
    let end = at;
    while (end < lines.length && pattern.test(lines[end])) end += 1;
    return lines.slice(at, end).map((line) => line.replace(pattern, ""));
  };
  for (let i = 0; i < lines.length; i += 1) {
    const single = BLOCKS.find(([pattern]) => pattern.test(lines[i]));
    const group = [
      [/^> ?/, "quote"],
      [/^ *[-*] +/, "ul"],
      [/^ *\d+\. +/, "ol"],
    ].find(([pattern]) => pattern.test(lines[i]));
    if (single) {
      flush();
      nodes.push(single[1](lines[i].match(single[0]), names));
    } else if (group) {
      flush();
      const body = take(group[0], i);
      i += body.length - 1;
      if (group[1] === "quote") nodes.push(h("blockquote", {}, inline(body.join("\n"), names)));
      else
        nodes.push(
          h(
            group[1],
            {},
            body.map((line) => h("li", {}, inline(line, names))),
          ),
        );
    } else {
      paragraph.push(lines[i]);
    }
  }
  flush();
  return nodes;
}

function link(href, names, ...children) {
  if (!safeUrl(href)) return children;
  const here = names.place?.(href);
  if (here) {
    const bare = children.length === 1 && children[0] === href;
    return h(
      "a",
      { href: here, class: bare ? "mention" : null, title: "Go to this message" },
      bare ? names.placeName(href) : children,
    );
  }
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, ...children);
}

const mention = (text) => h("span", { class: "mention" }, text);

function command(name, id, names) {
  return h("button", { type: "button", class: "mention", onclick: () => names.command?.(name, id) }, `/${name}`);
}

// Tried in this order at every position; each pattern is sticky, so a rule never skips text.
const RULES = [
  [/\\([^\sA-Za-z0-9])/y, (m) => m[1]],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (m) => h("code", {}, m[2].trim() || m[2])],
  [/<(https?:\/\/[^\s>]+)>/y, (m, names) => link(m[1], names, m[1])],
  [
    /\[((?:\\.|[^\]\\\n])+)\]\(<?(https?:\/\/[^\s>)]+)>?(?: +"[^"]*")?\)/y,
    (m, names) => link(m[2], names, inline(m[1], names)),
  ],
  [
    /<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/y,
    (m) => h("time", { class: "stamp", datetime: iso(m[1]) }, formatStamp(Number(m[1]), m[2])),
  ],
  [/<@!?(\d+)>/y, (m, names) => mention(`@${names.user?.(m[1]) ?? "unknown"}`)],
  [/<@&(\d+)>/y, () => mention("@role")],
  [/<#(\d+)>/y, (m, names) => mention(`#${names.channel?.(m[1]) ?? "unknown"}`)],
  [/<\/([^:>]+):(\d+)>/y, (m, names) => command(m[1], m[2], names)],
  [/<a?:(\w+):\d+>/y, (m) => `:${m[1]}:`],
  [DRAWN_EMOJI, (m) => emojiElement(m[0])],
  [/@(everyone|here)\b/y, (m) => mention(m[0])],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])]/y, (m, names) => link(m[0], names, m[0])],
  [/\*\*\*((?:\\[\s\S]|[^\\])+?)\*\*\*/y, (m, names) => h("strong", {}, h("em", {}, inline(m[1], names)))],
  [/\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y, (m, names) => h("strong", {}, inline(m[1], names))],
  [/__((?:\\[\s\S]|[^\\])+?)__(?!_)/y, (m, names) => h("u", {}, inline(m[1], names))],
  [/~~((?:\\[\s\S]|[^\\])+?)~~/y, (m, names) => h("s", {}, inline(m[1], names))],
  [/\|\|((?:\\[\s\S]|[^\\])+?)\|\|/y, (m, names) => spoiler(inline(m[1], names))],
  [/\*(?=\S)((?:\\[\s\S]|\*\*|[^\\*])+?)(?<=\S)\*(?!\*)/y, (m, names) => h("em", {}, inline(m[1], names))],
  [/_(?=\S)((?:\\[\s\S]|[^\\_])+?)_(?!\w)/y, (m, names) => h("em", {}, inline(m[1], names))],
];

function inline(text, names) {
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    let node = null;
    for (const [pattern, build] of RULES) {
      // `_` inside a word (snake_case) is text, not emphasis.
      if (text[at] === "_" && at > 0 && /\w/.test(text[at - 1])) break;
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (!match) continue;
      node = build(match, names);
      at += match[0].length;
      break;
    }
    if (node === null) {
      plain += text[at];
      at += 1;
    } else if (typeof node === "string") {
      plain += node;
    } else {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(node);
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function iso(seconds) {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Something hidden until it is asked for. */
export function spoiler(children) {
  const show = (event) => {
    if (!cover.classList.contains("hidden-content")) return;
    event.preventDefault();
    event.stopPropagation();
    cover.classList.remove("hidden-content");
    cover.removeAttribute("role");
    cover.removeAttribute("aria-label");
  };
  const cover = h(
    "span",
    {
      class: "spoiler hidden-content",
      role: "button",
      tabindex: "0",
      "aria-label": "Hidden; press to show",
      onclick: show,
      onkeydown: (event) => ["Enter", " "].includes(event.key) && show(event),
    },
    children,
  );
  return cover;
}
