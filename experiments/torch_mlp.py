"""A training function for a PyTorch network; `torch-mlp.toml` searches its parameters."""

import io

import torch
from torch import nn


def train(config, trial):
    """Yield the metrics after each epoch; continue from the saved network if there is one."""
    torch.manual_seed(trial.seed)
    x, t = tensors(trial.data["train"])
    network = nn.Sequential(nn.Linear(x.shape[1], config["hidden"]), nn.ReLU(), nn.Linear(config["hidden"], 10))
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = kinds[config["optimizer"]["kind"]](network.parameters(), lr=config["optimizer"]["lr"])
    done = restore(trial.state, network, optimizer)
    for epoch in range(done + 1, trial.epochs + 1):
        for rows in torch.randperm(len(x)).split(config["batch_size"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), t[rows]).backward()
            optimizer.step()
        save(trial, network, optimizer, epoch)
        yield {**evaluate(network, trial, "validation"), **evaluate(network, trial, "test")}


def tensors(part):
    """Return the images of a part, scaled to [0, 1], and their classes."""
    return torch.from_numpy(part.x / 255).float(), torch.from_numpy(part.t.copy())


@torch.no_grad()
def evaluate(network, trial, part):
    """Return the loss and the accuracy of a part."""
    x, t = tensors(trial.data[part])
    logits = network(x)
    return {
        f"{part}_loss": nn.functional.cross_entropy(logits, t),
        f"{part}_accuracy": (logits.argmax(1) == t).float().mean(),
    }


def save(trial, network, optimizer, epoch):
    """Save all that is needed to continue after this epoch."""
    buffer = io.BytesIO()
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    torch.save(state, buffer)
    trial.save({"torch": buffer.getvalue(), "epoch": epoch})


def restore(saved, network, optimizer):
    """Set the network and the optimizer to a saved state; return the number of epochs done."""
    if not saved:
        return 0
    state = torch.load(io.BytesIO(saved["torch"]))
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    return saved["epoch"]
