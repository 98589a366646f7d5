// The beginning of a channel: what this place is and a few prompts to start with.
import { h } from "./dom.js";
import { emojiElement, hasEmojiFont } from "./emoji.js";

const PROMPTS = [
  ["🍎", "a red apple"],
  ["🌅", "a beach at sunset"],
  ["🐱", "two cats"],
  ["⭐", "a yellow star on a blue background"],
  ["🦊", "a cute little fox, watercolor"],
  ["🐶", "a dog and a heart"],
  ["🚗", "a car, neon lights"],
  ["🏰", "a castle, art deco poster"],
  ["🌻", "a sunflower, stained glass"],
  ["🐼", "可爱的熊猫"],
];

/** `suggest(prompt)` fills the message box. */
export function welcome(session, channel, suggest) {
  const name = session.channelName(channel);
  const pictured = hasEmojiFont();
  return [
    h("h2", { id: "welcome-title" }, channel.recipients ? `You and ${name}` : `Welcome to #${name}`),
    h(
      "p",
      {},
      "Type ",
      h("kbd", {}, "/imagine"),
      " and describe a picture, or start with one of these. Four pictures come back; the buttons under them enlarge one (",
      h("strong", {}, "U"),
      "), make variations of it (",
      h("strong", {}, "V"),
      ") or draw again (",
      emojiElement("🔄"),
      ").",
    ),
    h(
      "div",
      { class: "suggestions", role: "group", "aria-label": "Suggested prompts" },
      PROMPTS.map(([emoji, prompt]) =>
        h(
          "button",
          {
            type: "button",
            class: "suggestion",
            onclick: () => suggest(prompt),
          },
          pictured ? emojiElement(emoji, null) : null,
          prompt,
        ),
      ),
    ),
    h(
      "p",
      { class: "welcome-note" },
      "The pictures are made on this computer. Press Enter to send what a suggestion filled in.",
    ),
  ];
}
