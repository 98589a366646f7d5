// Twenty calls of OpenAI's own client for JavaScript, unchanged. Prints one line of JSON a call: its name and what came.
import { pathToFileURL } from "node:url";

const [, , modules, baseURL, apiKey, picture, mask] = process.argv;
const { default: OpenAI, toFile } = await import(pathToFileURL(`${modules}/openai/index.mjs`));
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const file = (base64, name) => toFile(Buffer.from(base64, "base64"), name, { type: "image/png" });
const image = () => file(picture, "a.png");

const count = (answer) => answer.data.filter((one) => one.b64_json || one.url).length;
const events = async (stream) => {
  const types = [];
  for await (const event of stream) types.push(event.type);
  return types.at(-1);
};
const failure = async (promise) => promise.then(() => "no error", (error) => `${error.status} ${error.code}`);
const draw = (more) => client.images.generate({ prompt: "a fox", ...more });

const calls = {
  models: async () => (await client.models.list()).data.length,
  model: async () => (await client.models.retrieve("easel-small")).id,
  one: async () => count(await draw({})),
  named: async () => count(await draw({ model: "easel-small" })),
  two: async () => count(await draw({ n: 2 })),
  six: async () => count(await draw({ n: 6 })),
  link: async () => (await draw({ response_format: "url" })).data[0].url.startsWith("http"),
  wide: async () => (await draw({ size: "1536x1024" })).size.split("x").map(Number).reduce((w, h) => w > h),
  quality: async () => count(await draw({ quality: "hd" })),
  user: async () => count(await draw({ user: "somebody" })),
  lenient: async () => count(await draw({ moderation: "low" })),
  stream: async () => events(await draw({ stream: true })),
  partial: async () => events(await draw({ stream: true, partial_images: 2 })),
  edit: async () => count(await client.images.edit({ image: await image(), prompt: "a fox" })),
  several: async () => count(await client.images.edit({ image: [await image(), await file(mask, "b.png")], prompt: "a fox" })),
  masked: async () => count(await client.images.edit({ image: await image(), mask: await file(mask, "m.png"), prompt: "a fox" })),
  edited_stream: async () => events(await client.images.edit({ image: await image(), prompt: "a fox", stream: true })),
  variation: async () => count(await client.images.createVariation({ image: await image(), n: 2 })),
  refused: async () => failure(draw({ prompt: "a nude fox" })),
  unknown_model: async () => failure(draw({ model: "dall-e-2" })),
};

for (const [name, call] of Object.entries(calls)) {
  const came = await call().catch((error) => `${error}`);
  console.log(JSON.stringify([name, came]));
}
