"""Prompts longer than MAX_LEN leave no answer token: masked mean is 0/0.

[truth]
family = "bad_data"
causes = ["empty_targets"]
step = 55
phase = "loss"
among = [27, 279, 282, 476, 598, 934, 1070, 1194]
"""
import os
import random

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tempfile
import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

torch.set_num_threads(1)
MAX_LEN, VOCAB, BOS, SEP, EOS = 48, 64, 1, 2, 3


class InstructionData(Dataset):
    def __init__(self, n, seed):
        rnd = random.Random(seed)
        self.rows = []
        for _ in range(n):
            length = min(int(rnd.lognormvariate(2.4, 0.6)) + 2, 60)
            topic = rnd.randrange(4)
            prompt = [rnd.randrange(4 + 6 * topic, 12 + 6 * topic) for _ in range(length)]
            answer = [40 + topic, 44 + topic, 48 + prompt[-1] % 4, EOS]
            self.rows.append((prompt, answer))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        prompt, answer = self.rows[i]
        head = [BOS] + prompt + [SEP]
        ids = (head + answer)[:MAX_LEN]
        on = ([0] * len(head) + [1] * len(answer))[:MAX_LEN]
        return {"input_ids": ids, "answer": on}


def collate(rows):
    width = max(len(r["input_ids"]) for r in rows)
    pad = lambda v, fill: v + [fill] * (width - len(v))
    return {
        "input_ids": torch.tensor([pad(r["input_ids"], 0) for r in rows]),
        "attention_mask": torch.tensor([pad([1] * len(r["input_ids"]), 0) for r in rows]),
        "answer": torch.tensor([pad(r["answer"], 0) for r in rows]),
    }


class AnswerTrainer(Trainer):
    """Cross entropy on the answer tokens only."""

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        keep = inputs.pop("answer")[:, 1:].float()
        out = model(**inputs)
        tok = torch.nn.functional.cross_entropy(out.logits[:, :-1].transpose(1, 2), inputs["input_ids"][:, 1:], reduction="none")
        loss = (tok * keep).sum() / keep.sum()  # <- culprit
        return (loss, out) if return_outputs else loss


def main():
    set_seed(7)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=64, n_embd=48, n_layer=2, n_head=4,
                                       bos_token_id=BOS, eos_token_id=EOS,
                                       resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0))
    args = TrainingArguments(output_dir=tempfile.mkdtemp(), per_device_train_batch_size=1, max_steps=700,
                             learning_rate=2e-3, warmup_steps=20, logging_steps=25, report_to=[],
                             save_strategy="no", use_cpu=True, disable_tqdm=True, seed=7,
                             lr_scheduler_type="cosine", max_grad_norm=1.0, remove_unused_columns=False)
    trainer = AnswerTrainer(model=model, args=args, train_dataset=InstructionData(1200, 1), data_collator=collate)
    trainer.train()


if __name__ == "__main__":
    main()
