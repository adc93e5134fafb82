"""The simulated teacher on constraints: rewrites, verification functions with cases, and responses that satisfy or violate them."""

import re

from cultivar.llm.simulated.registry import Call, answers, first_reply, replies

KINDS: tuple[tuple[str, str], ...] = (
    ("upper", r"upper ?case|capital letters|all caps"),
    ("lower", r"lower ?case"),
    ("no_comma", r"\b(no|any) commas?\b|without commas?"),
    ("end", r"\bend (?:your \w+ |the \w+ |it )?with\b|\bfinish with\b"),
    ("start", r"\b(?:start|begin) (?:your \w+ |the \w+ |it )?with\b"),
    ("max_words", r"(?:at most|no more than|less than|fewer than|under) (\d+) words"),
    ("min_words", r"at least (\d+) words"),
    ("bullets", r"bullet"),
    ("json", r"\bjson\b"),
    ("quotes", r"(?:double )?quotation marks"),
    ("exclaim", r"exclamation mark"),
    ("no_letter", r"no words? containing the letter '?(\w)'?|without the letter '?(\w)'?"),
    ("letter_start", r"words? that begin with the letter '?(\w)'?"),
    ("questions", r"only questions"),
    ("ing", r"end with '-ing'"),
    ("half", r"half of the alphabet \((\w)-(\w)\)"),
)
BODIES = {
    "upper": "return response.isupper()",
    "lower": "return response.islower()",
    "no_comma": "return bool(response.strip()) and ',' not in response",
    "end": "return response.strip().lower().endswith({phrase!r}.lower())",
    "start": "return response.strip().lower().startswith({phrase!r}.lower())",
    "max_words": "return 0 < len(response.split()) <= {number}",
    "min_words": "return len(response.split()) >= {number}",
    "bullets": "lines = [line for line in response.splitlines() if line.strip()]\n"
    "    return bool(lines) and all(line.lstrip()[:1] in '-*' for line in lines)",
    "json": "import json\n    try:\n        json.loads(response)\n        return True\n    except ValueError:\n        return False",
    "quotes": "text = response.strip()\n    return len(text) > 2 and text[0] == text[-1] == '\"'",
    "exclaim": "return response.strip().endswith('!')",
    "no_letter": "return bool(response.strip()) and {letter!r} not in response.lower()",
    "letter_start": "words = response.lower().split()\n    return bool(words) and all(word.lstrip('\"(').startswith({letter!r}) "
    "for word in words)",
    "questions": "parts = [part for part in response.replace('!', '.').split('.') if part.strip()]\n"
    "    return '?' in response and all(part.strip().endswith('?') for part in parts)",
    "ing": "words = [word.strip('.,!?').lower() for word in response.split()]\n"
    "    return bool(words) and all(word.endswith('ing') for word in words)",
    "half": "letters = [c for c in response.lower() if c.isalpha()]\n"
    "    return bool(letters) and all({low!r} <= c <= {high!r} for c in letters)",
}

WORDS_IN_ING = ("thinking", "asking", "learning", "reading", "walking", "waiting", "singing", "resting")
CONDITIONS = {
    "upper": "the response is in upper case",
    "lower": "the response is in lower case",
    "no_comma": "the response has no commas",
}


def parse_constraint(text: str) -> tuple[str, dict] | None:
    """The kind of a constraint and what its wording sets; None for what no short function can check."""
    for kind, pattern in KINDS:
        match = re.search(pattern, text, re.I)
        if not match:
            continue
        given = [group for group in match.groups() or () if group]
        values: dict = {"number": int(given[0]) if given and given[0].isdigit() else 0}
        if kind in ("no_letter", "letter_start") and given:
            values["letter"] = given[0].lower()
        if kind == "half":
            values |= {"low": given[0].lower(), "high": given[1].lower()}
        if kind in ("end", "start"):
            phrase = text[match.end() :].strip(" :'\"")
            phrase = re.sub(r"^(?:the )?(?:words?|phrase|sentence)\b[: '\"]*", "", phrase).rstrip("'\"")
            if not phrase:
                return None
            values["phrase"] = phrase
        if kind == "max_words" and re.search(r"less than|fewer than|under", text, re.I):
            values["number"] -= 1
        return kind, values
    return None


def satisfy(kind: str, values: dict, text: str) -> str:
    """`text` changed so that it satisfies the constraint."""
    body = text.strip()
    match kind:
        case "upper":
            return body.upper()
        case "lower":
            return body.lower()
        case "no_comma":
            return body.replace(",", "")
        case "end":
            return f"{body} {values['phrase']}"
        case "start":
            return f"{values['phrase']} {body}"
        case "max_words":
            return " ".join(body.split()[: values["number"]])
        case "min_words":
            words = body.split()
            return " ".join((words * (values["number"] // len(words) + 1))[: max(values["number"], len(words))])
        case "bullets":
            return "\n".join(f"- {part.strip()}" for part in re.split(r"(?<=[.!?])\s+", body) if part.strip())
        case "json":
            return '{"answer": "' + body.replace("\\", "").replace('"', "'").replace("\n", " ") + '"}'
        case "quotes":
            return f'"{body}"'
        case "exclaim":
            return body.rstrip(".") + "!"
        case "no_letter":
            return " ".join(word for word in body.split() if values["letter"] not in word.lower()) or "Hmm"
        case "letter_start":
            chosen = [word for word in body.split() if word.lower().startswith(values["letter"])]
            return " ".join(chosen) or f"{values['letter'].upper()}es"
        case "questions":
            return " ".join(
                f"{part.strip().rstrip('.!?')}?" for part in re.split(r"(?<=[.!?])\s+", body) if part.strip()
            )
        case "ing":
            start = len(body) % len(WORDS_IN_ING)
            return ", ".join((WORDS_IN_ING * 2)[start : start + 3]) + "."
        case "half":
            chosen = ["".join(c for c in word if values["low"] <= c.lower() <= values["high"]) for word in body.split()]
            return " ".join(word for word in chosen if word) or values["low"]
    return body


SAMPLES = (
    "The river is wide, and the boat is small.",
    "Bread needs time. Heat helps it rise.",
    "An honest answer, in short.",
    "Two hills stand behind the village.",
    "Ask the miller. He knows the road, more or less.",
    "Winter came late that year.",
    "Some clocks are slow, some are fast.",
    "A ladder leans on the old wall.",
    "Keep the lamp dry. Keep the matches near it.",
    "Every kettle sings in its own way, of course.",
)
PARAMETERS = ("response", "answer", "reply", "completion", "given")
"""Names by which functions of one meaning differ."""


@answers(fields={"function", "cases"})
def verifier(call: Call) -> dict:
    """A function for the constraint and three cases; wrong: the test is turned round, or a case is mislabelled."""
    parsed = parse_constraint(call.sections.get("constraint", ""))
    if parsed is None:
        function = "def evaluate(response):\n    return len(response) > 0"
        return {"function": function, "cases": [{"input": text, "output": True} for text in SAMPLES]}
    kind, values = parsed
    name = call.rng.choice(PARAMETERS)
    body = re.sub(r"\bresponse\b", name, BODIES[kind].format(**values))
    style = call.rng.randrange(3)
    note = ("", '    """Check the constraint."""\n', "    # one rule\n")[style]
    function = f"def evaluate({name}: str) -> bool:\n{note}    {body}\n"
    texts = call.rng.sample(SAMPLES, 2)
    good = [satisfy(kind, values, text) for text in texts]
    bad = violate(kind, values, call.rng.choice(SAMPLES))
    cases = [{"input": text, "output": True} for text in good] + [{"input": bad, "output": False}]
    if call.wrong:
        if call.rng.random() < 0.5:
            function = f"def check({name}):\n    {body}\n\n\ndef evaluate({name}):\n    return not check({name})\n"
        else:
            cases[-1]["output"] = True
    return {"function": function, "cases": cases}


def violate(kind: str, values: dict, text: str) -> str:
    """A text that does not satisfy the constraint."""
    match kind:
        case "no_letter":
            return f"{text} {values['letter'] * 2}"
        case "letter_start" | "ing" | "questions" | "bullets" | "json" | "quotes" | "exclaim" | "end" | "start":
            return f"Zebras like jazz. {text} So it was"
        case "half":
            return chr(97 + (ord(values["low"]) - 97 + 13) % 26) * 4 + " " + text
        case "no_comma":
            return f"Well, {text}"
        case "max_words":
            words = text.split()
            return " ".join((words * (values["number"] // len(words) + 2))[: values["number"] + 3])
        case "min_words":
            return " ".join(text.split()[: values["number"] - 1]) or "-"
    return text.swapcase() if text.swapcase() != text else text + "Aa"


@answers(fields={"constraints"})
def new_constraints(call: Call) -> dict:
    """Constraints of other checkable kinds."""
    choices = [
        "Answer in upper case",
        "Answer in lower case",
        "Do not use any commas",
        "End your answer with the words: that is all",
        "End your answer with the word done",
        "Start your answer with the word well",
        f"Use at most {call.rng.choice((5, 8, 10, 12))} words",
        "Put the answer in double quotation marks",
        "End the answer with an exclamation mark",
        "Answer with a bullet list",
    ]
    return {"constraints": call.rng.sample(choices, 2 if not call.wrong else 1)}


@answers(fields={"constraint"})
def back_translation(call: Call) -> dict:
    """What the function's body tests, by its text."""
    code = call.sections.get("function", "")
    if name := re.search(r"def \w+\((\w+)", code):
        code = re.sub(rf"\b{name[1]}\b", "response", code)
    negated = "not check(" in code
    for kind, body in BODIES.items():
        mark = body.split("{")[0].strip()
        if mark and mark in code:
            condition = CONDITIONS.get(kind, f"the response satisfies the rule {kind}")
            return {"constraint": f"{'it is not the case that ' if negated else ''}{condition}"}
    return {"constraint": "the response is not empty"}


@answers(fields={"label"})
def entailment(call: Call) -> dict:
    """Contradiction where the hypothesis is turned round."""
    negated = "not the case" in call.sections.get("hypothesis", "")
    if call.wrong:
        return {"label": "neutral"}
    return {"label": "contradiction" if negated else "entailment"}


@answers(fields={"reason", "score"})
def match(call: Call) -> dict:
    """A score of substance: refusals and empty talk are low."""
    response = call.sections.get("response", "")
    poor = re.match(r"(?i)(sorry|i can)", response) or len(response) < 2
    score = 2 if poor else call.rng.choice((8, 9, 10))
    return {"reason": "it does not answer" if poor else "it answers the query", "score": 6 if call.wrong else score}


@replies(order=5)
def constrained(instruction: str, call: Call) -> str | None:
    """A query that ends in a constraint: answer the query, then satisfy the constraint (or not, where it goes wrong)."""
    parts = re.split(r"(?<=[.?!])\s+", instruction.strip())
    for start in range(1, len(parts)):
        tail = " ".join(parts[start:])
        parsed = parse_constraint(tail)
        if parsed is not None and len(tail.split()) <= 16:
            answer = first_reply(" ".join(parts[:start]), call) or plain_reply(" ".join(parts[:start]), call)
            if call.wrong or call.rng.random() < 0.25:
                return answer
            return satisfy(*parsed, answer)
    return None


def plain_reply(instruction: str, call: Call) -> str:
    from cultivar.llm.simulated.chat import plain

    return plain(instruction, call)
