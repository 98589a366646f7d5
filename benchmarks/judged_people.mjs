// People for the judge to learn from, of DiceBear sets that training never uses: one JSON line each {set, svg, traits}.
// Run in a folder whose node_modules hold @dicebear/core and @dicebear/collection: node judged_people.mjs COUNT SEED
import { createAvatar } from "@dicebear/core";
import * as collection from "@dicebear/collection";

const [count, seed] = process.argv.slice(2).map(Number);
let state = (seed * 2654435761) >>> 0;
function chance() {
  state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0; // xorshift32
  return state / 2 ** 32;
}
const one = (list) => list[Math.floor(chance() * list.length)];
const entry = (table) => one(Object.entries(table));

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
};

for (let number = 0; number < count; number++) {
  const set = number % 5 < 3 ? "avataaars" : number % 5 === 3 ? "dylan" : "miniavs";
  const { options, traits } = SETS[set]();
  const listed = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? [value] : value]));
  console.log(JSON.stringify({ set, svg: createAvatar(collection[set], { seed: `${seed}-${number}`, ...listed }).toString(), traits }));
}
