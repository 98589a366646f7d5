"""The language by example: each case names the rule of the reference it follows from and where that rule was read.

Marks as in the reference: [O] official text, [C] a client's code or captures, [I] inferred or Easel's own choice.
An expectation is a part of the answer of `python -m contract.prompt`; what it does not name may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

A, B = "https://example.com/a.png", "https://example.com/b.jpg"


@dataclass(frozen=True)
class Case:
    """`prompt` asked with `request`, and what its answer holds."""

    rule: str
    prompt: str
    expected: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)


def _case(rule: str, prompt: str, expected: dict[str, Any], **request: Any) -> Case:
    return Case(rule, prompt, expected, request)


def _refused(rule: str, prompt: str, kind: str, /, request: dict[str, Any] | None = None, **error: Any) -> Case:
    return Case(rule, prompt, {"error": {"kind": kind, **error}}, request or {})


def _taken(rule: str, prompt: str, /, request: dict[str, Any] | None = None, **params: Any) -> Case:
    return Case(rule, prompt, {"params": params}, request or {})


ORDER = [
    _case("§3.1 links first [O]", f"{A} a fox", {"images": [[A, None]], "parts": [["a fox", 1]]}),
    _case(
        "§3.1 links after the text work too [O]",
        f"A cactus on a skateboard {A} --iw 2.5",
        {"images": [[A, None]], "parts": [["A cactus on a skateboard", 1]], "params": {"iw": 2.5}},
    ),
    _case("§3.1 two links need no text [O]", f"{A} {B}", {"parts": [], "images": [[A, None], [B, None]]}),
    _refused(
        "§3.1 one image alone is refused [O]",
        f"{A} --v 7",
        "single_image",
        title="Invalid parameter",
        description="Cannot use --version 7 with only a single image prompt. "
        "Please add another image prompt, or a text prompt",
        suggestion=f"{A} a picture --v 7",
    ),
    _refused("§3.1 links are direct [O]", "https://example.com/page fox", "invalid_link", span=[0, 24]),
    _refused("§3.1 a link needs a path", "https://example.png fox", "invalid_link"),
    _case(
        "§3.1 short links need no extension [O]",
        "https://s.mj.run/abc fox",
        {"images": [["https://s.mj.run/abc", None]]},
    ),
    _refused("§3.1 blob: was not sent [O]", "blob:https://discord.com/1 fox", "invalid_link", title="Invalid link"),
    _refused("§3.1 nor was what a page holds", "data:image/png;base64,AAAA fox", "invalid_link", title="Invalid link"),
    _case("§3.1 a blob may be a word", "a blob: green", {"parts": [["a blob: green", 1]]}),
    *(
        _case(f"§3.1 {name} [O]", f"https://a.org/x.{name} y", {"images": [[f"https://a.org/x.{name}", None]]})
        for name in ("png", "gif", "webp", "jpg", "jpeg", "PNG")
    ),
    _case("§8 links with query strings work", f"{A}?ex=1&is=2 fox", {"images": [[f"{A}?ex=1&is=2", None]]}),
    _case("§3.12 links in angle brackets are links", f"<{A}> fox", {"images": [[A, None]]}),
    _case("§3.2 weights of links [O]", f"{A}::4 {B}::1 --iw .5", {"images": [[A, 4], [B, 1]], "params": {"iw": 0.5}}),
    _refused(
        "§3.2 no negative weights of links [O]",
        f"{A}::-1 fox",
        "bad_value",
        span=[0, len(A) + 4],
        suggestion=f"{A} fox",
    ),
    _refused("§3.2 nor in brackets", f"<{A}::-1> fox", "bad_value", suggestion=f"<{A}> fox"),
    _refused("§3.2 nor of references", f"fox --sref {A}::-1 7", "bad_value", suggestion=f"fox --sref {A} 7"),
    _refused("§3.2 nor of numbers", "fox --sref 7::-1", "bad_value", suggestion="fox --sref 7"),
]

WEIGHTS = [
    _case("§3.3 `::` ends a segment [O]", "space:: ship", {"parts": [["space", 1], ["ship", 1]]}),
    _case("§3.3 default 1 [O]", "space::2 ship", {"parts": [["space", 2], ["ship", 1]]}),
    _case("§3.3 as typed [O]", "space::100 ship::100", {"parts": [["space", 100], ["ship", 100]]}),
    _case("§3.3 no space between the colons [O]", "space: : ship", {"parts": [["space: : ship", 1]]}),
    _case("§3.3 the number follows at once [O]", "owl:: 2 cats", {"parts": [["owl", 1], ["2 cats", 1]]}),
    _case("§3.3 a word with a digit is no number [I]", "owl::2nd try", {"parts": [["owl", 1], ["2nd try", 1]]}),
    _case("§3.3 decimals [O]", "a::0.3 b::.25 c", {"parts": [["a", 0.3], ["b", 0.25], ["c", 1]]}),
    _case("§3.3 a weight is for all before it [O]", "hot dog animal::0.5", {"parts": [["hot dog animal", 0.5]]}),
    _case("§3.3 a trailing `::` adds nothing [O]", "hot:: dog::", {"parts": [["hot", 1], ["dog", 1]]}),
    _refused("§3.3 v1-3: whole numbers [O]", "cheese::1.5 cake --v 3", "bad_value", span=[6, 11]),
    _case("§3.3 v4+: decimals [O]", "cheese::1.5 cake --v 4", {"parts": [["cheese", 1.5], ["cake", 1]]}),
    _refused("§3.3 v7 has no `::` [O]", "hot:: dog --v 7", "incompatible", span=[3, 5]),
    _refused("§3.3 niji 7 has no `::` [O]", "hot:: dog --niji 7", "incompatible"),
    _case("§3.4 a positive sum will do [O]", "tulips:: red::-.5", {"parts": [["tulips", 1], ["red", -0.5]]}),
    _refused("§3.4 sum rule [O]", "red::-1", "weight_sum", suggestion="red"),
    _refused("§3.4 zero is not positive [O]", "a:: b::-1", "weight_sum", suggestion="a:: --no b"),
    _refused("§3.4 decimals are summed exactly", "a::.1 b::.2 c::-.3", "weight_sum", suggestion="a::.1 b::.2 --no c"),
    _refused(
        "§3.4 with links and flags",
        f"{A} a:: b, c::-2 --ar 3:2 --v 6",
        "weight_sum",
        suggestion=f"{A} a:: --no b, c --ar 3:2 --v 6",
    ),
    _refused("§3.4 what weighs nothing says nothing", "a::0 b::-1 c::.5", "weight_sum", suggestion="c::.5 --no b"),
    _refused("§3.4 nothing else is left", "red::-1 blue::0", "weight_sum", suggestion="red blue"),
    _refused("§3.4 a number that is too long", "a::1234567890123 b", "bad_value", suggestion="a:: b"),
    _case("§3.5 --no [O]", "vibrant tulip fields --no red", {"no": ["red"], "parts": [["vibrant tulip fields", 1]]}),
    _case(
        "§3.5 several --no are merged, and outside the sum [C TRU]",
        "girl --no boy --no car , dog --raw",
        {
            "no": ["boy", "car", "dog"],
            "params": {"raw": True},
            "echo": "girl --no boy --no car , dog --raw --v 8.2",
        },
    ),
    _case("§3.5 empty items are ignored [C TRU]", "fox --no a,, b,", {"no": ["a", "b"]}),
    _refused("§3.5 --no needs an item", "fox --no ,", "missing_value", param="no"),
    _case(
        "§3.8 quotes and punctuation have no syntax [O]",
        '"Hi; there!" (a) [b]',
        {"parts": [['"Hi; there!" (a) [b]', 1]]},
    ),
    _case("§3.10 a hyphen hides no `::`", "a -5 –b::3 c", {"parts": [["a -5 –b", 3], ["c", 1]]}),
    _case("§3.10 hyphens in words are text [O]", "sci-fi x--y -z", {"parts": [["sci-fi x--y -z", 1]]}),
]

PERMUTATIONS = [
    _case(
        "§3.6 a group [O]",
        "a {red, green} bird",
        {"expansions": ["a red bird", "a green bird"], "jobs": 2, "confirm": True},
    ),
    _case(
        "§3.6 groups multiply, the last varies fastest [O]", "{a,b} {c,d}", {"expansions": ["a c", "a d", "b c", "b d"]}
    ),
    _case("§3.6 groups nest [O]", "{a {b, c}, d} e", {"expansions": ["a b e", "a c e", "d e"], "jobs": 3}),
    _case(
        "§3.6 in values and names [O]",
        "fox --ar {1:1, 3:2} --{v 5, niji}",
        {
            "expansions": [
                "fox --ar 1:1 --v 5",
                "fox --ar 1:1 --niji",
                "fox --ar 3:2 --v 5",
                "fox --ar 3:2 --niji",
            ]
        },
    ),
    _case("§3.6 in weights [O]", "owl::{1, 2} cat", {"expansions": ["owl::1 cat", "owl::2 cat"]}),
    _case("§3.6 `\\,` is a comma [O]", "{a\\, b, c} d", {"expansions": ["a, b d", "c d"]}),
    _case("§3.6 `\\{` and `\\}` are braces [C]", "a \\{b, c\\}", {"parts": [["a {b, c}", 1]], "expansions": []}),
    _case("§3.6 an unmatched brace is itself [C]", "a {b, c", {"parts": [["a {b, c", 1]], "jobs": 1}),
    _case("§3.6 `{}` disappears [C]", "a {} b", {"parts": [["a b", 1]], "jobs": 1, "confirm": False}),
    _refused("§3.6 fast mode only [O]", "{a, b} fox", "speed_not_allowed", request={"speed": "relax"}),
    _refused("§3.6 fast mode only, by flag [O]", "{a, b} fox --relax", "speed_not_allowed"),
    _case("§3.6 turbo will do [O]", "{a, b} fox --turbo", {"jobs": 2}, speed="relax"),
    *(
        _refused(f"§3.6 limit of {plan} [O]", f"fox --repeat {limit + 1}", "too_many_jobs", request={"plan": plan})
        for plan, limit in (("basic", 4), ("standard", 10))
    ),
    _case("§3.6 limit of basic is reached [O]", "{a,b,c,d} fox", {"jobs": 4}, plan="basic"),
    _refused("§3.6 over 40 [O]", "{a,b,c,d,e,f,g}{a,b,c,d,e,f}", "too_many_jobs"),
    _case("§3.7 repeat [O]", "fox --repeat 4", {"jobs": 4, "confirm": True, "expansions": []}),
    _case("§3.7 repeat times expansions [I]", "{a, b} fox --r 3", {"jobs": 6}),
    _refused("§3.7 their product counts [I]", "{a, b, c, d} fox --r 11", "too_many_jobs"),
    _refused(
        "§2 repeat in relax mode [O]",
        "fox --repeat 2",
        "speed_not_allowed",
        request={"speed": "relax"},
        description="You can not submit batch jobs in relax mode",
    ),
    _refused(
        "§2 relax on basic [O]",
        "fox --relax",
        "speed_not_allowed",
        request={"plan": "basic"},
        description="Failed to submit: Relax queues are only available for users with a Standard plan or higher",
    ),
]

PRESETS = [
    _case(
        "§1 options anywhere, even first [O]",
        "--pablo playing basketball --pic",
        {"parts": [["Pablo the cat playing basketball photo", 1]], "params": {"aspect": "3:2"}},
        options={"pablo": "Pablo the cat", "pic": "photo --ar 3:2"},
    ),
    _case(
        "§3.9 options first of all [O]",
        "poppies --mine",
        {"echo": "poppies --chaos 7 --ar 7:4 --v 8.2"},
        options={"mine": "--chaos 7 --ar 7:4"},
    ),
    _case(
        "§1 an option's parameters find their place [I]",
        "--m a fox --s 5",
        {"params": {"aspect": "3:2", "stylize": 5}, "parts": [["a fox", 1]]},
        options={"m": "--ar 3:2"},
    ),
    _case(
        "§1 an option's text finds its place [I]", "fox --s 5 --m", {"parts": [["fox blue", 1]]}, options={"m": "blue"}
    ),
    _case("§3.9 an option within a list [I]", "fox --no --m", {"no": ["a", "b"]}, options={"m": "a, b"}),
    _case("§3.9 options within groups [I]", "{fox, --m} x", {"expansions": ["fox x", "wolf x"]}, options={"m": "wolf"}),
    _refused("§1 only the owner's options [O]", "fox --mine", "unrecognized_parameter", param="mine"),
    _case(
        "§3.9 the suffix is appended [O]",
        "fox --ar 3:2",
        {"echo": "fox --ar 3:2 --chaos 5 --v 8.2"},
        suffix="--chaos 5",
    ),
    _case(
        "§3.9 the prompt comes before the suffix [I]", "fox --ar 3:2", {"params": {"aspect": "3:2"}}, suffix="--ar 1:1"
    ),
    _case("§3.9 --no of the suffix is added [I]", "fox --no a", {"no": ["a", "b"]}, suffix="--no b"),
    _case(
        "§3.9 a box is prefilled, so no suffix again [I]",
        "fox --zoom 2",
        {"params": {"zoom": 2}},
        suffix="--s 5",
        command="custom_zoom",
    ),
    _case(
        "§1 a suffix of parameters [O]",
        "--uplight --no golden hour",
        {"no": ["golden hour"], "echo": "--uplight --no golden hour"},
        command="prefer_suffix",
    ),
    _case("§1 an empty suffix clears [O]", "", {"parts": []}, command="prefer_suffix"),
    _refused(
        "§8 a forgotten suffix is named",
        "fox",
        "bad_value",
        request={"suffix": "--s 5000"},
        description="--s must be between 0 and 1000 with --version 8.2\n"
        "This comes from your suffix, `--s 5000`, which is added to every prompt: change it with `/prefer suffix`",
    ),
    *(
        _refused("§1 no text in a suffix [O]", text, "command_not_supported", request={"command": "prefer_suffix"})
        for text in ("soft", "golden hour::-0.5", "soft --ar 3:2")
    ),
]

PARAMETERS = [
    _taken("§2 --ar [O]", "fox --ar 3:2", aspect="3:2"),
    _taken("§2 reduced [O]", "fox --aspect 1920:1280", aspect="3:2"),
    _refused("§2 no decimals [O]", "fox --ar 1.39:1", "bad_value", suggestion="fox --ar 139:100", span=[9, 15]),
    _refused("§2 malformed [I]", "fox --ar 3:0", "bad_value", param="aspect"),
    _taken("§2 v3: the closest ratio [O]", "fox --ar 4:1 --v 3", aspect="5:2", version=3),
    _taken("§2 v4: the closest ratio [O]", "fox --ar 1:3 --v 4", aspect="1:2", version=4),
    _taken("§2 4a: three ratios [O]", "fox --ar 16:9 --v 4 --style 4a", aspect="3:2", version=4, style="4a"),
    _taken("§2 v5: any ratio [O]", "fox --ar 100:1 --v 5", aspect="100:1", version=5),
    _taken("§2 v6: up to 14:1 [O]", "fox --ar 14:1", aspect="14:1"),
    _refused("§2 v6: not beyond 14:1 [O]", "fox --ar 15:1", "bad_value"),
    _taken("§2 aliases [O]", "fox --c 5 --s 50 --w 7 --q 1 --r 1", chaos=5, stylize=50, weird=7, quality=1, repeat=1),
    _refused("§2 chaos 0-100 [O]", "fox --chaos 101", "bad_value", suggestion="fox --chaos 100"),
    _refused("§2 chaos is whole [O]", "fox --chaos 1.5", "bad_value"),
    _refused(
        "§2 stylize 0-1000 [O]",
        "fox --stylize 1001 --v 7",
        "bad_value",
        description="--stylize must be between 0 and 1000 with --version 7",
        param="stylize",
        span=[14, 18],
    ),
    _taken("§2 v3: stylize 625-60000 [O]", "fox --s 60000 --v 3", stylize=60000, version=3),
    _refused("§2 v3: stylize from 625 [O]", "fox --s 100 --v 3", "bad_value"),
    _taken("§2 weird to 3000 [O]", "fox --weird 3000 --niji 5", weird=3000, niji=5),
    _refused("§2 weird from v5 [O]", "fox --weird 5 --v 4", "incompatible", param="weird"),
    *(
        _taken(
            f"§2 quality {typed} of {version} rounds [O]",
            f"fox --q {typed} --v {version}",
            quality=used,
            version=version,
        )
        for typed, version, used in (
            (".3", 6.1, 0.25),
            ("2", 6.1, 2),
            ("9", 6.1, 2),
            (".5", 7, 1),
            ("3", 7, 2),
            ("5", 3, 5),
            ("2", 5, 1),
        )
    ),
    _refused("§2 quality: not in 8.1 [O]", "fox --q 1 --v 8.1", "incompatible"),
    _taken("§2 seed [O]", "fox --seed 4294967295", seed=4294967295),
    _taken("§2 seed 0 is a seed", "fox --seed 0", seed=0),
    _refused("§2 seed to 4294967295 [O]", "fox --seed 4294967296", "bad_value"),
    _taken("§2 the first seed counts [C TRU]", "fox --seed 5 --seed 6", seed=5),
    _taken("§2 sameseed in v1-3 [O]", "fox --sameseed 5 --v 2", sameseed=5, version=2),
    _refused("§2 sameseed not later [O]", "fox --sameseed 5", "incompatible"),
    _refused("§2 stop 10-100 [O]", "fox --stop 9", "bad_value"),
    _refused("§2 stop: not in v7 [O]", "fox --stop 50 --v 7", "incompatible"),
    _taken("§2 stop in niji 6 [O]", "fox --stop 50 --niji 6", stop=50, niji=6),
    _refused("§2 repeat 1-40 [O]", "fox --repeat 41", "bad_value"),
    _taken("§2 tile [O]", "fox --tile", tile=True),
    _refused("§2 tile: not in v4 [O]", "fox --tile --v 4", "incompatible"),
    _refused("§2 tile: not in v7 [O]", "fox --tile --v 7", "incompatible"),
    _refused("§2 iw is not negative [O]", f"{A} fox --iw -1", "bad_value"),
    _refused("§2 iw to 3 [O]", f"{A} fox --iw 3.5", "bad_value"),
    _refused("§2 v5: iw to 2 [O]", f"{A} fox --iw 2.5 --v 5", "bad_value"),
    _refused("§2 iw: not in v4 [O]", f"{A} fox --iw 1 --v 4", "incompatible"),
    *(
        _taken(f"§2 --v {typed} [O]", f"fox --v {typed}", version=number)
        for typed, number in (
            ("1", 1),
            ("4", 4),
            ("5", 5),
            ("5.0", 5),
            ("5.2", 5.2),
            ("6.0", 6),
            ("6.1", 6.1),
            ("8.1", 8.1),
        )
    ),
    _refused("§2 unknown version", "fox --v 9", "bad_value", param="version"),
    _taken("§2 --niji 7 [O]", "fox --niji 7", niji=7),
    _taken("§2 bare --niji [I]", "fox --niji", niji=6),
    _refused("§2 unknown niji", "fox --niji 3", "bad_value", param="niji"),
    _taken("§2 --test [O]", "fox --test --creative", test=True, creative=True),
    *(_taken(f"§2 style raw in {v} [O]", f"fox --style raw --v {v}", style="raw", version=v) for v in (5.1, 5.2, 6)),
    _taken("§2 style of niji 5 [O]", "fox --style cute --niji 5", style="cute", niji=5),
    _taken("§2 tuner [O]", "fox --style random-32 --v 5.2", style="random-32", version=5.2),
    _taken("§2 tuner codes [O]", "fox --style raw-3W4kHk8XAO0 --v 5.2", style="raw-3W4kHk8XAO0", version=5.2),
    _refused("§2 style of another version [O]", "fox --style cute", "bad_value"),
    _refused("§2 raw from 5.1 [O]", "fox --raw --v 5", "incompatible"),
    _taken("§2 cref [O]", f"fox --cref {A} {B} --cw 0", cref=[[A, 1], [B, 1]], cw=0),
    _refused("§2 cw only with cref [O]", "fox --cw 50", "incompatible", param="cw"),
    _refused(
        "§2 cref: not in v7 [O]",
        f"fox --cref {A} --v 7",
        "incompatible",
        description="--cref is not compatible with --version 7",
        title="Invalid parameter",
    ),
    _taken(
        "§2 sref: links and numbers with weights [O]",
        f"fox --sref {A}::2 762351716::.5",
        sref=[[A, 2], [762351716, 0.5]],
    ),
    _refused("§2 sref from v6 [O]", "fox --sref 5 --v 5", "incompatible"),
    _refused("§2 sref words", "fox --sref nice", "bad_value", param="sref"),
    _refused("§2 sv to 4 in v6 [O]", "fox --sref 5 --sv 5 --v 6.1", "bad_value"),
    _taken("§2 sv to 6 in v7 [O]", "fox --sref 5 --sv 6 --sw 1000 --v 7", sref=[[5, 1]], sv=6, sw=1000, version=7),
    _taken("§2 oref in v7 [O]", f"fox --oref {A} --ow 400 --v 7", oref=[[A, 1]], ow=400, version=7),
    _refused("§2 one oref [O]", f"fox --oref {A} {B} --v 7", "bad_value"),
    _refused("§2 oref elsewhere [O]", f"fox --oref {A} --v 8.2", "incompatible"),
    _taken("§2 exp in v7 [O]", "fox --exp 100 --v 7", exp=100, version=7),
    _taken("§2 draft in v7 [O]", "fox --draft --v 7", draft=True, version=7),
    _taken("§2 profile codes and mentions [O]", "fox --p abc1234 <@12>", profile=["abc1234", "<@12>"]),
    _refused("§2 bare profile [O]", "fox --p", "not_enough_ratings", title="Not enough ratings"),
    _taken("§2 bare profile with ratings [O]", "fox --personalize", {"profile_ready": True}, profile=[]),
    _taken("§2 turbo from v5, stealth [O]", "fox --turbo --stealth", turbo=True, stealth=True),
    _refused("§2 no turbo in v4 [O]", "fox --turbo --v 4", "incompatible"),
    _taken("§9 the first of several speeds counts [I]", "fox --fast --relax", fast=True),
    _taken(
        "§2 video [O]",
        f"{A} fox --video --motion high --bs 4 --loop --end {B}",
        video=True,
        motion="high",
        bs=4,
        loop=True,
        end=B,
    ),
    _refused("§2 motion belongs to video [O]", "fox --motion high", "incompatible"),
    _taken("§2 motion in a video box [O]", "--motion low", {"command": "video"}, motion="low"),
    _taken("§2 zoom 1-2 in its box [O]", "fox --zoom 1.4", {"command": "custom_zoom"}, zoom=1.4),
    _refused("§2 zoom to 2 [O]", "fox --zoom 2.1", "bad_value", request={"command": "custom_zoom"}),
    _refused("§2 zoom only there [O]", "fox --zoom 2", "command_not_supported"),
    _taken("§2 hd in 8.1 [O]", "fox --hd --v 8.1", hd=True, version=8.1),
    _refused("§2 hd elsewhere [O]", "fox --hd --v 6.1", "incompatible"),
    _taken("§2 sizes of the first year [O]", "fox --w 448 --h 320 --v 1", width=448, height=320, version=1),
    _refused("§2 old flags elsewhere [O]", "fox --uplight", "unrecognized_parameter", param="uplight"),
    _refused("§1 /shorten takes no `::` [O]", "a:: b", "command_not_supported", request={"command": "shorten"}),
    _refused("§1 /shorten takes no --no [O]", "a --no b", "command_not_supported", request={"command": "shorten"}),
]

MISTAKES = [
    _refused(
        "§2 text after a value [O]",
        "robot --v 7 abc --chaos 20",
        "unrecognized_parameter",
        title="Invalid parameter",
        description="Unrecognized parameter(s): abc",
        param="abc",
        span=[12, 15],
        suggestion="robot abc --v 7 --chaos 20",
    ),
    _refused("§2 no space [C]", "fox --v5", "unrecognized_parameter", param="v5", suggestion="fox --v 5", span=[4, 8]),
    _refused("§8 glued with =", "fox --ar=3:2", "unrecognized_parameter", suggestion="fox --ar 3:2"),
    _refused(
        "§8 several at once", "fox --ar16x9, blue --v6", "unrecognized_parameter", suggestion="fox blue --ar 16:9 --v 6"
    ),
    _refused("§8 a slip of the pen", "fox --aspct 3:2", "unrecognized_parameter", suggestion="fox --aspect 3:2"),
    _refused("§8 a comma after a value", "fox --ar 3:2, --s 50", "bad_value", suggestion="fox --ar 3:2 --s 50"),
    _refused("§8 glued flags", "fox --ar 3:2--tile", "bad_value", suggestion="fox --ar 3:2 --tile"),
    _refused(
        "§8 a glued flag with a value", "fox --ar 3:2--v 6", "unrecognized_parameter", suggestion="fox --ar 3:2 --v 6"
    ),
    _refused("§8 blanks in a ratio", "fox --ar 2 : 3 --v 6", "unrecognized_parameter", suggestion="fox --ar 2:3 --v 6"),
    _refused("§8 a stray comma", "fox --v 6 , --ar 3:2", "unrecognized_parameter", suggestion="fox --v 6 --ar 3:2"),
    _refused("§8 a full stop", "fox --s 50.", "bad_value", suggestion="fox --s 50"),
    _refused("§8 parameters first", "--ar 3:2 a fox", "unrecognized_parameter", suggestion="a fox --ar 3:2"),
    _refused("§2 a space after the dashes [O]", "fox -- ar 3:2", "unrecognized_parameter", suggestion="fox --ar 3:2"),
    *(
        _refused(f"§8 unknown flags: {why}", prompt, "unrecognized_parameter", suggestion=suggestion)
        for why, prompt, suggestion in (
            ("alone it goes", "fox --frobnicate", "fox"),
            ("with its value", "fox --upscale 2x --ar 3:2", "fox --ar 3:2"),
            ("a dash before words", "a fox --ar 3:2 --lovely and wild", "a fox lovely and wild --ar 3:2"),
            ("no flag of the first year", "fox --with hat", "fox with hat"),
            ("what has ended", "fox --tune abc", "fox"),
            ("a switch behind the name of its kind", "fox --mode fast", "fox --fast"),
            ("a version", "fox --8.2", "fox --v 8.2"),
            ("a shape", "fox --16:9", "fox --ar 16:9"),
            ("the name of a value before it", "fox --aspect ratio 16:9", "fox --aspect 16:9"),
            ("the same of a number", "fox --seed number 5", "fox --seed 5"),
            ("a size", "fox --w 1024 --h 768", "fox --ar 4:3"),
            ("no size", "fox --w big --h 5", "fox"),
        )
    ),
    *(
        _refused("2026 §1 versions in words", f"fox {typed}", "bad_value", suggestion=f"fox {meant}".strip())
        for typed, meant in (
            ("--v latest", "--v 8.2"),
            ("--niji newest", "--niji 7"),
            ("--v niji 6", "--niji 6"),
            ("--v niji5", "--niji 5"),
            ("--v testp", "--testp"),
            ("--v sdxl", ""),
        )
    ),
    _refused("§2 no version", "fox --v", "missing_value", suggestion="fox"),
    *(
        _refused("§2 a pair of common numbers", f"fox --ar {typed}", "bad_value", suggestion=f"fox --ar {meant}")
        for typed, meant in (("16", "16:9"), ("9", "9:16"), ("3.2", "3:2"), ("21.9", "21:9"), ("1.85", "13:7"))
    ),
    *(
        _refused("§4.8 amounts in words", f"fox --{typed}", "bad_value", suggestion=f"fox --{meant}")
        for typed, meant in (("s high", "s 250"), ("s low", "s 50"), ("chaos max", "chaos 100"), ("w MIN", "w 0"))
    ),
    _refused("§2 a style in words", "fox --ar 3:2 --sref ink", "bad_value", suggestion="fox ink --ar 3:2"),
    *(
        _refused("§8 values as people write them", f"fox {typed}", "bad_value", suggestion=f"fox {meant}")
        for typed, meant in (
            *(
                ('--ar "16:9"', "--ar 16:9"),
                ("--ar (16x9)", "--ar 16:9"),
                ('--v "7"', "--v 7"),
                ("--ar -1:2", "--ar 1:2"),
            ),
            *(("--s 1k", "--s 1000"), ("--seed 1,000", "--seed 1000"), ("--seed 1.000.000", "--seed 1000000")),
        )
    ),
    _refused("§8 a dash before a value", "fox --niji-6", "unrecognized_parameter", suggestion="fox --niji 6"),
    _refused("§8 a share", f"{A} fox --iw 50%", "bad_value", suggestion=f"{A} fox --iw 0.5"),
    _refused("2026 §2 its picture stands elsewhere", f"{A} red --edit", "missing_value", suggestion=f"red --edit {A}"),
    _refused(
        "2026 §2 all of its pictures",
        f"{A} {B} red --edit --s 5",
        "missing_value",
        suggestion=f"red --edit {A} {B} --s 5",
    ),
    _refused("§2 a map's picture", f"{A} fox --map --mw 5", "missing_value", suggestion=f"fox --map {A} --mw 5"),
    _refused("2026 §2 nothing to edit", "red --edit ink", "bad_value", suggestion="red"),
    _refused("2026 §2 nor here", "red --edit --s 5", "missing_value", suggestion="red --s 5"),
    *(
        _refused("§2 a picture that is not there", f"fox --{flag} --s 5", "missing_value", suggestion="fox --s 5")
        for flag in ("map", "lora")
    ),
    _refused("§2 a character that is none", "fox --cref 12 --v 6", "bad_value", suggestion="fox --v 6"),
    *(
        _refused("§2 a style that is none", f"fox --sref {typed} --sw 5", kind, suggestion="fox --sref random --sw 5")
        for typed, kind in (("", "missing_value"), *((bad, "bad_value") for bad in ("-5", "1.5", "a1b2", "9" * 19)))
    ),
    _refused("§3.1 a picture in a list", f"fox --no {A}, hats", "invalid_link", suggestion=f"fox {A} --no hats"),
    _refused(
        "2026 §2 four pictures",
        f"red --edit {A} {B} {A} --edit {B} {A} --edit {B}",
        "bad_value",
        suggestion=f"red --edit {A} {B} {A} --edit {B}",
    ),
    _refused(
        "2026 §2 pictures go before versions", f"red --edit {A} --v 7", "incompatible", suggestion=f"red --edit {A}"
    ),
    _refused(
        "2026 §2 what came in between", f"red --cref {A} --v 7", "incompatible", suggestion=f"red --oref {A} --v 7"
    ),
    _refused("§8 no guess among the options of a group", "{a, b} --v 6 c", "unrecognized_parameter", suggestion=None),
    _refused(
        "2026 §4 what makes a ratio too long",
        "fox --hd --ar 5:1",
        "bad_value",
        description="--ar must be between 1:4 and 4:1 with --version 8.2 --hd",
        suggestion="fox --hd --ar 4:1",
    ),
    _refused("§2 no value", "fox --ar --tile", "missing_value", param="aspect", span=[4, 8]),
    _taken("§2 em dash [O]", "fox —ar 3:2", aspect="3:2"),
    _taken("§8 en dash", "fox –ar 3:2", aspect="3:2"),
    _taken("§8 upper case", "fox --AR 3:2 --Style RAW", aspect="3:2", style="raw"),
    _case("§8 a dash between words is text", "a fox — no hat – none", {"parts": [["a fox — no hat – none", 1]]}),
    _refused("§5 empty prompt", "", "empty_prompt", title="Empty prompt"),
    _refused("§5 only spaces", " \n\t ", "empty_prompt"),
    _refused("§5 only parameters", "--ar 3:2", "empty_prompt"),
    _refused("§3.11 too long to post [I]", "x" * 1950, "too_long"),
    _refused("§3.11 too long to type [O]", "x" * 6001, "too_long"),
]

ECHO = [
    _case("§3.12 defaults are appended [C]", "fox", {"echo": "fox --v 7.0"}, version="7"),
    _case("§3.12 niji is appended [C]", "fox --relax", {"echo": "fox --relax --niji 6"}, version="niji 6"),
    _case("§2 versions are spelled out [C]", "fox --v 7 --s 5", {"echo": "fox --v 7.0 --s 5"}),
    _case("§3.12 links in angle brackets [C TRU]", f"{A} fox {B}::2", {"echo": f"<{A}> fox <{B}>::2 --v 8.2"}),
    _case("§3.12 --video 1 [C TRU]", f"{A} fox --video", {"echo": f"<{A}> fox --video 1 --v 8.2"}),
    _case(
        "§3.12 references last [C TRU, MUT]",
        f"fox --sref {A} {B} --ar 2:3 --v 7",
        {"echo": f"fox --ar 2:3 --v 7.0 --sref <{A}> <{B}>"},
    ),
    _case("§3.8 as typed [O]", "A FoX, hot::2  DOG", {"echo": "A FoX, hot::2 DOG --v 6.1"}),
    _case("§7.1 one line without ** [C NPM]", "**bold**\r\nfox \\", {"echo": "\\*\\*bold\\*\\* fox --v 8.2"}),
    _case("§7.2 mentions stay text [C YOK]", "<#12> <@34> @everyone", {"echo": "<#12> <@34> @everyone --v 8.2"}),
]

DASHES = [
    *(
        _taken(
            f"§8 dashes of editors and keyboards: {dashes}",
            f"a fox {dashes}ar 2:1 {dashes}seed 7",
            aspect="2:1",
            seed=7,
        )
        for dashes in (
            *(
                "\u2010\u2010",
                "\u2011\u2011",
                "\u2012\u2012",
                "––",
                "——",
                "\u2015\u2015",
                "\u2212\u2212",
                "\u2e3a\u2e3a",
                "\u2053\u2053",
                "\u30a0\u30a0",
                "\u1400\u1400",
            ),
            *(
                "\u00ad\u00ad",
                "\ufe58\ufe58",
                "\ufe63\ufe63",
                "\uff0d\uff0d",
                "\u2796\u2796",
                "-\u2011",
                "—-",
                "ーー",
                "──",
            ),
            *("\u2010", "\u2011", "\u2012", "\u2015", "\u2212", "\u2e3a", "\u2e3b", "\uff0d", "\u301c"),
        )
    ),
    _case("§8 they are echoed as flags", "fox −−AR 2:1", {"echo": "fox --ar 2:1 --v 8.2"}),
    _refused("§8 two of them are meant", "fox −−aspct 2:1", "unrecognized_parameter", suggestion="fox --aspect 2:1"),
    _case(
        "§8 drawn lines are text",
        "── fox ── ────── ―No, he said",
        {"parts": [["── fox ── ────── ―No, he said", 1]]},
    ),
    _refused(
        "§8 a flag sticks to the word before",
        "cat--ar 2:1",
        "unrecognized_parameter",
        suggestion="cat --ar 2:1",
        description="Unrecognized parameter(s): --ar. A parameter needs a space before its dashes",
        span=[3, 7],
    ),
    _refused("§8 the same, other dashes", "cat‑‑ar 2:1", "unrecognized_parameter", suggestion="cat --ar 2:1"),
    _refused("§8 the same, one long dash", "cat—ar 2:1", "unrecognized_parameter", suggestion="cat --ar 2:1"),
    _refused("§8 the same, a switch", "cat--tile", "unrecognized_parameter", suggestion="cat --tile"),
    _refused("§8 the same, twice", "cat--tile--raw", "unrecognized_parameter"),
    _refused("§8 the same, a value", "cat --ar 2:1−−tile", "bad_value", suggestion="cat --ar 2:1 --tile"),
    _refused("§8 the same, a version", "cat --v 6—tile", "bad_value", suggestion="cat --v 6 --tile"),
    _refused("§8 the same, a link", f"{A}--ar 2:1 cat", "invalid_link", suggestion=f"{A} cat --ar 2:1"),
    _case("§8 prose keeps its dashes", "the end—end of all, x--y", {"parts": [["the end—end of all, x--y", 1]]}),
    _refused("§8 one dash is missing", "fox -ar 16:9", "unrecognized_parameter", suggestion="fox --ar 16:9"),
    _refused("§8 the same, a short name", "fox -v 6", "unrecognized_parameter", suggestion="fox --v 6"),
    _case("§8 a hyphen before other words", "a -s curve -old -z", {"parts": [["a -s curve -old -z", 1]]}),
    *(
        _taken(f"§8 nothing hides a flag: {ord(hidden):04x}", f"fox {hidden}--ar 2:1", aspect="2:1")
        for hidden in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u115f\u180e\u202e\u2800\u3164\uffa0\U000e0041"
    ),
    _refused("§8 the same, without a space", "fox\u200b--ar 2:1", "unrecognized_parameter"),
]

LINKS = [
    _refused("§3.1 only https", f"http{A[5:]} fox", "invalid_link", suggestion=f"{A} fox", span=[0, len(A) - 1]),
    _refused(
        "§3.1 only https, in a reference", f"fox --sref http{A[5:]}", "invalid_link", suggestion=f"fox --sref {A}"
    ),
    _case("§3.1 the sandbox has no https", "http://127.0.0.1:8911/a.png fox", {"parts": [["fox", 1]]}),
    _refused("§3.1 links stand apart", f"{A},{B} fox", "invalid_link", suggestion=f"{A} {B} fox"),
    _refused("§3.1 links stand apart, other marks", f"{A}|{B};{A} fox", "invalid_link", suggestion=f"{A} {B} {A} fox"),
    _refused("§3.1 links stand apart, wide marks", f"{A}，{B} fox", "invalid_link", suggestion=f"{A} {B} fox"),
    _refused("§3.1 links stand apart, no mark", f"{A}{B} fox", "invalid_link", suggestion=f"{A} {B} fox"),
    _case("§3.1 a link may hold another", f"https://b.org/{A} fox", {"images": [[f"https://b.org/{A}", None]]}),
    _refused("§3.1 a picture in brackets", f"({A}) fox", "invalid_link", suggestion=f"{A} fox"),
    _refused("§3.1 a picture in quotes", f'fox "{A}"', "invalid_link", suggestion=f"fox {A}"),
    *(
        _refused("§7.2 an echo holds nothing to click on", text, "invalid_link", suggestion=None)
        for text in (
            "[Free Nitro](https://evil.example/x)",
            "[Free Nitro](<https://evil.example/x>)",
            "[x](HTTP://evil.example) fox",
            "[x](discord://evil) fox",
            "[x](mailto:a@b.c) fox",
            "[x](<tel:123>) fox",
            "<mailto:a@b.c> fox",
            "fox ftp://evil.example/x",
            "fox xhttps://evil.example/x",
            "fox discord.gg/abc",
            "fox discord.gift/abc",
            "fox discordapp.com/gifts/abc",
            "fox --no https://evil.example/x",
            "fox --no a, [x](https://evil.example/x)",
            "fox <https://evil.example>",
        )
    ),
]

_UPLOAD = "https://cdn.discordapp.com/attachments/1/2/a.png"

SHORT = [
    _case(
        "§3.12 a link's signature is not echoed",
        f"{_UPLOAD}?ex=6a&is=6b&hm={'c' * 64}&::2 fox --v 7 --sref {_UPLOAD}?ex=6a&is=6b&hm={'c' * 64}&",
        {
            "images": [[f"{_UPLOAD}?ex=6a&is=6b&hm={'c' * 64}&", 2]],
            "echo": f"<{_UPLOAD}>::2 fox --v 7.0 --sref <{_UPLOAD}>",
        },
    ),
    _case("§3.12 other queries are", f"{A}?ex=1 fox", {"echo": f"<{A}?ex=1> fox --v 8.2"}),
]

WORDS = [
    _case(
        "§7.1 asterisks are echoed unharmed",
        "**a** cat",
        {"parts": [["**a** cat", 1]], "echo": "\\*\\*a\\*\\* cat --v 8.2"},
    ),
    _case("§7.1 the same, at the end", "a **cat**", {"parts": [["a **cat**", 1]], "echo": "a \\*\\*cat\\*\\* --v 8.2"}),
    _case("§7.1 one alone stays", "a * b *c*", {"parts": [["a * b *c*", 1]], "echo": "a * b *c* --v 8.2"}),
    _case("§7.1 an echo's asterisks are read again", "\\*\\*a\\*\\* cat", {"parts": [["**a** cat", 1]]}),
    _case("§7.1 a list at the end", "fox --v 6 --no **a**", {"no": ["**a"], "echo": "fox --v 6.0 --no \\*\\*a"}),
    _case(
        "§3.6 a space before an escaped comma",
        "{red, pastel \\, yellow} fox",
        {"expansions": ["red fox", "pastel, yellow fox"]},
    ),
    _case("§8 marks do not pile up", "c" + "\u0301" * 40 + "at", {"parts": [["c\u0301\u0301at", 1]]}),
    _case("§8 Vietnamese and Hebrew keep theirs", "Vie\u0323\u0302t שָּׁ", {"parts": [["Vie\u0323\u0302t שָּׁ", 1]]}),
    _case(
        "§8 emoji keep their joiners",
        "👩‍🎨 🏴\U000e0067\U000e0062\U000e007f 1️⃣",
        {"parts": [["👩‍🎨 🏴\U000e0067\U000e0062\U000e007f 1️⃣", 1]]},
    ),
    _case("§8 letters need none", "f\u200do\u200cx می‌خواهم", {"parts": [["fox می‌خواهم", 1]]}),
]

NAMES = [
    _refused(
        "§8 flags are named as typed",
        "fox --s 5000",
        "bad_value",
        param="stylize",
        description="--s must be between 0 and 1000 with --version 8.2",
    ),
    _refused(
        "§8 as typed, without a value",
        "fox --AR",
        "missing_value",
        param="aspect",
        description="--ar needs a value, for example `--ar 3:2`",
    ),
    _refused("§8 as typed, not here", "fox --oref https://a.org/a.png --v 6.1", "incompatible", param="oref"),
    *(
        _refused("§8 the version is to blame", text, "bad_value", param="version", span=[4, 5])
        for text in ("--v 9 fox", "--v 9 fox --ar 2:1", "--v 9 fox --frobnicate")
    ),
    _refused("§8 no advice that cannot be followed", "fox --p", "not_enough_ratings", suggestion="fox"),
]


SEPTEMBER_2026 = [
    _case("2026 §1 the default is 8.2", "a fox", {"echo": "a fox --v 8.2"}),
    _refused("2026 §1 8.0 is gone", "fox --v 8", "bad_value", param="version", suggestion="fox --v 8.2"),
    _refused("2026 §1 by its other name", "fox --v 8.0", "bad_value", param="version", suggestion="fox --v 8.2"),
    _taken("2026 §1 what was posted stays readable", "fox --v 8.1", version=8.1),
    *(
        _refused("2026 §4 not in 8.x", f"fox {flag} --v {version}", "incompatible")
        for version in ("8.1", "8.2")
        for flag in ("--q 2", "--turbo", "--stop 50", f"--cref {A}", f"--oref {A}")
    ),
    _refused("2026 §4 no weights in 8.x", "a::2 b --v 8.2", "incompatible", param="::", span=[1, 4]),
    *(
        _case("what only older versions have is read by one of them", text, {"echo": f"{text} --v {version}"})
        for text, version in (("owl::2 cat", "6.1"), ("fox --q .5", "6.1"), ("fox --stop 50", "6.1"),
                              ("fox --turbo --tile", "6.1"))
    ),
    _case("the newest of them that has all", f"fox --oref {A}", {"echo": f"fox --v 7.0 --oref <{A}>"}),
    _case("or has it with these values", "fox --q 2 --sv 5 --sref 12", {"echo": "fox --q 2 --sv 5 --v 7.0 --sref 12"}),
    _case("which permutations name too", "{owl, cat} ::2 b", {"echo": "{owl, cat} ::2 b --v 6.1"}),
    _case("unless they differ", "owl {--v 7, --tile}", {"echo": "owl {--v 7, --tile}"}),
    _refused("not where a version was chosen", "a::2 b", "incompatible", request={"version": "8.1"}),
    _refused("no version has both", f"fox --oref {A} --cref {A}", "incompatible"),
    *(
        _taken("2026 §4 to 14:1", f"fox --ar {ratio} --v {version}", aspect=ratio, version=float(version))
        for ratio in ("14:1", "1:14") for version in ("8.1", "8.2")
    ),
    _refused("2026 §4 beyond 14:1", "fox --ar 15:1 --v 8.1", "bad_value", suggestion="fox --ar 14:1 --v 8.1"),
    _refused("2026 §4 HD to 4:1", "fox --ar 5:1 --hd", "bad_value", suggestion="fox --ar 4:1 --hd"),
    _refused("2026 §4 before and after", "fox --hd --ar 1:5 --v 8.2", "bad_value", span=[14, 17]),
    _taken("2026 §4 HD", "fox --hd --ar 4:1", hd=True, aspect="4:1"),
    _taken("2026 §4 SD", "fox --sd --v 8.1", sd=True, version=8.1),
    _refused("2026 §4 SD is new", "fox --sd --v 7", "incompatible", param="sd"),
    _refused("2026 §4 one of the two", "fox --hd --sd", "incompatible", suggestion="fox --hd", span=[9, 13]),
    _taken("2026 §3 tiles", "fox --tile --v 8.1", tile=True, version=8.1),
    _taken("2026 §5 in 8.2", "fox --exp 20 --weird 5 --tile --v 8.2", exp=20, weird=5, tile=True, version=8.2),
    _refused("2026 §5 exp not in 8.1", "fox --exp 20 --v 8.1", "incompatible", param="exp"),
    _taken("2026 §9 a moodboard", "fox --p m123 --sref 1", profile=["m123"], sref=[[1, 1]]),
    _refused("2026 §9 without --sw", "fox --p m123 --sref 1 --sw 10", "incompatible", param="sw",
             suggestion="fox --p m123 --sref 1"),
    _refused("2026 §9 without --sv", "fox --sv 4 --sref 1 --p abc M77", "incompatible", param="sv"),
    _taken("2026 §9 other codes may", "fox --p abc1234 --sref 1 --sw 10", profile=["abc1234"], sref=[[1, 1]], sw=10),
]  # fmt: skip


def _loras(prompt: str, echo: str, *loras: tuple[str, float]) -> Case:
    """LoRAs as people paste them from web UIs, and as flags."""
    params = {"lora": [list(lora) for lora in loras]}
    return _case("§8 LoRAs as web UIs write them", prompt, {"echo": echo, "params": params})


LORAS = [
    _loras("a red fox <lora:detail:0.8> in snow", "a red fox in snow --lora detail::0.8 --v 8.2", ("detail", 0.8)),
    _loras("a fox, <lora:a:1>, <LyCO:b>", "a fox --lora a::1 --lora b --v 8.2", ("a", 1), ("b", 1)),
    _loras("<lora:my ink.safetensors:.5:.6> a fox", "a fox --lora my_ink::.5 --v 8.2", ("my_ink", 0.5)),
    _loras("<lora:sub/ink:-1> fox", "fox --lora ink::-1 --v 8.2", ("ink", -1)),
    _loras("fox --lora ink::.8 paper::-1 --lora x", "fox --lora ink::.8 paper::-1 --lora x --v 8.2",
           ("ink", 0.8), ("paper", -1), ("x", 1)),
    _loras("a fox --no red <lora:x:1>", "a fox --no red --lora x::1 --v 8.2", ("x", 1)),
    _loras("a --lora <lora:ink:0.8> fox", "a fox --lora ink::0.8 --v 8.2", ("ink", 0.8)),
    _loras("a fox --lora <lora:a:1>, <lora:b:1>", "a fox --lora a::1 --lora b::1 --v 8.2", ("a", 1), ("b", 1)),
    _loras("--lora <lora:ink> a fox", "a fox --lora ink --v 8.2", ("ink", 1)),
    _case("§3.6 a LoRA in a group", "a {<lora:a:1>, <lora:b:2>} fox", {"jobs": 2, "params": {"lora": [["a", 1]]}}),
    _refused("§8 no number", "a fox <lora:x:abc>", "bad_value", param="lora", span=[12, 17]),
    _refused("§8 far too strong", "fox --lora ink::9", "bad_value", param="lora", span=[11, 17]),
    _refused("§8 a second name has a weight", "fox --lora ink bear", "unrecognized_parameter",
             suggestion="fox bear --lora ink"),
    _refused("§8 a name is missing", "fox --lora", "missing_value", param="lora"),
    _refused("§8 one colon", "fox --lora ink:0.8", "bad_value", suggestion="fox --lora ink::0.8"),
    _refused("§8 commas", "fox --lora ink::0.8,b=1", "bad_value", suggestion="fox --lora ink::0.8 --lora b::1"),
    _refused("§8 no end", "a fox <lora:ink:0.5", "other_syntax", suggestion="a fox <lora:ink:0.5>"),
    _refused("§8 no name", "a fox <lora:>", "other_syntax", suggestion="a fox"),
    _refused("§8 no name but a weight", "a fox <lora::0.8>", "other_syntax", suggestion="a fox"),
    _refused("§8 a name of nothing", "a fox <lora: :1>", "other_syntax", suggestion="a fox"),
    _case("§8 first in a list", "a fox --no <lora:a:1>, red", {"echo": "a fox --no red --lora a::1 --v 8.2"}),
    _refused("2026 §2 edits have no weight", f"red --edit {A}::2", "bad_value", suggestion=f"red --edit {A}"),
]  # fmt: skip


def _foreign(prompt: str, suggestion: str | None, **request: Any) -> Case:
    """Another tool's syntax, and what it is here."""
    return _refused("§8 other tools' syntax", prompt, "other_syntax", request=request, suggestion=suggestion)


FOREIGN = [
    _foreign("a fox <hypernet:y:1> embedding:bad-hands", "a fox"),
    _foreign("a (red fox:1.5) in snow --ar 3:2", "a red fox in snow:: red fox::0.5 --ar 3:2"),
    _foreign("(best:1.2), (sharp:1.4), a girl", "best, sharp, a girl:: best::0.2 sharp::0.4"),
    _foreign("a (red fox:1.5) --v 7", "a red fox --v 7"),
    _foreign("a (cat:0.5) dog", "a cat dog"),
    _foreign("((a:1.2):1.3) fox", "a fox:: a::0.2:: a::0.3"),
    _foreign("fox --no (bad:1.3), x", "fox --no bad, x"),
    _foreign("((masterpiece)), 1girl, [[blurry]]", "masterpiece, 1girl, blurry"),
    _foreign("(fox)++ in snow", "fox in snow"),
    _foreign("a [cat:dog:0.5] on grass", "a cat and dog on grass"),
    _foreign("a [cat|dog] on grass", "a cat and dog on grass"),
    _foreign("a [cat:0.5] on grass", "a cat on grass"),
    _foreign("a {red|green|blue} bird", "a {red, green, blue} bird"),
    _foreign("a {2$$red|green, dark|0.5::blue} bird", "a {red, green\\, dark, blue} bird"),
    _foreign("{a {b|c}, d} e", "{a {b, c}, d} e"),
    _foreign("a __colour__ bird, __animals/wild_cat__", "a colour bird, wild cat"),
    _foreign("a <wildcard:colour> bird", "a colour bird"),
    _foreign("a cat AND a dog", "a cat:: a dog"),
    _foreign("a cat:1.2 AND a dog", "a cat::1.2 a dog"),
    _foreign("a cat AND a dog --v 7", "a cat and a dog --v 7"),
    _foreign("a cat BREAK a dog", "a cat a dog"),
    _foreign("a girl Negative prompt: bad --ar 3:2", "a girl --no bad --ar 3:2"),
    _foreign(
        "a girl\nNegative prompt: (worst quality:2), [lowres], bad hands,\nSteps: 20, Sampler: Euler a, CFG scale: 7, "
        "Seed: 1234567, Size: 512x768, Model: x",
        "a girl --no worst quality, lowres, bad hands --seed 1234567 --ar 2:3",
    ),
    _foreign("a girl Steps: 20, Seed: 0", "a girl --seed 0"),
    _foreign('{"model": "x", "prompt": "a fox", "n": 2, "size": "1024x1536"}', "a fox --ar 2:3"),
    _foreign(
        '{"input": {"prompt": "a fox, snow", "negative_prompt": "(ugly:1.2), bad", "seed": 7, "width": 8}}',
        "a fox, snow --no ugly, bad --seed 7",
    ),
    _foreign("a girl, steps: 20, seed: 0", "a girl --seed 0"),
    _foreign("/imagine prompt: a fox --ar 2:1", "a fox --ar 2:1"),
    _foreign("/imagine a fox", "a fox"),
    _foreign("imagine prompt:a fox", "a fox"),
    _foreign("Prompt: a fox", "a fox"),
    _foreign("fox embedding:x:1.2 in snow", "fox in snow"),
    _foreign("(embedding:x:1.2) fox", "fox"),
    _foreign("fox :1.3 AND snow :1.2 --ar 2:1", "fox ::1.3 snow::1.2 --ar 2:1"),
    _foreign("a cat AND a dog --ar 2:3", "a cat:: a dog --ar 2:3"),
    _foreign("fox++ in snow", "fox in snow"),
    _foreign("(fox)1.3 in snow", "fox in snow:: fox::0.3"),
    _foreign("a (red fox : 1.5) in snow", "a red fox in snow:: red fox::0.5"),
    _foreign("a [cat:dog:12] on [:grass:7] and [mud::20]", "a cat and dog on grass and mud"),
    _foreign("a fox, BREAK, snow", "a fox, snow"),
    *(
        _taken("§8 a link is as it is", f"{link} fox --ar 2:1", aspect="2:1")
        for link in (
            "https://a.org/__wild__.png",
            "<https://a.org/a_(cat:1.5)_[x:y:0.5].png>",
            "https://[2001:db8::1]/a.png",
        )
    ),
    *(
        _foreign(f"{pasted}{flags}", f"{here}{flags}")
        for flags in ("", " --ar 2:1")
        for pasted, here in (
            ("best, <hypernet:x:1>, <ti:y>, a fox, embedding:z, BREAK, snow", "best, a fox, snow"),
            ("BREAK, a fox,BREAK,snow, (embedding:z:1.2), <ti:y>,", "a fox,snow"),
            ("a fox <ti:y>, snow BREAK, hill", "a fox, snow, hill"),
            ("a fox (red:1.5), BREAK Negative prompt: bad", "a fox red:: red::0.5 --no bad"),
            ("1.5::red fox ::, snow, -1::flat colour::", "red fox, snow:: red fox::0.5 flat colour::-0.5"),
            ("a fox, (hill:-1)", "a fox:: hill::-0.5"),
            ("狐（赤い：1.3）", "狐赤い:: 赤い::0.3"),
            ('("a fox", "snow").blend(0.7, 0.3)', "a fox:: snow"),
            ('"red fox"++ (hill)--', "red fox hill"),
            ("${x=!{cat|dog}}a ${x} and a ${y}", "a {cat, dog} and a y"),
            ("a <random:red,blue> fox, <segment:face>, <alternate:cat,dog>", "a {red, blue} fox, cat and dog"),
            ("Positive prompt: a fox", "a fox"),
            ("/dream prompt:a fox", "a fox"),
        )
    ),
    *(
        _refused(
            "§8 other tools' flags", f"a fox {flags}", "unrecognized_parameter", suggestion=f"a fox {here}".strip()
        )
        for flags, here in (
            ("--neg ugly, bad", "--no ugly, bad"),
            ("--negative ugly", "--no ugly"),
            ("--negative_prompt ugly", "--no ugly"),
            ("--no-dogs", "--no dogs"),
            ("--size 512x768", "--ar 2:3"),
            ("--ratio 2:1", "--ar 2:1"),
            ("--aspect-ratio 2:1", "--ar 2:1"),
            ("--steps 30 --ar 2:1", "--ar 2:1"),
            ("--cfg 7.5", ""),
        )
    ),
    *(
        _refused("§8 a ratio in other words", f"a fox --ar {ratio}", "bad_value", suggestion="a fox --ar 2:1")
        for ratio in ("2\u22361", "2by1", "2to1", "2x1", "2/1")
    ),
    *(
        _case("§3.8 what is only punctuation stays", text, {"parts": [[text, 1]]})
        for text in (
            '"Hi; there!" (a) [b] ((',
            "(ratio 16:9) at (12:30), John (3:16)",
            "A CAT AND A DOG",
            "snake_case__x, a|b, C++",
            "[16:9] frame, [chapter 3:12]",
            "imagine a prompt fox",
            "/imagination",
            "a smile :) and a (frown",
            "<3 love <@34>",
            "steps: up the hill",
            "__in__ a `code`",
            "a sign that says BREAK",
            "$5 for a <video> of 2 cats",
        )
    ),
]

KEYBOARDS = [
    _taken(
        "§8 wide digits and colons are values", "fox --ar ３：２ --s ５０ --v ６", aspect="3:2", stylize=50, version=6
    ),
    _refused("§8 wide letters of a flag", "fox －－ａｒ 3:2", "unrecognized_parameter", suggestion="fox --ar 3:2"),
    _case("§8 commas of other keyboards part a list", "红狐狸 --no 树，车、房子", {"no": ["树", "车", "房子"]}),
    _foreign("a {红，绿} fox", "a {红, 绿} fox"),
    _foreign("｛red，green｝ fox", "{red, green} fox"),
    _foreign("hot：：dog", "hot::dog"),
    _case("§8 wide punctuation is text", "狐：一，二、三（四）", {"parts": [["狐：一，二、三（四）", 1]]}),
    *(
        _refused("§3.1 a link without its beginning", f"{text} fox", "invalid_link", suggestion=f"{A} fox")
        for text in (A[8:], f"https:/{A[8:]}", f"https//{A[8:]}", f"http:{A[8:]}", f"https:{A[8:]}")
    ),
    _refused("§3.1 the same, with a query", "example.com/a.png?x=1 fox", "invalid_link"),
    _case("§3.1 slashes and dots are no links", "and/or.png 3/4.5 a.b/c", {"parts": [["and/or.png 3/4.5 a.b/c", 1]]}),
    _refused(
        "§7.2 words that a link hides behind", f"[Free Nitro]( {A} )", "invalid_link", suggestion=None, span=[11, 13]
    ),
]

CASES = [
    *(*ORDER, *WEIGHTS, *PERMUTATIONS, *PRESETS, *PARAMETERS, *MISTAKES, *ECHO),
    *(*DASHES, *LINKS, *SHORT, *WORDS, *NAMES, *SEPTEMBER_2026, *LORAS, *FOREIGN, *KEYBOARDS),
]
