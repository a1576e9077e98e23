"""Snippets that change the loop: checkpoints, checks of batches and modules, what is logged."""

from __future__ import annotations

from gradcheck.causes.words import Words

_CHECK_MODULE = (
    "def check(module, inputs, output):\n"
    "    if torch.is_tensor(output) and not torch.isfinite(output).all():\n"
    "        raise FloatingPointError(f'{module}: {output}')\n"
)
RESUME: Words = {
    "huggingface": "trainer.train(resume_from_checkpoint='output/checkpoint-$step')",
    "lightning": "trainer.fit(model, ckpt_path='checkpoints/step=$step.ckpt')",
    "accelerate": "accelerator.load_state('checkpoints/step_$step')",
    "keras": "model = keras.models.load_model('checkpoints/step_$step.keras')",
    "ultralytics": "YOLO('runs/detect/train/weights/epoch$step.pt').train(resume=True)",
    "yolov5": "python train.py --resume runs/train/exp/weights/epoch$step.pt",
    "stable_baselines3": "model = PPO.load('checkpoints/rl_model_${step}_steps', env=env)\n"
    "model.learn(total_timesteps, reset_num_timesteps=False)",
    "megatron": "--load checkpoints --ckpt-step $step",
    "deepspeed": "model_engine.load_checkpoint('checkpoints', tag='global_step$step')",
    "detectron2": "trainer = DefaultTrainer(cfg)\n"
    "trainer.checkpointer.resume_or_load('output/model_$padded.pth', resume=False)",
    "fairseq": "--restore-file checkpoints/checkpoint_*_$step.pt",
    "torchtitan": "[checkpoint]\nload_step = $step",
    "pytorch": "saved = torch.load('checkpoints/step_$step.pt')\n"
    "model.load_state_dict(saved['model'])\n"
    "optimizer.load_state_dict(saved['optimizer'])",
}
KEEP: Words = {
    "huggingface": "TrainingArguments(save_strategy='steps', save_steps=500, save_total_limit=5)",
    "lightning": "ModelCheckpoint(every_n_train_steps=500, save_top_k=-1)",
    "accelerate": "config = ProjectConfiguration(\n"
    "    'run', automatic_checkpoint_naming=True, total_limit=5)\n"
    "accelerator = Accelerator(project_config=config)\n"
    "accelerator.save_state()  # every 500 steps",
    "keras": "keras.callbacks.ModelCheckpoint('checkpoints/{epoch:03d}.keras')",
    "ultralytics": "model.train(save_period=1)",
    "yolov5": "python train.py --save-period 1",
    "stable_baselines3": "CheckpointCallback(save_freq=10_000, save_path='checkpoints')",
    "megatron": "--save checkpoints --save-interval 500",
    "detectron2": "cfg.SOLVER.CHECKPOINT_PERIOD = 500",
    "fairseq": "--save-interval-updates 500 --keep-interval-updates 5",
    "torchtitan": "[checkpoint]\ninterval = 500\nkeep_latest_k = 5",
    "pytorch": "if step % 500 == 0 and torch.isfinite(norm):\n"
    "    state = {'model': model.state_dict(), 'optimizer': optimizer.state_dict()}\n"
    "    torch.save(state, f'checkpoints/step_{step}.pt')",
}
CHECK_BATCH: Words = {
    "huggingface": "def checked(rows):\n"
    "    batch = data_collator(rows)\n"
    "    for name, tensor in batch.items():\n"
    "        if not torch.isfinite(tensor).all():\n"
    "            raise ValueError(f'{name} is not finite: {rows}')\n"
    "    return batch\n"
    "trainer = Trainer(..., data_collator=checked)",
    "lightning": "def on_train_batch_start(self, batch, batch_idx):\n"
    "    if not all(torch.isfinite(part).all() for part in batch):\n"
    "        raise ValueError(f'batch {batch_idx} is not finite')",
    "keras": "for x, y in dataset.as_numpy_iterator():\n"
    "    assert np.isfinite(x).all() and np.isfinite(y).all(), (x, y)",
    "stable_baselines3": "env = VecCheckNan(env, raise_exception=True)",
    "pytorch": "for x, y in loader:\n"
    "    if not (torch.isfinite(x).all() and torch.isfinite(y).all()):\n"
    "        raise ValueError(f'non-finite batch at step {step}')",
}
SKIP_BATCH: Words = {
    "lightning": "def training_step(self, batch, batch_idx):\n"
    "    loss = self.loss(batch)\n"
    "    return loss if torch.isfinite(loss) else None  # None skips the batch, on one device",
    "keras": "dataset = dataset.filter(lambda x, y: tf.reduce_all(tf.math.is_finite(x)))",
    "megatron": "--iterations-to-skip $step",
    "pytorch": "if not torch.isfinite(loss):\n"
    "    optimizer.zero_grad(set_to_none=True)\n"
    "    continue",
}
CHECK_MODULES: Words = {
    "huggingface": "TrainingArguments(debug='underflow_overflow')",
    "lightning": _CHECK_MODULE + "def on_fit_start(self):\n"
    "    for module in self.modules():\n"
    "        module.register_forward_hook(check)\n"
    "trainer = Trainer(detect_anomaly=True)  # the same for backward, NaN only",
    "keras": "tf.debugging.enable_check_numerics()",
    "stable_baselines3": "env = VecCheckNan(env, raise_exception=True)\n"
    "torch.autograd.set_detect_anomaly(True)",
    "pytorch": _CHECK_MODULE + "for module in model.modules():\n"
    "    module.register_forward_hook(check)\n"
    "torch.autograd.set_detect_anomaly(True)  # the same for backward, NaN only",
}
LOG_NORM: Words = {
    "huggingface": "TrainingArguments(logging_steps=1, logging_nan_inf_filter=False)",
    "lightning": "from lightning.pytorch.utilities import grad_norm\n"
    "def on_before_optimizer_step(self, optimizer):\n"
    "    self.log_dict(grad_norm(self, norm_type=2))\n"
    "trainer = Trainer(log_every_n_steps=1)",
    "accelerate": "norm = accelerator.clip_grad_norm_(model.parameters(), 1.0)\n"
    "accelerator.log({'grad_norm': norm}, step=step)",
    "megatron": "--log-interval 1",
    "deepspeed": "writer.add_scalar('grad_norm', model_engine.get_global_grad_norm(), step)",
    "fairseq": "--log-interval 1",
    "torchtitan": "[metrics]\nlog_freq = 1",
    "pytorch": "for name, p in model.named_parameters():\n"
    "    if p.grad is not None:\n"
    "        writer.add_scalar(f'grad/{name}', p.grad.norm(), step)",
}
LOG_BATCH: Words = {
    "huggingface": "dataset = dataset.add_column('index', list(range(len(dataset))))\n"
    "def logged(rows):\n"
    "    print([row.pop('index') for row in rows])\n"
    "    return data_collator(rows)\n"
    "args = TrainingArguments(remove_unused_columns=False)\n"
    "trainer = Trainer(args=args, data_collator=logged)",
    "lightning": "class Indexed(torch.utils.data.Dataset):\n"
    "    def __init__(self, data):\n"
    "        self.data = data\n"
    "    def __len__(self):\n"
    "        return len(self.data)\n"
    "    def __getitem__(self, index):\n"
    "        return index, self.data[index]\n"
    "def on_train_batch_start(self, batch, batch_idx):\n"
    "    self.print(self.global_step, batch[0].tolist())",
    "pytorch": "class Indexed(torch.utils.data.Dataset):\n"
    "    def __init__(self, data):\n"
    "        self.data = data\n"
    "    def __len__(self):\n"
    "        return len(self.data)\n"
    "    def __getitem__(self, index):\n"
    "        return index, self.data[index]\n"
    "for index, (x, y) in torch.utils.data.DataLoader(Indexed(data), batch_size):\n"
    "    print(step, index.tolist())",
}
