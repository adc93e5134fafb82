"""What training costs: SFT against TRL's defaults, packing, memory of long rows, and an episode of online DPO by part.

    python -m bench.training [--rows 192] [--hidden 512] [--layers 4] [--prompts 96] [--skip-memory]

Speed: one small Qwen2 model (15M parameters; --hidden, --layers), rows with GSM8K's distribution of lengths
(QUANTILES), one thread, CPU seconds of `trainer.train()`. "TRL's defaults" is SFTTrainer with SFTConfig as it comes (8
rows a step padded to the longest, bf16, gradient checkpointing); ours is the sft stage's settings in bf16 and in fp32,
unpacked and packed (rows of 640 tokens, about as many tokens a step). All see the same rows once. Tokens are those of
the rows, without padding.

Memory: the peak resident set of one SFT step on one row of 8,192 and of 32,768 tokens with a vocabulary of 151,936,
above what the process held before, each in a process of its own; hidden size 64 and one layer, so that the output
layer is what is measured. "full logits" computes the same loss from materialised logits, where memory allows.

Episode: 96 prompts (--prompts), 8 samples of 64 tokens, the demo's model size; sampling, scoring, DPO on the pairs,
hand-over.

Ends with one line of JSON: sft_tokens_per_s_vs_trl (packed against TRL's defaults), packing_speedup (packed against
unpacked), peak_mb_32k.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2ForSequenceClassification,
)
from transformers.trainer_utils import IntervalStrategy
from trl import SFTConfig, SFTTrainer

from cultivar.grading.pairs import pairs
from schemas.stage import Checkpoints
from train.dpo_trainer import preference_trainer
from train.params import OnlineDpoParams, SftParams
from train.sampling.sampler import SamplingSettings, TransformersSampler
from train.scoring import score_sequences
from train.settings import silence_libraries, training_arguments
from train.tokenizer import train_tokenizer

QUANTILES = [91, 134, 152, 167, 182, 198, 215, 236, 262, 303, 364, 566]
"""Tokens of a row at LEVELS, measured on GSM8K's 7,473 training rows (question and solution in ChatML) with a BPE of
8,000 tokens trained on them by train/tokenizer.py; a row's length is sampled between two neighbours."""
PACKED = 640
"""Tokens of a packed row: a little more than the longest row."""
LEVELS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0]


def sample_lengths(count: int) -> list[int]:
    """Lengths of `count` rows, the same on every run."""
    rng = random.Random(0)
    lengths = []
    for _ in range(count):
        level = rng.random()
        position = max(index for index, low in enumerate(LEVELS[:-1]) if low <= level)
        share = (level - LEVELS[position]) / (LEVELS[position + 1] - LEVELS[position])
        lengths.append(round(QUANTILES[position] + share * (QUANTILES[position + 1] - QUANTILES[position])))
    return lengths


def build_model(vocabulary: int, hidden: int, layers: int, positions: int = 2048) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    heads = max(1, hidden // 64)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=max(1, heads // 2),
            max_position_embeddings=positions,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def random_rows(sizes: list[int], vocabulary: int) -> Dataset:
    """Rows of random ids; the first 40 % are the prompt and carry no loss."""
    rng = random.Random(1)
    rows = []
    for size in sizes:
        ids = [rng.randrange(3, vocabulary) for _ in range(size)]
        prompt = int(0.4 * size)
        rows.append({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]})
    return Dataset.from_list(rows)


def build_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    tokenizer = train_tokenizer(["Tom has 12 apples. The answer is 12."] * 4, 300, 1 << 16)
    tokenizer.save_pretrained(folder)
    return tokenizer


def compare_speed(rows: int, hidden: int, layers: int, folder: Path) -> dict[str, float]:
    """Tokens of the rows per CPU second, by configuration."""
    vocabulary, sizes = 2_000, sample_lengths(rows)
    table, words = random_rows(sizes, vocabulary), build_tokenizer(folder)
    ours: dict[str, Any] = {"epochs": 1.0, "learning_rate": 1e-4, "floor": 1e-5, "logging_steps": 50}
    packed = max(1, round(8 * sum(sizes) / len(sizes) / PACKED))
    trl: dict[str, Any] = {
        "report_to": "none",
        "save_strategy": "no",
        "use_cpu": True,
        "num_train_epochs": 1,
        "disable_tqdm": True,
    }

    def own_config(packing: bool, bf16: bool) -> SFTConfig:
        batch_size = packed if packing else 8
        params = SftParams(**ours, batch_size=batch_size, packing=packing, max_length=PACKED, bf16=bf16)
        arguments = training_arguments(params, Checkpoints(folder / f"packing-{packing}-{bf16}"))
        return SFTConfig(
            **arguments, max_length=PACKED, packing=packing, packing_strategy="bfd", completion_only_loss=False
        )

    configs: dict[str, Callable[[], SFTConfig]] = {
        "TRL's defaults": lambda: SFTConfig(output_dir=str(folder / "trl"), **trl),
        "ours, not packed": lambda: own_config(False, True),
        "ours, packed": lambda: own_config(True, True),
        "ours, not packed, fp32": lambda: own_config(False, False),
        "ours, packed, fp32": lambda: own_config(True, False),
    }
    # a short run first: what a process does only once is not measured
    train_once(
        build_model(vocabulary, hidden, layers),
        SFTConfig(output_dir=str(folder / "first"), **trl),
        table.take(8),
        words,
    )
    rates: dict[str, float] = {}
    for name, config in configs.items():
        rates[name] = sum(sizes) / train_once(build_model(vocabulary, hidden, layers), config(), table, words)
        print(
            f"  {name:<24}{rates[name]:9,.0f} tokens/s   {rates[name] / rates[next(iter(configs))]:5.2f} times TRL's",
            flush=True,
        )
    return rates


def train_once(policy: Qwen2ForCausalLM, config: SFTConfig, table: Dataset, words: PreTrainedTokenizerBase) -> float:
    """CPU seconds of training on the rows."""
    trainer = SFTTrainer(model=policy, args=config, train_dataset=table, processing_class=words)
    trainer.remove_callback(PrinterCallback)
    started = time.process_time()
    trainer.train()
    return time.process_time() - started


def measure_peak(tokens: int, full: bool) -> float:
    """MB of one step above what was held before it. Meant for a process of its own."""
    vocabulary = 151_936
    policy = build_model(vocabulary, 64, 1, positions=tokens)
    table = random_rows([tokens], vocabulary)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        params = SftParams(batch_size=1, max_steps=1, packing=False, max_length=tokens)
        config = SFTConfig(
            **training_arguments(params, Checkpoints(folder)), max_length=tokens, completion_only_loss=False
        )
        config.save_strategy = IntervalStrategy.NO
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if full:
            row = table[0]
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
            policy(input_ids=ids, labels=labels).loss.backward()
        else:
            words = build_tokenizer(folder)
            SFTTrainer(model=policy, args=config, train_dataset=table, processing_class=words).train()
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def measure_memory() -> float:
    """Peaks of long rows, each in a process of its own; MB of the sft stage at 32,768 tokens."""
    own_peak = 0.0
    for tokens, full in ((8_192, False), (8_192, True), (32_768, False), (32_768, True)):
        name = f"{tokens:,} tokens, {'full logits' if full else 'ours'}"
        needed = 3.5 * tokens * 151_936 * 4 if full else 6 * 2**30
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if needed > free:
            print(
                f"  {name:<32} not run: takes about {needed / 2**30:.0f} GB, {free / 2**30:.0f} GB are free", flush=True
            )
            continue
        command = [sys.executable, __file__, "--peak", str(tokens), *(["--full"] if full else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        value = float(done.stdout.split()[-1])
        own_peak = value if (tokens, full) == (32_768, False) else own_peak
        print(f"  {name:<32}{value:9,.0f} MB", flush=True)
    return own_peak


def time_episode(prompt_count: int, folder: Path) -> None:
    """CPU seconds of the parts of one episode."""
    words = build_tokenizer(folder)
    policy = build_model(len(words), 64, 2)
    policy.save_pretrained(folder / "policy")
    words.save_pretrained(folder / "policy")
    judge = Qwen2ForSequenceClassification(Qwen2Config(**(policy.config.to_dict() | {"num_labels": 1})))
    rng = random.Random(2)
    prompts = [[rng.randrange(3, len(words)) for _ in range(60)] for _ in range(prompt_count)]
    seconds: dict[str, float] = {}

    def timed(part: str, run: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = run()
        seconds[part] = time.process_time() - started
        return result

    sampler = TransformersSampler(words, 256)
    timed("sync", lambda: sampler.sync(folder / "policy", []))
    samples = timed("sample", lambda: sampler.sample(prompts, SamplingSettings(8, 1.0, 64, 0), lambda *_: None))
    flat = [ids + sample.ids for ids, group in zip(prompts, samples, strict=True) for sample in group]
    values = timed("score", lambda: score_sequences(judge, flat, 0))
    rows = []
    for position, group in enumerate(samples):
        positions = pairs([sample.text for sample in group], values[8 * position : 8 * position + 8])
        for best, worst in positions:
            chosen, rejected = group[best].ids, group[worst].ids
            rows.append({"prompt_ids": prompts[position], "chosen_ids": chosen, "rejected_ids": rejected})
    params = OnlineDpoParams(batch_size=16, max_length=256, learning_rate=1e-4, floor=1e-5)
    reference = build_model(len(words), 64, 2)
    training = preference_trainer(
        policy, reference, Dataset.from_list(rows), words, params, Checkpoints(folder / "work"), callbacks=[]
    )
    training.remove_callback(PrinterCallback)
    timed("train", training.train)
    print(f"  {len(rows)} pairs: " + ", ".join(f"{part} {value:.2f} s" for part, value in seconds.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=192, help="rows of the comparison of speeds")
    parser.add_argument("--hidden", type=int, default=512, help="hidden size of its model, a multiple of 64")
    parser.add_argument("--layers", type=int, default=4, help="layers of its model")
    parser.add_argument("--prompts", type=int, default=96, help="prompts of the episode")
    parser.add_argument("--skip-memory", action="store_true", help="leave out the long rows (peak_mb_32k is null)")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    silence_libraries()
    torch.set_num_threads(1)
    if options.peak:
        print(measure_peak(options.peak, options.full))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(
            f"SFT, {options.rows} rows of GSM8K's lengths, hidden size {options.hidden}, {options.layers} layers, CPU seconds:",
            flush=True,
        )
        rates = compare_speed(options.rows, options.hidden, options.layers, folder)
        print("One episode of online DPO, CPU seconds:", flush=True)
        time_episode(options.prompts, folder)
    peak_mb = None
    if not options.skip_memory:
        print("Peak memory of one step above the start, vocabulary 151,936:", flush=True)
        peak_mb = round(measure_memory()) or None
    print(
        json.dumps(
            {
                "sft_tokens_per_s_vs_trl": round(rates["ours, packed"] / rates["TRL's defaults"], 3),
                "packing_speedup": round(rates["ours, packed"] / rates["ours, not packed"], 3),
                "peak_mb_32k": peak_mb,
            }
        )
    )


if __name__ == "__main__":
    main()
