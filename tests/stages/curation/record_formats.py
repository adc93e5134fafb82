"""Records as the published data sets of each format have them: well-formed, odd and broken (written for these tests)."""

import json
from typing import Any, NamedTuple

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "Weather now.", "parameters": PARAMETERS}
OPENAI = [{"type": "function", "function": WEATHER}]
OSLO = {"name": "weather", "arguments": {"city": "Oslo"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "12 degrees"}


def said(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def spoken(speaker: str, value: str, **fields: Any) -> dict[str, Any]:
    return {"from": speaker, "value": value, **fields}


def asked_with_tools(call: dict[str, Any], *results: dict[str, Any], tools: Any = OPENAI) -> dict[str, Any]:
    return {"messages": [said("user", "Rain in Oslo?"), call, *results], "tools": tools}


HERMES = [
    spoken("system", f"You call functions.\n<tools> {json.dumps(OPENAI)} </tools>\nUse JSON."),
    spoken("human", "Rain in Oslo?"),
    spoken("gpt", f"I look.\n<tool_call>\n{json.dumps(OSLO)}\n</tool_call>"),
    spoken("tool", "<tool_response>\n12 degrees\n</tool_response>"),
    spoken("gpt", "No rain."),
]
GLAIVE = {
    "system": f"SYSTEM: You are helpful with access to the following functions. Use them if required -\n{json.dumps(WEATHER)}",
    "chat": "USER: Rain in Oslo?\n\n\nASSISTANT: <functioncall> "
    '{"name": "weather", "arguments": \'{"city": "Oslo"}\'} <|endoftext|>\n\n\n'
    'FUNCTION RESPONSE: {"rain": false}\n\n\nASSISTANT: No rain. <|endoftext|>',
}
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")


def completion(text: str, rating: str, **fields: Any) -> dict[str, Any]:
    annotations = {name: {"Rating": rating, "Rationale": "so"} for name in ASPECTS}
    return {"model": "m", "response": text, "annotations": annotations, **fields}


def steered(response: str, helpfulness: Any, prompt: str = "c") -> dict[str, Any]:
    return {"prompt": prompt, "response": response, "helpfulness": helpfulness, "correctness": 3, "verbosity": 1}


def tree_message(identity: str, parent: str | None, role: str, rank: Any = None, **fields: Any) -> dict[str, Any]:
    shared = {"message_tree_id": "1", "deleted": False, "review_result": True}
    return {"message_id": identity, "parent_id": parent, "role": role, "text": f"text {identity}", "rank": rank} | (
        shared | fields
    )


FLAT = [
    tree_message("1", None, "prompter"),
    tree_message("3", "1", "assistant", 1),
    tree_message("2", "1", "assistant", 0),
    tree_message("4", "2", "prompter", 0),
    tree_message("5", "4", "assistant", 0),
    tree_message("6", "3", "prompter", 0),
]


def nested(identity: str = "1") -> dict[str, Any]:
    replies = [nested(one["message_id"]) for one in FLAT if one["parent_id"] == identity]
    own = next(one for one in FLAT if one["message_id"] == identity)
    return {name: own[name] for name in ("text", "role", "rank")} | {"replies": replies}


class Example(NamedTuple):
    """Records of one file of a format, and what they become: kinds of items, rules that refuse, faults, counts."""

    format: str
    records: list[dict[str, Any]]
    kinds: list[str]
    left: dict[str, int] = {}
    refused: list[str] = []
    faults: int = 0
    detected: str = ""


CALLING = {"prompt": "c", "response": "d", "query": "Rain in Oslo?"}
WELL_FORMED = [
    Example("preference", [{"prompt": "c", "chosen": "d", "rejected": "e"}], ["preference"]),
    Example(
        "hh_rlhf",
        [{"chosen": "\n\nHuman: c\n\nAssistant: d", "rejected": "\n\nHuman: c\n\nAssistant: e"}],
        ["preference"],
        detected="preference",
    ),
    Example(
        "ultrafeedback_binarized",
        [
            {
                "prompt": "c",
                "prompt_id": "7",
                "chosen": [said("user", "c"), said("assistant", "d")],
                "rejected": [said("user", "c"), said("assistant", "e")],
                "messages": [said("user", "c")],
                "score_chosen": 8.0,
                "score_rejected": 5.5,
            }
        ],
        ["preference"],
        {"field prompt_id": 1, "field messages": 1},
        detected="preference",
    ),
    Example(
        "ultrafeedback",
        [
            {
                "source": "s",
                "instruction": "c",
                "models": ["m"],
                "completions": [completion("d", "5"), completion("e", "2")],
                "correct_answers": ["None"],
            }
        ],
        ["rated"],
        {
            "field source": 1,
            "field models": 1,
            "field correct_answers": 1,
            "field completions.model": 2,
            "field completions.annotations.Rationale": 8,
        },
    ),
    Example(
        "arena",
        [
            {
                "question_id": "1",
                "model_a": "m",
                "model_b": "n",
                "winner": "model_b",
                "conversation_a": [said("user", "c"), said("assistant", "d")],
                "conversation_b": [said("user", "c"), said("assistant", "e")],
                "language": "English",
            }
        ],
        ["rated"],
        {"field question_id": 1, "field model_a": 1, "field model_b": 1, "field language": 1},
    ),
    Example(
        "helpsteer",
        [steered("d", 4), steered("e", 1), steered("f", 2, "other"), steered("g", 3, "other")],
        ["rated", "rated"],
        {"field correctness": 4, "field verbosity": 4},
    ),
    Example(
        "helpsteer_preference",
        [
            {
                "context": [said("user", "c")],
                "response1": "d",
                "response2": "e",
                "overall_preference": -2,
                "individual_preference": [{"score": -2, "reasoning": "so"}],
                "domain": "general",
            }
        ],
        ["rated"],
        {"field domain": 1, "field individual_preference.reasoning": 1},
    ),
    Example("rated", [{"prompt": "c", "responses": ["d", "e", "f"], "scores": [1, 0.5, 3]}], ["rated"]),
    Example("oasst", FLAT, ["instruction", "rated"], {"messages off the best-ranked replies": 1}),
    Example(
        "oasst_tree",
        [{"message_tree_id": "1", "tree_state": "ready", "prompt": nested()}],
        ["instruction", "rated"],
        {"messages off the best-ranked replies": 1, "field tree_state": 1},
    ),
    Example(
        "xlam",
        [
            {
                "id": 0,
                "query": "Rain in Oslo?",
                "answers": json.dumps([OSLO]),
                "tools": json.dumps(
                    [
                        {
                            "name": "weather",
                            "description": "now",
                            "parameters": {
                                "city": {"type": "str", "description": "where"},
                                "unit": {"type": "str, optional", "default": "C"},
                            },
                        }
                    ]
                ),
            }
        ],
        ["instruction"],
        {"field id": 1},
    ),
    Example("glaive", [GLAIVE], ["instruction"]),
    Example(
        "hermes",
        [{"id": "x", "conversations": HERMES, "category": "IoT"}],
        ["instruction"],
        {"field id": 1, "field category": 1},
        detected="sharegpt",
    ),
    Example(
        "chatml",
        [
            {
                "text": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\nd<|im_end|>\n"
            }
        ],
        ["instruction"],
    ),
    Example("gsm8k", [{"question": "1+1?", "answer": "1+1=<<1+1=2>>2\n#### 2"}], ["problem"]),
    Example(
        "math",
        [{"problem": "1+1?", "solution": "It is $\\boxed{2}$.", "level": "Level 1", "type": "Algebra"}],
        ["problem"],
        {"field level": 1, "field type": 1},
    ),
    Example(
        "mbpp",
        [
            {
                "task_id": 2,
                "text": "Add.",
                "code": "def add(a, b):\n    return a + b",
                "test_list": ["assert add(1, 2) == 3"],
            }
        ],
        ["code_task"],
        {"field task_id": 1},
    ),
    Example(
        "humaneval",
        [
            {
                "task_id": "H/0",
                "prompt": "def add(a, b):\n",
                "entry_point": "add",
                "canonical_solution": "    return a + b\n",
                "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
            }
        ],
        ["code_task"],
        {"field task_id": 1},
    ),
    Example(
        "apps",
        [
            {
                "problem_id": 1,
                "question": "Add.",
                "solutions": json.dumps(["def add(a, b):\n    return a + b", "print(1)"]),
                "input_output": json.dumps({"fn_name": "add", "inputs": [[1, 2]], "outputs": [3]}),
                "difficulty": "interview",
                "starter_code": "def add(a, b):",
            }
        ],
        ["code_task"],
        {"field problem_id": 1, "field difficulty": 1, "solutions that do not define the function": 1},
    ),
    Example(
        "self_instruct",
        [{"id": "s1", "instruction": "c", "instances": [{"input": "", "output": "d"}], "is_classification": False}],
        ["instruction"],
        {"field id": 1, "field is_classification": 1},
    ),
    Example(
        "alpaca",
        [{"instruction": "c", "input": "", "output": "d", "text": "whole"}],
        ["instruction"],
        {"field text": 1},
    ),
    Example(
        "dolly",
        [{"instruction": "c", "context": "", "response": "d", "category": "open_qa"}],
        ["instruction"],
        {"field category": 1},
    ),
    Example(
        "sharegpt",
        [{"id": "x", "conversations": [spoken("human", "c"), spoken("gpt", "d")]}],
        ["instruction"],
        {"field id": 1},
    ),
    Example(
        "messages",
        [asked_with_tools(said("assistant", None, tool_calls=[CALL]), RESULT, said("assistant", "No."))],
        ["instruction"],
    ),
    Example(
        "tulu",
        [{"id": "x", "messages": [said("user", "c"), said("assistant", "d")], "source": "s"}],
        ["instruction"],
        {"field id": 1, "field source": 1},
        detected="messages",
    ),
    Example("prompt_completion", [{"prompt": "c", "completion": "d"}], ["instruction"]),
    Example("prompt_answer", [{"question": "c", "answer": "4"}], ["problem"]),
    Example("prompt", [{"prompt": "c"}], ["instruction"]),
]
UNDECIDED = "responses that no rating prefers"
ODD = [
    Example(
        "preference",
        [
            {
                "prompt": "c",
                "chosen": json.dumps([said("user", "c"), said("assistant", "d")]),
                "rejected": "<think>hm</think>e",
            }
        ],
        [],
        faults=1,
    ),
    Example(
        "preference", [{"prompt": "c", "chosen": "<think>hm</think>d", "rejected": "e", "margin": "2"}], ["preference"]
    ),
    Example(
        "ultrafeedback",
        [{"instruction": "c", "completions": [completion("d", "N/A"), completion("e", "2"), completion("f", "5")]}],
        ["rated"],
        {"field completions.model": 3, "field completions.annotations.Rationale": 12, "responses without a rating": 1},
    ),
    Example(
        "ultrafeedback",
        [{"instruction": "c", "completions": [completion("d", "3"), completion("e", "3")]}],
        ["instruction"],
        {"field completions.model": 2, "field completions.annotations.Rationale": 8, UNDECIDED: 2},
    ),
    Example(
        "arena",
        [
            {
                "prompt": '["c"]',
                "response_a": '["d"]',
                "response_b": '["e"]',
                "winner_model_a": 1,
                "winner_model_b": 0,
                "winner_tie": 0,
            }
        ],
        ["rated"],
    ),
    Example(
        "arena",
        [{"prompt": "c", "response_a": "d", "response_b": "e", "winner": "tie (bothbad)"}],
        ["instruction"],
        {UNDECIDED: 2},
    ),
    Example(
        "arena",
        [
            {
                "winner": "model_a",
                "conversation_a": [
                    said("user", "c"),
                    said("assistant", "d"),
                    said("user", "f"),
                    said("assistant", "g"),
                ],
                "conversation_b": [
                    said("user", "c"),
                    said("assistant", "e"),
                    said("user", "f"),
                    said("assistant", "h"),
                ],
            }
        ],
        [],
        refused=["ratings of whole conversations"],
    ),
    Example(
        "helpsteer",
        [
            steered("d", 4),
            steered("d", 1),
            steered("e", 2),
            steered("f", "N/A"),
            steered("g", 0, "a<extra_id_1>Assistant\nb\n<extra_id_1>User\nc"),
        ],
        ["instruction", "instruction"],
        {
            "field correctness": 5,
            "field verbosity": 5,
            "responses whose ratings disagree": 2,
            "responses without a rating": 1,
            UNDECIDED: 2,
        },
    ),
    Example(
        "helpsteer_preference",
        [{"prompt": "c", "response1": "d", "response2": "e", "preference_strength": 0}],
        ["instruction"],
        {UNDECIDED: 2},
    ),
    Example(
        "helpsteer_preference",
        [
            {
                "prompt": "c",
                "response1": "d",
                "response2": "e",
                "overall_preference": 1,
                "individual_preference": [{"score": -1}, {"score": 3}],
            }
        ],
        ["instruction"],
        {"responses whose ratings disagree": 2},
    ),
    Example(
        "rated",
        [{"prompt": "c", "responses": [{"text": "d", "rank": 1, "by": "n"}, {"text": "e", "rank": 2}]}],
        ["rated"],
        {"field responses.by": 1},
    ),
    Example("rated", [{"prompt": "c", "responses": ["d", "e"], "winner": "e"}], ["rated"]),
    Example(
        "oasst",
        [
            *FLAT[::-1],
            tree_message("7", "1", "assistant", None, deleted=True),
            tree_message("8", "7", "prompter"),
            tree_message("9", "5", "prompter", review_result=False),
        ],
        ["instruction", "rated"],
        {
            "messages off the best-ranked replies": 1,
            "messages that are deleted": 1,
            "messages that answer one left out": 1,
            "messages that failed their review": 1,
        },
    ),
    Example("oasst_tree", [{"prompt": nested() | {"deleted": True}}], [], refused=["messages that are deleted"]),
    Example(
        "messages",
        [
            asked_with_tools(
                said("assistant", "", function_call=OSLO),
                said("function", "12", name="weather"),
                said("assistant", "<think>cold</think>No."),
                tools=[WEATHER],
            )
        ],
        ["instruction"],
    ),
    Example(
        "messages",
        [
            asked_with_tools(
                said(
                    "assistant",
                    [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo", "unit": None}}],
                ),
                said("user", [{"type": "tool_result", "tool_use_id": "c1", "content": "12"}]),
                said("assistant", "No."),
                tools=[
                    {
                        "name": "weather",
                        "input_schema": PARAMETERS
                        | {"properties": {"city": {"type": "string"}, "unit": {"type": "string"}}},
                    }
                ],
            )
        ],
        ["instruction"],
    ),
    Example(
        "messages",
        [{"messages": json.dumps([said("user", "c"), said("assistant", "d", reasoning="hm")]), "tools": ["weather"]}],
        ["instruction"],
        {"field tools": 1},
    ),
    Example(
        "messages",
        [
            {
                "messages": [
                    said("user", "c"),
                    said("assistant", "d", tool_calls=[CALL]),
                    said("user", [{"type": "input_image", "image_url": "x"}]),
                ]
            }
        ],
        [],
        refused=["image part"],
    ),
    Example(
        "messages",
        [{"messages": [said("user", "<image>\nc"), said("assistant", "d")], "images": ["x.png"], "id": 1}],
        [],
        refused=["image part"],
    ),
    Example(
        "sharegpt",
        [
            {
                "conversations": [
                    spoken("human", "c"),
                    spoken("function_call", json.dumps(OSLO)),
                    spoken("observation", "12"),
                    spoken("gpt", "No."),
                ],
                "tools": json.dumps(OPENAI),
            }
        ],
        ["instruction"],
    ),
    Example(
        "sharegpt",
        [{"conversations": [spoken("human", "c"), spoken("gpt", "Write <tool_call>{}</tool_call>.")]}],
        ["instruction"],
    ),
    Example(
        "glaive",
        [{"system": "SYSTEM: Be brief.", "chat": "USER: c\n\n\nASSISTANT: d <|endoftext|>\n\n\nUSER: e"}],
        ["instruction"],
        {"turns after the last reply": 1},
    ),
    Example("chatml", [{"text": "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"}], ["instruction"]),
    Example(
        "apps",
        [
            {
                "question": "Echo.",
                "solutions": ["print(input())", "pass"],
                "input_output": '{"inputs": ["1"], "outputs": ["1"]}',
            }
        ],
        ["instruction"],
        {"field input_output": 1, "solutions after the first": 1},
    ),
    Example(
        "apps",
        [
            {
                "question": "Add.",
                "solutions": ["class Solution:\n    def add(self, a, b):\n        return a + b"],
                "input_output": {"fn_name": "add", "inputs": [[1, "x"]], "outputs": [[3]]},
                "starter_code": "class Solution:\n    def add(self, a, b):\n        ",
            }
        ],
        ["code_task"],
    ),
]
CALL_RULE, TOOLS_RULE = "tool call does not fit its schema", "tools are no functions with schemas"
BAD_SCHEMA = [WEATHER | {"parameters": {"type": "objekt"}}]
BROKEN = [
    Example("preference", [{"prompt": "c", "chosen": "d", "rejected": "d"}], [], faults=1),
    Example("ultrafeedback", [{"instruction": "c", "completions": [{"model": "m"}]}], [], faults=1),
    Example("ultrafeedback", [{"instruction": "c", "completions": [{"response": "d"}]}], [], faults=1),
    Example("arena", [{"prompt": "c", "response_a": "d", "response_b": "e", "winner": "model_c"}], [], faults=1),
    Example("helpsteer", [steered("d", 7)], [], faults=1),
    Example(
        "helpsteer_preference",
        [{"prompt": "c", "response1": "d", "response2": "e", "preference_strength": 9}],
        [],
        faults=1,
    ),
    Example("rated", [{"prompt": "c", "responses": ["d", "e"], "scores": [1]}], [], faults=1),
    Example(
        "oasst",
        [FLAT[0], FLAT[0], tree_message("8", "none", "assistant"), tree_message("9", "9", "prompter")],
        ["instruction"],
        faults=3,
    ),
    Example("oasst_tree", [{"prompt": nested() | {"role": "narrator"}}], [], faults=1),
    Example(
        "xlam",
        [{"query": "c", "answers": [{"name": "rain", "arguments": {}}], "tools": [WEATHER]}],
        [],
        refused=[CALL_RULE],
    ),
    Example("glaive", [GLAIVE | {"chat": "USER: c\n\n\nASSISTANT: <functioncall> {weather"}], [], refused=[CALL_RULE]),
    Example("glaive", [GLAIVE | {"chat": "c"}], [], faults=1),
    Example("chatml", [{"text": "<|im_start|>user\nc<|im_start|>assistant\nd<|im_end|>"}], [], faults=1),
    Example(
        "messages",
        [asked_with_tools(said("assistant", None, tool_calls=[CALL]), tools="[weather")],
        [],
        refused=[TOOLS_RULE],
    ),
    Example(
        "messages",
        [asked_with_tools(said("assistant", None, tool_calls=[CALL]), tools=BAD_SCHEMA)],
        [],
        refused=[TOOLS_RULE],
    ),
    Example(
        "messages",
        [asked_with_tools(said("assistant", "", function_call={"name": "weather", "arguments": "{}"}))],
        [],
        refused=[CALL_RULE],
    ),
    Example(
        "messages",
        [{"messages": [said("user", "c"), said("assistant", "", function_call={"name": "f", "arguments": "[1]"})]}],
        [],
        refused=[CALL_RULE],
    ),
    Example(
        "sharegpt",
        [{"conversations": [spoken("human", "c"), spoken("function_call", "weather(Oslo)")]}],
        [],
        refused=[CALL_RULE],
    ),
    Example("apps", [{"question": "c", "solutions": "[print", "input_output": ""}], [], faults=1),
    Example("apps", [{"question": "c", "input_output": {"fn_name": "f", "inputs": [1], "outputs": [1]}}], [], faults=1),
    Example("dolly", [{"instruction": "c", "context": "", "response": ""}], [], faults=1),
    Example("gsm8k", [{"question": "c", "answer": "no mark"}], [], faults=1),
    Example("math", [{"problem": "c", "solution": "no box"}], [], faults=1),
    Example("mbpp", [{"text": "c", "code": "x = 1", "test_list": ["assert f() == 1"]}], [], faults=1),
    Example("self_instruct", [{"instruction": "c", "instances": []}], [], faults=1),
]
