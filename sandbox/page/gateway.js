// The gateway side of a user client: identify, beat, resume after a drop. https://discord.com/developers/docs/events/gateway
import { local } from "./dom.js";

const OP = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, reconnect: 7, invalid: 9, hello: 10, ack: 11 };
const FATAL = new Set([4004, 4010, 4011, 4012, 4013, 4014]);

export class Gateway {
  /**
   * `onEvent(type, data)` gets every dispatch; `onStatus(state)` one of connecting, ready, waiting, refused.
   * After a drop that could not be resumed a fresh READY arrives: listeners load again what they show.
   */
  constructor(url, token, { onEvent, onStatus }) {
    const address = new URL(local(url));
    address.search = "?v=9&encoding=json";
    Object.assign(this, {
      address,
      token,
      onEvent,
      onStatus,
      sessionId: null,
      sequence: null,
      attempts: 0,
      closed: false,
    });
  }

  connect() {
    this.onStatus("connecting");
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.onmessage = ({ data }) => socket === this.socket && this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.socket && this.#dropped(code);
  }

  close() {
    this.closed = true;
    clearInterval(this.beat);
    clearTimeout(this.retry);
    this.socket?.close(1000);
  }

  /** Tries again at once, when the person asks for it or the network is back. */
  hurry() {
    if (this.retry === undefined || this.closed) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.connect();
  }

  #send(op, d) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ op, d }));
  }

  #receive({ op, d, s, t }) {
    if (s !== null && s !== undefined) this.sequence = s;
    if (op === OP.hello) this.#hello(d.heartbeat_interval);
    else if (op === OP.ack) this.acknowledged = true;
    else if (op === OP.heartbeat) this.#send(OP.heartbeat, this.sequence);
    else if (op === OP.reconnect) this.socket.close(4000);
    else if (op === OP.invalid) {
      if (!d) this.sessionId = null;
      this.socket.close(4000);
    } else if (op === OP.dispatch) {
      if (t === "READY") this.sessionId = d.session_id;
      if (t === "READY" || t === "RESUMED") {
        this.attempts = 0;
        this.onStatus("ready");
      }
      this.onEvent(t, d);
    }
  }

  #hello(interval) {
    this.acknowledged = true;
    clearInterval(this.beat);
    this.beat = setInterval(() => {
      if (!this.acknowledged) return this.socket.close(4000);
      this.acknowledged = false;
      return this.#send(OP.heartbeat, this.sequence);
    }, interval);
    if (this.sessionId) {
      this.#send(OP.resume, { token: this.token, session_id: this.sessionId, seq: this.sequence });
    } else {
      this.sequence = null;
      const properties = { os: "", browser: "Easel Sandbox", device: "" };
      this.#send(OP.identify, { token: this.token, properties, capabilities: 0, compress: false });
    }
  }

  #dropped(code) {
    clearInterval(this.beat);
    if (this.closed) return;
    if (FATAL.has(code)) {
      this.onStatus("refused");
      return;
    }
    if (code === 4007 || code === 4009) this.sessionId = null;
    this.onStatus("waiting");
    const delay = Math.min(500 * 2 ** this.attempts, 8000) * (0.75 + Math.random() / 2);
    this.attempts += 1;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      this.connect();
    }, delay);
  }
}
