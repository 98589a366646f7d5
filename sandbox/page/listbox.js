// A popup list steered from elsewhere: focus stays in the field (or on the button), which names the active option.
import { fill, h } from "./dom.js";

let count = 0;

// A text box says only which option is active; "expanded" is a word for buttons.
const expandable = (control) => control instanceof HTMLButtonElement;

export class Listbox {
  /** `onPick(option)` gets one of the options given to `show`: {label, description, hint, icon, selected, …}. */
  constructor(label, onPick) {
    this.id = `listbox-${(count += 1)}`;
    this.onPick = onPick;
    this.options = [];
    this.active = -1;
    this.element = h("ul", { class: "listbox", role: "listbox", id: this.id, "aria-label": label, hidden: true });
  }

  get open() {
    return !this.element.hidden;
  }

  /** Shows options for `control`, the element that has the focus. Nothing is shown for an empty list. */
  show(options, control, { title = null, active = 0 } = {}) {
    if (!options.length) return this.hide();
    Object.assign(this, { options, control });
    const rows = options.map((option, index) =>
      h(
        "li",
        {
          class: "option",
          role: "option",
          id: `${this.id}-${index}`,
          "aria-selected": Boolean(option.selected),
          // mousedown, not click: the field must not lose the focus first.
          onmousedown: (event) => {
            event.preventDefault();
            this.onPick(option);
          },
          onmousemove: () => this.active !== index && this.#activate(index, false),
        },
        option.icon ? h("span", { class: "option-icon" }, option.icon) : null,
        h(
          "span",
          { class: "option-text" },
          h(
            "span",
            { class: "option-label" },
            option.label,
            option.chips
              ? h(
                  "span",
                  { class: "option-chips" },
                  option.chips.map((chip) => h("span", {}, chip)),
                )
              : null,
          ),
          option.description ? h("span", { class: "option-description" }, option.description) : null,
        ),
        option.hint ? h("span", { class: "option-hint" }, option.hint) : null,
      ),
    );
    fill(this.element, title ? h("li", { class: "listbox-title", role: "presentation" }, title) : null, rows);
    this.rows = rows;
    this.element.hidden = false;
    if (expandable(control)) control.setAttribute("aria-expanded", "true");
    control.setAttribute("aria-controls", this.id);
    this.#activate(Math.min(active, options.length - 1));
    return undefined;
  }

  hide() {
    this.element.hidden = true;
    this.options = [];
    this.active = -1;
    if (expandable(this.control)) this.control.setAttribute("aria-expanded", "false");
    this.control?.removeAttribute("aria-activedescendant");
  }

  #activate(index, scroll = true) {
    this.rows[this.active]?.classList.remove("active");
    this.active = index;
    const row = this.rows[index];
    row.classList.add("active");
    if (scroll) row.scrollIntoView({ block: "nearest" });
    this.control.setAttribute("aria-activedescendant", row.id);
  }

  /** Handles arrows, Enter, Tab and Escape while open; true when the key was used. */
  key(event) {
    if (!this.open) return false;
    const last = this.options.length - 1;
    if (event.key === "ArrowDown") this.#activate(this.active >= last ? 0 : this.active + 1);
    else if (event.key === "ArrowUp") this.#activate(this.active <= 0 ? last : this.active - 1);
    else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) this.onPick(this.options[this.active]);
    else if (event.key === "Escape") this.hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
