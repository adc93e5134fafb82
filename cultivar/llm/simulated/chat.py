"""Free chat with the simulated teacher: topic recognisers first, then a plain reply in the shape that was asked for."""

import re

from cultivar.llm.simulated.registry import Call, answers, first_reply

WORD = re.compile(r"[A-Za-z][A-Za-z'-]{3,}")
COMMON = frozenset(
    WORD.findall(
        """
        about above after again also answer because been before being between both could does each every explain from
        give have here into just like list make many more most much name need only other over please same should some
        such tell than that their them then there these they this those through under very want what when where which
        while will with without word words would write your yourself sentence sentences using used create describe
        provide following include includes response instruction question
        """
    )
)
ENUMERATED = re.compile(r"\b(list|steps?|ways|ideas|tips|reasons|examples|bullet|options|suggest)\b", re.IGNORECASE)
NUMBER = re.compile(r"\b(two|three|four|five|six|seven|eight|nine|ten|[2-9]|10)\b", re.IGNORECASE)
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}

OPENINGS = (
    "The short answer is that {a} matters most when {b} is taken into account.",
    "It helps to look at {a} first and then at {b}.",
    "In practice, {a} and {b} belong together.",
    "A good way to think about {a} is to start from {b}.",
)
MIDDLES = (
    "People often begin with {a}, because it shows early whether {b} will work.",
    "For example, a small change to {a} can make {b} much easier to judge.",
    "The main trade-off is between {a} and {b}: more of one usually costs some of the other.",
    "Once {a} is clear, the details of {b} follow with little effort.",
    "It is worth checking {a} against {b} before going on.",
    "A common mistake is to treat {a} as if it were {b}.",
)
CLOSINGS = (
    "With that in mind, {a} is the place to begin.",
    "Keep {a} simple, and review {b} from time to time.",
    "In short: decide on {a}, then let {b} follow.",
)
VAGUE = (
    "That depends on many things.",
    "There are different opinions about this, and all of them have some truth.",
    "It is a very interesting topic that many people think about.",
    "As everyone knows, it has always been this way.",
)


@answers()
def chat(call: Call) -> str:
    """A reply to the instruction in the request: a topic's own, or a plain one."""
    instruction = call.sections.get("instruction") or call.user
    reply = first_reply(instruction, call)
    return plain(instruction, call) if reply is None else reply


def topics(text: str) -> list[str]:
    """Content words of a text in order of appearance, each once; never fewer than two."""
    words = dict.fromkeys(word.lower() for word in WORD.findall(text))
    subjects = [word for word in words if word not in COMMON and word not in NUMBERS and not ENUMERATED.fullmatch(word)]
    return subjects + ["the goal", "the details"][: max(0, 2 - len(subjects))]


def plain(instruction: str, call: Call) -> str:
    """A few sentences, or a list where one is asked for, on the instruction's subject (or, wrong, not)."""
    rng = call.rng
    if call.wrong:
        return " ".join(rng.sample(VAGUE, 2 + rng.randrange(2)))
    subjects = topics(instruction)[:8]

    def fill(template: str) -> str:
        a, b = rng.sample(subjects, 2)
        sentence = template.format(a=a, b=b)
        return sentence[0].upper() + sentence[1:]

    if ENUMERATED.search(instruction):
        named = NUMBER.search(instruction)
        count = (NUMBERS.get(named[1].lower()) or int(named[1])) if named else 3
        points = [fill(MIDDLES[(index + rng.randrange(2)) % len(MIDDLES)]) for index in range(count)]
        return "\n".join(f"{index}. {point}" for index, point in enumerate(points, 1))
    body = rng.sample(MIDDLES, 1 + rng.randrange(4))
    return " ".join(fill(sentence) for sentence in (rng.choice(OPENINGS), *body, rng.choice(CLOSINGS)))
