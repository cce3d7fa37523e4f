"""What the selection of quadruplets costs: `make bench`.

Prints for every rule, on the CPU, its time at batch 108 and its share of a whole training step measured in the same
run, and its time and extra memory at batch 4096. Nothing here passes or fails; the figures are to be read.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from model.contract.config import Config
from model.contract.taxonomy import Taxonomy
from model.data.labels import EncodedLabels
from model.method.losses import squared_distances
from model.method.objective import Objective
from model.method.quadruplet_selection import RULES, SelectionOptions, role_masks
from model.training.distributed import choose_precision
from model.training.memory import keep_freed_memory
from model.training.optimiser import build_optimiser
from model.training.trainer import build_network

SMALL, LARGE, DIM, SIDE = 108, 4096, 256, 160
MIB = 1 << 20


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def a_batch(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit-length embeddings and labels: 9 types of 3 classes in turn."""
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.nn.functional.normalize(torch.randn(size, DIM, generator=generator), dim=1)
    fine = torch.arange(size) % 27
    return embeddings, fine // 3, fine


def select(rule: str, embeddings: torch.Tensor, coarse: torch.Tensor, fine: torch.Tensor) -> object:
    """All that the selection adds to a step: distances, masks, and the rule itself."""
    with torch.no_grad():
        distances = squared_distances(embeddings)
        return RULES[rule](distances, role_masks(coarse, fine), SelectionOptions(), torch.Generator().manual_seed(0))


def seconds(action: Callable[[], object], repeats: int) -> float:
    """Median time of `repeats` calls, after one that is not counted."""
    action()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def training_step() -> Callable[[], None]:
    """Forward, backward and AdamW at the trainer's defaults; no decoding, augmentation, clipping or moving average."""
    settings = Config().resolved()
    config = settings.model_copy(update={"network": settings.network.model_copy(update={"embedding_dim": DIM})})
    names = tuple(f"class {i}" for i in range(27))
    taxonomy = Taxonomy(
        coarse=tuple(f"type {i}" for i in range(9)), fine=names, parents=tuple(i // 3 for i in range(27))
    )
    torch.manual_seed(0)
    network = build_network(config, taxonomy).to(memory_format=torch.channels_last).train()
    objective = Objective(config.loss, taxonomy.parents, DIM)
    optimiser = build_optimiser(network, objective, config)
    _, coarse, fine = a_batch(SMALL)
    labels = EncodedLabels(coarse.numpy(), fine.numpy(), np.zeros((SMALL, 0)))
    pictures = torch.randint(0, 256, (SMALL, 3, SIDE, SIDE), dtype=torch.uint8)
    epoch = config.loss.random_epochs  # the first one in which the rule selects

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=choose_precision("auto", "cpu") == "bf16-mixed"):
            output = network(pictures)
        loss, _ = objective(output, labels, epoch=epoch, generator=torch.Generator().manual_seed(0))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def peak_bytes() -> int:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_a_large_batch(rule: str) -> None:
    """Child process: seconds and growth of the peak memory, on one line."""
    select(rule, *a_batch(64))  # libraries load and threads start before the peak is read
    batch = a_batch(LARGE)
    before = peak_bytes()
    select(rule, *batch)
    growth = peak_bytes() - before
    say(f"{seconds(lambda: select(rule, *batch), 3)} {growth}")


def large_batches() -> None:
    say(f"batch {LARGE}, embedding {DIM}: distances, masks and rule, each rule in a process of its own")
    say(f"{'rule':<30}{'ms':>8}{'MiB more':>10}{'x B^2 float32':>15}{'share of B^3 bytes':>20}")
    for rule in RULES:
        command = [sys.executable, "-m", "tests.bench.selection", "--large", rule]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        took, growth = (float(part) for part in done.stdout.split())
        square = growth / (4 * LARGE**2)
        say(f"{rule:<30}{took * 1e3:>8.0f}{growth / MIB:>10.0f}{square:>15.1f}{growth / LARGE**3:>20.1e}")


def small_batches() -> None:
    keep_freed_memory()
    whole = seconds(training_step(), 7)
    say(f"batch {SMALL}, embedding {DIM}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    precision = choose_precision("auto", "cpu")
    say(f"training step of MobileNetV2 at {SIDE} px, {precision}, forward, backward and AdamW: {whole * 1e3:.0f} ms")
    say(f"{'rule':<30}{'ms':>8}{'share of the step':>20}")
    batch = a_batch(SMALL)
    for rule in RULES:
        took = seconds(partial(select, rule, *batch), 100)
        say(f"{rule:<30}{took * 1e3:>8.2f}{took / whole:>20.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", metavar="RULE", choices=list(RULES), help="this rule alone, in figures")
    wanted = parser.parse_args().large
    if wanted:
        in_a_large_batch(wanted)
        return
    # first, while this process is small: a child's peak starts from the memory of the process that started it
    large_batches()
    say()
    small_batches()


if __name__ == "__main__":
    main()
