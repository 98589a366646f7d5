// Drives every operation of npm's `midjourney`, unchanged, and prints what it understood: one JSON line each.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.PACKAGES}/`);
const { Midjourney } = require("midjourney");
const settings = JSON.parse(process.env.CLIENT);

const say = (name, value) => console.log(JSON.stringify({ name, value }));
const brief = (message) => ({
  content: message.content,
  hash: message.hash,
  labels: (message.options ?? []).map((option) => option.label),
});

const client = new Midjourney({ ...settings, Debug: false, Ws: true });
await client.init();
const percents = [];
const loading = (uri, percent) => percents.push(percent);
const grid = await client.Imagine("a red apple", loading);
say("imagine", brief(grid));

const of = (message, label) => ({
  msgId: message.id,
  flags: message.flags,
  customId: message.options.find((option) => option.label === label)?.custom,
});
const press = async (message, label, content) => brief(await client.Custom({ ...of(message, label), content, loading }));

const { id: msgId, hash, flags } = grid;
const single = await client.Upscale({ index: 2, msgId, hash, flags });
say("upscale", brief(single));
say("variation", brief(await client.Variation({ index: 1, msgId, hash, flags })));
say("reroll", brief(await client.Reroll({ msgId, hash, flags })));
say("zoom", brief(await client.ZoomOut({ level: "2x", msgId: single.id, hash: single.hash, flags: single.flags })));
for (const label of [
  "Upscale (Subtle)",
  "Upscale (Creative)",
  "Vary (Subtle)",
  "Vary (Strong)",
  "Zoom Out 1.5x",
  "⬅️",
  "⬆️",
  "Animate (Low motion)",
])
  say(label, await press(single, label));
say("Custom Zoom", await press(single, "Custom Zoom", "a red apple --ar 2:1 --zoom 1.3"));
say("percents", percents); // of all of them: a quick grid is done before its first percent
say("shorten", await client.Shorten("a red apple on a table"));
say("describe", await client.Describe(single.uri));

// It knows the command /blend and has no method for it: its own upload, interaction and waiting make one.
const blob = async (uri) => new Blob([await (await fetch(uri)).arrayBuffer()], { type: "image/png" });
const files = [
  await client.MJApi.UploadImageByBole(await blob(single.uri)),
  await client.MJApi.UploadImageByBole(await blob(grid.uri)),
];
const data = await client.MJApi.commandData(
  "blend",
  [
    ...files.map((file, index) => ({ type: 11, name: `image${index + 1}`, value: file.id })),
    { type: 3, name: "dimensions", value: "--ar 1:1" },
  ],
  files.map((file) => ({ id: file.id, filename: file.filename, uploaded_filename: file.upload_filename })),
);
const nonce = String(BigInt(Date.now()) << 22n);
await client.MJApi.safeIteractions(client.MJApi.data2Paylod(data, nonce));
const events = await client.getWsClient();
say("blend", brief(await events.waitImageMessage({ nonce, prompt: "" })));
say("info", await client.Info());
await client.Relax();
await client.Fast();
client.Close();
process.exit(0);
