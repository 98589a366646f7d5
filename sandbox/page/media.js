// Attachments and pictures. A picture's box keeps its size and its old content until the next one is decoded.
import { h, icon, local, safeUrl } from "./dom.js";
import { spoiler } from "./markdown.js";
import { openViewer } from "./viewer.js";

const SHOWN = { width: 512, height: 440 }; // filled by every picture: a preview is as large as its result
const SPOILER = 1 << 3;

const isKind = (file, kind, extensions) =>
  file.content_type ? file.content_type.startsWith(`${kind}/`) : extensions.test(file.filename ?? "");
export const isImage = (file) => isKind(file, "image", /\.(png|jpe?g|gif|webp)$/i);
const isVideo = (file) => isKind(file, "video", /\.(mp4|webm|mov)$/i);

function displaySize({ width, height }) {
  if (!width || !height) return null;
  const scale = Math.min(SHOWN.width / width, SHOWN.height / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * A picture as a button that opens the viewer. `previous` is the node shown in this place so far: its picture stays
 * until the new one is ready, so progress edits do not flicker.
 */
export function picture(file, { previous = null, gallery = () => [file] } = {}) {
  const url = local(file.proxy_url || file.url);
  const alt = file.description || file.filename || "Picture";
  const size = displaySize(file);
  if (previous?.dataset?.url === url) return previous;
  const image = h("img", { alt, decoding: "async", draggable: "false" });
  const box = h("button", {
    type: "button",
    class: "picture loading",
    dataset: { url },
    "aria-label": `Enlarge picture: ${shorten(alt)}`,
    onclick: () =>
      openViewer(
        gallery(),
        gallery().findIndex((other) => other.url === file.url),
      ),
  });
  if (size) {
    box.style.width = `${size.width}px`;
    box.style.aspectRatio = `${size.width} / ${size.height}`;
  }
  const shown = previous?.querySelector?.("img.ready");
  if (shown) {
    const stale = shown.cloneNode();
    stale.className = "stale";
    stale.alt = "";
    box.append(stale);
    box.classList.remove("loading");
  }
  box.append(image);
  image.src = url;
  image.decode().then(
    () => {
      image.classList.add("ready");
      box.classList.remove("loading");
      box.querySelector(".stale")?.remove();
    },
    () => {
      image.remove();
      box.classList.remove("loading");
      if (!shown) box.append(h("span", { class: "broken" }, "This picture could not be loaded."));
    },
  );
  return box;
}

const shorten = (text) => (text.length > 120 ? `${text.slice(0, 117)}…` : text);

const bytes = (size) =>
  size >= 1 << 20
    ? `${(size / (1 << 20)).toFixed(1)} MB`
    : size >= 1 << 10
      ? `${Math.round(size / 1024)} KB`
      : `${size} bytes`;

/** Any attachment: picture, video or a card with a link. */
export function attachment(file, options = {}) {
  let node;
  if (isImage(file)) node = picture(file, options);
  else if (isVideo(file))
    node = h("video", {
      class: "video",
      controls: true,
      playsinline: true,
      ...displaySize(file), // the box has its size before the film has come
      preload: "metadata",
      src: local(file.url),
      "aria-label": file.description || file.filename,
    });
  else {
    node = h(
      "a",
      { class: "file-card", href: local(file.url), download: file.filename, target: "_blank", rel: "noopener" },
      icon("file"),
      h("span", {}, h("strong", {}, file.filename ?? "File"), file.size ? h("small", {}, bytes(file.size)) : null),
    );
  }
  const hidden = (file.flags ?? 0) & SPOILER || /^SPOILER_/.test(file.filename ?? "");
  return hidden ? spoiler([node]) : node;
}

/** Several pictures and nothing else are laid out as Discord does: rows of three, two, or one above them. */
export const mosaic = (files, pictures) =>
  pictures.length > 1 && pictures.length === files.length
    ? ` mosaic of-${pictures.length % 3} n-${pictures.length}`
    : "";

/** All attachments of a message: one large, several in a mosaic. `previous` is the element this one replaces. */
export function attachments(files, previous = null) {
  if (!files?.length) return null;
  const pictures = files.filter(isImage);
  const before = previous ? [...previous.querySelectorAll(".picture")] : [];
  const nodes = files.map((file) =>
    attachment(file, { previous: before[pictures.indexOf(file)] ?? null, gallery: () => pictures }),
  );
  return h("div", { class: `attachments${mosaic(files, pictures)}` }, nodes);
}

/** A file that is going to be sent, with a button that takes it out again. */
export function fileChip(file, remove) {
  return h(
    "div",
    { class: "file-chip" },
    file.type.startsWith("image/") ? h("img", { src: URL.createObjectURL(file), alt: "" }) : icon("file"),
    h("span", {}, file.name),
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": `Remove ${file.name}`, onclick: remove },
      icon("close"),
    ),
  );
}

/** A Components V2 or embed picture, which has no name of its own. */
export function unfurled(media, { description, spoiler: hidden } = {}, gallery) {
  const file = { ...media, description };
  if (!safeUrl(file.url)) return null;
  const node = picture({ ...file, proxy_url: null }, { gallery });
  return hidden ? spoiler([node]) : node;
}
