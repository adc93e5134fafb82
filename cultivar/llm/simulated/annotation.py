"""The simulated teacher as tagger, rater, evolver and judge: answers from the words of the instruction."""

import re

from cultivar.llm.simulated.registry import Call, answers

INTENTS = (
    ("arithmetic word problem", r"(?m:^)(?:(?!\bhow many\b).)*+\bhow many\b.*\bnow\b|\bcalculate\b|\bhow much\b"),
    ("fact recall", r"^(what|who|which|when|where)\b"),
    ("explanation", r"\bexplain|why\b|how does\b"),
    ("story writing", r"\bstory\b|\bfable\b|\bscene\b"),
    ("poem writing", r"\bpoem\b|\bhaiku\b|\bverse\b|\blimerick\b"),
    ("email writing", r"\bemail\b|\bletter\b|\bmessage to\b"),
    ("summarisation", r"\bsummar"),
    ("translation", r"\btranslat"),
    ("text rewriting", r"\brewrite|\brephrase|\bparaphrase|\bshorten|\bsimplif"),
    ("spelling correction", r"\bcorrect\b|\bspelling\b|\bgrammar\b|\bproofread"),
    ("code generation", r"\bpython\b|\bfunction\b|\bcode\b|\bsql\b|\bregex\b|\bscript\b"),
    ("brainstorming", r"\bideas?\b|\bsuggest|\bbrainstorm|\btips\b|\bways to\b"),
    ("planning", r"\bplan\b|\bschedule\b|\bitinerary\b|\bsteps?\b"),
    ("comparison", r"\bcompare\b|\bdifference\b|\bversus\b|\bbetter\b"),
    ("classification", r"\bclassif|\bcategor|\bsentiment\b|\blabel\b"),
    ("information extraction", r"\bextract\b|\bidentify\b|\bfind all\b"),
    ("role-play", r"\bpretend\b|\bact as\b|\byou are a\b|\brole\b"),
    ("advice", r"\badvice\b|\bshould i\b|\brecommend"),
    ("list making", r"\blist\b|\bgive me\b|\bname (three|two|four|five)\b"),
    ("opinion analysis", r"\bargu|\bopinion\b|\bpros and cons\b|\bdebate\b"),
    ("format constraint", r"\bjson\b|\btable\b|\bbullet|\bupper case\b|\bwords or fewer\b|\bexactly\b|\bat most\b"),
    ("definition", r"\bdefine\b|\bmeaning of\b|\bwhat does\b"),
    ("cooking", r"\brecipe\b|\bcook|\bmeal\b|\bbake"),
    ("health", r"\bhealth|\bexercise\b|\bsleep\b|\bdiet\b"),
    ("travel", r"\btravel|\btrip\b|\bcity\b|\bvisit\b"),
    ("business", r"\bcustomer|\bbusiness\b|\bmarket|\bmeeting\b|\bproduct\b"),
    ("science", r"\bplanet|\benergy\b|\bwater\b|\blight\b|\bcell|\batom"),
    ("history", r"\bhistor|\bcentury\b|\bwar\b|\bancient\b"),
)
REQUIREMENT = re.compile(
    r"\b(must|should|include|exactly|at least|at most|without|using|only|each|then|also|and)\b", re.I
)
DANGLING = re.compile(r"(?i)\b(the (text|passage|email|sentence|paragraph|article|code) (below|above)|following)\b")
ADDITIONS = (
    ("Keep the answer under {n} words.", "a limit of {n} words"),
    ("Include at least one concrete example.", "a concrete example"),
    ("Write for a reader who is new to the subject.", "a reader who is new to the subject"),
    ("Mention one common mistake and how to avoid it.", "a common mistake and how to avoid it"),
    ("Structure the answer as a list of {m} bullet points.", "a list of {m} bullet points"),
    ("End with a one-sentence conclusion.", "a one-sentence conclusion"),
    ("Do not use any commas.", "no commas"),
    ("Give a reason for every claim that you make.", "a reason for every claim"),
)


@answers(fields={"tags"})
def tags(call: Call) -> dict:
    """Intentions whose words occur; spelling varies as an open-set tagger's would."""
    text = call.sections.get("instruction", "")
    names = [name for name, pattern in INTENTS if re.search(pattern, text, re.I)]
    if call.wrong:
        names = [name for name in names if call.rng.random() < 0.5] + [call.rng.choice(INTENTS)[0]]
    names = names or ["general"]
    return {
        "tags": [
            {"tag": vary_spelling(name, call), "explanation": f"the instruction asks for {name}"}
            for name in dict.fromkeys(names)
        ]
    }


def vary_spelling(name: str, call: Call) -> str:
    return call.rng.choice(
        (name, name, name, name.title(), name.replace(" ", "-"), name + "s" if name[-1] != "s" else name)
    )


@answers(fields={"complexity", "completeness"})
def instruction_rating(call: Call) -> dict:
    """Complexity from length and requirement words, completeness from dangling references."""
    text = call.sections.get("instruction", "")
    complexity = 1 + len(text.split()) / 25 + 0.4 * len(REQUIREMENT.findall(text))
    missing = DANGLING.search(text) and ":" not in text and "\n" not in text
    completeness = 2.0 if missing else 5.0 if len(text.split()) > 4 else 4.0
    if call.wrong:
        complexity, completeness = complexity + call.rng.choice((-1, 1)), completeness - 1
    return {"complexity": round(min(6.0, max(1.0, complexity)), 1), "completeness": min(5.0, max(1.0, completeness))}


@answers(fields={"instruction", "added"})
def evolution(call: Call) -> dict:
    """The instruction with sentences added; wrong: nothing is added, or the procedure leaks."""
    text = call.sections.get("instruction", "")
    count = int((re.search(r"exactly (\d+)", call.system) or ["", "2"])[1])
    if call.wrong:
        return {"instruction": call.rng.choice((text, f"Rewritten: the given prompt asks: {text}")), "added": []}
    numbers = {"n": str(call.rng.choice((60, 80, 120))), "m": str(call.rng.choice((3, 4, 5)))}
    fresh = [item for item in ADDITIONS if item[0].split("{")[0].strip() not in text]
    chosen = call.rng.sample(fresh, min(count, len(fresh)))
    sentences = [sentence.format(**numbers) for sentence, _ in chosen]
    return {"instruction": " ".join([text, *sentences]), "added": [name.format(**numbers) for _, name in chosen]}


@answers(fields={"same", "coherent"})
def evolution_check(call: Call) -> dict:
    """Whether more is asked and it is still a task."""
    old, new = call.sections.get("old", ""), call.sections.get("new", "")
    same = len(new.split()) <= len(old.split()) + 3
    return {"same": same != call.wrong, "coherent": bool(new.strip())}


@answers(fields={"ratings"})
def ratings(call: Call) -> dict:
    """Ratings of responses by what can be seen: substance, requirements kept, hedging, refusals."""
    instruction = call.sections.get("instruction", "")
    return {"ratings": [rate_response(instruction, text, call) for text in call.sections_all.get("response", [])]}


def rate_response(instruction: str, response: str, call: Call) -> dict:
    instruction_words = set(re.findall(r"[a-z]{4,}", instruction.lower()))
    response_words = set(re.findall(r"[a-z]{4,}", response.lower()))
    overlap = len(instruction_words & response_words) / max(1, len(instruction_words))
    refusal = bool(re.match(r"(?i)(sorry|i (can't|cannot)|i'm sorry|i am unable)", response))
    vague = bool(
        re.search(r"depends on many|different opinions|as everyone knows|very interesting topic", response, re.I)
    )
    no_commas = "Do not use any commas" in instruction
    following = 1 if refusal else 3 + (overlap > 0.2) + (overlap > 0.05) - (no_commas and "," in response)
    help_ = 1 if refusal else 5 - 2 * vague - (len(response.split()) < 2)
    truth = 4 + (not vague) - 2 * ("as everyone knows" in response.lower())
    noise = call.rng.choice((-1, 0, 1)) if call.wrong else 0
    return {
        "following": clip(following + noise),
        "truth": clip(truth),
        "honesty": clip(5 - vague + noise),
        "help": clip(help_),
    }


def clip(value: int) -> int:
    return min(5, max(1, int(value)))
