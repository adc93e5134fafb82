"""Ways in which models hand over code: each wraps a program, or a body that goes on behind a prompt."""

import textwrap
from collections.abc import Callable

Wrapper = Callable[[str], str]


def indented(text: str, by: str) -> str:
    return "".join(by + line if line.strip() else line for line in text.splitlines(True))


def fenced(code: str, tag: str = "python", fence: str = "```") -> str:
    return f"{fence}{tag}\n{code}\n{fence}"


WRAPPERS: dict[str, Wrapper] = {
    "nothing around it": lambda code: code,
    "a plain fence": lambda code: f"Here:\n\n{fenced(code, '')}\n",
    "python3": lambda code: fenced(code, "python3"),
    "py3": lambda code: fenced(code, "py3"),
    "Python": lambda code: fenced(code, "Python"),
    "a tag in braces": lambda code: fenced(code, " {.python .numberLines}"),
    "CRLF": lambda code: f"Sure.\n{fenced(code)}\nDone.\n".replace("\n", "\r\n"),
    "CR": lambda code: f"Sure.\n{fenced(code)}\nDone.\n".replace("\n", "\r"),
    "a usage block after it": lambda code: (
        f"{fenced(code)}\nUsage:\n{fenced('result = len(str(1))' + chr(10) + 'print(result)')}"
    ),
    "an output block after it": lambda code: f"{fenced(code)}\nOutput:\n{fenced('1 2 3' + chr(10) + '[1, 2]', '')}",
    "a console after it": lambda code: f"{fenced(code)}\n{fenced('>>> 1 + 1' + chr(10) + '2', 'pycon')}",
    "a console in it": lambda code: f"{fenced(code + chr(10) * 2 + '>>> 1 + 1' + chr(10) + '2')}",
    "a helper block before it": lambda code: (
        f"{fenced('def unused(x):' + chr(10) + '    return x')}\nand\n{fenced(code)}"
    ),
    "an item of a list": lambda code: f"1. Write it:\n\n{indented(fenced(code), '   ')}\n\n2. Run it.",
    "tabs in a list": lambda code: f"- Write it:\n\n{indented(fenced(code), chr(9))}\n\n- Run it.",
    "a marker before the fence": lambda code: f"- {indented(fenced(code), '  ').lstrip()}\n",
    "a quotation": lambda code: "".join(f"> {line}" for line in fenced(code).splitlines(True)),
    "words around it": lambda code: f"Here is the solution:\n\n{code}\n\nIt doesn't (really) need a loop, does it?\n",
    "indented between words": lambda code: f"Here it is:\n\n{indented(code, '    ')}\n\nThat's all.\n",
    "~~~": lambda code: fenced(code, "python", "~~~"),
    "four backticks": lambda code: fenced(code, "python", "````"),
    "unclosed": lambda code: f"```python\n{code}",
    "unclosed with words": lambda code: f"```python\n{code}\n\nThis is how it works.",
    "closed behind the last line": lambda code: f"```python\n{code.rstrip()}```\nDone.",
    "opened behind words": lambda code: f"Sure, here it is: ```python\n{code}\n```",
    "BOM": lambda code: f"\ufeff```python\n\ufeff{code}\n```\u200b",
    "BOM without a fence": lambda code: f"\ufeff{code}\u200b",
    "[BEGIN] and [DONE]": lambda code: f"[BEGIN]\n{code}\n[DONE]",
}
"""Name -> a text that hands over a program."""

BODIES: dict[str, Wrapper] = {
    "as it stands": lambda body: body,
    "stripped": lambda body: body.strip(),
    "at the margin": textwrap.dedent,
    "words after it": lambda body: f"{body}\n\nThis doesn't (really) need a loop.\n",
    "words around it": lambda body: f"Here is the body:\n\n{body}\n\nDone.",
    "a fence": fenced,
    "a fence, stripped": lambda body: fenced(body.strip()),
    "a fence, at the margin": lambda body: f"Sure.\n{fenced(textwrap.dedent(body), '')}\nand\n{fenced('print(1)', '')}",
    "a base model that goes on": lambda body: (
        f"{body}\n\nif __name__ == '__main__':\n    print(3)\n\ndef other(x):\n    return x +"
    ),
    "CRLF": lambda body: body.replace("\n", "\r\n"),
    "BOM": lambda body: f"\ufeff{body}",
    "an item of a list": lambda body: f"- so:\n{indented(fenced(body, 'py3'), '  ')}",
}
"""Name -> a text that hands over the body of a function whose signature stands in the prompt."""
