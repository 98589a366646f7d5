// Wires the page: one session for each person, of which one is shown; channels, people, message list and composer.
import { Composer } from "./composer.js";
import { announce, fill, h, icon } from "./dom.js";
import { avatar, displayName } from "./message.js";
import { MessageList } from "./messages.js";
import { openMenu, openUserMenu } from "./menu.js";
import { openModal } from "./modal.js";
import { Session } from "./session.js";
import { welcome } from "./welcome.js";

const byId = (id) => document.getElementById(id);
const TYPING_MS = 8000;
// A link of Discord's to a channel or a message: guild (or @me), channel, message.
const PLACE = /^https:\/\/(?:(?:ptb|canary)\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?\/?$/;
const LANGUAGES = ["en-US", "zh-CN", "ja", "ko", "de", "fr", "es-ES", "pt-BR", "ru", "vi"];

class App {
  constructor(config) {
    this.config = config;
    this.sessions = config.users.map((user) => new Session(user, config));
    this.session = this.sessions[0];
    this.names = {
      user: (id) => this.session.userName(id),
      channel: (id) => this.session.channelName(this.session.channels.get(id)),
      command: (name) => this.composer.use(name),
      place: (url) => this.#place(url)?.address,
      placeName: (url) => this.#place(url)?.name,
    };
    this.composer = new Composer(byId("composer"));
    this.list = new MessageList({
      names: this.names,
      reply: (message) => this.composer.reply(message),
      menu: (message, button) => openMenu(message, button, this.session),
      userMenu: (user, button) => openUserMenu(user, this.list.channelId, button, this.session),
    });
  }

  start() {
    fill(byId("menu"), icon("menu"));
    byId("menu").addEventListener("click", () => this.#drawer(byId("sidebar").classList.contains("open") === false));
    byId("skip").addEventListener("click", () => this.composer.focus());
    byId("scrim").addEventListener("click", () => this.#drawer(false));
    window.addEventListener("hashchange", () => this.#route());
    window.addEventListener("online", () => this.sessions.forEach((session) => session.gateway.hurry()));
    document.addEventListener("visibilitychange", () => document.hidden || this.session.gateway.hurry());
    document.addEventListener("keydown", (event) => this.#shortcut(event));
    this.#takeDrops();
    for (const session of this.sessions) this.#listen(session);
    this.#route();
    this.session.gateway.connect();
  }

  #listen(session) {
    const on = (type, react) => session.addEventListener(type, ({ detail }) => react(detail, session === this.session));
    on("status", (_, shown) => shown && this.#drawStatus());
    on("channels", (_, shown) => shown && this.#route());
    on("commands", (_, shown) => shown && this.composer.loadCommands());
    on("me", (_, shown) => shown && this.#drawLanguages());
    on("history", ({ channelId }, shown) => {
      if (!shown || channelId !== this.list.channelId) return;
      this.list.refresh();
      this.#drawWelcome();
      this.#drawBusy();
    });
    on("message", ({ kind, message }, shown) => {
      if (!shown) return;
      this.list.apply(kind, message);
      if (kind === "create") this.#noticed(message);
    });
    on("pending", ({ entry }, shown) => shown && this.list.settle(entry));
    on("modal", ({ modal }, shown) => shown && openModal(modal, session, this.names));
    on("typing", ({ channelId, userId }, shown) => shown && channelId === this.list.channelId && this.#typing(userId));
  }

  /** The page's own address of what a link of Discord's names, and its name; undefined where it is not of this server. */
  #place(url) {
    const [, channelId, messageId] = PLACE.exec(url) ?? [];
    const channel = this.session.channels.get(channelId);
    if (!channel) return undefined;
    const name = this.session.channelName(channel);
    return {
      address: `#${[this.sessions.indexOf(this.session), channelId, messageId].filter((part) => part !== undefined).join("/")}`,
      name: `${channel.recipients ? "@" : "#"}${name}${messageId ? " › message" : ""}`,
    };
  }

  /** The address names the person, the channel and perhaps a message, so a reload and the back button work: #0/1234. */
  #route() {
    const [person, channelId, messageId] = location.hash.slice(1).split("/");
    const session = this.sessions[Number(person) || 0] ?? this.sessions[0];
    if (session !== this.session) {
      this.session = session;
      if (!session.gateway.socket) session.gateway.connect();
      announce(`You are now ${displayName(session.me)}`);
    }
    this.#drawStatus();
    this.#drawPeople();
    const wanted =
      session.channels.get(channelId) ??
      session.channels.get(this.config.channel_id) ??
      [...session.channels.values()][0];
    this.#drawChannels(wanted?.id);
    this.#drawLanguages();
    if (!wanted) {
      // Until the channels are known nothing of the person before is left to press, and what is typed is this person's.
      const place = channelId ?? this.config.channel_id;
      this.list.show(session, place);
      this.#drawBusy();
      this.#drawWelcome();
      this.composer.bind(session, place);
      return;
    }
    this.#show(session, wanted);
    if (messageId && messageId !== this.visited) {
      this.list.find(messageId).then((found) => found || this.#banner("This message is no more."));
    }
    this.visited = messageId;
  }

  #go(person, channelId) {
    const hash = `#${person}/${channelId}`;
    this.#drawer(false);
    if (location.hash === hash) this.#route();
    else location.hash = hash;
  }

  #show(session, channel) {
    const name = session.channelName(channel);
    byId("channel-name").textContent = channel.recipients ? `@ ${name}` : `# ${name}`;
    byId("channel-topic").textContent = channel.topic ?? "";
    document.title = `${channel.recipients ? "@" : "#"}${name} · Easel Sandbox`;
    byId("messages").setAttribute("aria-label", `Messages in ${name}`);
    if (this.list.session !== session || this.list.channelId !== channel.id) this.list.show(session, channel.id);
    this.#drawBusy();
    session.open(channel.id).catch((error) => this.#banner(`The messages could not be loaded: ${error.message}`));
    this.#drawWelcome();
    this.composer.bind(session, channel.id);
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  #drawBusy() {
    const { session, channelId } = this.list;
    byId("messages").setAttribute("aria-busy", String(!session.history.get(channelId)?.started));
  }

  #drawWelcome() {
    const { session, channelId } = this.list;
    const complete = session?.history.get(channelId)?.complete;
    byId("welcome").hidden = !complete;
    if (complete)
      fill(
        byId("welcome"),
        welcome(session, session.channels.get(channelId), (prompt) => this.composer.use("imagine", { prompt })),
      );
  }

  #drawChannels(current) {
    const { session } = this;
    const person = this.sessions.indexOf(session);
    const row = (channel, mark, onclick) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: [
              "channel",
              channel.id === current ? "current" : "",
              session.unread.has(channel.id) && channel.id !== current ? "unread" : "",
            ].join(" "),
            "aria-current": channel.id === current ? "page" : null,
            onclick: onclick ?? (() => this.#go(person, channel.id)),
          },
          mark,
          h("span", {}, session.channelName(channel)),
          session.unread.has(channel.id) && channel.id !== current
            ? h("span", { class: "visually-hidden" }, " (new messages)")
            : null,
        ),
      );
    const channels = [...session.channels.values()];
    const rooms = channels
      .filter((channel) => !channel.recipients)
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    const dms = channels.filter((channel) => channel.recipients);
    fill(
      byId("channels"),
      rooms.map((channel) => row(channel, h("span", { class: "hash", "aria-hidden": "true" }, "#"))),
    );
    const bot = session.users.get(this.config.application_id) ?? { id: this.config.application_id, username: "Easel" };
    const open = async () => {
      try {
        this.#go(person, (await session.openDm(bot.id)).id);
      } catch (error) {
        this.#banner(`The direct message could not be opened: ${error.message}`);
      }
    };
    const missing = dms.some((channel) => channel.recipients.some(({ id }) => id === bot.id))
      ? []
      : [row({ id: "new", recipients: [bot] }, avatar(bot, 22), open)];
    fill(
      byId("dms"),
      dms.map((channel) => row(channel, avatar(channel.recipients[0] ?? bot, 22))),
      missing,
    );
  }

  #noticed(message) {
    if (message.channel_id === this.list.channelId) this.session.unread.delete(message.channel_id);
    else this.#drawChannels(this.list.channelId);
    if (message.channel_id === this.list.channelId) byId("typing")?.remove();
  }

  #drawPeople() {
    const current = this.sessions.indexOf(this.session);
    const pick = (index) => {
      this.#go(
        index,
        this.session.channels.get(this.list.channelId)?.recipients
          ? this.config.channel_id
          : (this.list.channelId ?? this.config.channel_id),
      );
      byId("people").children[index]?.focus();
    };
    const arrows = (event) => {
      const delta = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!delta) return;
      event.preventDefault();
      pick((current + delta + this.sessions.length) % this.sessions.length);
    };
    fill(
      byId("people"),
      this.sessions.map((session, index) =>
        h(
          "button",
          {
            type: "button",
            role: "radio",
            class: "person",
            "aria-checked": index === current ? "true" : "false",
            tabindex: index === current ? "0" : "-1",
            onclick: () => pick(index),
            onkeydown: arrows,
          },
          avatar(session.me, 30),
          h("span", {}, this.session.userName(session.me.id)),
        ),
      ),
    );
  }

  /** The language of the person shown: the bot hears of it, and its commands are called by their names in it. */
  #drawLanguages() {
    const { locale } = this.session.me;
    const known = LANGUAGES.includes(locale) || !locale ? LANGUAGES : [...LANGUAGES, locale];
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    const select = h(
      "select",
      {
        id: "language",
        onchange: () =>
          this.session
            .speak(select.value)
            .catch((error) => this.#banner(`The language could not be changed: ${error.message}`)),
      },
      known.map((code) => h("option", { value: code, selected: code === (locale ?? "en-US") }, names.of(code))),
    );
    fill(byId("languages"), h("label", { for: "language" }, "Language"), select);
  }

  /** Files may be dropped anywhere on the page. */
  #takeDrops() {
    const carries = (event) =>
      [...(event.dataTransfer?.types ?? [])].includes("Files") && !document.querySelector("dialog");
    const show = (on) => document.body.classList.toggle("dropping", on);
    window.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      show(true);
    });
    window.addEventListener("dragleave", (event) => event.relatedTarget === null && show(false));
    window.addEventListener("drop", (event) => {
      show(false);
      if (!carries(event)) return;
      event.preventDefault();
      this.composer.takeFiles(event.dataTransfer.files);
    });
  }

  #drawStatus() {
    const { status } = this.session;
    if (status === "ready") {
      byId("banner").hidden = true;
      return;
    }
    if (status === "connecting" && !this.session.channels.size) return;
    if (status === "refused") this.#banner("The server refused this session. Reload the page to get a new one.");
    else
      this.#banner("The connection was lost. Trying again…", {
        label: "Try now",
        act: () => this.session.gateway.hurry(),
      });
  }

  #banner(text, action = null) {
    fill(
      byId("banner"),
      text,
      action ? h("button", { type: "button", class: "link", onclick: action.act }, action.label) : null,
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Hide this notice",
          onclick: () => (byId("banner").hidden = true),
        },
        icon("close"),
      ),
    );
    byId("banner").hidden = false;
  }

  #typing(userId) {
    clearTimeout(this.typingTimer);
    this.composer.hint(`${this.session.userName(userId) ?? "Someone"} is typing…`);
    this.typingTimer = setTimeout(() => this.composer.hint(""), TYPING_MS);
  }

  #drawer(open) {
    byId("sidebar").classList.toggle("open", open);
    byId("scrim").hidden = !open;
    byId("menu").setAttribute("aria-expanded", String(open));
    if (open) byId("channels").querySelector("button")?.focus();
  }

  #shortcut(event) {
    if (event.key === "Escape" && byId("sidebar").classList.contains("open")) {
      this.#drawer(false);
      byId("menu").focus();
    }
    // Typing anywhere goes to the message box, as in every chat.
    const free = document.activeElement === document.body || byId("scroller") === document.activeElement;
    if (free && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) this.composer.focus();
  }
}

const config = document.getElementById("sandbox-config");
if (config) {
  new App(JSON.parse(config.textContent)).start();
} else {
  fill(byId("banner"), "This page has to be opened through the sandbox server: python -m sandbox demo");
  byId("banner").hidden = false;
}
