// People for the judge to learn from, of DiceBear sets that training never uses: one JSON line each {set, svg, traits}.
// Run in a folder whose node_modules hold @dicebear/core and @dicebear/collection:
// node judged_people.mjs COUNT SEED [SET ...]; without sets, those that the judge of scenes learned from.
import { createAvatar } from "@dicebear/core";
import * as collection from "@dicebear/collection";

const [count, seed] = process.argv.slice(2, 4).map(Number);
const chosen = process.argv.slice(4);
let state = (seed * 2654435761) >>> 0;
function chance() {
  state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0; // xorshift32
  return state / 2 ** 32;
}
const one = (list) => list[Math.floor(chance() * list.length)];
const entry = (table) => one(Object.entries(table));

// Colours of hair that people would call by these names, several each.
const HAIR = { "1d1a1a": "black", "2c1b18": "black", "0e0e12": "black", "5a3a22": "brown", "724133": "brown", "8b5a2b": "brown",
  "4a312c": "brown", d6b370: "blond", e8c15a: "blond", f4d150: "blond", ecdcbf: "blond", c93305: "red", b5301c: "red", e15c4a: "red",
  f59797: "pink", e16381: "pink", fc7fb0: "pink", "9a9a9a": "gray", a8a8ae: "gray", "8c8f95": "gray", f0f0f4: "white",
  ffffff: "white", "3b6fd8": "blue", "605de4": "blue", "6bb9e9": "blue" };
const SKIN = ["ffdbb4", "f2d3b1", "edb98a", "d08b5b", "ae5d29", "8d5524", "614335"];

const SETS = {
  avataaars: () => {
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.45;
    const [hairColor, hair] = entry({ "2c1b18": "black", "724133": "brown", d6b370: "blond", b58143: "blond", c93305: "red", f59797: "pink", e8e1e1: "gray" });
    const [accessories, glasses] = entry({ round: "glasses", prescription02: "glasses", sunglasses: "sunglasses", wayfarers: "sunglasses" });
    const worn = chance() < 0.45;
    return {
      options: { top: woman ? one(["bigHair", "bob", "bun", "curvy", "longButNotTooLong", "miaWallace", "straight01", "straightAndStrand"]) : one(["shortCurly", "shortFlat", "shortRound", "shortWaved", "theCaesar"]),
        topProbability: 100, hairColor, accessories, accessoriesProbability: worn ? 100 : 0, facialHairColor: hairColor,
        facialHair: one(["beardLight", "beardMajestic", "beardMedium"]), facialHairProbability: beard ? 100 : 0, style: "default",
        mouth: one(["smile", "default", "serious", "twinkle", "sad"]), eyes: one(["default", "happy", "side"]) },
      traits: { who: woman ? "woman" : "man", hair, glasses: worn ? glasses : "", beard },
    };
  },
  dylan: () => {
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.4;
    const [hairColor, hair] = entry({ "000000": "black", ff543d: "red", fff500: "blond", "1d5dff": "blue", ffffff: "white" });
    return {
      options: { hair: woman ? one(["wavy", "longCurls", "roundBob", "bangs"]) : one(["plain", "shortCurls", "spiky", "flatTop"]), hairColor,
        facialHairProbability: beard ? 100 : 0, mood: one(["happy", "neutral", "sad"]), backgroundColor: "transparent" },
      traits: { who: woman ? "woman" : "man", hair, glasses: "", beard },
    };
  },
  miniavs: () => {
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.4;
    const glasses = chance() < 0.4;
    const [hairColor, hair] = entry({ "47280b": "brown", "1b0b47": "black", ad3a20: "red" });
    return {
      options: { hair: woman ? one(["ponyTail", "long"]) : one(["classic01", "classic02", "elvis", "stylish"]), hairColor,
        glassesProbability: glasses ? 100 : 0, mustache: "pencilThinBeard", mustacheProbability: beard ? 100 : 0 },
      traits: { who: woman ? "woman" : "man", hair, glasses: glasses ? "glasses" : "", beard },
    };
  },
  openPeeps: () => {
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.5;
    const worn = chance() < 0.5;
    const [accessories, glasses] = entry({ glasses: "glasses", glasses2: "glasses", glasses4: "glasses", sunglasses: "sunglasses", sunglasses2: "sunglasses" });
    return {
      options: { head: woman ? one(["long", "longBangs", "longCurly", "bun", "bangs2", "mediumBangs", "mediumStraight", "medium1"]) : one(["short1", "short2", "short3", "short4", "short5", "pomp"]),
        skinColor: one(SKIN), face: one(["smile", "calm", "smileBig", "serious", "driven", "awe"]), maskProbability: 0,
        facialHair: one(["full", "full2", "full3", "full4", "chin"]), facialHairProbability: beard ? 100 : 0,
        accessories, accessoriesProbability: worn ? 100 : 0 },
      traits: { who: woman ? "woman" : "man", hair: "black", glasses: worn ? glasses : "", beard },
    };
  },
  pixelArt: () => {
    const woman = chance() < 0.5;
    const beard = !woman && chance() < 0.5;
    const [hairColor, hair] = entry(HAIR);
    const worn = chance() < 0.5;
    const dark = chance() < 0.5;
    return {
      options: { hair: `${woman ? "long" : "short"}${String(1 + Math.floor(chance() * 20)).padStart(2, "0")}`, hairColor, skinColor: one(SKIN),
        hatProbability: 0, accessoriesProbability: 0, beard: one(["variant01", "variant02", "variant03", "variant04"]), beardProbability: beard ? 100 : 0,
        glasses: `${dark ? "dark" : "light"}0${1 + Math.floor(chance() * 7)}`, glassesColor: one(["191919", "323232", "4b4b4b"]), glassesProbability: worn ? 100 : 0 },
      traits: { who: woman ? "woman" : "man", hair, glasses: worn ? (dark ? "sunglasses" : "glasses") : "", beard },
    };
  },
  bigEars: () => {
    const woman = chance() < 0.5;
    const [hairColor, hair] = entry(HAIR);
    return {
      options: { hair: `${woman ? "long" : "short"}${String(1 + Math.floor(chance() * 20)).padStart(2, "0")}`, hairColor, skinColor: one(SKIN) },
      traits: { who: woman ? "woman" : "man", hair, glasses: "", beard: false },
    };
  },
  lorelei: () => {
    const [hairColor, hair] = entry(HAIR);
    const worn = chance() < 0.5;
    const beard = chance() < 0.3;
    return {
      options: { hairColor, skinColor: one(SKIN), beard: one(["variant01", "variant02"]), beardProbability: beard ? 100 : 0, glassesProbability: worn ? 100 : 0 },
      traits: { hair, glasses: worn ? "glasses" : "", beard },
    };
  },
};

for (let number = 0; number < count; number++) {
  const set = chosen.length ? chosen[number % chosen.length] : number % 5 < 3 ? "avataaars" : number % 5 === 3 ? "dylan" : "miniavs";
  const { options, traits } = SETS[set]();
  const listed = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? [value] : value]));
  console.log(JSON.stringify({ set, svg: createAvatar(collection[set], { seed: `${seed}-${number}`, ...listed }).toString(), traits }));
}
