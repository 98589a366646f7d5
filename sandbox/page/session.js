// One person's view of the server: what they may see, kept up to date by the gateway. No DOM in here.
import { Api } from "./api.js";
import { runnable } from "./commands.js";
import { Gateway } from "./gateway.js";
import { compareIds, snowflake } from "./time.js";

/** Interaction types that a user client sends. */
export const INTERACTION = { command: 2, component: 3, autocomplete: 4, modal: 5 };
const PATIENCE_MS = 20_000; // the server says after 3 s that nobody answered; this only covers a lost connection

/**
 * Emits (as CustomEvent with a detail): status, channels, commands, history {channelId}, message {kind, message},
 * pending {entry}, modal {modal}, typing {channelId, userId}, me.
 */
export class Session extends EventTarget {
  constructor(user, config) {
    super();
    this.config = config;
    this.me = { id: user.id, username: user.username };
    this.api = new Api(user.token);
    this.status = "connecting";
    this.channels = new Map();
    this.history = new Map(); // channel id → {messages: Map, complete, loading}
    this.users = new Map(config.users.map(({ id, username }) => [id, { id, username }]));
    this.commands = new Map(); // channel id, or "guild" → [command]
    this.pending = new Map(); // nonce → what was sent and is not settled yet
    this.unread = new Set();
    this.labels = new Map(); // a command's name → its name in this person's language
    this.gateway = new Gateway(config.gateway_url, user.token, {
      onEvent: (type, data) => this.#on(type, data),
      onStatus: (status) => {
        this.status = status;
        this.#emit("status", { status });
      },
    });
  }

  #emit(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  userName(id) {
    const user = this.users.get(id);
    return user && (user.global_name || user.username);
  }

  channelName(channel) {
    if (!channel) return undefined;
    return channel.recipients
      ? channel.recipients.map((user) => user.global_name || user.username).join(", ")
      : channel.name;
  }

  /** The loaded messages of a channel, oldest first. */
  messagesOf(channelId) {
    const history = this.history.get(channelId);
    return history ? [...history.messages.values()].sort((a, b) => compareIds(a.id, b.id)) : [];
  }

  async #loadChannels() {
    const channels = await this.api.guildChannels(this.config.guild_id);
    for (const channel of channels) if (channel.type === 0) this.channels.set(channel.id, channel);
    this.#emit("channels");
  }

  /** Loads the newest messages of a channel once; a second call while they are here does nothing. */
  async open(channelId) {
    this.unread.delete(channelId);
    if (this.history.has(channelId)) return;
    this.history.set(channelId, { messages: new Map(), complete: false, loading: null });
    await this.loadOlder(channelId);
  }

  /** Loads the 50 messages before the oldest loaded one. */
  async loadOlder(channelId) {
    const history = this.history.get(channelId);
    if (!history || history.complete) return;
    history.loading ??= this.#fetchOlder(channelId, history).finally(() => (history.loading = null));
    await history.loading;
  }

  async #fetchOlder(channelId, history) {
    const oldest = this.messagesOf(channelId).find((message) => !(message.flags & 64));
    const page = await this.api.messages(channelId, history.started ? oldest?.id : undefined);
    history.started = true;
    history.complete = page.length < 50;
    for (const message of page) {
      this.#meet(message);
      if (!history.messages.has(message.id)) history.messages.set(message.id, message);
    }
    this.#emit("history", { channelId });
  }

  /** The slash and message commands usable in a channel. */
  async commandsFor(channelId) {
    const channel = this.channels.get(channelId);
    const key = channel?.guild_id || !channel?.recipients ? "guild" : channelId;
    if (!this.commands.has(key)) {
      const index =
        key === "guild"
          ? await this.api.guildCommands(this.config.guild_id)
          : await this.api.channelCommands(channelId);
      this.commands.set(key, index.application_commands ?? []);
      for (const { name, label } of runnable(this.commands.get(key))) this.labels.set(name, label);
      for (const application of index.applications ?? []) {
        const bot = application.bot ?? { id: application.id, username: application.name };
        if (!this.users.has(bot.id)) this.users.set(bot.id, bot);
      }
    }
    return this.commands.get(key);
  }

  forgetCommands() {
    this.commands.clear();
  }

  /** How the command of this name is called in this person's language. */
  commandLabel(name) {
    return this.labels.get(name) ?? name;
  }

  /** Discord's language setting of this person: the bot hears of it, and commands are shown in it. */
  async speak(locale) {
    await this.api.settings({ locale });
  }

  // ---- interactions -------------------------------------------------------------------------------------------------

  #interaction(type, channelId, data, extra = {}) {
    const channel = this.channels.get(channelId);
    return {
      type,
      channel_id: channelId,
      ...(channel?.recipients ? {} : { guild_id: this.config.guild_id }),
      application_id: this.config.application_id,
      session_id: this.gateway.sessionId,
      nonce: snowflake(),
      data,
      ...extra,
    };
  }

  /** Sends an interaction and tracks it by its nonce until it is settled; the entry is what the page shows meanwhile. */
  async #track(entry, body) {
    Object.assign(entry, { nonce: body.nonce, channelId: body.channel_id, state: "sent", error: null });
    const settled = new Promise((resolve) => (entry.settle = resolve));
    this.pending.set(body.nonce, entry);
    entry.timer = setTimeout(
      () => this.#settle(body.nonce, "failed", "No answer came. Check the connection and try again."),
      PATIENCE_MS,
    );
    this.#emit("pending", { entry });
    try {
      await this.api.interact(body);
    } catch (error) {
      this.#settle(body.nonce, "failed", error.message);
    }
    return settled;
  }

  #settle(nonce, state, error = null) {
    const entry = this.pending.get(nonce);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.pending.delete(nonce);
    Object.assign(entry, { state, error });
    entry.settle(entry);
    this.#emit("pending", { entry });
  }

  /** Runs a slash command. `options` are Discord's nested option values, `attachments` the uploads they refer to. */
  runCommand(channelId, command, options, attachments) {
    const data = {
      version: command.version,
      id: command.id,
      name: command.name,
      type: 1,
      options,
      application_command: command,
      attachments,
    };
    return this.#track(
      { kind: "command", name: command.name },
      this.#interaction(INTERACTION.command, channelId, data),
    );
  }

  /** Runs a command of a menu ("Apps"): of a message's (type 3) or of a user's (type 2). */
  runMenuCommand(channelId, command, targetId) {
    const data = {
      version: command.version,
      id: command.id,
      name: command.name,
      type: command.type,
      target_id: targetId,
      options: [],
      attachments: [],
    };
    return this.#track(
      { kind: "command", name: command.name },
      this.#interaction(INTERACTION.command, channelId, data),
    );
  }

  /** Presses a button or picks from a select menu (`values`). */
  press(message, component, values) {
    const data = {
      component_type: component.type,
      custom_id: component.custom_id,
      ...(values ? { type: component.type, values } : {}),
    };
    const extra = { message_id: message.id, message_flags: message.flags ?? 0 };
    const body = this.#interaction(INTERACTION.component, message.channel_id, data, extra);
    return this.#track({ kind: "component", messageId: message.id, customId: component.custom_id }, body);
  }

  /** Submits a form; `components` in Discord's shape. */
  async submitModal(modal, components, files = []) {
    const attachments = await this.api.upload(modal.channel_id, files);
    const data = { id: modal.id, custom_id: modal.custom_id, components, attachments };
    return this.#track({ kind: "modal" }, this.#interaction(INTERACTION.modal, modal.channel_id, data));
  }

  /** Asks the bot for suggestions; resolves to [{name, value}], empty when it does not answer. */
  async autocomplete(channelId, command, options) {
    const data = {
      version: command.version,
      id: command.id,
      name: command.name,
      type: 1,
      options,
      application_command: command,
      attachments: [],
    };
    const entry = { kind: "autocomplete" };
    await this.#track(entry, this.#interaction(INTERACTION.autocomplete, channelId, data));
    return entry.choices ?? [];
  }

  /** Posts a plain message. */
  send(channelId, content, attachments, replyTo) {
    const reference = replyTo ? { message_reference: { channel_id: replyTo.channel_id, message_id: replyTo.id } } : {};
    return this.api.send(channelId, { content, nonce: snowflake(), attachments, tts: false, ...reference });
  }

  /** Ephemeral messages live only in the client; dismissing one forgets it. */
  dismiss(message) {
    this.#delete(message.channel_id, message.id);
  }

  // ---- gateway events -----------------------------------------------------------------------------------------------

  #meet(message) {
    const met = [
      message.author,
      message.interaction?.user,
      message.interaction_metadata?.user,
      message.referenced_message?.author,
      ...(message.mentions ?? []),
    ];
    for (const user of met) if (user?.id) this.users.set(user.id, { ...this.users.get(user.id), ...user });
  }

  async #on(type, data) {
    if (type === "READY") await this.#ready(data);
    else if (type === "MESSAGE_CREATE") this.#create(data);
    else if (type === "MESSAGE_UPDATE") this.#update(data);
    else if (type === "MESSAGE_DELETE") this.#delete(data.channel_id, data.id);
    else if (type === "MESSAGE_DELETE_BULK") data.ids.forEach((id) => this.#delete(data.channel_id, id));
    else if (type.startsWith("MESSAGE_REACTION_")) this.#react(type, data);
    else if (type === "INTERACTION_SUCCESS") this.#settle(data.nonce, "done");
    else if (type === "INTERACTION_FAILURE") this.#settle(data.nonce, "failed", "The application did not respond");
    else if (type === "INTERACTION_MODAL_CREATE") {
      const channelId = data.channel_id ?? this.pending.get(data.nonce)?.channelId;
      this.#settle(data.nonce, "done");
      this.#emit("modal", { modal: { ...data, channel_id: channelId } });
    } else if (type === "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE") {
      const entry = this.pending.get(data.nonce);
      if (entry) entry.choices = data.choices;
      this.#settle(data.nonce, "done");
    } else if (type === "GUILD_APPLICATION_COMMAND_INDEX_UPDATE") this.#commandsChanged();
    else if (type === "USER_UPDATE") {
      this.me = { ...this.me, ...data };
      this.#commandsChanged();
      this.#emit("me");
    } else if (type === "CHANNEL_CREATE") {
      this.channels.set(data.id, data);
      this.#emit("channels");
    } else if (type === "TYPING_START" && data.user_id !== this.me.id) {
      this.#emit("typing", { channelId: data.channel_id, userId: data.user_id });
    }
  }

  #commandsChanged() {
    this.forgetCommands();
    this.#emit("commands");
  }

  async #ready(data) {
    this.me = { ...this.me, ...data.user };
    this.users.set(this.me.id, this.me);
    for (const user of data.users ?? []) this.users.set(user.id, user);
    for (const channel of data.private_channels ?? []) this.channels.set(channel.id, channel);
    this.forgetCommands();
    // A new session may have missed events: what is on the screen is fetched afresh, ephemeral messages stay. What the
    // page opens only now, because its channels are known, is fresh.
    const opened = [...this.history.keys()];
    await this.#loadChannels();
    await Promise.all(
      opened.map(async (channelId) => {
        const kept = this.messagesOf(channelId).filter((message) => message.flags & 64);
        this.history.set(channelId, { messages: new Map(kept.map((m) => [m.id, m])), complete: false, loading: null });
        await this.loadOlder(channelId);
      }),
    );
    this.#emit("commands");
  }

  async openDm(userId) {
    const channel = await this.api.openDm(userId);
    this.channels.set(channel.id, channel);
    this.#emit("channels");
    return channel;
  }

  #create(message) {
    this.#meet(message);
    if (message.nonce && this.pending.has(String(message.nonce))) this.#settle(String(message.nonce), "done");
    const history = this.history.get(message.channel_id);
    if (history) history.messages.set(message.id, message);
    else if (!this.channels.has(message.channel_id)) this.#loadDm(message);
    this.unread.add(message.channel_id);
    this.#emit("message", { kind: "create", message });
  }

  #loadDm(message) {
    if (message.guild_id) return;
    this.channels.set(message.channel_id, { id: message.channel_id, type: 1, recipients: [message.author] });
    this.#emit("channels");
  }

  #update(change) {
    const messages = this.history.get(change.channel_id)?.messages;
    const known = messages?.get(change.id);
    if (!known) {
      // An ephemeral reply may be seen for the first time as the edit that ends its "thinking" state.
      if (messages && change.author && change.flags & 64) this.#create(change);
      return;
    }
    const message = { ...known, ...change };
    this.#meet(message);
    messages.set(message.id, message);
    this.#emit("message", { kind: "update", message });
  }

  #delete(channelId, id) {
    const messages = this.history.get(channelId)?.messages;
    const message = messages?.get(id);
    if (!message) return;
    messages.delete(id);
    this.#emit("message", { kind: "delete", message });
  }

  #react(type, data) {
    const message = this.history.get(data.channel_id)?.messages.get(data.message_id);
    if (!message) return;
    const reactions = (message.reactions ?? []).map((reaction) => ({ ...reaction }));
    const mine = data.user_id === this.me.id;
    const found = reactions.find(({ emoji }) => emoji.name === data.emoji?.name);
    if (type === "MESSAGE_REACTION_ADD") {
      if (!found) reactions.push({ emoji: data.emoji, count: 1, me: mine });
      else Object.assign(found, { count: found.count + 1, me: found.me || mine });
    } else if (type === "MESSAGE_REACTION_REMOVE" && found) {
      Object.assign(found, { count: found.count - 1, me: found.me && !mine });
    }
    const left =
      type === "MESSAGE_REACTION_REMOVE_ALL"
        ? []
        : type === "MESSAGE_REACTION_REMOVE_EMOJI"
          ? reactions.filter(({ emoji }) => emoji.name !== data.emoji.name)
          : reactions.filter(({ count }) => count > 0);
    this.#update({ id: message.id, channel_id: message.channel_id, reactions: left });
  }
}
