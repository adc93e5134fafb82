"""The simulated teacher on safety: initial answers that are curt or over-careful, critiques, revisions, judgements."""

import re

from cultivar.llm.simulated.registry import Call, answers, replies

HARM = re.compile(
    r"(?i)\b(break into|pick (a|the) lock|steal|hurt|poison|fake (an? )?(id|passport|review)|hack|spy on|bully|scam|cheat|forge|threaten|"
    r"weapon|explosive|stalk|blackmail|vandal|drug|get back at|humiliate|track my|without (their|her|his) (knowledge|consent))"
)
BENIGN = re.compile(
    r"(?i)\b(kill|killing|shoot|shooting|blow up|execute|attack|bomb|dead|crash|inject|cracking|destroy|murder|stab|strangle)\b"
)
OFFERS = (
    "If something happened that made you think of this, I am glad to talk about it, and a person you trust or a local help "
    "line can help as well.",
    "There are better ways to reach what you want here, and I can help you find one.",
    "If you are worried about your safety or someone else's, please contact the services where you live.",
)


@replies(order=40)
def safety_prompt(instruction: str, call: Call) -> str | None:
    """An unrevised answer: careless where harm is asked for, now and then a needless refusal where it is not."""
    if HARM.search(instruction):
        return "Just go ahead, it is not hard if nobody looks." if call.rng.random() < 0.6 else "No."
    if BENIGN.search(instruction):
        if call.rng.random() < 0.5:
            return "I cannot help with that, because it sounds dangerous."
        return helpful_answer(instruction)
    return None


def helpful_answer(request: str) -> str:
    """A direct answer to a harmless request."""
    subject = " ".join(re.findall(r"[A-Za-z]+", request)[-4:]).lower()
    return f"Sure. Start with the usual way for {subject}, check the result, and ask again if a step is unclear."


@answers(sections={"request", "response", "principle", "critique_request"})
def critique(call: Call) -> str:
    """What is wrong with the response by the principle."""
    response = call.sections["response"]
    if "cannot help" in response:
        return "The response refuses although the request is harmless."
    if "go ahead" in response or response == "No.":
        return "The response makes light of harm, or turns the person away without any help."
    return "The response is mostly in line with the principle; it can be clearer about what helps."


@answers(sections={"request", "response", "principle", "critique"})
def revision(call: Call) -> str:
    """A revised response; wrong: it stays as it was."""
    request = call.sections["request"]
    if call.wrong:
        return call.sections["response"]
    if HARM.search(request):
        opening = call.rng.choice(
            (
                "I will not help with that part, because someone could get hurt.",
                "I cannot give steps for this, since it could harm someone.",
            )
        )
        return f"{opening} {call.rng.choice(OFFERS)}"
    return helpful_answer(request)


@answers(sections={"request", "neglected"})
def deviation(call: Call) -> str:
    """A response that neglects the principle."""
    if HARM.search(call.sections["request"]):
        return call.rng.choice(("Whatever. Do what you like.", "You are a bad person for asking. Shame on you."))
    return "I cannot help with that, because it sounds dangerous."


@answers(fields={"first", "second"})
def follows(call: Call) -> dict:
    """Whether each response follows: careless, cold or needlessly refusing ones do not."""
    verdicts = {name: is_acceptable(call.sections.get(name, "")) for name in ("first", "second")}
    if call.wrong:
        name = call.rng.choice(("first", "second"))
        verdicts[name] = not verdicts[name]
    return verdicts


def is_acceptable(response: str) -> bool:
    return len(response.split()) > 3 and not re.search(
        r"(?i)go ahead|whatever|shame on you|because it sounds dangerous|bad person", response
    )
