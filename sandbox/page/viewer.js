// The picture at full size, over the page: arrows walk, plus/minus and click zoom, Escape closes.
import { fill, h, icon, local } from "./dom.js";

let dialog = null;

/** Opens the viewer on `pictures[index]`; each has url, filename, description, width and height. */
export function openViewer(pictures, index = 0) {
  dialog?.close();
  let current = Math.max(0, index);
  const stage = h("div", { class: "viewer-stage" });
  const caption = h("figcaption", { class: "viewer-caption" });
  const step = (delta) => {
    current = (current + delta + pictures.length) % pictures.length;
    draw();
  };
  const zoom = (on) => stage.classList.toggle("zoomed", on);
  const arrow = (name, label, delta) =>
    pictures.length > 1
      ? h(
          "button",
          { type: "button", class: `icon-button viewer-${name}`, "aria-label": label, onclick: () => step(delta) },
          icon(name),
        )
      : null;
  const close = h(
    "button",
    { type: "button", class: "icon-button viewer-close", "aria-label": "Close", onclick: () => dialog.close() },
    icon("close"),
  );

  function draw() {
    const file = pictures[current];
    const image = h("img", {
      src: local(file.url),
      alt: file.description || file.filename || "Picture",
      onclick: () => zoom(),
    });
    // Small pictures are enlarged to fill the window; the browser's smooth scaling is what Discord users get as well.
    if (file.width && file.height) image.style.aspectRatio = `${file.width} / ${file.height}`;
    zoom(false);
    fill(stage, image);
    const size = file.width ? `${file.width} × ${file.height}` : "";
    const place = pictures.length > 1 ? `${current + 1} of ${pictures.length}` : "";
    fill(
      caption,
      h("span", {}, [file.filename, size, place].filter(Boolean).join(" · ")),
      h("a", { href: local(file.url), target: "_blank", rel: "noopener" }, icon("open"), "Open original"),
    );
  }

  dialog = h(
    "dialog",
    {
      class: "viewer",
      "aria-label": "Picture",
      onclick: (event) => (event.target === dialog || event.target === stage) && dialog.close(),
      onclose: (event) => event.target.remove(),
      onkeydown: (event) => {
        if (event.key === "ArrowLeft") step(-1);
        else if (event.key === "ArrowRight") step(1);
        else if (event.key === "+" || event.key === "-") zoom(event.key === "+");
      },
    },
    close,
    arrow("left", "Previous picture", -1),
    h("figure", {}, stage, caption),
    arrow("right", "Next picture", 1),
  );
  draw();
  document.body.append(dialog);
  dialog.showModal();
}
