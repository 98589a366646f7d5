// The REST side of an ordinary user client: Discord's user routes and nothing private.
import { local } from "./dom.js";

/** A refused request. `message` is Discord's sentence, with the fields it complains about. */
export class ApiError extends Error {
  constructor(status, body) {
    super([body?.message ?? `The server answered ${status}.`, ...fieldErrors(body?.errors)].join(" "));
    this.status = status;
    this.code = body?.code ?? 0;
  }
}

function fieldErrors(errors) {
  if (!errors || typeof errors !== "object") return [];
  if (Array.isArray(errors._errors)) return errors._errors.map((error) => error.message);
  return Object.values(errors).flatMap(fieldErrors);
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  /** Sends JSON and returns the parsed answer (null for 204). Waits out a 429 as the server asks. */
  async request(method, path, body) {
    for (;;) {
      const response = await fetch(`/api/v9${path}`, {
        method,
        headers: { Authorization: this.token, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const answer = response.status === 204 ? null : await response.json().catch(() => null);
      if (response.status === 429) {
        await new Promise((resolve) => setTimeout(resolve, 1000 * (answer?.retry_after ?? 1)));
        continue;
      }
      if (!response.ok) throw new ApiError(response.status, answer);
      return answer;
    }
  }

  me = () => this.request("GET", "/users/@me");
  settings = (changes) => this.request("PATCH", "/users/@me/settings", changes);
  guildChannels = (guildId) => this.request("GET", `/guilds/${guildId}/channels`);
  guildCommands = (guildId) => this.request("GET", `/guilds/${guildId}/application-command-index`);
  channelCommands = (channelId) => this.request("GET", `/channels/${channelId}/application-command-index`);
  openDm = (userId) => this.request("POST", "/users/@me/channels", { recipients: [userId] });
  interact = (body) => this.request("POST", "/interactions", body);
  send = (channelId, body) => this.request("POST", `/channels/${channelId}/messages`, body);
  remove = (channelId, messageId) => this.request("DELETE", `/channels/${channelId}/messages/${messageId}`);

  /** Up to 50 messages, newest first, older than `before` when given. */
  messages = (channelId, before) =>
    this.request("GET", `/channels/${channelId}/messages?limit=50${before ? `&before=${before}` : ""}`);

  react(channelId, messageId, emoji, on) {
    const path = `/channels/${channelId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}/@me`;
    return this.request(on ? "PUT" : "DELETE", path);
  }

  /** Uploads files; the answer is what a message or an interaction lists as its `attachments`. */
  async upload(channelId, files) {
    if (!files.length) return [];
    const wanted = files.map((file, id) => ({ filename: file.name, file_size: file.size, id: String(id) }));
    const { attachments } = await this.request("POST", `/channels/${channelId}/attachments`, { files: wanted });
    await Promise.all(
      attachments.map(async (slot, index) => {
        const response = await fetch(local(slot.upload_url), {
          method: "PUT",
          headers: { "Content-Type": files[index].type || "application/octet-stream" },
          body: files[index],
        });
        if (!response.ok)
          throw new ApiError(response.status, { message: `${files[index].name} could not be uploaded.` });
      }),
    );
    return attachments.map((slot, index) => ({
      id: String(index),
      filename: files[index].name,
      uploaded_filename: slot.upload_filename,
    }));
  }
}
