"""datatrove 0.10: its word tokenizer for English (spaCy), as its n-gram filters call it.

    python tokenize_datatrove.py TEXTS.jsonl

Prints one line of JSON: tokens, cpu_s (without loading). Also needs spacy and regex in the peer's environment.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.utils.typeshelper import Languages
from datatrove.utils.word_tokenizers import load_word_tokenizer

with Path(sys.argv[1]).open(encoding="utf-8") as file:
    texts = [json.loads(line) for line in file]
tokenizer = load_word_tokenizer(Languages.english)
tokenizer.word_tokenize("It is loaded.")
start = time.process_time()
tokens = sum(len(tokenizer.word_tokenize(text)) for text in texts)
print(json.dumps({"tokens": tokens, "cpu_s": time.process_time() - start}))
