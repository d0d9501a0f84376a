"""Experiments of a few seconds that tests of several packages train."""

CNN = """
name = "cnn"
trials = 2
seed = 5
[data]
dataset = "digits"
normalization = "z_score"
[network]
layers = [
    { kind = "convolution", filters = 2, kernel = 3 },
    { kind = "batch_norm" },
    "relu",
    { kind = "max_pool", size = 2 },
    "flatten",
    { kind = "affine", units = { int = [5, 20] } },
    { kind = "dropout", rate = 0.25 },
]
[training]
epochs = 3
batch_size = 64
optimizer = { kind = "adam", learning_rate = { log_uniform = [0.0001, 0.01] } }
schedule = { kind = "decay", rate = 0.1 }
keep_weights = "last"
record_batches = true
"""
"""A convolutional network with every kind of state that training keeps: running means, dropout, Adam, decay."""
