"""Time training steps and predictions of the Deep Recurrent Encoder in PyTorch, for `cargo xtask bench step`.

Arguments as those of the example `step` of crate `dre`: batch n_channels n_times filters hidden n_features threads
repeats. Prints one JSON line. Needs torch (measured with 2.15).
"""

import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCH, CHANNELS, TIMES, FILTERS, HIDDEN, FEATURES, THREADS, REPEATS = map(int, sys.argv[1:9])
KERNEL, STRIDE, LAYERS, INIT, SUBJECT_DIM, SUBJECTS = 4, 2, 2, 40, 16, 100
torch.set_num_threads(THREADS)
torch.manual_seed(0)


class Network(nn.Module):
    """Convolutions, LSTM, transposed convolutions over data × mask, mask, subject embedding and features."""

    def __init__(self):
        super().__init__()
        pad = KERNEL // 2
        self.subjects = nn.Embedding(SUBJECTS, SUBJECT_DIM)
        self.encoder = nn.Sequential(
            nn.Conv1d(CHANNELS + 1 + SUBJECT_DIM + FEATURES, FILTERS, KERNEL, STRIDE, pad), nn.ReLU(),
            nn.Conv1d(FILTERS, FILTERS, KERNEL, STRIDE, pad), nn.ReLU())
        self.lstm = nn.LSTM(FILTERS, HIDDEN, 2)
        self.decoder = nn.Sequential(
            nn.ConvTranspose1d(HIDDEN, FILTERS, KERNEL, STRIDE, pad), nn.ReLU(),
            nn.ConvTranspose1d(FILTERS, CHANNELS, KERNEL, STRIDE, pad))

    def forward(self, data, features, subject):
        n, _, t = data.shape
        mask = torch.zeros(n, 1, t)
        mask[..., :INIT] = 1
        x = torch.cat([data * mask, mask, self.subjects(subject)[:, :, None].expand(-1, -1, t), features], 1)
        length = t
        for _ in range(LAYERS):
            length = math.ceil(length / STRIDE) + 1
        for _ in range(LAYERS):
            length = (length - 1) * STRIDE
        x = F.pad(x, ((length - t) // 2, length - t - (length - t) // 2))
        x = self.encoder(x)
        x = self.lstm(x.permute(2, 0, 1))[0].permute(1, 2, 0)
        x = self.decoder(x)
        skip = (x.shape[-1] - t) // 2
        return x[..., skip:skip + t]


net = Network()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
data, features = torch.randn(BATCH, CHANNELS, TIMES), torch.randn(BATCH, FEATURES, TIMES)
subject = torch.arange(BATCH) * 7 % 68
step, predict = [], []
for _ in range(REPEATS + 2):
    start = time.perf_counter()
    F.mse_loss(net(data, features, subject), data).backward()
    optimizer.step()
    optimizer.zero_grad()
    step.append(time.perf_counter() - start)
with torch.no_grad():
    for _ in range(REPEATS + 2):
        start = time.perf_counter()
        net(data, features, subject)
        predict.append(time.perf_counter() - start)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # MiB on Linux
print(json.dumps({"step": step[2:], "predict": predict[2:], "memory": [memory]}))
