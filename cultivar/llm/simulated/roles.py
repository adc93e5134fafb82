"""The simulated teacher on literature and characters: instructions for passages, questions, in-role answers, judgements."""

import re

from cultivar.llm.simulated.registry import Call, answers

FIELD = re.compile(r"^([^:\n]{2,60}): (.+)$", re.M)
COMMON = {
    "the",
    "and",
    "that",
    "with",
    "from",
    "they",
    "this",
    "have",
    "were",
    "when",
    "which",
    "there",
    "into",
    "then",
    "them",
    "said",
    "would",
    "could",
    "where",
}


@answers(fields={"instruction", "constraints"})
def back_instruction(call: Call) -> dict:
    """An instruction at the level asked for, with requirements that can be read off the passage."""
    passage, level = call.sections.get("passage", ""), call.sections.get("level", "line")
    words = re.findall(r"[A-Za-z]{5,}", passage)
    counts: dict[str, int] = {}
    for word in words:
        if word.lower() not in COMMON:
            counts[word.lower()] = counts.get(word.lower(), 0) + 1
    topics = sorted(counts, key=lambda word: (-counts[word], word))[:4] or ["life"]
    person = "first" if re.search(r"\bI\b", passage) else "third"
    length = len(passage.split())
    requirements = [f"it is about {topics[0]}"]
    text = f"Write a piece of prose about {topics[0]}."
    if level != "line":
        requirements += [f"it is told in the {person} person", f"it has about {length} words"]
        text = f"Write prose about {' and '.join(topics[:2])}, told in the {person} person, of about {length} words."
    if level == "constraints":
        requirements += [f"it mentions {topic}" for topic in topics[1:]]
        text += " Requirements: " + "; ".join(requirements) + "."
    if call.wrong:
        requirements.append("it takes place on a space station")
        text += " Set it on a space station."
    if call.rng.random() < 0.03:
        text = f"Continue this: {' '.join(passage.split()[:12])}"
    return {"instruction": text, "constraints": requirements}


@answers(fields={"satisfied"})
def grounding(call: Call) -> dict:
    """A requirement holds when its last content word is in the passage; counts and persons are taken as read."""
    passage = call.sections.get("passage", "").lower()
    satisfied = []
    for requirement in call.sections_all.get("requirement", []):
        plain = re.search(r"person|about \d+ words", requirement)
        last = re.findall(r"[a-z]{4,}", requirement.lower())
        satisfied.append(bool(plain) or bool(last) and last[-1] in passage)
    if call.wrong and satisfied:
        satisfied[-1] = not satisfied[-1]
    return {"satisfied": satisfied}


@answers(fields={"questions"})
def role_questions(call: Call) -> dict:
    """Questions from claims that the first profile has and the second does not."""
    own_fields, other_fields = (dict(FIELD.findall(call.sections.get(name, ""))) for name in ("character", "other"))
    distinct = [
        (name, value)
        for name, value in own_fields.items()
        if name not in ("Name", "Also known as") and other_fields.get(name) != value
    ]
    picked = call.rng.sample(distinct, min(3, len(distinct)))
    questions = [
        f"Tell me about your {name.lower()}: what does {value.rstrip('.').split(',')[0]} mean to you?"
        for name, value in picked
    ]
    return {"questions": questions or ["What do you do on an ordinary morning?"]}


@answers(sections={"profile", "question"})
def role_reply(call: Call) -> str:
    """An answer from the profile where the question fits it, else a refusal in role; wrong: out of role."""
    profile, question = call.sections["profile"], call.sections["question"]
    if call.wrong:
        return call.rng.choice(
            ("As an AI language model, I do not have a life of my own.", "I know all about that, of course.")
        )
    fields = dict(FIELD.findall(profile))
    fitting = [(name, value) for name, value in fields.items() if is_mentioned(value, question)]
    if not fitting:
        return f"That is strange to me. I am {with_article(fields.get('Description', 'someone else'))}, and I never learned of such things."
    name, value = fitting[0]
    opening = call.rng.choice(("Ah, you ask about what is dear to me.", "I am glad you ask.", "It has shaped my days."))
    return f"{opening} My {name.lower()} is {value.rstrip('.')}. I would not trade it for anything."


def is_mentioned(value: str, question: str) -> bool:
    head = value.rstrip(".").split(",")[0]
    return len(head) > 2 and head.lower() in question.lower()


def with_article(description: str) -> str:
    return description if description.split()[0].lower() in ("a", "an", "the") else f"a {description}"


@answers(fields={"in_role", "refuses", "knowledge"})
def role_check(call: Call) -> dict:
    """In role unless an AI speaks; a refusal is one that says it is strange; knowledge where the profile is echoed."""
    profile, response = call.sections.get("profile", ""), call.sections.get("response", "")
    in_role = "language model" not in response and "know all about" not in response
    refuses = "strange to me" in response
    echo = any(
        value.rstrip(".").split(",")[0].lower() in response.lower()
        for _, value in FIELD.findall(profile)
        if len(value) > 2
    )
    knowledge = 9 if echo else 5
    if call.wrong:
        in_role = not in_role
    return {"in_role": in_role, "refuses": refuses, "knowledge": knowledge}
