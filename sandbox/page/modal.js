// Forms that a bot opens: a native dialog, so focus is kept inside and Escape closes it.
import { selectMenu } from "./components.js";
import { dots, fill, h, icon } from "./dom.js";
import { fileChip } from "./media.js";
import { markdown } from "./markdown.js";

const TYPE = {
  row: 1,
  stringSelect: 3,
  input: 4,
  text: 10,
  label: 18,
  upload: 19,
  radio: 21,
  checkboxes: 22,
  checkbox: 23,
};
let count = 0;

/** Shows a modal of a session; submitting it answers the bot. */
export function openModal(modal, session, names) {
  const files = [];
  const fields = modal.components.map((component) => field(component, session, names, files));
  const error = h("p", { class: "failure", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: "button primary" }, "Submit");
  const dialog = h(
    "dialog",
    { class: "modal", "aria-labelledby": "modal-title", onclose: () => dialog.remove() },
    h(
      "form",
      {
        novalidate: false,
        onsubmit: async (event) => {
          event.preventDefault();
          submit.disabled = true;
          fill(submit, "Submitting", dots());
          error.hidden = true;
          files.length = 0;
          const entry = await session
            .submitModal(
              modal,
              fields.map(({ value }) => value()),
              files,
            )
            .catch((problem) => ({ state: "failed", error: problem.message }));
          if (entry.state !== "failed") return dialog.close();
          fill(submit, "Submit");
          submit.disabled = false;
          error.hidden = false;
          error.textContent = `${entry.error} What you wrote is still here.`;
          return undefined;
        },
      },
      h(
        "header",
        {},
        h("h2", { id: "modal-title" }, modal.title),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "modal-fields" },
        fields.map(({ element }) => element),
      ),
      error,
      h(
        "footer",
        {},
        h("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel"),
        submit,
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  const first = dialog.querySelector(".modal-fields input, .modal-fields textarea, .modal-fields .select");
  first?.focus();
  first?.setSelectionRange?.(first.value.length, first.value.length);
}

/** {element, value()} for one top-level component; `value` is what Discord's client sends for it. */
function field(component, session, names, files) {
  if (component.type === TYPE.row) {
    const inner = component.components.map((child) => control(child, session, names, files, child.label));
    return {
      element: h(
        "div",
        {},
        inner.map(({ element }) => element),
      ),
      value: () => ({ type: TYPE.row, components: inner.map(({ value }) => value()) }),
    };
  }
  if (component.type === TYPE.label) {
    const inner = control(component.component, session, names, files, component.label, component.description);
    return { element: inner.element, value: () => ({ type: TYPE.label, component: inner.value() }) };
  }
  return control(component, session, names, files, null);
}

function control(component, session, names, files, label, description = null) {
  const { type, custom_id } = component;
  const id = `field-${(count += 1)}`;
  const required = component.required !== false;
  const title = label
    ? h(
        "label",
        { for: id, id: `${id}-label` },
        label,
        required
          ? h("span", { class: "required", "aria-hidden": "true" }, " *")
          : h("span", { class: "optional" }, " optional"),
      )
    : null;
  const note = description ? h("small", { id: `${id}-note` }, description) : null;
  const wrap = (...parts) => h("div", { class: "field" }, title, note, ...parts);
  if (type === TYPE.text)
    return { element: h("div", { class: "field" }, markdown(component.content ?? "", names)), value: () => ({ type }) };
  if (type === TYPE.input) {
    const shared = {
      id,
      name: custom_id,
      required,
      placeholder: component.placeholder ?? "",
      maxlength: component.max_length ?? 4000,
      minlength: component.min_length,
      "aria-describedby": note ? `${id}-note` : null,
      value: component.value ?? "",
    };
    const input =
      component.style === 2
        ? h("textarea", { ...shared, rows: 5 })
        : h("input", { ...shared, type: "text", autocomplete: "off" });
    return { element: wrap(input), value: () => ({ type, custom_id, value: input.value }) };
  }
  if (type === TYPE.upload) {
    const upload = uploadField(component, id);
    const value = () => ({
      type,
      custom_id,
      values: upload.chosen().map((file) => String(files.push(file) - 1)),
    });
    return { element: wrap(upload.element), value };
  }
  if (type === TYPE.checkbox) {
    const input = h("input", { id, type: "checkbox", checked: Boolean(component.default) });
    return {
      element: h("label", { class: "check" }, input, h("span", {}, label, note)),
      value: () => ({ type, custom_id, value: input.checked }),
    };
  }
  if (type === TYPE.radio || type === TYPE.checkboxes) {
    const kind = type === TYPE.radio ? "radio" : "checkbox";
    const inputs = component.options.map((option) =>
      h("input", {
        type: kind,
        name: custom_id,
        value: option.value,
        checked: Boolean(option.default),
        required: kind === "radio" && required,
      }),
    );
    const group = h(
      "div",
      { class: "choices", role: type === TYPE.radio ? "radiogroup" : "group", "aria-labelledby": `${id}-label` },
      component.options.map((option, index) =>
        h(
          "label",
          {},
          inputs[index],
          h("span", {}, option.label, option.description ? h("small", {}, option.description) : null),
        ),
      ),
    );
    const picked = () => inputs.filter((input) => input.checked).map((input) => input.value);
    return {
      element: wrap(group),
      value: () =>
        type === TYPE.radio ? { type, custom_id, value: picked()[0] ?? null } : { type, custom_id, values: picked() },
    };
  }
  const menu = selectMenu(component, session, () => {}, { label: label ?? component.placeholder });
  return { element: wrap(menu.element), value: () => ({ type, custom_id, values: menu.values() }) };
}

/** A field for files: chosen, dropped or pasted one after the other, up to as many as the bot takes. */
function uploadField(component, id) {
  const most = component.max_values ?? 1;
  const chosen = [];
  const add = (more) => {
    const images = [...more];
    if (most === 1 && images.length) chosen.length = 0;
    chosen.push(...images.slice(0, most - chosen.length));
    draw();
  };
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    tabindex: "-1",
    "aria-hidden": "true",
    multiple: most > 1,
    onchange: () => {
      add(input.files);
      input.value = "";
    },
  });
  const button = h(
    "button",
    {
      type: "button",
      id,
      class: "drop-zone",
      "aria-labelledby": `${id}-label ${id}`,
      onclick: () => input.click(),
      onpaste: (event) => add(event.clipboardData.files),
    },
    icon("plus"),
    most > 1 ? `Choose up to ${most} files, drop or paste them` : "Choose a file, drop or paste it",
  );
  const list = h("div", { class: "file-chips" });
  const element = h(
    "div",
    {
      class: "upload",
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => {
        event.preventDefault();
        add(event.dataTransfer.files);
      },
    },
    button,
    input,
    list,
  );
  const draw = () => {
    button.hidden = chosen.length >= most && most > 1;
    fill(
      list,
      chosen.map((file, index) =>
        fileChip(file, () => {
          chosen.splice(index, 1);
          draw();
        }),
      ),
    );
  };
  draw();
  return { element, chosen: () => chosen };
}
