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

/** Every runnable command: one entry for each leaf, {command, path, name, description, options}. */
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
        description: node.description,
        options: node.options ?? [],
      },
    ];
  };
  return commands.filter((command) => (command.type ?? 1) === 1).flatMap((command) => walk(command, command, []));
}

/** Entries whose name begins with what was typed after the slash, then those that contain it. */
export function search(entries, typed) {
  const wanted = typed.toLowerCase().trimStart();
  const starts = entries.filter(({ name }) => name.startsWith(wanted));
  return [...starts, ...entries.filter((entry) => !starts.includes(entry) && entry.name.includes(wanted))];
}

/** The entry that a text like "/imagine a fox" calls, and the rest of it; null while the name is not followed by a space. */
export function called(entries, text) {
  const entry = [...entries]
    .sort((a, b) => b.name.length - a.name.length)
    .find(({ name }) => text.toLowerCase().startsWith(`/${name} `));
  return entry ? { entry, rest: text.slice(entry.name.length + 2) } : null;
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
  return choices?.find(({ name }) => name.toLowerCase() === String(typed).toLowerCase());
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
