// One message as an element.
import { colour, components } from "./components.js";
import { dots, h, icon, safeUrl } from "./dom.js";
import { emojiElement } from "./emoji.js";
import { markdown } from "./markdown.js";
import { attachments, unfurled } from "./media.js";
import { formatFull, formatMessageTime } from "./time.js";

export const FLAG = { ephemeral: 1 << 6, loading: 1 << 7 };
const REPLY = 19;
const QUICK_REACTIONS = ["❤️", "✉️", "⭐", "❌"];
const HUES = [28, 168, 205, 262, 330, 96, 8];

/** A round avatar: the picture the server names, an easel for the bot, else the first letter on a colour of one's own. */
export function avatar(user, size = 40) {
  const letter = h(
    "span",
    { class: "avatar", "aria-hidden": "true" },
    (user.global_name || user.username || "?").slice(0, 1).toUpperCase(),
  );
  letter.style.setProperty("--hue", HUES[Number(BigInt(user.id ?? 0) % 7n)]);
  letter.style.setProperty("--size", `${size}px`);
  const picture = user.avatar ? `/avatars/${user.id}/${user.avatar}.png?size=128` : user.bot ? "/page/easel.svg" : null;
  if (picture) {
    const image = h("img", { alt: "", src: picture, onerror: () => image.remove() });
    letter.append(image);
  }
  return letter;
}

export const displayName = (user) => user?.global_name || user?.username || "unknown";

/** What a screen reader says for a message in one breath. */
export function spoken(message, names) {
  const text = h("div", {}, markdown(message.content ?? "", names)).textContent;
  const pictures = (message.attachments ?? []).length;
  const embeds = (message.embeds ?? []).map((embed) => [embed.title, embed.description].filter(Boolean).join(": "));
  return [
    `${displayName(message.author)}:`,
    text,
    ...embeds,
    pictures ? `with ${pictures === 1 ? "a picture" : `${pictures} pictures`}` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * Builds a message. `view`: {session, names, busy, failure, compact, previous (the element it replaces), findMessage(id),
 * jumpTo(id), reply(message), menu(message, button), userMenu(user, button)}.
 */
export function messageElement(message, view) {
  const { session, names, compact, previous } = view;
  const ephemeral = Boolean(message.flags & FLAG.ephemeral);
  const mentioned =
    (message.mentions ?? []).some(({ id }) => id === session.me.id) && message.author.id !== session.me.id;
  const headId = `author-${message.id}`;
  const line = replyLine(message, view);
  const time = h(
    "time",
    { datetime: message.timestamp, title: formatFull(message.timestamp) },
    formatMessageTime(message.timestamp),
  );
  const head = h(
    "header",
    { class: compact && !line ? "head visually-hidden" : "head", id: headId },
    compact && !line
      ? h("strong", { class: "author" }, displayName(message.author))
      : h(
          "button",
          {
            type: "button",
            class: "author",
            title: "Show what can be done",
            onclick: (event) => view.userMenu(message.author, event.currentTarget),
          },
          displayName(message.author),
        ),
    message.author.bot ? h("span", { class: "tag", title: "An application" }, "APP") : null,
    time,
  );
  return h(
    "li",
    {
      class: ["message", compact && !line ? "compact" : "", ephemeral ? "ephemeral" : "", mentioned ? "mentioned" : ""]
        .filter(Boolean)
        .join(" "),
      id: `message-${message.id}`,
      dataset: { id: message.id },
    },
    h(
      "article",
      { "aria-labelledby": headId },
      line,
      compact && !line
        ? h("time", { class: "side-time", "aria-hidden": "true" }, formatMessageTime(message.timestamp))
        : avatar(message.author),
      h(
        "div",
        { class: "body" },
        head,
        body(message, view, previous),
        reactions(message, session),
        view.failure ? h("p", { class: "failure", role: "alert" }, view.failure) : null,
        ephemeral ? ephemeralNote(message, session) : null,
      ),
    ),
    ephemeral || message.flags & FLAG.loading ? null : toolbar(message, view),
  );
}

function body(message, view, previous) {
  if (message.flags & FLAG.loading && !message.content && !message.components?.length) {
    return h("p", { class: "thinking" }, `${displayName(message.author)} is thinking`, dots());
  }
  const edited =
    message.edited_timestamp && !message.author.bot
      ? h("small", { class: "edited", title: formatFull(message.edited_timestamp) }, "(edited)")
      : null;
  const pictures = attachments(
    (message.attachments ?? []).filter((file) => !usedInside(message, file)),
    previous?.querySelector(".attachments"),
  );
  const embedPictures = (message.embeds ?? []).map((item) => item.image).filter(Boolean);
  return [
    message.content ? h("div", { class: "content" }, markdown(message.content, view.names), edited) : null,
    pictures,
    (message.embeds ?? []).map((item) => embed(item, view, embedPictures)),
    message.components?.length
      ? h("div", { class: "components" }, components(message.components, { ...view, message }))
      : null,
  ];
}

// With Components V2 files are shown where a component points at them, not a second time below.
const usedInside = (message, file) =>
  Boolean(message.flags & (1 << 15)) && JSON.stringify(message.components ?? []).includes(file.filename);

function replyLine(message, view) {
  const used = message.interaction ?? (message.interaction_metadata?.name ? message.interaction_metadata : null);
  if (used?.user && used.type === 2) {
    return h(
      "div",
      { class: "reply-line" },
      avatar(used.user, 18),
      h("strong", {}, displayName(used.user)),
      " used ",
      h("span", { class: "mention" }, `/${view.session.commandLabel(used.name)}`),
    );
  }
  if (message.type !== REPLY || !message.message_reference) return null;
  const target = message.referenced_message ?? view.findMessage(message.message_reference.message_id);
  if (!target) return h("div", { class: "reply-line" }, "The original message is gone.");
  const text = target.content || (target.attachments?.length ? "Click to see the picture" : "Click to see the message");
  return h(
    "button",
    { type: "button", class: "reply-line", title: "Go to this message", onclick: () => view.jumpTo(target.id) },
    h("span", { class: "visually-hidden" }, "In reply to "),
    avatar(target.author, 18),
    h("strong", {}, displayName(target.author)),
    h("span", { class: "reply-text" }, markdown(text.split("\n")[0], { ...view.names, command: null })),
  );
}

function embed(item, { names }, gallery) {
  const title = item.title
    ? h(
        "div",
        { class: "embed-title" },
        safeUrl(item.url)
          ? h("a", { href: item.url, target: "_blank", rel: "noopener noreferrer" }, markdown(item.title, names))
          : markdown(item.title, names),
      )
    : null;
  const box = h(
    "div",
    { class: "embed" },
    item.thumbnail
      ? h(
          "div",
          { class: "thumbnail" },
          unfurled(item.thumbnail, {}, () => [item.thumbnail]),
        )
      : null,
    item.author ? h("div", { class: "embed-author" }, item.author.name) : null,
    title,
    item.description ? h("div", { class: "embed-description" }, markdown(item.description, names)) : null,
    item.fields?.length
      ? h(
          "dl",
          { class: "fields" },
          item.fields.map((field) =>
            h(
              "div",
              { class: field.inline ? "inline" : "" },
              h("dt", {}, markdown(field.name, names)),
              h("dd", {}, markdown(field.value, names)),
            ),
          ),
        )
      : null,
    item.image ? unfurled(item.image, { description: item.title }, () => gallery) : null,
    item.footer || item.timestamp
      ? h(
          "div",
          { class: "embed-footer" },
          [item.footer?.text, item.timestamp && formatMessageTime(item.timestamp)].filter(Boolean).join(" · "),
        )
      : null,
  );
  if (item.color !== null && item.color !== undefined) box.style.setProperty("--bar", colour(item.color));
  return box;
}

function reactions(message, session) {
  if (!message.reactions?.length) return null;
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map(({ emoji, count, me }) =>
      h(
        "button",
        {
          type: "button",
          class: "reaction",
          "aria-pressed": Boolean(me),
          "aria-label": `${emoji.name}, ${count} ${count === 1 ? "reaction" : "reactions"}`,
          onclick: () => session.api.react(message.channel_id, message.id, emoji.name, !me),
        },
        emojiElement(emoji.name, null),
        h("span", {}, count),
      ),
    ),
  );
}

function ephemeralNote(message, session) {
  return h(
    "p",
    { class: "ephemeral-note" },
    icon("eye"),
    "Only you can see this · ",
    h("button", { type: "button", class: "link", onclick: () => session.dismiss(message) }, "Dismiss message"),
  );
}

function toolbar(message, view) {
  const act = (label, content, onclick) =>
    h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick }, content);
  const mine = (name) => (message.reactions ?? []).some(({ emoji, me }) => me && emoji.name === name);
  return h(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Message actions" },
    QUICK_REACTIONS.map((name) =>
      act(`React with ${name}`, emojiElement(name, null), () =>
        view.session.api.react(message.channel_id, message.id, name, !mine(name)),
      ),
    ),
    act("Reply", icon("reply"), () => view.reply(message)),
    act("More", icon("more"), (event) => view.menu(message, event.currentTarget)),
  );
}
