"""The colours of a map of areas: which colour means what, as the ControlNets for segments were taught it (ADE20K).

Things are drawn one by one where they lie; a ground (`ground` is its usual colour) fills its whole area. White and
black say nothing: what lies there is left to the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One colour and what lies where it is. `ground` is None for a thing. `kinds` are words for such things."""

    name: str
    colour: Colour
    ground: Colour | None = None
    kinds: str = ""

    @property
    def code(self) -> str:
        """The colour as people type it: `#04c803`."""
        return hexadecimal(self.colour)


LEGEND: tuple[Entry, ...] = (
    Entry("sky", (6, 230, 230), (150, 200, 240)),
    Entry("grass", (4, 250, 7), (110, 180, 80)),
    Entry("sea", (9, 7, 230), (50, 110, 190)),
    Entry("water", (61, 230, 250), (90, 160, 210)),
    Entry("sand", (160, 150, 20), (225, 205, 150)),
    Entry("earth", (120, 120, 70), (140, 110, 80)),
    Entry("road", (140, 140, 140), (125, 125, 130)),
    Entry("field", (112, 9, 255), (190, 190, 90)),
    Entry("floor", (80, 50, 50), (160, 115, 80)),
    Entry("wall", (120, 120, 120), (220, 212, 200)),
    Entry(
        "tree",
        (4, 200, 3),
        kinds="palm oak pine birch bonsai 树 松树 大树 棕榈树 圣诞树",
    ),
    Entry(
        "mountain",
        (143, 255, 140),
        kinds="hill volcano peak 山 雪山 火山 山峰",
    ),
    Entry(
        "house",
        (255, 9, 224),
        kinds="home cottage hut cabin barn church castle temple farmhouse villa igloo 房子 房屋 屋子 "
        "小屋 木屋 别墅 教堂 城堡 寺庙",
    ),
    Entry(
        "building",
        (180, 120, 120),
        kinds="tower skyscraper castle church temple lighthouse windmill palace factory hotel school "
        "大楼 楼 楼房 建筑 塔 摩天大楼 灯塔 宫殿 城堡 教堂 寺庙",
    ),
    Entry(
        "person",
        (150, 5, 61),
        kinds="man woman boy girl child baby kid lady wizard witch knight king queen prince princess "
        "astronaut robot ninja pirate soldier farmer chef doctor teacher pilot artist singer "
        "dancer fairy elf angel vampire zombie mermaid superhero detective snowman 人 男人 女人 "
        "男孩 女孩 孩子 小孩 老人 宝宝 巫师 女巫 骑士 国王 公主 王子 宇航员 机器人 医生 老师 厨师 "
        "雪人",
    ),
    Entry(
        "animal",
        (255, 0, 122),
        kinds="cat dog horse cow pig sheep goat rabbit fox bear panda wolf lion tiger elephant giraffe "
        "zebra monkey deer mouse bird owl duck chicken penguin parrot eagle fish whale dolphin "
        "shark turtle frog snake snail crab octopus butterfly bee spider dragon unicorn dinosaur "
        "koala kangaroo hedgehog squirrel camel crocodile 动物 猫 狗 小猫 小狗 马 牛 奶牛 猪 羊 "
        "绵羊 兔子 狐狸 熊 熊猫 狼 狮子 老虎 大象 长颈鹿 猴子 鹿 鸟 小鸟 鸭子 鸡 企鹅 鱼 鲸鱼 海豚 "
        "乌龟 青蛙 蛇 龙 独角兽 恐龙",
    ),
    Entry(
        "flower",
        (255, 0, 0),
        kinds="rose tulip sunflower daisy lily orchid lotus 花 花朵 玫瑰 郁金香 向日葵",
    ),
    Entry(
        "plant",
        (204, 255, 4),
        kinds="bush cactus fern mushroom pumpkin bamboo 植物 灌木 仙人掌 蘑菇 竹子",
    ),
    Entry(
        "rock",
        (255, 41, 10),
        kinds="stone boulder crystal 石头 岩石",
    ),
    Entry(
        "car",
        (0, 102, 200),
        kinds="bus truck taxi van ambulance tractor motorcycle jeep 车 汽车 轿车 跑车 公交车 卡车 出租车",
    ),
    Entry(
        "boat",
        (173, 255, 0),
        kinds="ship sailboat canoe yacht submarine ferry 船 小船 帆船 轮船",
    ),
    Entry(
        "table",
        (255, 6, 82),
        kinds="desk 桌子 书桌",
    ),
    Entry(
        "chair",
        (204, 70, 3),
        kinds="sofa armchair throne bench stool 椅子 沙发 长椅",
    ),
    Entry(
        "bed",
        (204, 5, 255),
        kinds="床",
    ),
)


def hexadecimal(colour: Colour) -> str:
    """`#rrggbb`."""
    return "#" + "".join(f"{value:02x}" for value in colour)


_BETWEEN = (
    "and|or|with|by|at|on|in|into|inside|under|below|above|over|behind|before|between|of|near|beside|besides|next|to"
)
_PARTED = re.compile(rf"[,;.，、；。和与是有在]|旁边|[里上中下]的|\b(?:{_BETWEEN})\b", re.IGNORECASE)
_MANY = re.compile(
    r"^(?:two|three|four|five|some|many|several|a few|a lot|[2-9]"
    r"|[一两三四五几许多些]+[只个群辆座棵朵条艘张把匹头位名块]?)\s*",
    re.IGNORECASE,
)
"""How many there are, in Chinese with the word that goes with it."""


def names_of(entries: Sequence[Entry], said: Sequence[str]) -> list[str]:
    """What each thing of a map, from left to right, is called: as a prompt speaks of it, `a red sports car` for a car,
    or by its name in the legend. Several of one sort are called in the order in which they are spoken of, the last word
    going for all that are left.

    `said` are the parts of the prompt; where it speaks of one thing and the map shows one, they are the same.
    """
    if len(entries) == len(said) == 1:
        return [said[0].partition(",")[0].strip()]
    phrases = [phrase.strip() for part in said for phrase in _PARTED.split(part) if phrase.strip()]
    spoken = {entry: list(_spoken_of(entry, phrases)) for entry in set(entries)}
    names = []
    for entry in entries:
        words = spoken[entry]
        names.append((words.pop(0) if len(words) > 1 else words[0]) if words else with_article(entry.name))
    return names


def with_article(name: str) -> str:
    """`an animal`."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _spoken_of(entry: Entry, phrases: Sequence[str]) -> Iterator[str]:
    """The phrases that end in a word for such a thing; of several things, `two red cats`, one: `a red cat`."""
    kinds = {entry.name, *entry.kinds.split()}
    for phrase in phrases:
        last = phrase.lower().split()[-1]
        if last in kinds or any(kind > "\x7f" and phrase.endswith(kind) for kind in kinds):
            yield _MANY.sub("", phrase) if last > "\x7f" else phrase
        elif last.endswith("s") and (one := last.removesuffix("s")) in kinds:
            yield with_article(_MANY.sub("", f"{phrase[: -len(last)]}{one}"))
