// Message components, classic and V2. https://discord.com/developers/docs/components/reference
import { dots, fill, h, icon, local, safeUrl } from "./dom.js";
import { emojiElement } from "./emoji.js";
import { Listbox } from "./listbox.js";
import { markdown } from "./markdown.js";
import { attachment, mosaic, unfurled } from "./media.js";

const TYPE = {
  row: 1,
  button: 2,
  stringSelect: 3,
  userSelect: 5,
  roleSelect: 6,
  mentionableSelect: 7,
  channelSelect: 8,
  section: 9,
  text: 10,
  thumbnail: 11,
  gallery: 12,
  file: 13,
  separator: 14,
  container: 17,
};
const COMPOSER_PX = 90; // a list that would reach down to the message box opens upwards
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "primary" };

/** Renders a message's components. `context`: {message, session, names, busy: Set of custom_ids that wait}. */
export function components(list, context) {
  return (list ?? []).map((component) => render(component, context));
}

function render(component, context) {
  const inner = () => components(component.components, context);
  switch (component.type) {
    case TYPE.row:
      return h("div", { class: "row" }, inner());
    case TYPE.button:
      return button(component, context);
    case TYPE.stringSelect:
    case TYPE.userSelect:
    case TYPE.roleSelect:
    case TYPE.mentionableSelect:
    case TYPE.channelSelect:
      return select(component, context);
    case TYPE.section:
      return h(
        "div",
        { class: "section" },
        h("div", { class: "section-text" }, inner()),
        component.accessory ? render(component.accessory, context) : null,
      );
    case TYPE.text:
      return h("div", { class: "text-display" }, markdown(component.content ?? "", context.names));
    case TYPE.thumbnail:
      return h(
        "div",
        { class: "thumbnail" },
        unfurled(component.media, component, () => [component.media]),
      );
    case TYPE.gallery:
      return gallery(component);
    case TYPE.file:
      return attachment({ ...component.file, filename: component.name, size: component.size });
    case TYPE.separator:
      return h("hr", {
        class: `separator${component.divider === false ? " invisible" : ""}${component.spacing === 2 ? " wide" : ""}`,
      });
    case TYPE.container:
      return container(component, inner());
    default:
      return h("p", { class: "unsupported" }, `This page cannot show component type ${component.type}.`);
  }
}

export const colour = (number) => `#${number.toString(16).padStart(6, "0")}`;

function container(component, children) {
  const box = h("div", { class: "container" }, children);
  if (component.accent_color !== null && component.accent_color !== undefined)
    box.style.setProperty("--bar", colour(component.accent_color));
  return box;
}

function gallery(component) {
  const items = component.items.map((item) => ({ ...item.media, description: item.description }));
  return h(
    "div",
    { class: `attachments gallery${mosaic(items, items)}` },
    component.items.map((item) => unfurled(item.media, item, () => items)),
  );
}

export function emoji(value) {
  if (!value) return null;
  return value.id ? h("span", { class: "emoji" }, `:${value.name}:`) : emojiElement(value.name);
}

function button(component, context) {
  const style = STYLES[component.style] ?? "secondary";
  const label = [emoji(component.emoji), component.label ? h("span", {}, component.label) : null];
  const shape = `button ${style}${component.label ? "" : " emoji-only"}`;
  if (component.style === 5) {
    if (!safeUrl(component.url)) return null;
    const here = context.names.place?.(component.url);
    const target = here ? { href: here } : { href: local(component.url), target: "_blank", rel: "noopener noreferrer" };
    return h("a", { class: shape, ...target }, label, here ? null : icon("open"));
  }
  const waiting = context.busy.has(component.custom_id);
  return h(
    "button",
    {
      type: "button",
      class: `${shape}${waiting ? " waiting" : ""}`,
      disabled: Boolean(component.disabled),
      "aria-busy": waiting,
      dataset: { customId: component.custom_id ?? "" },
      onclick: () => !waiting && context.session.press(context.message, component),
    },
    label,
    waiting ? dots() : null,
  );
}

/** The options of a select menu: its own, or the people and channels that the session knows. */
export function selectOptions(component, session) {
  if (component.type === TYPE.stringSelect) return component.options ?? [];
  const users = [...session.users.values()].map((user) => ({ label: session.userName(user.id), value: user.id }));
  const channels = [...session.channels.values()]
    .filter((channel) => !channel.recipients)
    .map((channel) => ({ label: `#${channel.name}`, value: channel.id }));
  const roles = [{ label: "@everyone", value: session.config.guild_id }];
  return {
    [TYPE.userSelect]: users,
    [TYPE.channelSelect]: channels,
    [TYPE.roleSelect]: roles,
    [TYPE.mentionableSelect]: [...users, ...roles],
  }[component.type];
}

/**
 * A select menu as a button with a popup list. With room for several values the picks are handed over when the list
 * closes, else at once.
 */
export function selectMenu(component, session, onChange, { label = null } = {}) {
  const options = selectOptions(component, session);
  const defaults = new Set((component.default_values ?? []).map(({ id }) => id));
  const several = (component.max_values ?? 1) > 1;
  const chosen = new Set(
    options.filter((option) => option.default || defaults.has(option.value)).map((option) => option.value),
  );
  const before = () => [...chosen].join();
  let opened = "";
  const face = h("span", { class: "select-face" });
  const draw = () => {
    const names = options
      .filter((option) => chosen.has(option.value))
      .map((option) => [emoji(option.emoji), option.label, " "]);
    fill(face, names.length ? names : h("span", { class: "placeholder" }, component.placeholder || "Make a selection"));
  };
  const rows = () =>
    options.map((option) => ({
      ...option,
      icon: several
        ? h("span", { class: "tick" }, chosen.has(option.value) ? icon("check") : null)
        : emoji(option.emoji),
      selected: chosen.has(option.value),
    }));
  const close = () => {
    if (!list.open) return;
    list.hide();
    if (several && before() !== opened && chosen.size >= (component.min_values ?? 1)) onChange([...chosen]);
  };
  const open = (active) => {
    list.show(rows(), control, { active });
    const { top, bottom } = control.getBoundingClientRect();
    const { offsetHeight: height } = list.element;
    list.element.classList.toggle("above", bottom + height > window.innerHeight - COMPOSER_PX && top > height);
  };
  const list = new Listbox(component.placeholder || label || "Options", (option) => {
    if (!several) {
      chosen.clear();
      chosen.add(option.value);
      draw();
      list.hide();
      onChange([...chosen]);
      return;
    }
    if (chosen.has(option.value)) chosen.delete(option.value);
    else if (chosen.size < component.max_values) chosen.add(option.value);
    draw();
    open(list.active);
  });
  const control = h(
    "button",
    {
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": label ?? component.placeholder ?? "Make a selection",
      disabled: Boolean(component.disabled),
      dataset: { customId: component.custom_id },
      onclick: () => {
        if (list.open) return close();
        opened = before();
        return open(
          Math.max(
            0,
            options.findIndex((option) => chosen.has(option.value)),
          ),
        );
      },
      onkeydown: (event) => {
        if (event.key === "Escape" && list.open) {
          event.preventDefault();
          event.stopPropagation();
          close();
        } else if (event.key === "Tab") close();
        else if (list.open && event.key === " ") {
          event.preventDefault();
          list.onPick(list.options[list.active]);
        } else if (!list.key(event) && ["ArrowDown", "ArrowUp"].includes(event.key)) {
          event.preventDefault();
          control.click();
        }
      },
      onblur: close,
    },
    face,
    h("span", { class: "caret", "aria-hidden": "true" }, "▾"),
  );
  draw();
  return { element: h("div", { class: "select-box" }, control, list.element), values: () => [...chosen] };
}

function select(component, context) {
  return selectMenu(component, context.session, (values) => context.session.press(context.message, component, values))
    .element;
}
