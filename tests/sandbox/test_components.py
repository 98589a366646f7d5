"""The component checks against another implementation of Discord's rules (simcord's) on generated trees."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from simcord.components import ComponentValidationError, validate_components, validate_modal

from sandbox.components import ComponentReader, find, walk
from sandbox.errors import ApiError, Form
from sandbox.modals import read_modal

JSON = dict[str, Any]

# What may become of one field of a component of each type: values at the limit, beyond it, and of the wrong kind.
CHANGES: dict[int, dict[str, list[Any]]] = {
    1: {"components": [[], None], "id": [7, -1, 1 << 32]},
    2: {
        "label": ["x" * 80, "x" * 81, None],
        "custom_id": ["", "x" * 100, "x" * 101, None, "same"],
        "style": [0, 4, 5, 6, 7, None],
        "url": ["https://example.org"],
        "sku_id": ["1"],
        "id": [7],
    },
    3: {
        "options": [[], [{"label": "a", "value": str(i)} for i in range(25)], [{"label": "a", "value": "b"}] * 2],
        "custom_id": ["", "x" * 101, "same"],
        "placeholder": ["x" * 150, "x" * 151],
        "min_values": [-1, 0, 2, 25, 26],
        "max_values": [0, 1, 3, 26],
    },
    4: {
        "style": [0, 1, 2, 3],
        "label": ["", "x" * 45, "x" * 46],
        "placeholder": ["x" * 100, "x" * 101],
        "min_length": [-1, 0, 4000, 4001],
        "max_length": [0, 1, 4000, 4001],
        "custom_id": ["", "x" * 101, "same"],
    },
    9: {"components": [[], [{"type": 10, "content": "x"}] * 4], "accessory": [None, {"type": 10, "content": "x"}]},
    10: {"content": ["", "x" * 3900, "x" * 4000, "x" * 4001, None]},
    11: {"media": [None, {"url": ""}], "description": ["x" * 1024, "x" * 1025]},
    12: {"items": [[], [{"media": {"url": "https://example.org"}}] * 10, [{"media": {"url": "https://a.b"}}] * 11]},
    14: {"spacing": [0, 1, 2, 3]},
    17: {"accent_color": [-1, 0, 0xFFFFFF, 0x1000000], "components": [[{"type": 2}], [{"type": 17, "components": []}]]},
    18: {"label": ["", "x" * 45, "x" * 46], "description": ["x" * 100, "x" * 101], "component": [None]},
    21: {"options": [[{"label": "a", "value": "b"}]], "custom_id": ["", "same"]},
    22: {"options": [[]], "custom_id": ["same"]},
}


class Maker:
    """Makes trees that Discord takes, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._names = count()

    def some(self, low: int, high: int, *makers: Callable[[], JSON]) -> list[JSON]:
        """So many parts, each from one of the makers."""
        return [self.random.choice(makers)() for _ in range(self.random.randint(low, high))]

    def button(self) -> JSON:
        return {"type": 2, "style": self.random.randint(1, 4), "label": "go", "custom_id": f"c{next(self._names)}"}

    def link(self) -> JSON:
        return {"type": 2, "style": 5, "label": "go", "url": "https://example.org"}

    def select(self) -> JSON:
        options = [{"label": "l", "value": str(i)} for i in range(self.random.randint(3, 25))]
        return {"type": 3, "custom_id": f"c{next(self._names)}", "options": options}

    def row(self) -> JSON:
        parts = [self.select()] if self.random.random() < 0.3 else self.some(1, 5, self.button, self.link)
        return {"type": 1, "components": parts}

    def text(self) -> JSON:
        return {"type": 10, "content": "words"}

    def thumbnail(self) -> JSON:
        return {"type": 11, "media": {"url": "https://example.org/a.png"}}

    def section(self) -> JSON:
        return {
            "type": 9,
            "components": self.some(1, 3, self.text),
            "accessory": self.some(1, 1, self.button, self.thumbnail)[0],
        }

    def gallery(self) -> JSON:
        return {"type": 12, "items": [{"media": {"url": "https://example.org/a.png"}}] * self.random.randint(1, 10)}

    def separator(self) -> JSON:
        return {"type": 14, "divider": True, "spacing": 1}

    def container(self) -> JSON:
        inner = (self.row, self.text, self.section, self.gallery, self.separator)
        return {"type": 17, "components": self.some(1, 4, *inner)}

    def classic(self) -> list[JSON]:
        return self.some(1, 5, self.row)

    def layout(self) -> list[JSON]:
        return self.some(1, 5, self.row, self.text, self.section, self.gallery, self.separator, self.container)

    def text_row(self) -> JSON:
        return {"type": 1, "components": [{"type": 4, "custom_id": f"c{next(self._names)}", "style": 1, "label": "l"}]}

    def label(self) -> JSON:
        kind = self.random.choice([3, 4, 21, 22])
        component: JSON = {"type": kind, "custom_id": f"c{next(self._names)}"}
        component |= {"style": 2} if kind == 4 else {"options": [{"label": x, "value": x} for x in "abc"]}
        return {"type": 18, "label": "l", "component": component}

    def modal(self) -> JSON:
        parts = self.some(1, 5, self.text_row, self.label, self.text)
        return {"title": "t", "custom_id": "m", "components": parts}

    def change(self, parts: list[JSON]) -> None:
        """Change one field of up to two components, or put a copy of one beside it."""
        for _ in range(self.random.randint(0, 2)):
            part = self.random.choice(list(walk(parts)))
            if self.random.random() < 0.1:
                parts.append(part)
            elif part.get("type") in CHANGES:
                name, values = self.random.choice(list(CHANGES[part["type"]].items()))
                part[name] = self.random.choice(values)
                if part[name] is None:
                    del part[name]


def accepts(components: list[JSON], *, v2: bool) -> bool:
    """Whether the sandbox takes these."""
    form = Form()
    ComponentReader(form, set(), v2=v2).read(components)
    try:
        form.check()
    except ApiError:
        return False
    return True


def asks_too_much(components: list[JSON]) -> bool:
    """Whether a select wants more values than it has options (simcord lets it)."""
    return any(part["type"] == 3 and part.get("max_values", 1) > len(part["options"]) for part in walk(components))


def simcord_accepts(components: list[JSON], *, v2: bool) -> bool:
    """Whether simcord takes these, and they keep three rules that it lacks."""
    try:
        validate_components(components, flags=1 << 15 if v2 else 0)
    except ComponentValidationError:
        return False
    if asks_too_much(components):
        return False
    for part in walk(components):
        kind = part["type"]
        if kind == 2 and part["style"] < 5 and not part.get("label"):
            return False
        if kind == 17 and not part["components"]:
            return False
    return True


def test_both_take_and_refuse_the_same_messages() -> None:
    """Rows, buttons, selects, texts, sections, galleries, containers, at and over their limits."""
    verdicts: Counter[bool] = Counter()
    for seed in range(600):
        maker = Maker(seed)
        v2 = maker.random.random() < 0.5
        components = maker.layout() if v2 else maker.classic()
        maker.change(components)
        if not v2:  # how the parts of a classic message are numbered is Discord's own business
            for part in walk(components):
                part.pop("id", None)
        taken = accepts(components, v2=v2)
        assert taken == simcord_accepts(components, v2=v2), f"seed {seed}: {components}"
        verdicts[taken] += 1
    assert min(verdicts.values()) > 100, "the generator must produce plenty of both"


def test_both_take_and_refuse_the_same_modals() -> None:
    """Rows with a text input, labels with inputs and groups, text."""
    verdicts: Counter[bool] = Counter()
    for seed in range(600):
        maker = Maker(seed)
        modal = maker.modal()
        maker.change(modal["components"])
        for part in walk(modal["components"]):
            part.pop("id", None)
        try:
            read_modal(modal)
            taken = True
        except ApiError:
            taken = False
        try:
            validate_modal(modal)
            also = True
        except ComponentValidationError:
            also = False
        rows = [row["components"] for row in modal["components"] if row["type"] == 1 and row.get("components")]
        if any(not row[0].get("label") for row in rows):
            also = False  # a text input in a row has no other heading; simcord lets it go without
        also = also and not asks_too_much(modal["components"])
        assert taken == also, f"seed {seed}: {modal}"
        verdicts[taken] += 1
    assert min(verdicts.values()) > 100, "the generator must produce plenty of both"


def test_every_part_gets_a_number_of_its_own() -> None:
    """Chosen numbers stay; the others go round them."""
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "a", "custom_id": "a", "id": 1}]}
    form = Form()
    parts = ComponentReader(form, set(), v2=True).read([row, {"type": 10, "content": "x"}])
    form.check()
    assert [part["id"] for part in walk(parts)] == [2, 1, 3]
    assert find(parts, "a") == {"type": 2, "id": 1, "style": 1, "label": "a", "custom_id": "a"}
    assert find(parts, "b") is None
