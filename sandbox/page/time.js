// Times as a chat shows them, in the reader's own language and zone.

const EPOCH = 1420070400000n; // Discord's snowflakes count milliseconds from the first second of 2015 (UTC)
let counter = 0n;

/** A new snowflake string, used as nonce. */
export function snowflake() {
  counter = (counter + 1n) & 0xfffn;
  return String(((BigInt(Date.now()) - EPOCH) << 22n) | counter);
}

/** Orders two snowflakes; they are beyond what a double can hold. */
export function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const STYLES = {
  t: format({ timeStyle: "short" }),
  T: format({ timeStyle: "medium" }),
  d: format({ dateStyle: "short" }),
  D: format({ dateStyle: "long" }),
  f: format({ dateStyle: "long", timeStyle: "short" }),
  F: format({ dateStyle: "full", timeStyle: "short" }),
  s: format({ dateStyle: "short", timeStyle: "short" }),
  S: format({ dateStyle: "short", timeStyle: "medium" }),
};
const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** `<t:seconds:style>`: one of t T d D f F s S, or R for "in 5 minutes". */
export function formatStamp(seconds, style = "f") {
  if (style !== "R") return (STYLES[style] ?? STYLES.f).format(new Date(seconds * 1000));
  const delta = seconds - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(delta) >= length) ?? UNITS.at(-1);
  return relative.format(Math.round(delta / size), unit);
}

/** A message's time: "14:03" today, else with the date before it. */
export function formatMessageTime(iso) {
  const date = new Date(iso);
  const today = new Date().toDateString() === date.toDateString();
  return (today ? STYLES.t : STYLES.s).format(date);
}

export const formatFull = (iso) => STYLES.F.format(new Date(iso));
