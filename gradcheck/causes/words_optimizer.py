"""Snippets that change the step: clipping, learning rate, warm-up, Adam, decay, accumulation."""

from __future__ import annotations

from gradcheck.causes.words import Words

CLIP: Words = {
    "huggingface": "TrainingArguments(max_grad_norm=$limit)",
    "lightning": "Trainer(gradient_clip_val=$limit, gradient_clip_algorithm='norm')",
    "accelerate": "accelerator.backward(loss)\n"
    "if accelerator.sync_gradients:\n"
    "    accelerator.clip_grad_norm_(model.parameters(), $limit)\n"
    "optimizer.step()",
    "keras": "optimizer = keras.optimizers.$optimizer(learning_rate, global_clipnorm=$limit)",
    "stable_baselines3": "PPO(..., max_grad_norm=$limit)",
    "megatron": "--clip-grad $limit",
    "deepspeed": '{"gradient_clipping": $limit}',
    "detectron2": "cfg.SOLVER.CLIP_GRADIENTS.ENABLED = True\n"
    "cfg.SOLVER.CLIP_GRADIENTS.CLIP_TYPE = 'norm'  # of each parameter, not of all together\n"
    "cfg.SOLVER.CLIP_GRADIENTS.CLIP_VALUE = $limit",
    "fairseq": "--clip-norm $limit",
    "torchtitan": "[training]\nmax_norm = $limit",
    "pytorch": "loss.backward()\n"
    "torch.nn.utils.clip_grad_norm_(model.parameters(), $limit)\n"
    "optimizer.step()",
}
RATE: Words = {
    "huggingface": "TrainingArguments(learning_rate=$rate)",
    "lightning": "def configure_optimizers(self):\n"
    "    return torch.optim.$optimizer(self.parameters(), lr=$rate)",
    "keras": "model.compile(loss=loss, optimizer=keras.optimizers.$optimizer($rate))",
    "ultralytics": "model.train(lr0=$rate, optimizer='$optimizer')  # 'auto' would ignore lr0",
    "yolov5": "lr0: $in_yaml  # in the hyp.yaml",
    "stable_baselines3": "PPO(..., learning_rate=$rate)",
    "megatron": "--lr $rate",
    "deepspeed": '{"optimizer": {"type": "$optimizer", "params": {"lr": $rate}}}',
    "detectron2": "cfg.SOLVER.BASE_LR = $rate",
    "fairseq": "--lr $rate",
    "torchtitan": "[optimizer]\nlr = $rate",
    "pytorch": "for group in optimizer.param_groups:\n    group['lr'] = $rate",
}
WARMUP: Words = {
    "huggingface": "TrainingArguments(warmup_steps=$steps)",
    "lightning": "def configure_optimizers(self):\n"
    "    optimizer = torch.optim.$optimizer(self.parameters(), lr=$rate)\n"
    "    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=$steps)\n"
    "    schedule = {'scheduler': warmup, 'interval': 'step'}\n"
    "    return {'optimizer': optimizer, 'lr_scheduler': schedule}",
    "accelerate": "warmup = torch.optim.lr_scheduler.LinearLR(\n"
    "    optimizer, 0.01, total_iters=$steps * accelerator.num_processes)\n"
    "warmup = accelerator.prepare(warmup)  # steps once for each process",
    "keras": "rate = keras.optimizers.schedules.CosineDecay(\n"
    "    0.0, decay_steps, warmup_target=$rate, warmup_steps=$steps)\n"
    "optimizer = keras.optimizers.$optimizer(rate)",
    "ultralytics": "model.train(warmup_epochs=5)",
    "yolov5": "warmup_epochs: 5.0  # in the hyp.yaml",
    "stable_baselines3": "PPO(..., learning_rate=lambda left: $rate * min(1.0, (1 - left) / 0.05))",
    "megatron": "--lr-warmup-iters $steps",
    "deepspeed": '{"scheduler": {"type": "WarmupLR",\n'
    '  "params": {"warmup_max_lr": $rate, "warmup_num_steps": $steps}}}',
    "detectron2": "cfg.SOLVER.WARMUP_ITERS = $steps\ncfg.SOLVER.WARMUP_FACTOR = 0.01",
    "fairseq": "--warmup-updates $steps",
    "torchtitan": "[lr_scheduler]\nwarmup_steps = $steps",
    "pytorch": "warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=$steps)\n"
    "...\n"
    "warmup.step()  # after each optimizer.step()",
}
BETA2: Words = {
    "huggingface": "TrainingArguments(adam_beta2=$beta2)",
    "lightning": "def configure_optimizers(self):\n"
    "    return torch.optim.AdamW(self.parameters(), lr=lr, betas=(0.9, $beta2))",
    "keras": "optimizer = keras.optimizers.AdamW(learning_rate, beta_2=$beta2)",
    "stable_baselines3": "PPO(..., policy_kwargs={'optimizer_kwargs': {'betas': (0.9, $beta2)}})",
    "megatron": "--adam-beta2 $beta2",
    "deepspeed": '{"optimizer": {"type": "AdamW", "params": {"betas": [0.9, $beta2]}}}',
    "fairseq": "--adam-betas '(0.9, $beta2)'",
    "torchtitan": "[optimizer]\nbeta2 = $beta2",
    "pytorch": "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, $beta2))",
}
EPSILON: Words = {
    "huggingface": "TrainingArguments(adam_epsilon=$epsilon)",
    "lightning": "def configure_optimizers(self):\n"
    "    return torch.optim.AdamW(self.parameters(), lr=lr, eps=$epsilon)",
    "keras": "optimizer = keras.optimizers.AdamW(learning_rate, epsilon=$epsilon)",
    "stable_baselines3": "PPO(..., policy_kwargs={'optimizer_kwargs': {'eps': $epsilon}})",
    "megatron": "--adam-eps $epsilon",
    "deepspeed": '{"optimizer": {"type": "AdamW", "params": {"eps": $epsilon}}}',
    "fairseq": "--adam-eps $epsilon",
    "torchtitan": "[optimizer]\neps = $epsilon",
    "pytorch": "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, eps=$epsilon)",
}
NO_DECAY: Words = {
    "lightning": "def configure_optimizers(self):\n"
    "    matrices = [p for p in self.parameters() if p.ndim > 1]\n"
    "    rest = [p for p in self.parameters() if p.ndim < 2]\n"
    "    groups = [{'params': matrices}, {'params': rest, 'weight_decay': 0.0}]\n"
    "    return torch.optim.AdamW(groups, lr=lr)",
    "keras": "optimizer.exclude_from_weight_decay(var_names=['bias', 'gamma', 'embedding'])",
    "detectron2": "cfg.SOLVER.WEIGHT_DECAY_NORM = 0.0\ncfg.SOLVER.WEIGHT_DECAY_BIAS = 0.0",
    "pytorch": "matrices = [p for p in model.parameters() if p.ndim > 1]\n"
    "rest = [p for p in model.parameters() if p.ndim < 2]\n"
    "groups = [{'params': matrices}, {'params': rest, 'weight_decay': 0.0}]\n"
    "optimizer = torch.optim.AdamW(groups, lr=lr)",
}
ACCUMULATION: Words = {
    "huggingface": "TrainingArguments(gradient_accumulation_steps=$batches)",
    "lightning": "Trainer(accumulate_grad_batches=$batches)",
    "accelerate": "accelerator = Accelerator(gradient_accumulation_steps=$batches)\n"
    "with accelerator.accumulate(model):\n"
    "    accelerator.backward(loss)\n"
    "    optimizer.step()\n"
    "    optimizer.zero_grad()",
    "keras": "optimizer = keras.optimizers.$optimizer(\n"
    "    learning_rate, gradient_accumulation_steps=$batches)",
    "deepspeed": '{"gradient_accumulation_steps": $batches}',
    "fairseq": "--update-freq $batches",
    "pytorch": "(loss / $batches).backward()\n"
    "if (step + 1) % $batches == 0:\n"
    "    optimizer.step()\n"
    "    optimizer.zero_grad(set_to_none=True)",
}
