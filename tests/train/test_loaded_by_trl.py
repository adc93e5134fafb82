"""D and P as they are written load in Hugging Face's datasets and go into TRL's trainers without a line between."""

import datasets
import families
import torch
from families import ANSWER, REJECTED
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from schemas.rows import FinalDemonstration, FinalPreference
from schemas.table import Table

PLAIN = {"report_to": "none", "use_cpu": True, "bf16": False, "max_steps": 1, "max_length": 2000, "disable_tqdm": True}


def loaded(model: type, rows: list[dict], path) -> datasets.Dataset:
    Table.of(model, rows).write(path)
    return datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(path.parent / "cache"))


def test_a_written_table_with_tools_trains_in_trl_as_it_is(tmp_path):
    base = families.write_model("qwen2_5", tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    d = loaded(FinalDemonstration, [families.row("d", completion=ANSWER)], tmp_path / "d.parquet")
    assert d[0]["tools"][0]["function"]["name"] == "weather"
    assert d[0]["completion"][0]["tool_calls"][0]["function"]["arguments"] == {"city": "Köln", "days": 2}
    p = loaded(
        FinalPreference, [families.row("p", chosen=ANSWER, rejected=REJECTED, margin=1.0)], tmp_path / "p.parquet"
    )
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    args = SFTConfig(output_dir=str(tmp_path / "sft"), per_device_train_batch_size=1, **PLAIN)
    trainer = SFTTrainer(model=model, args=args, train_dataset=d, processing_class=tokenizer)
    learned = tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    assert '"arguments": {"city": "Köln", "days": 2}' in learned and "By day." in learned
    assert trainer.train().global_step == 1
    args = DPOConfig(output_dir=str(tmp_path / "dpo"), per_device_train_batch_size=1, **PLAIN)
    assert DPOTrainer(model=model, args=args, train_dataset=p, processing_class=tokenizer).train().global_step == 1
