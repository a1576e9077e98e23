"""Snippets that change the precision: bfloat16, float32, a part in float32, the loss scale."""

from __future__ import annotations

from gradcheck.causes.words import Words

BF16: Words = {
    "huggingface": "TrainingArguments(bf16=True, fp16=False)",
    "lightning": "Trainer(precision='bf16-mixed')",
    "accelerate": "Accelerator(mixed_precision='bf16')",
    "keras": "keras.mixed_precision.set_global_policy('mixed_bfloat16')",
    "megatron": "--bf16",
    "deepspeed": '{"bf16": {"enabled": true}, "fp16": {"enabled": false}}',
    "fairseq": "--bf16",
    "torchtitan": '[training]\nmixed_precision_param = "bfloat16"',
    "pytorch": "with torch.autocast(device_type='cuda', dtype=torch.bfloat16):\n"
    "    loss = criterion(model(x), y)",
}
FP32: Words = {
    "huggingface": "TrainingArguments(fp16=False, bf16=False)",
    "lightning": "Trainer(precision='32-true')",
    "accelerate": "Accelerator(mixed_precision='no')",
    "keras": "keras.mixed_precision.set_global_policy('float32')",
    "ultralytics": "model.train(amp=False)",
    "deepspeed": '{"fp16": {"enabled": false}, "bf16": {"enabled": false}}',
    "detectron2": "cfg.SOLVER.AMP.ENABLED = False",
    "torchtitan": '[training]\nmixed_precision_param = "float32"',
    "pytorch": "model = model.float()\n"
    "with torch.autocast(device_type='cuda', enabled=False):\n"
    "    loss = criterion(model(x.float()), y)",
}
PART_IN_FP32: Words = {
    "accelerate": "with accelerator.autocast(autocast_handler=AutocastKwargs(enabled=False)):\n"
    "    loss = criterion(logits.float(), target)",
    "keras": "outputs = keras.layers.Activation('softmax', dtype='float32')(logits)",
    "pytorch": "with torch.autocast(device_type='cuda', enabled=False):\n"
    "    loss = criterion(logits.float(), target)",
}
LOSS_SCALE: Words = {
    "lightning": "from lightning.pytorch.plugins import MixedPrecision\n"
    "scaler = torch.amp.GradScaler('cuda', init_scale=2.0**$power)\n"
    "Trainer(plugins=[MixedPrecision('16-mixed', 'cuda', scaler)])",
    "accelerate": "scaler = GradScalerKwargs(init_scale=2.0**$power)\n"
    "Accelerator(mixed_precision='fp16', kwargs_handlers=[scaler])",
    "keras": "optimizer = keras.optimizers.LossScaleOptimizer(\n"
    "    optimizer, initial_scale=2.0**$power)",
    "megatron": "--initial-loss-scale $scale",
    "deepspeed": '{"fp16": {"enabled": true, "loss_scale": 0, "initial_scale_power": $power}}',
    "fairseq": "--fp16-init-scale $scale",
    "pytorch": "scaler = torch.amp.GradScaler('cuda', init_scale=2.0**$power)",
}
