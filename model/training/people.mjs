// Draws people from named features with DiceBear and writes one JSON line each: {set, svg, traits}.
// Run by people.py: node people.mjs COUNT SEED, in a folder whose node_modules hold @dicebear/core and /collection.
// Every feature is chosen here and not left to chance inside the library, so that the words are true of the picture.
// One set a word, with large features: where "a man" may look five ways, a small model draws the mean of them.
import { createAvatar } from "@dicebear/core";
import * as collection from "@dicebear/collection";

const [count, seed] = process.argv.slice(2).map(Number);
let state = seed >>> 0;
function chance() {
  // mulberry32: small, and the same on every machine
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(chance() * list.length)];
const entry = (table) => one(Object.entries(table));

// Each table: option of the library -> the word for it ("" for features that go without saying).
const SETS = {
  personas: () => {
    const [skinColor, skin] = entry({ eeb4a4: "light", e7a391: "light", b16a5b: "brown", "623d36": "dark" });
    const [hairColor, hair] = entry({ "2b2233": "black", "362c47": "black", "6c4545": "brown", "8a5638": "brown", c8402f: "red", d9503a: "red",
      ecc862: "blond", e3b64c: "blond", e16381: "pink", eef0f8: "white", a0a4ac: "gray", "4a6fe0": "blue", "4fae5c": "green", "8b5fd0": "purple" });
    const [clothingColor, shirt] = entry({ "456dff": "blue", "54d7c7": "teal", "7555ca": "purple", "6dbb58": "green",
      e24553: "red", f3b63a: "yellow", f55d81: "pink" });
    const [mouth, mood] = entry({ smile: "smiling", bigSmile: "happy", frown: "sad", surprise: "surprised" });
    const [eyes, glasses] = entry({ open: "", happy: "", wink: "", glasses: "glasses", sunglasses: "sunglasses" });
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.45;
    const [style, length] = woman
      ? entry({ long: "long", extraLong: "long", bobCut: "short", bobBangs: "short", pigtails: "pigtails", straightBun: "bun" })
      : entry({ shortCombover: "short", fade: "short", curlyHighTop: "short", buzzcut: "short", mohawk: "mohawk", bald: "bald" });
    return {
      options: { scale: 116, translateY: 7, skinColor, hairColor, clothingColor, mouth, eyes, hair: style, nose: "smallRound", body: one(["rounded", "small"]),
        facialHair: "beardMustache", facialHairProbability: beard ? 100 : 0 },
      traits: { who: woman ? "woman" : "man", skin, hair: length === "bald" ? "" : hair, length, mood, shirt, glasses, beard },
    };
  },
  bigSmile: () => {
    const [skinColor, skin] = entry({ ffe4c0: "light", efcc9f: "light", a47539: "brown", "643d19": "dark" });
    const [hairColor, hair] = entry({ "220f00": "black", "71472d": "brown", e2ba87: "blond", "605de4": "blue", "238d80": "green", d56c0c: "red" });
    const [mouth, mood] = entry({ openedSmile: "happy", teethSmile: "smiling", openSad: "sad", unimpressed: "" });
    const girl = chance() < 0.5;
    const [style, length] = girl
      ? entry({ wavyBob: "long", straightHair: "long", braids: "braids", bunHair: "bun", bangs: "long" })
      : entry({ shortHair: "short", mohawk: "mohawk", shavedHead: "short", bowlCutHair: "short" });
    const [accessories, extra] = entry({ glasses: "glasses", sunglasses: "sunglasses", catEars: "cat ears", faceMask: "", clownNose: "" });
    const dressed = extra !== "" && chance() < 0.5;
    return {
      options: { skinColor, hairColor, mouth, hair: style, eyes: mood === "sad" ? "sad" : "normal", accessories, accessoriesProbability: dressed ? 100 : 0 },
      traits: { who: girl ? "girl" : "boy", skin, hair, length, mood, glasses: dressed ? extra : "" },
    };
  },
};

for (let number = 0; number < count; number++) {
  const set = number % 3 === 2 ? "bigSmile" : "personas";
  const { options, traits } = SETS[set]();
  const listed = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? [value] : value]),
  );
  const svg = createAvatar(collection[set], { seed: `${seed}-${number}`, ...listed }).toString();
  console.log(JSON.stringify({ set, svg, traits }));
}
