// Drives what npm's `midjourney-discord-api` does with grids, and prints what it understood: one JSON line each. It
// names the addresses of Discord and the ids of Midjourney's own commands in its code: both are set here, nothing else.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(`${process.env.PACKAGES}/`);
const entry = require.resolve("midjourney-discord-api");
const { CommandsData } = require(path.join(path.dirname(entry), "src", "CommandsData.js"));
const settings = JSON.parse(process.env.CLIENT);

const fetched = globalThis.fetch;
globalThis.fetch = (address, options) =>
  fetched(String(address).replace("https://discord.com", settings.DiscordBaseUrl), options);
CommandsData.application_commands.length = 0; // then it asks Discord which there are

const { default: Midjourney } = require(entry);
const say = (name, value) => console.log(JSON.stringify({ name, value }));
const brief = (message) => ({ id: message.id, content: message.content, file: message.attachments[0]?.filename });

writeFileSync("session.txt", `SERVER_ID=${settings.ServerId}\nCHANNEL_ID=${settings.ChannelId}\nSALAI_TOKEN=none\n`);
const client = new Midjourney("session.txt");
client.auth = settings.SalaiToken;
client.application_id = settings.BotId;
// Its version is remarked upon below the picture: what it reads ends as ever.
const grid = await client.imagine("a red apple on a plate --v 6.1", () => undefined);
say("imagine", brief(grid));
say("upscale", brief(await grid.upscale(2)));
const variations = await grid.variant(1);
say("variant", brief(variations));
say("reroll", brief(await variations.reroll())); // not of the grid: it takes any answer to that for this one
say("relax", await client.relax());
say("fast", await client.fast());
process.exit(0);
