// Draws people from named features with DiceBear and writes one JSON line each: {set, svg, traits}.
// Run by people.py: node people.mjs COUNT SEED, in a folder whose node_modules hold @dicebear/core and /collection.
// Every feature is chosen here and not left to chance inside the library, so that the words are true of the picture.
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

const numbered = (stem, from, to) =>
  Array.from({ length: to - from + 1 }, (_, step) => stem + String(from + step).padStart(2, "0"));

// Each table: option of the library -> the word for it ("" for features that go without saying).
const SETS = {
  toonHead: () => {
    const [skinColor, skin] = entry({ f1c3a5: "light", "b98e6a": "brown", a36b4f: "brown", "5c3829": "dark" });
    const [hairColor, hair] = entry({ "2c1b18": "black", a55728: "brown", d6b370: "blond", "724133": "brown" });
    const [mouth, mood] = entry({ laugh: "laughing", angry: "angry", agape: "surprised", smile: "smiling", sad: "sad" });
    const [clothesColor, shirt] = entry({ b11f1f: "red", "0b3286": "blue", "147f3c": "green", eab308: "yellow",
      "731ac3": "purple", ec4899: "pink", f97316: "orange", "151613": "black", e8e9e6: "white" });
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.45;
    const eyebrows = { angry: "angry", sad: "sad" }[mood] ?? "happy";
    return {
      options: { skinColor, hairColor, mouth, clothesColor, eyebrows, eyes: mood === "laughing" ? "happy" : "wide",
        clothes: woman ? one(["dress", "turtleNeck"]) : one(["openJacket", "shirt", "tShirt"]),
        hair: woman ? one(["sideComed", "bun"]) : one(["undercut", "spiky", "sideComed"]),
        rearHair: one(["longStraight", "longWavy"]), rearHairProbability: woman ? 100 : 0,
        beard: one(["fullBeard", "longBeard", "chinMoustache"]), beardProbability: beard ? 100 : 0 },
      traits: { who: woman ? "woman" : "man", skin, hair, length: woman ? "long" : "short", mood, shirt, beard },
    };
  },
  personas: () => {
    const [skinColor, skin] = entry({ eeb4a4: "light", e7a391: "light", b16a5b: "brown", "623d36": "dark" });
    const [hairColor, hair] = entry({ "362c47": "black", "6c4545": "brown", e15c66: "red", f29c65: "blond", e16381: "pink", dee1f5: "white" });
    const [clothingColor, shirt] = entry({ "456dff": "blue", "54d7c7": "teal", "7555ca": "purple", "6dbb58": "green",
      e24553: "red", f3b63a: "yellow", f55d81: "pink" });
    const [mouth, mood] = entry({ smile: "smiling", bigSmile: "happy", frown: "sad", surprise: "surprised" });
    const [eyes, glasses] = entry({ open: "", happy: "", glasses: "glasses", sunglasses: "sunglasses" });
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.45;
    const [style, length] = woman
      ? entry({ long: "long", extraLong: "long", bobCut: "short", bobBangs: "short", pigtails: "pigtails", straightBun: "bun" })
      : entry({ shortCombover: "short", fade: "short", buzzcut: "short", mohawk: "mohawk", bald: "bald", cap: "cap", beanie: "cap" });
    return {
      options: { skinColor, hairColor, clothingColor, mouth, eyes, hair: style, nose: "smallRound", body: one(["rounded", "small"]),
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
  adventurer: () => {
    const [skinColor, skin] = entry({ f2d3b1: "light", ecad80: "light", "9e5622": "brown", "763900": "dark" });
    const [hairColor, hair] = entry({ ac6511: "brown", cb6820: "red", ab2a18: "red", e5d7a3: "blond", "6a4e35": "brown",
      "0e0e0e": "black", afafaf: "gray", "3eac2c": "green", "85c2c6": "blue", dba3be: "pink", "592454": "purple" });
    const woman = chance() < 0.5;
    const glasses = chance() < 0.35;
    return {
      options: { skinColor, hairColor, hair: woman ? one(numbered("long", 1, 26)) : one(numbered("short", 1, 19)),
        glasses: one(numbered("variant", 1, 5)), glassesProbability: glasses ? 100 : 0, earringsProbability: woman ? 20 : 0,
        featuresProbability: 0, mouth: one(numbered("variant", 20, 30)), eyes: one(numbered("variant", 1, 26)) },
      traits: { who: woman ? one(["woman", "girl"]) : one(["man", "boy"]), skin, hair, length: woman ? "long" : "short", glasses: glasses ? "glasses" : "" },
    };
  },
  micah: () => {
    const [baseColor, skin] = entry({ f9c9b6: "light", ac6651: "brown", "77311d": "dark" });
    const [hairColor, hair] = entry({ "000000": "black", f4d150: "blond", "77311d": "brown", ac6651: "brown", "6bd9e9": "blue", fc909f: "pink", ffffff: "white", "9287ff": "purple" });
    const [shirtColor, shirt] = entry({ "6bd9e9": "blue", "000000": "black", f4d150: "yellow", fc909f: "pink", "9287ff": "purple", ffffff: "white" });
    const [mouth, mood] = entry({ smile: "smiling", laughing: "laughing", sad: "sad", surprised: "surprised" });
    const woman = chance() < 0.4;
    const beard = !woman && chance() < 0.45;
    const glasses = chance() < 0.4;
    const [style, length] = woman ? entry({ full: "long", pixie: "short" }) : entry({ fonze: "short", dannyPhantom: "short", mrT: "mohawk", mrClean: "bald", turban: "turban" });
    return {
      options: { baseColor, hairColor: hairColor, shirtColor, mouth, hair: style, facialHair: "beard", facialHairProbability: beard ? 100 : 0,
        facialHairColor: hairColor, glasses: one(["round", "square"]), glassesColor: "000000", glassesProbability: glasses ? 100 : 0,
        eyebrows: woman ? "eyelashesUp" : "up", earringsProbability: woman ? 50 : 0 },
      traits: { who: woman ? "woman" : "man", skin, hair: ["bald", "turban"].includes(length) ? "" : hair, length, mood, shirt, glasses: glasses ? "glasses" : "", beard },
    };
  },
};

for (let number = 0; number < count; number++) {
  const set = Object.keys(SETS)[number % Object.keys(SETS).length];
  const { options, traits } = SETS[set]();
  const listed = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? [value] : value]),
  );
  const svg = createAvatar(collection[set], { seed: `${seed}-${number}`, ...listed }).toString();
  console.log(JSON.stringify({ set, svg, traits }));
}
