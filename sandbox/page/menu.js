// A message's "More" menu: the application's message commands, copying, deleting one's own.
import { announce, h } from "./dom.js";

let open = null;

/** Opens the menu below `button`. */
export async function openMenu(message, button, session) {
  open?.();
  const commands = (await session.commandsFor(message.channel_id).catch(() => [])).filter(({ type }) => type === 3);
  const copy = (what, text) => navigator.clipboard?.writeText(text).then(() => announce(`${what} copied`));
  const items = [
    ...commands.map((command) => [`Apps › ${command.name}`, () => session.runMessageCommand(message, command)]),
    message.content ? ["Copy text", () => copy("Text", message.content)] : null,
    ["Copy message ID", () => copy("Message ID", message.id)],
    message.author.id === session.me.id
      ? ["Delete message", () => session.api.remove(message.channel_id, message.id)]
      : null,
  ].filter(Boolean);
  const menu = h(
    "div",
    { class: "menu-popup", role: "menu", "aria-label": "More actions", onkeydown: (event) => walk(event) },
    items.map(([label, act]) =>
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
        label,
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
  menu.style.right = `${Math.max(8, window.innerWidth - place.right)}px`;
  const below = window.innerHeight - place.bottom > menu.offsetHeight + 12;
  menu.style.top = `${Math.max(8, below ? place.bottom + 4 : place.top - menu.offsetHeight - 4)}px`;
  document.addEventListener("pointerdown", outside, true);
  open = close;
  menu.firstElementChild.focus();
}
