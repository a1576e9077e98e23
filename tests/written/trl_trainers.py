"""TRL: the states and events of SFTTrainer, DPOTrainer and RewardTrainer on models made here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    set_seed,
)
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from tests.written import truth
from tests.written.hf_trainer import Recorder, tag
from tests.written.truth import Record, Truth, Truths

CASES = ("sft", "dpo", "reward", "sft_events")
STEPS = 6
SPECIAL = ("<unk>", "<pad>", "<eos>")
TEXT = "the loss of a run went up then down and the net was lost"
WORDS = TEXT.split()


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys([*SPECIAL, *WORDS]))}
    words = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>"
    )


def config(words: PreTrainedTokenizerFast, **options: Any) -> GPT2Config:
    return GPT2Config(
        vocab_size=len(words),
        n_positions=32,
        n_embd=8,
        n_layer=1,
        n_head=1,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.eos_token_id,
        eos_token_id=words.eos_token_id,
        **options,
    )


def pairs() -> Dataset:
    asked = [" ".join(WORDS[i : i + 3]) for i in range(8)]
    return Dataset.from_list(
        [{"prompt": text, "chosen": " a run", "rejected": " the net was"} for text in asked]
    )


def settings(out: Path, **options: Any) -> dict[str, Any]:
    return {
        "output_dir": str(out),
        "max_steps": STEPS,
        "per_device_train_batch_size": 2,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "eval_steps": 3,
        "save_strategy": "no",
        "learning_rate": 0.01,
        "use_cpu": True,
        "bf16": False,
        "dataloader_pin_memory": False,
        "gradient_checkpointing": False,
        "report_to": [],
    } | options


def train(trainer: Any) -> Record:
    recorder = Recorder(STEPS)
    trainer.add_callback(recorder)
    trainer.train()
    trainer.save_state()
    return recorder.record


def sft(out: Path) -> Record:
    words = tokenizer()
    texts = Dataset.from_list([{"text": " ".join(WORDS[i:])} for i in range(8)])
    arguments = SFTConfig(**settings(out, report_to=["tensorboard"]), max_length=16)
    return train(
        SFTTrainer(
            model=GPT2LMHeadModel(config(words)),
            args=arguments,
            train_dataset=texts,
            eval_dataset=texts,
            processing_class=words,
        )
    )


def dpo(out: Path) -> Record:
    words = tokenizer()
    return train(
        DPOTrainer(
            model=GPT2LMHeadModel(config(words)),
            ref_model=GPT2LMHeadModel(config(words)),
            args=DPOConfig(**settings(out)),
            train_dataset=pairs(),
            eval_dataset=pairs(),
            processing_class=words,
        )
    )


def reward(out: Path) -> Record:
    words = tokenizer()
    return train(
        RewardTrainer(
            model=GPT2ForSequenceClassification(config(words, num_labels=1)),
            args=RewardConfig(**settings(out)),
            train_dataset=pairs(),
            eval_dataset=pairs(),
            processing_class=words,
        )
    )


def write(out: Path) -> Truths:
    torch.set_num_threads(1)
    set_seed(0)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(out / "sft_events")
    tuned = sft(out / "sft").series
    events = {tag(name): points for name, points in tuned.items()}
    return {
        "sft": {"": Truth(tuned, "huggingface")},
        "sft_events": {"": Truth(events, "huggingface", keeps="float32")},
        "dpo": {"": Truth(dpo(out / "dpo").series, "huggingface")},
        "reward": {"": Truth(reward(out / "reward").series, "huggingface")},
    }


if __name__ == "__main__":
    truth.main(write)
