// The composer while a slash command is being filled in: the command's name, then one chip for each option.
import { BOOLEANS, OPTION, about, label, nested, problem, wireValue } from "./commands.js";
import { fill, h } from "./dom.js";
import { fileChip } from "./file-option.js";

const SUGGEST_AFTER_MS = 200;

export class CommandLine {
  /** `list` is the composer's popup; `hint(text, isError)` the line under the box; `leave(text)` goes back to plain text. */
  constructor(entry, { session, channelId, list, hint, submit, leave }) {
    Object.assign(this, { entry, session, channelId, list, hint, submit, leave, chips: [] });
    this.more = h("button", {
      type: "button",
      class: "more-options",
      "aria-haspopup": "listbox",
      onclick: () => this.#offerOptions(),
      onkeydown: (event) => this.#moreKey(event),
      onblur: () => this.list.hide(),
    });
    this.name = h(
      "button",
      {
        type: "button",
        class: "command-name",
        tabindex: entry.options.length ? "-1" : "0",
        "aria-label": `Send /${entry.label}`,
        onclick: () => submit(),
        onkeydown: (event) => this.#nameKey(event),
      },
      `/${entry.label}`,
    );
    this.element = h(
      "div",
      { class: "command-line", role: "group", "aria-label": `Command ${entry.label}` },
      this.name,
      this.more,
    );
    const required = entry.options.filter((option) => option.required);
    for (const option of required.length ? required : entry.options.slice(0, 1)) this.#add(option);
    this.#drawMore();
  }

  /** Puts the text typed so far into the first option and the caret behind it. */
  begin(text) {
    const first = this.chips[0];
    if (!first) return this.name.focus();
    if (text && first.option.type !== OPTION.attachment) first.write(text);
    return first.focus();
  }

  /** What was typed, by option name: to call the same command again later. */
  typed() {
    return Object.fromEntries(this.chips.map((chip) => [chip.option.name, chip.read()]));
  }

  fillIn(values) {
    for (const option of this.entry.options) {
      const value = values[option.name];
      if (value === undefined || value === "") continue;
      const chip = this.chips.find((other) => other.option === option) ?? this.#add(option);
      chip.write(value);
    }
    this.#drawMore();
    (this.chips.find((chip) => chip.read() === "") ?? this.chips.at(-1))?.focus();
  }

  /** {options, files} ready to be sent, or null after pointing at the first thing that is wrong. */
  collect() {
    const wrong = this.chips.find((chip) => chip.check());
    if (wrong) {
      wrong.focus();
      this.hint(`${label(wrong.option)}: ${wrong.check()}`, true);
      return null;
    }
    // Enter once too often must not send what was never filled in: an empty value may mean "take mine away".
    if (this.chips.length && !this.chips.some((chip) => chip.read()) && !this.warned) {
      this.warned = true;
      this.chips[0].focus();
      this.hint(`Nothing is filled in. Enter again sends /${this.entry.label} as it is.`);
      return null;
    }
    const files = [];
    const values = [];
    for (const chip of this.chips) {
      const typed = chip.read();
      if (typed === "" || typed === undefined) continue;
      const { type, name } = chip.option;
      if (type === OPTION.attachment) files.push(typed);
      values.push({
        type,
        name,
        value: type === OPTION.attachment ? String(files.length - 1) : wireValue(chip.option, typed, chip.picked),
      });
    }
    return { options: nested(this.entry.path, values), files };
  }

  /** Puts files into the options for files, opening further ones as needed; returns those that found no place. */
  take(files) {
    const rest = [...files];
    const free = () =>
      this.chips.find((chip) => chip.option.type === OPTION.attachment && !chip.read()) ??
      this.#unused().find((option) => option.type === OPTION.attachment);
    for (let place = free(); rest.length && place; place = free()) {
      const chip = place.option ? place : this.#add(place);
      chip.write(rest.shift());
      chip.focus();
    }
    if (rest.length)
      this.hint(`/${this.entry.label} has no place for ${rest.length === 1 ? rest[0].name : "so many files"}.`, true);
    return rest;
  }

  #unused() {
    return this.entry.options.filter((option) => !this.chips.some((chip) => chip.option === option));
  }

  #drawMore() {
    const left = this.#unused().length;
    this.more.hidden = !left;
    fill(this.more, `+${left} optional`);
    this.more.setAttribute("aria-label", `Add one of ${left} optional options`);
  }

  #add(option) {
    const chip = option.type === OPTION.attachment ? this.#fileChip(option) : this.#textChip(option);
    this.chips.push(chip);
    this.element.insertBefore(chip.element, this.more);
    this.#drawMore();
    return chip;
  }

  #remove(chip) {
    const index = this.chips.indexOf(chip);
    this.chips.splice(index, 1);
    chip.element.remove();
    this.#drawMore();
    const neighbour = this.chips[Math.max(0, index - 1)];
    (neighbour ?? this.more).focus();
  }

  #describe(chip) {
    const { option } = chip;
    this.hint(`${label(option)}: ${about(option)}${option.required ? "" : " (optional)"}`);
  }

  #textChip(option) {
    const lines = option.type === OPTION.string; // only a text may have several
    const input = h("textarea", {
      rows: 1,
      "aria-label": `${label(option)}: ${about(option)}`,
      "aria-required": Boolean(option.required),
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: option.type === OPTION.string ? "true" : "false",
      maxlength: 6000,
      placeholder: option.required ? "" : "optional",
      ...(this.#hasList(option) ? { "aria-autocomplete": "list" } : {}),
      inputmode: option.type === OPTION.integer ? "numeric" : option.type === OPTION.number ? "decimal" : null,
      oninput: () => {
        chip.picked = undefined;
        this.warned = false;
        if (!lines) input.value = input.value.replace(/\n/g, " ");
        chip.fit();
        element.classList.remove("wrong");
        this.#suggest(chip);
      },
      onfocus: () => {
        this.#describe(chip);
        this.#suggest(chip);
      },
      onblur: () => {
        element.classList.toggle("wrong", input.value !== "" && Boolean(chip.check()));
        this.list.hide();
      },
      onkeydown: (event) => this.#key(event, chip, lines),
      onpaste: (event) => {
        if (!event.clipboardData.files.length) return;
        event.preventDefault();
        this.take(event.clipboardData.files);
      },
    });
    const mirror = h("span", { class: "mirror", "aria-hidden": "true" });
    const element = h(
      "label",
      { class: "chip" },
      h("span", { class: "chip-name" }, label(option)),
      h("span", { class: "chip-value" }, mirror, input),
    );
    const chip = {
      option,
      element,
      input,
      focus: () => {
        input.focus();
        input.setSelectionRange(input.value.length, input.value.length);
      },
      // The invisible twin takes the text's size; the field lies over it. Works where `field-sizing` does not.
      fit: () => (mirror.textContent = `${input.value || input.placeholder} `),
      read: () => input.value.trim(),
      write: (value) => {
        input.value = value;
        chip.fit();
      },
      check: () => (chip.picked === undefined ? problem(option, chip.read()) : null),
    };
    chip.fit();
    return chip;
  }

  #fileChip(option) {
    const chip = fileChip(option, {
      describe: () => this.#describe(chip),
      key: (event) => this.#fileKey(event, chip),
      changed: () => (this.warned = false),
      others: (files) => this.take(files),
    });
    return chip;
  }

  #hasList(option) {
    return (
      option.type === OPTION.boolean ||
      Boolean(option.choices?.length) ||
      option.autocomplete ||
      [OPTION.user, OPTION.channel, OPTION.role, OPTION.mentionable].includes(option.type)
    );
  }

  async #suggest(chip) {
    const { option } = chip;
    if (!this.#hasList(option)) return this.list.hide();
    const typed = chip.read().toLowerCase();
    let offers;
    if (option.autocomplete) {
      clearTimeout(this.asking);
      await new Promise((resolve) => (this.asking = setTimeout(resolve, SUGGEST_AFTER_MS)));
      offers = await this.session.autocomplete(this.channelId, this.entry.command, this.#focusedOptions(chip));
      if (document.activeElement !== chip.input || chip.read().toLowerCase() !== typed) return undefined;
    } else {
      offers = this.#offers(option).filter((offer) => label(offer).toLowerCase().includes(typed));
    }
    return this.list.show(
      offers.map((offer) => ({ label: label(offer), value: offer.value, chip, kind: "value" })),
      chip.input,
      { title: about(option) },
    );
  }

  #offers(option) {
    if (option.type === OPTION.boolean) return BOOLEANS;
    if (option.choices?.length) return option.choices;
    if (option.type === OPTION.channel)
      return [...this.session.channels.values()]
        .filter((channel) => !channel.recipients)
        .map(({ id, name }) => ({ name: `#${name}`, value: id }));
    const roles = [{ name: "@everyone", value: this.session.config.guild_id }];
    if (option.type === OPTION.role) return roles;
    const users = [...this.session.users.keys()].map((id) => ({ name: this.session.userName(id), value: id }));
    return option.type === OPTION.mentionable ? [...users, ...roles] : users;
  }

  #focusedOptions(chip) {
    const values = this.chips
      .filter((other) => other === chip || (other.read() !== "" && other.option.type !== OPTION.attachment))
      .map((other) => ({
        type: other.option.type,
        name: other.option.name,
        value: other.read(),
        ...(other === chip ? { focused: true } : {}),
      }));
    return nested(this.entry.path, values);
  }

  #offerOptions() {
    this.list.show(
      this.#unused().map((option) => ({ label: label(option), description: about(option), option, kind: "option" })),
      this.more,
      { title: "Options" },
    );
  }

  /** The composer's popup was used for something that this line offered. */
  pick(offer) {
    this.list.hide();
    if (offer.kind === "option") return this.#add(offer.option).focus();
    const { chip } = offer;
    chip.write(offer.label);
    chip.picked = offer.value;
    const next = this.chips[this.chips.indexOf(chip) + 1];
    if (next) next.focus();
    return undefined;
  }

  /** A command without options has only its name to hold the focus. */
  #nameKey(event) {
    if (event.key !== "Escape" && event.key !== "Backspace") return;
    event.preventDefault();
    this.leave(event.key === "Escape" ? "" : `/${this.entry.label}`);
  }

  #moreKey(event) {
    if (this.list.key(event)) return;
    if (event.key === "Escape") this.leave("");
    else if (event.key === "Backspace") this.chips.at(-1)?.focus();
    else if (event.key === "ArrowLeft") this.chips.at(-1)?.focus();
  }

  #fileKey(event, chip) {
    if (event.key === "Escape") this.leave("");
    else if (event.key === "Backspace" || event.key === "Delete") {
      event.preventDefault();
      if (chip.read()) chip.write(null);
      else this.#erase(chip);
    } else if (event.key === "Enter" && chip.read()) {
      event.preventDefault();
      this.submit();
    } else this.#walk(event, chip, true, true);
  }

  #key(event, chip, lines) {
    if (event.isComposing) return;
    const { input } = chip;
    if (event.key === "Enter" && event.shiftKey && lines) return; // a new line
    if (this.list.key(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.submit();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.leave("");
    } else if (event.key === "Backspace" && input.value === "") {
      event.preventDefault();
      this.#erase(chip);
    } else {
      this.#walk(event, chip, input.selectionEnd === 0, input.selectionStart === input.value.length);
    }
  }

  /** Arrow keys at a chip's edge go on to its neighbour. */
  #walk(event, chip, atStart, atEnd) {
    const index = this.chips.indexOf(chip);
    const target =
      event.key === "ArrowLeft" && atStart
        ? this.chips[index - 1]
        : event.key === "ArrowRight" && atEnd
          ? (this.chips[index + 1] ?? (this.more.hidden ? null : this.more))
          : null;
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  /** Backspace in an empty chip: an optional one goes away, in the first required one the command does. */
  #erase(chip) {
    const index = this.chips.indexOf(chip);
    if (!chip.option.required && this.chips.length > 1) this.#remove(chip);
    else if (index > 0) this.chips[index - 1].focus();
    else this.leave(`/${this.entry.label}`);
  }
}
