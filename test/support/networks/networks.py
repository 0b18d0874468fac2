"""The four networks for torch, with the names and sizes of the files beside this one."""

import math

import torch
from torch import nn
from torch.nn import functional as F

SIZES = {
    "mlp": {
        "full": dict(batch=256, widths=[512, 1024, 1024, 512]),
        "tiny": dict(batch=4, widths=[8, 16, 16, 8]),
    },
    "autoencoder": {
        "full": dict(batch=4, length=16384, channels=[32, 64, 128], groups=8),
        "tiny": dict(batch=2, length=512, channels=[4, 6, 8], groups=2),
    },
    "unet": {
        "full": dict(batch=16, side=16, channels=[64, 128, 256], groups=32, head=64, context=(16, 128)),
        "tiny": dict(batch=2, side=8, channels=[4, 8, 8], groups=2, head=4, context=(3, 6)),
    },
    "transformer": {
        "full": dict(batch=16, tokens=128, width=512, layers=8, heads=8, words=512, causal=False),
        "tiny": dict(batch=2, tokens=6, width=16, layers=2, heads=2, words=11, causal=True),
    },
}


def network(name, size):
    return {"mlp": Mlp, "autoencoder": Autoencoder, "unet": Unet, "transformer": Transformer}[name](**SIZES[name][size])


class Mlp(nn.Sequential):
    def __init__(self, batch, widths):
        layers = []
        for i, o in zip(widths, widths[1:]):
            layers += [nn.Linear(i, o), nn.ReLU()]
        super().__init__(*layers[:-1])
        self.shape, self.out = [batch, widths[0]], [batch, widths[-1]]

    def data(self):
        return {"x": torch.randn(self.shape), "target": torch.randn(self.out)}

    def run(self, x, target):
        y = self(x)
        return y, F.mse_loss(y, target)


class Stage(nn.Module):
    def __init__(self, i, o, groups, stride=1, scale=1):
        super().__init__()
        self.norm, self.conv, self.scale = nn.GroupNorm(groups, i), nn.Conv1d(i, o, 3, stride, 1), scale

    def forward(self, x):
        x = F.silu(self.norm(x))
        return self.conv(x if self.scale == 1 else F.interpolate(x, scale_factor=self.scale))


class Autoencoder(nn.Module):
    def __init__(self, batch, length, channels, groups):
        super().__init__()
        self.shape = [batch, 1, length]
        self.conv_in = nn.Conv1d(1, channels[0], 3, padding=1)
        self.down = nn.ModuleList(Stage(i, o, groups, stride=2) for i, o in zip(channels, channels[1:]))
        self.mid = Stage(channels[-1], channels[-1], groups)
        up = channels[::-1]
        self.up = nn.ModuleList(Stage(i, o, groups, scale=2) for i, o in zip(up, up[1:]))
        self.norm_out = nn.GroupNorm(groups, channels[0])
        self.conv_out = nn.Conv1d(channels[0], 1, 3, padding=1)

    def data(self):
        return {"x": torch.randn(self.shape)}

    def run(self, x):
        y = self(x)
        return y, F.mse_loss(y, x)

    def forward(self, x):
        h = self.conv_in(x)
        for stage in [*self.down, self.mid, *self.up]:
            h = stage(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Attention(nn.Module):
    def __init__(self, width, heads, context=None):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context or width, width, bias=False)
        self.to_v = nn.Linear(context or width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context=None, causal=False):
        context = x if context is None else context
        q, k, v = (
            p.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for p in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        return self.to_out[0](F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), FeedForward(width)

    def forward(self, x, causal):
        x = x + self.attn(self.norm1(x), causal=causal)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, batch, tokens, width, layers, heads, words, causal):
        super().__init__()
        self.shape, self.words, self.causal = [batch, tokens], words, causal
        self.tokens = nn.Embedding(words, width)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.layers = nn.ModuleList(TransformerLayer(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words)

    def data(self):
        return {name: torch.randint(self.words, self.shape) for name in ("tokens", "next")}

    def run(self, tokens, next):
        y = self(tokens)
        return y, F.cross_entropy(y.flatten(0, 1), next.flatten())

    def forward(self, tokens):
        h = self.tokens(tokens) + self.positions
        for layer in self.layers:
            h = layer(h, self.causal)
        return self.head(self.norm(h))


class Resnet(nn.Module):
    def __init__(self, i, o, time, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, i), nn.Conv2d(i, o, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, o)
        self.norm2, self.conv2 = nn.GroupNorm(groups, o), nn.Conv2d(o, o, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return self.conv_shortcut(x) + h


class Gated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        h, gate = self.proj(x).chunk(2, -1)
        return h * F.gelu(gate)


class GatedFeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Gated(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.attn2 = nn.LayerNorm(width), Attention(width, heads, context)
        self.norm3, self.ff = nn.LayerNorm(width), GatedFeedForward(width)

    def forward(self, x, context):
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context) + x
        return self.ff(self.norm3(x)) + x


class Spatial(nn.Module):
    def __init__(self, width, head, context, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in, self.proj_out = nn.Linear(width, width), nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList([Block(width, width // head, context)])

    def forward(self, x, context):
        h = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))
        for block in self.transformer_blocks:
            h = block(h, context)
        return self.proj_out(h).transpose(1, 2).unflatten(2, x.shape[2:]) + x


class Resampler(nn.Module):
    def __init__(self, width, up):
        super().__init__()
        self.up, self.conv = up, nn.Conv2d(width, width, 3, 1 if up else 2, 1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0) if self.up else x)


class Level(nn.Module):
    def __init__(self, ins, out, time, groups, head, context):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(i, out, time, groups) for i in ins)
        if head:
            count = max(1, len(ins) - 1) if head < 0 else len(ins)
            self.attentions = nn.ModuleList(Spatial(out, abs(head), context, groups) for _ in range(count))


class Unet(nn.Module):
    def __init__(self, batch, side, channels, groups, head, context):
        super().__init__()
        self.image, self.told = [batch, 4, side, side], [batch, *context]
        first, last = channels[0], channels[-1]
        time = 4 * first
        common = dict(time=time, groups=groups, context=context[1])
        self.conv_in = nn.Conv2d(4, first, 3, padding=1)
        self.time_embedding = nn.ModuleDict(
            {"linear_1": nn.Linear(first, time), "linear_2": nn.Linear(time, time)}
        )
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        kept, width = [first], first
        for level, out in enumerate(channels):
            block = Level([width], out, head=head if level else 0, **common)
            self.down_blocks.append(block)
            kept.append(out)
            if out is not channels[-1] or level < len(channels) - 1:
                block.downsamplers = nn.ModuleList([Resampler(out, up=False)])
                kept.append(out)
            width = out
        self.mid_block = Level([last, last], last, head=-head, **common)
        for level, out in enumerate(channels[::-1]):
            ins = [width + kept.pop(), out + kept.pop()]
            block = Level(ins, out, head=head if level < len(channels) - 1 else 0, **common)
            if level < len(channels) - 1:
                block.upsamplers = nn.ModuleList([Resampler(out, up=True)])
            self.up_blocks.append(block)
            width = out
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, first), nn.Conv2d(first, 4, 3, padding=1)

    def data(self):
        return {
            "x": torch.randn(self.image),
            "times": torch.randint(1000, self.image[:1]).float(),
            "context": torch.randn(self.told),
            "target": torch.randn(self.image),
        }

    def run(self, x, times, context, target):
        y = self(x, times, context)
        return y, F.mse_loss(y, target)

    def forward(self, x, times, context):
        half = self.conv_in.out_channels // 2
        rates = torch.exp(-math.log(10000) * torch.arange(half, device=x.device, dtype=x.dtype) / half)
        angles = times[:, None] * rates
        time = torch.cat([angles.cos(), angles.sin()], -1)
        time = self.time_embedding["linear_2"](F.silu(self.time_embedding["linear_1"](time)))
        h = self.conv_in(x)
        kept = [h]
        for block in self.down_blocks:
            h = self.through(block, block.resnets[0], 0, h, time, context)
            kept.append(h)
            if hasattr(block, "downsamplers"):
                h = block.downsamplers[0](h)
                kept.append(h)
        h = self.mid_block.resnets[0](h, time)
        h = self.mid_block.resnets[1](self.mid_block.attentions[0](h, context), time)
        for block in self.up_blocks:
            for index, resnet in enumerate(block.resnets):
                h = self.through(block, resnet, index, torch.cat([h, kept.pop()], 1), time, context)
            if hasattr(block, "upsamplers"):
                h = block.upsamplers[0](h)
        return self.conv_out(F.silu(self.conv_norm_out(h)))

    @staticmethod
    def through(block, resnet, index, h, time, context):
        h = resnet(h, time)
        return block.attentions[index](h, context) if hasattr(block, "attentions") else h
