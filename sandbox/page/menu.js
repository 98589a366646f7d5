// The menus of a message and of a person: the application's menu commands, copying, deleting one's own.
import { label } from "./commands.js";
import { announce, h } from "./dom.js";

const USER_COMMAND = 2;
const MESSAGE_COMMAND = 3;
let open = null;

/** A message's "More" menu, below `button`. */
export async function openMenu(message, button, session) {
  const apps = await menuCommands(session, message.channel_id, MESSAGE_COMMAND, message.id);
  show(button, [
    ...apps,
    message.content ? ["Copy text", () => copy("Text", message.content)] : null,
    ["Copy message link", () => copy("Link", linkTo(message, session))],
    ["Copy message ID", () => copy("Message ID", message.id)],
    message.author.id === session.me.id
      ? ["Delete message", () => session.api.remove(message.channel_id, message.id)]
      : null,
  ]);
}

/** A person's menu, below `button`. */
export async function openUserMenu(user, channelId, button, session) {
  show(button, [
    ...(await menuCommands(session, channelId, USER_COMMAND, user.id)),
    ["Copy user ID", () => copy("User ID", user.id)],
  ]);
}

async function menuCommands(session, channelId, type, targetId) {
  const commands = await session.commandsFor(channelId).catch(() => []);
  return commands
    .filter((command) => command.type === type)
    .map((command) => [`Apps › ${label(command)}`, () => session.runMenuCommand(channelId, command, targetId)]);
}

const copy = (what, text) => navigator.clipboard?.writeText(text).then(() => announce(`${what} copied`));

const linkTo = (message, session) =>
  `https://discord.com/channels/${message.guild_id ?? (session.channels.get(message.channel_id)?.recipients ? "@me" : session.config.guild_id)}/${message.channel_id}/${message.id}`;

function show(button, items) {
  open?.();
  const menu = h(
    "div",
    { class: "menu-popup", role: "menu", "aria-label": "More actions", onkeydown: (event) => walk(event) },
    items.filter(Boolean).map(([text, act]) =>
      h(
        "button",
        {
          type: "button",
          role: "menuitem",
          tabindex: "-1",
          onclick: () => {
            close();
            act();
          },
        },
        text,
      ),
    ),
  );
  const close = () => {
    menu.remove();
    open = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
  };
  const outside = (event) => menu.contains(event.target) || close();

  function walk(event) {
    const buttons = [...menu.children];
    const at = buttons.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      buttons[(next + buttons.length) % buttons.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
      button.focus();
    }
  }

  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "true");
  document.body.append(menu);
  const place = button.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(place.left, window.innerWidth - menu.offsetWidth - 8))}px`;
  const below = window.innerHeight - place.bottom > menu.offsetHeight + 12;
  menu.style.top = `${Math.max(8, below ? place.bottom + 4 : place.top - menu.offsetHeight - 4)}px`;
  document.addEventListener("pointerdown", outside, true);
  open = close;
  menu.firstElementChild.focus();
}
