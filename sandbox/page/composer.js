// The message box: plain text with files and replies, or a slash command being filled in.
import { CommandLine } from "./command-line.js";
import { called, label, runnable, search } from "./commands.js";
import { dots, fill, h, icon } from "./dom.js";
import { Listbox } from "./listbox.js";
import { fileChip } from "./media.js";
import { displayName } from "./message.js";

const MAX_TEXT = 2000;

export class Composer {
  constructor(root) {
    Object.assign(this, {
      session: null,
      channelId: null,
      entries: [],
      line: null,
      last: null,
      replyTo: null,
      files: [],
      sending: false,
    });
    this.list = new Listbox("Suggestions", (option) => this.#pick(option));
    this.input = h("textarea", {
      id: "composer-input",
      rows: 1,
      "aria-autocomplete": "list",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
      onblur: () => this.line || this.list.hide(),
      onpaste: (event) => event.clipboardData.files.length && this.takeFiles(event.clipboardData.files),
    });
    this.picker = h("input", {
      type: "file",
      multiple: true,
      class: "visually-hidden",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => this.#attach(this.picker.files),
    });
    this.attach = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Attach files",
        title: "Attach files",
        onclick: () => this.picker.click(),
      },
      icon("plus"),
    );
    this.send = h(
      "button",
      { type: "button", class: "icon-button send", "aria-label": "Send", title: "Send", onclick: () => this.submit() },
      icon("send"),
    );
    this.field = h("div", { class: "composer-field" }, this.input);
    this.hintLine = h("p", { class: "hint", id: "composer-hint", role: "status" });
    this.extras = h("div", { class: "composer-extras", hidden: true });
    this.box = h("div", { class: "composer-box" }, this.attach, this.picker, this.field, this.send);
    fill(root, this.list.element, this.extras, this.box, this.hintLine);
  }

  /** Points the box at a channel; a half-written text stays. */
  async bind(session, channelId) {
    const moved = session !== this.session || channelId !== this.channelId;
    Object.assign(this, { session, channelId });
    if (moved && this.line) this.#leave("");
    if (moved) {
      this.reply(null);
      this.hint("");
    }
    const name = session.channelName(session.channels.get(channelId)) ?? "…";
    const label = session.channels.get(channelId)?.recipients ? `Message @${name}` : `Message #${name}`;
    this.input.placeholder = label;
    this.input.setAttribute("aria-label", `${label}; type a slash for commands`);
    await this.loadCommands();
  }

  /** Reads the commands of the channel again (they appear when the bot has registered them). */
  async loadCommands() {
    const channelId = this.channelId;
    try {
      const entries = runnable(await this.session.commandsFor(channelId));
      if (channelId !== this.channelId) return;
      this.entries = entries;
      if (!this.line && this.list.open) await this.#typed(); // what is offered may have other names now
    } catch (error) {
      this.hint(`The commands could not be loaded: ${error.message}`, true);
    }
  }

  /** Opens a command with some options filled in; used by suggestions and command mentions. */
  async use(name, values = {}) {
    await this.#freshCommands(name);
    const entry = this.entries.find((other) => other.name === name);
    if (!entry) return this.hint(`/${name} is not here yet: the bot has not registered it. Is it running?`, true);
    this.#enter(entry);
    if (Object.keys(values).length) this.line.fillIn(values);
    else this.line.begin("");
    return undefined;
  }

  reply(message) {
    this.replyTo = message;
    this.#drawExtras();
    if (message) this.focus();
  }

  focus() {
    if (this.line) this.line.begin("");
    else this.input.focus({ preventScroll: true });
  }

  hint(text, isError = false) {
    this.hintLine.textContent = text;
    this.hintLine.classList.toggle("failure", isError);
  }

  async #freshCommands(name) {
    if (this.entries.some((entry) => entry.name === name)) return;
    this.session.forgetCommands();
    await this.loadCommands();
  }

  async #typed() {
    const text = this.input.value;
    this.#grow();
    const call = called(this.entries, text);
    if (!text.startsWith("/") || (text.includes("\n") && !call && this.entries.length)) {
      this.list.hide();
      this.hint(
        text.length > MAX_TEXT ? `${text.length - MAX_TEXT} characters too many for one message.` : "",
        text.length > MAX_TEXT,
      );
      return;
    }
    if (!this.entries.length) await this.#freshCommands("");
    if (this.input.value !== text) return;
    const { entry, rest } = call ?? called(this.entries, text) ?? {};
    if (entry) {
      this.#enter(entry);
      this.line.begin(rest);
      return;
    }
    const found = search(this.entries, text.slice(1));
    const meant = found.length && found[0].rank > 1;
    this.hint(found.length ? "" : this.#noCommand());
    this.list.show(
      found.map((offer) => ({
        label: `/${offer.entry.label}`,
        description: offer.entry.description,
        entry: offer.entry,
        rest: offer.rest,
        kind: "command",
        icon: "/",
        chips: offer.entry.options.filter((option) => option.required).map(label),
      })),
      this.input,
      { title: meant ? "Did you mean" : "Commands" },
    );
  }

  #noCommand() {
    return this.entries.length
      ? "There is no such command. Type / alone to see them all."
      : "There are no commands yet: the bot registers them when it starts.";
  }

  #pick(option) {
    if (option.kind !== "command") return this.line?.pick(option);
    this.#enter(option.entry);
    return this.line.begin(option.rest ?? "");
  }

  #enter(entry) {
    this.list.hide();
    this.line = new CommandLine(entry, {
      session: this.session,
      channelId: this.channelId,
      list: this.list,
      hint: (text, isError) => this.hint(text, isError),
      submit: () => this.submit(),
      leave: (text) => this.#leave(text),
    });
    this.input.value = "";
    fill(this.field, this.line.element);
    this.attach.hidden = true;
    this.hint(entry.description);
    if (!this.files.length) return;
    this.files = this.line.take(this.files); // what was dropped before the command was chosen is for it
    this.#drawExtras();
  }

  #leave(text, focus = true) {
    this.line = null;
    this.list.hide();
    this.attach.hidden = false;
    this.hint("");
    fill(this.field, this.input);
    this.input.value = text;
    this.#grow();
    if (!focus) return;
    this.input.focus({ preventScroll: true });
    if (text) this.#typed();
  }

  #key(event) {
    if (event.isComposing || this.list.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!event.repeat) this.submit();
    } else if (event.key === "Escape" && this.replyTo) {
      this.reply(null);
    } else if (event.key === "ArrowUp" && this.input.value === "" && this.last) {
      event.preventDefault();
      this.use(this.last.name, this.last.values);
    }
  }

  #grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 200)}px`;
  }

  /** Files that were dropped or pasted: for the command being filled in, else for the next message. */
  takeFiles(files) {
    if (this.line) this.line.take(files);
    else this.#attach(files);
  }

  #attach(files) {
    this.files.push(...files);
    this.picker.value = "";
    this.#drawExtras();
    this.focus();
  }

  #drawExtras() {
    const reply =
      this.replyTo &&
      h(
        "div",
        { class: "reply-bar" },
        h("span", {}, "Replying to ", h("strong", {}, displayName(this.replyTo.author))),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": "Do not reply", onclick: () => this.reply(null) },
          icon("close"),
        ),
      );
    const files = this.files.map((file) =>
      fileChip(file, () => {
        this.files = this.files.filter((other) => other !== file);
        this.#drawExtras();
      }),
    );
    fill(this.extras, reply, files.length ? h("div", { class: "file-chips" }, files) : null);
    this.extras.hidden = !reply && !files.length;
  }

  async submit() {
    if (this.sending) return;
    this.sending = true;
    try {
      // Who types faster than the commands come means a command all the same.
      if (!this.line && this.input.value.startsWith("/")) await this.#typed();
      if (!this.line && this.list.open) return;
      const job = this.line ? this.#commandJob() : this.#textJob();
      if (!job) return;
      fill(this.send, dots());
      await job();
    } catch (error) {
      this.hint(error.message, true);
    } finally {
      this.sending = false;
      fill(this.send, icon("send"));
    }
  }

  #commandJob() {
    const { line, session, channelId } = this;
    const collected = line.collect();
    if (!collected) return null;
    this.last = { name: line.entry.name, values: line.typed() };
    return async () => {
      const attachments = await session.api.upload(channelId, collected.files);
      this.#leave("");
      session.runCommand(channelId, line.entry.command, collected.options, attachments); // its fate shows in the channel
    };
  }

  #textJob() {
    const { session, channelId, files, replyTo } = this;
    const content = this.input.value.trim();
    if (content.startsWith("/") && !files.length) {
      this.hint(this.#noCommand(), true);
      return null;
    }
    if (!content && !files.length) return null;
    if (content.length > MAX_TEXT) return null;
    return async () => {
      const attachments = await session.api.upload(channelId, files);
      await session.send(channelId, content, attachments, replyTo);
      this.input.value = "";
      this.files = [];
      this.#grow();
      this.reply(null);
    };
  }
}
