// The message list of the open channel: keeps elements in id order, edits them in place, follows the newest.
import { announce, dots, fill, h } from "./dom.js";
import { avatar, displayName, FLAG, messageElement, spoken } from "./message.js";
import { compareIds } from "./time.js";

const GROUP_MS = 7 * 60_000; // messages of one author within this time share a header
const BOTTOM_PX = 80;

export class MessageList {
  /** `names` resolves mentions; `reply(message)` and `menu(message, button)` are the toolbar's, `userMenu` an author's. */
  constructor({ names, reply, menu, userMenu }) {
    this.scroller = document.getElementById("scroller");
    this.list = document.getElementById("messages");
    this.waiting = document.getElementById("pending");
    this.jump = document.getElementById("jump");
    Object.assign(this, {
      names,
      reply,
      menu,
      userMenu,
      elements: new Map(),
      drawn: new Map(), // message id → the message as its element shows it
      failures: new Map(),
      failed: null,
      following: true,
      lastTop: 0,
    });
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.jump.addEventListener("click", () => this.follow());
    // A picture or the window that changes its height must not push the newest message out of sight.
    const keep = new ResizeObserver(() => this.following && this.#toBottom());
    for (const element of [this.scroller, ...this.scroller.children]) keep.observe(element);
  }

  /** Shows a channel of a session from scratch. */
  show(session, channelId) {
    Object.assign(this, { session, channelId, following: true });
    this.failures.clear();
    this.elements.clear();
    this.drawn.clear();
    this.list.replaceChildren();
    this.refresh();
    this.drawPending();
    this.follow();
  }

  /** Brings the list in line with the session's messages; what is there already stays untouched. */
  refresh() {
    const height = this.scroller.scrollHeight;
    const top = this.scroller.scrollTop;
    const known = new Set();
    for (const message of this.session.messagesOf(this.channelId)) {
      known.add(message.id);
      if (!this.elements.has(message.id)) this.#insert(message);
      else if (this.drawn.get(message.id) !== message) this.redraw(message.id);
    }
    for (const id of [...this.elements.keys()]) if (!known.has(id)) this.#drop(id);
    for (const id of known) this.#regroup(id);
    if (this.following) this.#toBottom();
    else this.scroller.scrollTop = top + this.scroller.scrollHeight - height;
  }

  /** One gateway change. */
  apply(kind, message) {
    if (message.channel_id !== this.channelId) return;
    if (kind === "delete") this.#drop(message.id, true);
    else if (kind === "update") this.redraw(message.id);
    else {
      this.#insert(message);
      this.#regroup(message.id);
      if (message.author.id !== this.session.me.id) announce(spoken(message, this.names));
      if (message.author.id === this.session.me.id) this.following = true;
    }
    if (this.following) this.#toBottom();
    else if (kind === "create") this.jump.hidden = false;
  }

  #messages() {
    return this.session.history.get(this.channelId)?.messages ?? new Map();
  }

  #busy(messageId) {
    const waiting = [...this.session.pending.values()].filter((entry) => entry.messageId === messageId);
    return new Set(waiting.map((entry) => entry.customId));
  }

  #build(message, previous = null) {
    const before = this.#before(message);
    this.drawn.set(message.id, message);
    return messageElement(message, {
      session: this.session,
      names: this.names,
      reply: this.reply,
      menu: this.menu,
      userMenu: this.userMenu,
      previous,
      compact: this.#continues(before, message),
      busy: this.#busy(message.id),
      failure: this.failures.get(message.id),
      findMessage: (id) => this.#messages().get(id),
      jumpTo: (id) => this.jumpTo(id),
    });
  }

  #before(message) {
    let found = null;
    for (const other of this.#messages().values()) {
      if (compareIds(other.id, message.id) < 0 && (!found || compareIds(other.id, found.id) > 0)) found = other;
    }
    return found;
  }

  #continues(before, message) {
    return (
      Boolean(before) &&
      before.author.id === message.author.id &&
      before.type === 0 &&
      message.type === 0 &&
      !(before.flags & FLAG.ephemeral) &&
      new Date(message.timestamp) - new Date(before.timestamp) < GROUP_MS
    );
  }

  #insert(message) {
    const element = this.#build(message);
    const next = [...this.list.children].find((other) => compareIds(other.dataset.id, message.id) > 0);
    this.list.insertBefore(element, next ?? null);
    this.elements.set(message.id, element);
  }

  /** A message's header depends on its neighbour above; redraws the one after `id` when that changed. */
  #regroup(id) {
    const after = this.elements.get(id)?.nextElementSibling;
    const message = after && this.#messages().get(after.dataset.id);
    if (message && after.classList.contains("compact") !== this.#continues(this.#before(message), message))
      this.redraw(message.id);
  }

  /** Draws a message again in its place: pictures stay until their successors are loaded, focus stays where it was. */
  redraw(id) {
    const message = this.#messages().get(id);
    const old = this.elements.get(id);
    if (!message || !old) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.customId : undefined;
    const element = this.#build(message, old);
    old.replaceWith(element);
    this.elements.set(id, element);
    if (focused) element.querySelector(`[data-custom-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  #drop(id, regroup = false) {
    const element = this.elements.get(id);
    const previous = element?.previousElementSibling?.dataset.id;
    element?.remove();
    this.elements.delete(id);
    this.drawn.delete(id);
    if (regroup && previous) this.#regroup(previous);
  }

  /** What was sent and is not answered yet: a line at the bottom for commands, dots in the pressed button. */
  settle(entry) {
    if (entry.kind === "component") {
      if (entry.state === "failed") {
        const text =
          entry.error === "The application did not respond"
            ? "This interaction failed: the application did not respond."
            : entry.error;
        this.failures.set(entry.messageId, text);
      } else this.failures.delete(entry.messageId);
      this.redraw(entry.messageId);
    }
    if (entry.state === "failed" && entry.kind === "command" && entry.channelId === this.channelId) this.failed = entry;
    else if (entry.kind === "command") this.failed = null;
    this.drawPending();
    if (entry.kind === "command" && entry.state === "sent") this.follow();
    else if (this.following) this.#toBottom();
  }

  drawPending() {
    const waiting = [...this.session.pending.values()].filter(
      (entry) => entry.kind === "command" && entry.channelId === this.channelId,
    );
    const failed = this.failed?.channelId === this.channelId ? [this.failed] : [];
    const bot = this.session.users.get(this.session.config.application_id) ?? {
      id: this.session.config.application_id,
      username: "Easel",
      bot: true,
    };
    fill(
      this.waiting,
      [...waiting, ...failed].map((entry) =>
        h(
          "li",
          { class: "message" },
          h(
            "article",
            {},
            h(
              "div",
              { class: "reply-line" },
              avatar(this.session.me, 18),
              h("strong", {}, displayName(this.session.me)),
              " used ",
              h("span", { class: "mention" }, `/${this.session.commandLabel(entry.name)}`),
            ),
            avatar(bot),
            h(
              "div",
              { class: "body" },
              h(
                "header",
                { class: "head" },
                h("strong", { class: "author" }, displayName(bot)),
                h("span", { class: "tag" }, "APP"),
              ),
              entry.state === "failed"
                ? h(
                    "p",
                    { class: "failure", role: "alert" },
                    entry.error,
                    " · ",
                    h("button", { type: "button", class: "link", onclick: () => this.#forgive() }, "Dismiss"),
                  )
                : h("p", { class: "thinking" }, "Sending command", dots()),
            ),
          ),
        ),
      ),
    );
  }

  #forgive() {
    this.failed = null;
    this.drawPending();
  }

  /** Goes to a message of this channel, loading what lies between; false where it is gone. */
  async find(id) {
    const { session, channelId } = this;
    await session.open(channelId);
    const history = session.history.get(channelId);
    while (!history.messages.has(id) && !history.complete && channelId === this.channelId) {
      // Older than the oldest that is here? Else it is no more.
      const [oldest] = session.messagesOf(channelId);
      if (oldest && compareIds(oldest.id, id) < 0) break;
      await session.loadOlder(channelId);
    }
    if (channelId !== this.channelId) return true;
    this.jumpTo(id);
    return this.elements.has(id);
  }

  jumpTo(id) {
    const element = this.elements.get(id);
    if (!element) return;
    this.following = false;
    element.scrollIntoView({ block: "center" });
    element.classList.add("flash");
    element.addEventListener("animationend", () => element.classList.remove("flash"), { once: true });
  }

  /** Goes to the newest message and stays there. */
  follow() {
    this.following = true;
    this.jump.hidden = true;
    this.#toBottom();
  }

  #toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    // Only a person scrolls up; a list that grows leaves the position as it is.
    if (scrollHeight - scrollTop - clientHeight < BOTTOM_PX) this.following = true;
    else if (scrollTop < this.lastTop) this.following = false;
    this.lastTop = scrollTop;
    if (this.following) this.jump.hidden = true;
    if (scrollTop < 300) this.session?.loadOlder(this.channelId);
  }
}
