"""Trains generators for the `cyclegan` plugin.

    python tools/train/cyclegan.py train  --data horse2zebra --device cuda
        the paper's unpaired training (arXiv 1703.10593, section 4): both directions, least-squares adversarial, cycle and
        identity losses, an image pool, a constant and then a falling learning rate
    python tools/train/cyclegan.py distil --data horse2zebra --teacher generator.safetensors --minutes 60
        a supervised student of a generator that exists, for machines without a GPU: every piece of the student first learns
        to make of the teacher's activations what the teacher makes of them, then all of them together
    python tools/train/cyclegan.py export --checkpoint run.pt
        float16 safetensors for models/horse2zebra, with its golden

--data is a folder with trainA, trainB, testA and testB, as the horse2zebra set has them. A run that was stopped goes on from
its checkpoint. Needs PyTorch 2, Pillow, NumPy and safetensors.
"""

import argparse
import itertools
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cyclegan_networks import Discriminator, Generator, GeneratorOptions, initialize

ROOT = Path(__file__).resolve().parents[2]
# The generator of GAN Compression (arXiv 2003.08936) for horse2zebra, configuration 16_16_32_16_32_32_16_16.
TEACHER = GeneratorOptions(base_width=16, block="separable", dropout=True, bottleneck=128, hidden=(64,) * 3 + (128,) * 6)
STUDENT = GeneratorOptions(base_width=16, block="separable", dropout=True, bottleneck=128)


def pictures(folder: Path, size: int = 256) -> Tensor:
    """All pictures of a folder as uint8 [N, 3, size, size]."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    arrays = [np.asarray(Image.open(file).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)) for file in files]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)


def signed(x: Tensor) -> Tensor:
    return x.float() / 127.5 - 1


def crops(source: Tensor, count: int, size: int) -> Tensor:
    """Random crops, half of them mirrored: [count, 3, size, size] in −1…1."""
    batch = []
    for _ in range(count):
        picture = source[random.randrange(len(source))]
        top, left = (random.randint(0, picture.shape[side] - size) for side in (1, 2))
        picture = picture[:, top:top + size, left:left + size]
        batch.append(picture.flip(2) if random.random() < 0.5 else picture)
    return signed(torch.stack(batch))


def save(state: dict, file: Path) -> None:
    """Whole or not at all: a run may be stopped at any time."""
    scratch = file.with_suffix(".tmp")
    torch.save(state, scratch)
    scratch.replace(file)


class ImagePool:
    """Half of the time an earlier picture instead of the newest (section 4; 50 pictures)."""

    def __init__(self, size: int = 50):
        self.size, self.kept = size, []

    def __call__(self, picture: Tensor) -> Tensor:
        if len(self.kept) < self.size:
            self.kept.append(picture)
            return picture
        if random.random() < 0.5:
            return picture
        index = random.randrange(self.size)
        earlier, self.kept[index] = self.kept[index], picture
        return earlier


def train(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    device = torch.device(options.device)
    shape = GeneratorOptions(options.base_width, options.blocks, options.block, options.upsampling)
    to_b, to_a = Generator(shape).to(device), Generator(shape).to(device)
    judge_a, judge_b = Discriminator().to(device), Discriminator().to(device)
    for network in (to_b, to_a, judge_a, judge_b):
        initialize(network)
    generators = torch.optim.Adam(itertools.chain(to_b.parameters(), to_a.parameters()), 2e-4, betas=(0.5, 0.999))
    judges = torch.optim.Adam(itertools.chain(judge_a.parameters(), judge_b.parameters()), 2e-4, betas=(0.5, 0.999))
    epochs, steady = options.epochs, options.epochs // 2
    schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - max(0, epoch - steady) / (epochs - steady + 1))
                 for optimizer in (generators, judges)]
    parts = {"to_b": to_b, "to_a": to_a, "judge_a": judge_a, "judge_b": judge_b, "generators": generators, "judges": judges,
             "schedule_g": schedules[0], "schedule_d": schedules[1]}
    first = 0
    if options.checkpoint.exists():
        state = torch.load(options.checkpoint, map_location=device, weights_only=True)
        first = state["epoch"]
        for name, part in parts.items():
            part.load_state_dict(state[name])

    def adversarial(verdict: Tensor, real: bool) -> Tensor:
        return F.mse_loss(verdict, torch.full_like(verdict, float(real)))

    a, b = (pictures(options.data / name, 286) for name in ("trainA", "trainB"))
    pool_a, pool_b = ImagePool(), ImagePool()
    for epoch in range(first, epochs):
        sums, start = torch.zeros(3), time.time()
        for step in range(max(len(a), len(b))):
            real_a, real_b = crops(a, 1, 256).to(device), crops(b, 1, 256).to(device)
            fake_b, fake_a = to_b(real_a), to_a(real_b)
            cycle = F.l1_loss(to_a(fake_b), real_a) + F.l1_loss(to_b(fake_a), real_b)
            identity = F.l1_loss(to_b(real_b), real_b) + F.l1_loss(to_a(real_a), real_a)
            fooling = adversarial(judge_b(fake_b), True) + adversarial(judge_a(fake_a), True)
            for parameter in itertools.chain(judge_a.parameters(), judge_b.parameters()):
                parameter.requires_grad_(False)
            generators.zero_grad()
            (fooling + 10 * cycle + 5 * identity).backward()
            generators.step()
            for parameter in itertools.chain(judge_a.parameters(), judge_b.parameters()):
                parameter.requires_grad_(True)
            judging = 0.5 * (adversarial(judge_a(real_a), True) + adversarial(judge_a(pool_a(fake_a.detach())), False)
                             + adversarial(judge_b(real_b), True) + adversarial(judge_b(pool_b(fake_b.detach())), False))
            judges.zero_grad()
            judging.backward()
            judges.step()
            sums += torch.tensor([fooling.item(), cycle.item(), judging.item()])
            if step % 100 == 99:
                print(f"epoch {epoch + 1} of {epochs}, step {step + 1}: adversarial, cycle, discriminators "
                      f"{(sums / (step + 1)).tolist()}, {(time.time() - start) / (step + 1):.2f} s a step", flush=True)
        for schedule in schedules:
            schedule.step()
        save({"epoch": epoch + 1, "options": shape.metadata(), "student": to_b.state_dict(),
              **{name: part.state_dict() for name, part in parts.items()}}, options.checkpoint)


def agreement(student: nn.Module, teacher: nn.Module, held_out: Tensor) -> tuple[float, float]:
    """Mean absolute difference on −1…1, and PSNR in dB."""
    absolute, square = 0.0, 0.0
    with torch.inference_mode():
        for picture in held_out.split(4):
            difference = student(signed(picture)) - teacher(signed(picture))
            absolute += difference.abs().mean().item() * len(picture)
            square += (difference / 2).square().mean().item() * len(picture)
    return absolute / len(held_out), -10 * math.log10(square / len(held_out))


def distil(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    teacher = Generator(TEACHER)
    teacher.load_state_dict(load_file(options.teacher))
    teacher.eval().requires_grad_(False)
    student = Generator(STUDENT)
    initialize(student, None)
    average = {name: value.clone() for name, value in student.state_dict().items()}
    optimizer = torch.optim.Adam(student.parameters(), betas=(0.9, 0.99))
    step, spent = 0, 0.0
    if options.checkpoint.exists():
        state = torch.load(options.checkpoint, weights_only=True)
        student.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        average, step, spent = state["student"], state["step"], state["minutes"]
    student.train().to(memory_format=torch.channels_last)
    teacher.to(memory_format=torch.channels_last)
    # Dropout would only blur what is to be copied.
    for layer in student.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    lessons, answers = student.pieces(), teacher.pieces()
    a, b = pictures(options.data / "trainA"), pictures(options.data / "trainB")
    held_out = pictures(options.data / "testA")[:12]

    def half() -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16)

    began = time.time()
    while True:
        minutes = spent + (time.time() - began) / 60
        share = minutes / options.minutes
        if share >= 1:
            break
        alone = share < options.alone
        progress = share / options.alone if alone else (share - options.alone) / (1 - options.alone)
        rate = (4e-3 if alone else 5e-4) * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        count, size = (4, 128) if alone else (3, 176)
        x = crops(a if random.random() < 0.85 else b, count, size).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), half():
            wanted = [x]
            for piece in answers:
                wanted.append(piece(wanted[-1]))
        loss, y = torch.zeros(()), x
        for index, piece in enumerate(lessons):
            with half():
                y = piece(wanted[index] if alone else y)
            difference = y.float() - wanted[index + 1].float()
            if alone or index < len(lessons) - 1:
                loss = loss + difference.square().mean() * (1 if alone else 0.1)
            else:
                difference = torch.tanh(y.float()) - torch.tanh(wanted[-1].float())
                edges = difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()
                loss = loss + 4 * difference.abs().mean() + 2 * edges
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5.0 if alone else 1.0)
        optimizer.step()
        step += 1
        keep = min(0.998, step / (step + 50))
        with torch.no_grad():
            for name, value in student.state_dict().items():
                average[name].mul_(keep).add_(value, alpha=1 - keep)
        if step % 200 == 0:
            copy = Generator(STUDENT)
            copy.load_state_dict(average)
            absolute, psnr = agreement(copy.eval(), teacher, held_out)
            print(f"{minutes:.1f} of {options.minutes} minutes, step {step}, {'piece by piece' if alone else 'whole'}: "
                  f"loss {loss.item():.3f}, held out: L1 {absolute:.4f}, PSNR {psnr:.2f} dB", flush=True)
            save({"network": student.state_dict(), "optimizer": optimizer.state_dict(), "student": average, "step": step,
                  "minutes": minutes, "options": STUDENT.metadata()}, options.checkpoint)


def export(options: argparse.Namespace) -> None:
    state = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    written = state["options"]
    shape = GeneratorOptions(
        int(written["base_width"]), int(written["blocks"]), written["block"], written["upsampling"], written["norm"],
        written["dropout"] == "True", int(written["bottleneck"]))
    weights = {name: value.half().contiguous() for name, value in state["student"].items()}
    (options.out / "golden").mkdir(parents=True, exist_ok=True)
    save_file(weights, options.out / "weights.safetensors", metadata=shape.metadata())
    # What is served is what was rounded to float16.
    generator = Generator(shape)
    generator.load_state_dict({name: value.float() for name, value in weights.items()})
    generator.eval().requires_grad_(False)
    horse = Image.open(ROOT / "samples/horses.jpg").convert("RGB")
    horse = horse.crop((60, 20, 380, 340)).resize((64, 64), Image.Resampling.BICUBIC)
    horse.save(options.out / "golden/horse.png")
    x = signed(torch.from_numpy(np.array(horse)).permute(2, 0, 1)[None])
    save_file({"image": generator(x).permute(0, 2, 3, 1).contiguous()}, options.out / "golden/horse.safetensors")
    print(f"{options.out}: {sum(value.numel() for value in weights.values())} parameters")
    if options.teacher and options.data:
        teacher = Generator(TEACHER)
        teacher.load_state_dict(load_file(options.teacher))
        absolute, psnr = agreement(generator, teacher.eval(), pictures(options.data / "testA"))
        print(f"against the teacher on all of testA: L1 {absolute:.4f}, PSNR {psnr:.2f} dB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run in (("train", train), ("distil", distil), ("export", export)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("--checkpoint", type=Path, default=Path(f".cache/cyclegan-{'train' if name == 'train' else 'distil'}.pt"))
        command.add_argument("--data", type=Path, required=name != "export")
        command.add_argument("--seed", type=int, default=0)
        if name == "train":
            command.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
            command.add_argument("--epochs", type=int, default=200)
            command.add_argument("--base-width", type=int, default=64)
            command.add_argument("--blocks", type=int, default=9)
            command.add_argument("--block", choices=("standard", "separable"), default="standard")
            command.add_argument("--upsampling", choices=("transposed", "resize"), default="transposed")
        if name == "distil":
            command.add_argument("--minutes", type=float, default=60)
            command.add_argument("--alone", type=float, default=0.55, help="share of the time for the pieces by themselves")
        if name != "train":
            command.add_argument("--teacher", type=Path, required=name == "distil")
        if name == "export":
            command.add_argument("--out", type=Path, default=ROOT / "models/horse2zebra/1")
    options = parser.parse_args()
    options.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    options.run(options)


if __name__ == "__main__":
    main()
