// The field of a command's option that takes a file.
import { about, label, problem } from "./commands.js";
import { fill, h, icon } from "./dom.js";

/**
 * A chip as the command line's others: {option, element, input, focus(), read(), write(file), check()}. `describe()` is
 * called when it gets the focus, `key(event)` for its keys, `changed()` when it takes a file, `others(files)` with those
 * that are too many for it.
 */
export function fileChip(option, { describe, key, changed, others }) {
  let file = null;
  const name = h("span", { class: "file-name" });
  const preview = h("span", { class: "file-preview" });
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: () => take(input.files[0]),
  });
  const take = (chosen) => {
    file = chosen ?? null;
    changed();
    name.textContent = file ? file.name : "Choose a file, drop or paste it";
    fill(
      preview,
      file?.type.startsWith("image/") ? h("img", { src: URL.createObjectURL(file), alt: "" }) : icon("file"),
    );
    element.classList.remove("wrong");
  };
  const face = h(
    "button",
    {
      type: "button",
      class: "file-face",
      "aria-label": `${label(option)}: ${about(option)}. Choose a file`,
      onclick: () => input.click(),
      onfocus: () => describe(),
      onkeydown: (event) => key(event),
      onpaste: (event) => others(event.clipboardData.files),
    },
    preview,
    name,
  );
  const element = h(
    "div",
    {
      class: "chip file",
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => {
        event.preventDefault();
        event.stopPropagation();
        const [first, ...others] = event.dataTransfer.files;
        if (first) take(first);
        others(others);
      },
    },
    h("span", { class: "chip-name" }, label(option)),
    face,
    input,
  );
  const chip = {
    option,
    element,
    input: face,
    focus: () => face.focus(),
    read: () => file ?? "",
    write: take,
    check: () => problem(option, file),
  };
  take(null);
  return chip;
}
