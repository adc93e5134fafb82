"""Names of fields that conversations are read by, and of fields that no shape of a conversation reads."""

FIELDS = {"messages": "messages", "sharegpt": "conversations"}
"""Shape -> the field that holds its turns."""
OPENAI, SHAREGPT = ("role", "content"), ("from", "value")
UNREAD = frozenset(
    "id idx index uuid hash row_id prompt_id conversation_id conversation_hash conv_id question_id turn turns num_turns "
    "dataset source origin url category topic task task_type lang language model model_name timestamp date created_at "
    "tokens num_tokens token_count length".split()
)
"""Fields beside the turns that are counted as not taken, and no more; a record with others is read by itself."""
