"""The chat template of this project's own base models: ChatML as Qwen2 has it, with tools in the way of Qwen2.5.

Conversations without tools render as with Qwen2's own template. Functions stand in the system turn, calls in
`<tool_call>` behind what the assistant says, and what the calls return in `<tool_response>` of a user turn.
"""

TURN_END = "<|im_end|>"
DEFAULT_SYSTEM = "You are a helpful assistant."
TOOLS = (
    "{% if tools %}{{ '\\n\\nFunctions that can be called, as JSON schemas:\\n<tools>' }}"
    "{% for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}"
    "{{ '\\n</tools>\\nA call is JSON of this form:\\n<tool_call>\\n"
    '{"name": <function-name>, "arguments": <arguments-object>}\\n</tool_call>\' }}{% endif %}'
)
SYSTEM = (
    "{% if loop.first %}{% if message['role'] == 'system' %}{% set system = message['content'] %}"
    "{% else %}{% set system = '" + DEFAULT_SYSTEM + "' %}{% endif %}"
    "{{ '<|im_start|>system\\n' + system }}" + TOOLS + "{{ '<|im_end|>\\n' }}{% endif %}"
)
CALLS = (
    "{% for call in message['tool_calls'] or [] %}{% if message['content'] or not loop.first %}{{ '\\n' }}{% endif %}"
    "{{ '<tool_call>\\n{\"name\": ' + (call['function']['name'] | tojson) + ', \"arguments\": ' + "
    "(call['function']['arguments'] | tojson) + '}\\n</tool_call>' }}{% endfor %}"
)
RESULTS = (
    "{% if loop.previtem is not defined or loop.previtem['role'] != 'tool' %}{{ '<|im_start|>user' }}{% endif %}"
    "{{ '\\n<tool_response>\\n' + message['content'] + '\\n</tool_response>' }}"
    "{% if loop.nextitem is not defined or loop.nextitem['role'] != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}"
)
CHATML = (
    "{% for message in messages %}" + SYSTEM + "{% if message['role'] == 'tool' %}" + RESULTS + "{% elif "
    "not (loop.first and message['role'] == 'system') %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] }}" + CALLS + "{{ '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
