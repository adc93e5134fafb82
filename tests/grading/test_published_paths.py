"""GSM8K's solutions without their annotations, in seven notations: none is refused but for an equation that is false.

A false result is planted in every solution. Every one is seen where the equation stands in a sentence of its own; in
the solutions' own words all but those that no reader could take for one equation ("8 times six equals 41", "x = 7").
"""

import re
from collections.abc import Callable
from random import Random

import orjson
import pytest

from cultivar.grading.equations import is_consistent

ANNOTATION = re.compile(r"<<([^<>=]*\d[^<>=]*[-+*/][^<>=]*)=([^<>=]*)>>\s*\$?(\d[\d,]*(?:\.\d+)?|\.\d+)")
PRODUCT = re.compile(r"(?<=[\w\s.)%$])\s*\*\s*(?=[\s\w.($])|(?<=[\d)%\w])\s+x\s+(?=[\d.($])")
FALSE = {
    "train": {
        167: "192*100=$1920",
        168: "6*2.5 = $18.00",
        198: "6/3=.5",
        224: "4080 + 4080 / 2 = 4000 + 2040 = 6120",
        502: "3/1=1",
        716: "100 * 0.75 = $0.75",
        1817: "1550 / 50 = 29",
        3002: "8*3 = 240",
        3334: "$4200+$3000 = $8600",
        3409: "10 x .5 = 10",
        3859: "5 * 3 = $15,000",
        4691: "2*8 = 24",
        4973: "200*.55=100",
        5195: "5 x 1/2 = 10",
        5350: "13 + 4 + 16 = 45",
        5781: "7+9+1+2 = $19.50",
        6001: "99.1 plus 98.2 plus 98.7 plus 99.3 plus 99.8 plus 99 plus 98.9 equals 692",
        6157: "70 + 40 = 100",
        6256: "10 x 1,248 = 11,480",
        6700: "2 / 12 = .125",
        6713: "3 x (8/16) = 6",
        6760: "4+4+6 = 18",
        6812: "50-8 = 44",
        6842: "500/ 2/5 = 200",
        7178: "1152/ 1,536 = .5",
        7444: "14*20=140",
    },
    "test": {501: "364 / 4 = 273", 598: "3.65 divided by .05 equals 69", 1024: "$32 - $20 = $300"},
}
"""Row -> the false equation that the published solution really holds."""
MINIATURE = [
    "She sold 48/2 = <<48/2=24>>24 clips in May and 48 + 24 = <<48+24=72>>72 clips in both.",
    "There are 3 boxes * 12 pens = <<3*12=36>>36 pens, at $2 each 36 x 2 = $<<36*2=72>>72.",
    "The 1500 guests and 300 more are 1500 + 300 = <<1500+300=1800>>1800 guests.",
]


def notations() -> list[Callable[[str], str]]:
    """Products as x, × and \\times, each with and without dollar signs and thousands separators; and as published."""

    def write(product, money):
        def rewrite(text):
            text = PRODUCT.sub(lambda _: product, text)
            if not money:
                return text.replace("$", "")
            text = re.sub(r"(?<![\d.,])[1-9]\d{3,}(?![\d,])", lambda found: f"{int(found[0]):,}", text)
            return re.sub(r"(?<![\d.,/$^A-Za-z:%])(?<!\d, )(?=\d|\.\d)(?!\d+:)", "$", text)

        return rewrite

    return [str] + [write(product, money) for product in (" x ", " × ", r" \times ") for money in (False, True)]


def without_annotations(path: str) -> str:
    return re.sub("<<[^<>]*>>", "", path)


def planted(number: str, rng: Random) -> str:
    """Another number of as many decimals."""
    plain = number.replace(",", "")
    off = rng.choice([1, 2, 3, 5, 10, 13, 100]) * rng.choice([-1, 1])
    return f"{float(plain) + off:.{len(plain.partition('.')[2])}f}"


def replace_one(path: str, rng: Random) -> tuple[str, str] | None:
    """A path with one false result, and that equation in a sentence of its own; None without annotated arithmetic."""
    found = list(ANNOTATION.finditer(path))
    if not found:
        return None
    one = rng.choice(found)
    false = planted(one[3], rng)
    return path[: one.start(3)] + false + path[one.end() :], f"So it is {one[1]} = {false} in all."


@pytest.mark.parametrize("path", MINIATURE)
def test_a_right_path_is_admitted_and_a_false_result_seen_in_every_notation(path):
    for rewrite in notations():
        assert is_consistent(rewrite(without_annotations(path)))
        for seed in range(5):
            for text in replace_one(path, Random(seed)):
                assert not is_consistent(rewrite(without_annotations(text)))


@pytest.mark.parametrize("split", ["train", "test"])
def test_published_paths_are_refused_for_false_equations_only_and_every_planted_one_is_seen(real_data, split):
    lines = (real_data / f"gsm8k/{split}.jsonl").read_bytes().splitlines()
    paths = [orjson.loads(line)["answer"] for line in lines]
    writers = notations()
    refused, escaped, count = set(), [], 0
    for row, path in enumerate(paths):
        rewrite = writers[row % len(writers)]
        assert is_consistent(path), "as published"
        if not is_consistent(rewrite(without_annotations(path))):
            refused.add(row)
            continue
        if false := replace_one(path, Random(row)):
            text, sentence = (rewrite(without_annotations(text)) for text in false)
            assert not is_consistent(sentence), (row, sentence)
            count += 1
            if is_consistent(text):
                escaped.append(row)
    assert refused == set(FALSE[split])
    assert len(escaped) <= 0.01 * count, escaped
