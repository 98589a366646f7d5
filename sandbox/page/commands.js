// Slash commands as data: flattening subcommands, finding what was typed, turning typed values into option values. No DOM.

/** https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type */
export const OPTION = {
  subcommand: 1,
  group: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
  attachment: 11,
};

/** The words of a command or an option in the person's language, else the original ones. */
export const label = (part) => part.name_localized ?? part.name;
export const about = (part) => part.description_localized ?? part.description;

/** Every runnable command: one entry for each leaf, {command, path, name, label, description, options}. */
export function runnable(commands) {
  const walk = (command, node, path) => {
    const inner = (node.options ?? []).filter(
      (option) => option.type === OPTION.subcommand || option.type === OPTION.group,
    );
    if (inner.length) return inner.flatMap((option) => walk(command, option, [...path, option]));
    return [
      {
        command,
        path,
        name: [command.name, ...path.map((option) => option.name)].join(" "),
        label: [command, ...path].map(label).join(" "),
        description: about(node),
        options: node.options ?? [],
      },
    ];
  };
  return commands.filter((command) => (command.type ?? 1) === 1).flatMap((command) => walk(command, command, []));
}

const names = ({ name, label: shown }) => (name === shown ? [name] : [shown, name]);

/**
 * What a text after the slash may mean, best first: [{entry, rest}]. Names that begin with it, then those that contain
 * it, then those that a slip of the finger or two away from its first words; `rest` is what follows these.
 */
export function search(entries, typed) {
  const wanted = typed.toLowerCase().trim();
  const ranked = entries.flatMap((entry) => {
    const found = names(entry).map((name) => {
      if (name.startsWith(wanted)) return { rank: 0, rest: "" };
      if (name.includes(wanted)) return { rank: 1, rest: "" };
      const words = wanted.split(/\s+/).slice(0, name.split(" ").length).join(" ");
      const slips = distance(words, name);
      const allowed = name.length < 5 ? 1 : 2;
      const rest = typed.trimStart().slice(words.length).trimStart();
      return slips <= allowed ? { rank: 1 + slips, rest } : null;
    });
    const best = found.filter(Boolean).sort((a, b) => a.rank - b.rank)[0];
    return best ? [{ entry, ...best }] : [];
  });
  return ranked.sort((a, b) => a.rank - b.rank);
}

/** How many letters have to be put in, left out, changed or swapped to make one word of the other. */
function distance(a, b) {
  let [before, row] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

/** The entry that a text like "/imagine a fox" calls, and the rest of it; null while no space or line follows its name. */
export function called(entries, text) {
  const calls = entries.flatMap((entry) => names(entry).map((name) => ({ entry, name })));
  const call = calls
    .sort((a, b) => b.name.length - a.name.length)
    .find(({ name }) => /^\s/.test(text.slice(name.length + 1)) && text.toLowerCase().startsWith(`/${name}`));
  return call ? { entry: call.entry, rest: text.slice(call.name.length + 2) } : null;
}

/** What is wrong with a typed value, as a sentence, or null. `typed` is a string, a File or undefined. */
export function problem(option, typed) {
  const empty = typed === undefined || typed === null || typed === "";
  if (empty) return option.required ? "This option is required. Specify a value." : null;
  if (option.choices?.length && !choice(option, typed)) return "Pick one of the choices.";
  if (option.type === OPTION.integer || option.type === OPTION.number) {
    const number = Number(typed);
    if (
      !choice(option, typed) &&
      (Number.isNaN(number) || (option.type === OPTION.integer && !Number.isInteger(number)))
    )
      return `“${typed}” is not a ${option.type === OPTION.integer ? "whole " : ""}number.`;
    if (number < (option.min_value ?? -Infinity)) return `The smallest value is ${option.min_value}.`;
    if (number > (option.max_value ?? Infinity)) return `The largest value is ${option.max_value}.`;
  }
  if ([OPTION.user, OPTION.channel, OPTION.role, OPTION.mentionable].includes(option.type) && !/^\d+$/.test(typed))
    return "Pick one from the list.";
  if (option.type === OPTION.boolean && !choice(option, typed)) return "True or False?";
  if (option.type === OPTION.string) {
    if (typed.length > (option.max_length ?? 6000))
      return `That is ${typed.length} characters; at most ${option.max_length ?? 6000} fit.`;
    if (typed.length < (option.min_length ?? 0)) return `At least ${option.min_length} characters are needed.`;
  }
  return null;
}

export const BOOLEANS = [
  { name: "True", value: true },
  { name: "False", value: false },
];

/** The choice whose name was typed. */
export function choice(option, typed) {
  const choices = option.type === OPTION.boolean ? BOOLEANS : option.choices;
  const wanted = String(typed).toLowerCase();
  return choices?.find((one) => label(one).toLowerCase() === wanted || one.name.toLowerCase() === wanted);
}

/** The value that goes over the wire. `picked` is what a list offered for that option, if it came from one. */
export function wireValue(option, typed, picked) {
  if (picked !== undefined) return picked;
  const chosen = choice(option, typed);
  if (chosen) return chosen.value;
  return option.type === OPTION.integer || option.type === OPTION.number ? Number(typed) : typed;
}

/** Wraps option values in their subcommand path, as Discord's client sends them. */
export function nested(path, values) {
  return [...path].reverse().reduce((options, { type, name }) => [{ type, name, options }], values);
}
