"""The measured networks as PyTorch modules whose parts have the names of the exported tensors.

Images are [n, channels, height, width], as PyTorch has them, in either order of memory.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import fusion


def network(workload, channels_last=False):
    """The module of a workload. `channels_last` says in which order of memory its images lie."""
    match workload:
        case "w1":
            return Perceptron([784, 512, 512, 10])
        case "w2":
            return ConvNet(channels_last)
        case "w3":
            return ResNet8()
        case "w4":
            return Transformer()
        case "w5":
            return WaveNet()
        case "w6":
            return Perceptron([14, 64, 64, 1])
        case "w7":
            return DigitsConvNet(channels_last)
        case "kws":
            return KeywordSpotter()
        case "autoencoder":
            return Autoencoder()
        case "resnet18":
            return ResNet18()
    raise ValueError(f"`{workload}` is no workload")


def has_images(workload):
    return workload in ("w2", "w3", "w7", "kws", "resnet18")


class Perceptron(nn.Module):
    """W1 and W6."""

    def __init__(self, widths):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        return self.fc3(relu(self.fc2(relu(self.fc1(x)))))


class FlattenedDense(nn.Linear):
    """A dense layer over a whole image.

    Its weight's columns are in the order in which the image lies in memory, so that flattening copies nothing.
    """

    def __init__(self, height, width, channels, units, channels_last):
        super().__init__(height * width * channels, units)
        self.image = (height, width, channels)
        self.channels_last = channels_last

    def forward(self, x):
        x = x.permute(0, 2, 3, 1) if self.channels_last else x
        return super().forward(x.flatten(1))


class ConvNet(nn.Module):
    """W2."""

    def __init__(self, channels_last):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1 = FlattenedDense(12, 12, 64, 128, channels_last)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = relu(self.conv2(relu(self.conv1(x))))
        return self.fc2(relu(self.fc1(F.max_pool2d(x, 2))))


class DigitsConvNet(nn.Module):
    """W7."""

    def __init__(self, channels_last):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.fc1 = FlattenedDense(4, 4, 32, 64, channels_last)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = relu(self.conv2(relu(self.conv1(x))))
        return self.fc2(relu(self.fc1(x)))


class ResNet8Stack(nn.Module):
    def __init__(self, inner, channels):
        super().__init__()
        stride = 1 if inner == channels else 2
        self.conv1 = nn.Conv2d(inner, channels, 3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(inner, channels, 1, stride=2)

    def forward(self, x):
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(y + self.shortcut(x))


class ResNet8(nn.Module):
    """W3."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.s1, self.s2, self.s3 = ResNet8Stack(16, 16), ResNet8Stack(16, 32), ResNet8Stack(32, 64)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        return self.fc(global_average(self.s3(self.s2(self.s1(x)))))


class TransformerLayer(nn.Module):
    HEADS = 4

    def __init__(self, width):
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        # Query, key and value in one matrix.
        self.joined = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.ln2 = nn.LayerNorm(width)
        self.ff1 = nn.Linear(width, 4 * width)
        self.ff2 = nn.Linear(4 * width, width)

    def attention(self, x):
        n, places, width = x.shape
        heads = self.joined(x).view(n, places, 3, self.HEADS, width // self.HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.output(seen.transpose(1, 2).reshape(n, places, width))

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.ff2(F.gelu(self.ff1(self.ln2(x))))


class Transformer(nn.Module):
    """W4."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(512, 256)
        self.position = nn.Parameter(torch.zeros(128, 256))
        self.layers = nn.ModuleList(TransformerLayer(256) for _ in range(4))
        self.ln = nn.LayerNorm(256)
        self.head = nn.Linear(256, 512, bias=False)

    def forward(self, x):
        x = self.embed(x) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.head(self.ln(x))


class WaveNetLayer(nn.Module):
    """A causal convolution of two taps is a dense layer over an earlier place and the present one.

    That is faster here than `nn.Conv1d`, whose padding and order of memory cost more than the copy.
    """

    def __init__(self, dilation, last):
        super().__init__()
        self.dilation = dilation
        # Filter and gate in one matrix.
        self.joined = nn.Linear(2 * 32, 2 * 32)
        self.skip = nn.Linear(32, 64)
        self.residual = None if last else nn.Linear(32, 32)

    def forward(self, x):
        """What goes to the next layer and what goes to the head."""
        past = F.pad(x[:, :-self.dilation], (0, 0, self.dilation, 0))
        filtered, gate = self.joined(torch.cat([past, x], -1)).chunk(2, -1)
        gated = torch.tanh(filtered) * torch.sigmoid(gate)
        return x if self.residual is None else x + self.residual(gated), self.skip(gated)


class WaveNet(nn.Module):
    """W5."""

    LAYERS = 20

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(256, 32)
        self.layers = nn.ModuleList(WaveNetLayer(1 << k % 10, k + 1 == self.LAYERS) for k in range(self.LAYERS))
        self.head1 = nn.Linear(64, 64)
        self.head2 = nn.Linear(64, 256)

    def forward(self, x):
        x = self.embed(x)
        x, sum_of_skips = self.layers[0](x)
        for layer in self.layers[1:]:
            x, skip = layer(x)
            sum_of_skips = sum_of_skips + skip
        return self.head2(relu(self.head1(relu(sum_of_skips))))


class DepthwiseSeparable(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return relu(self.bn2(self.pointwise(relu(self.bn1(self.depthwise(x))))))


class KeywordSpotter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, (10, 4), stride=2)
        self.bn1 = nn.BatchNorm2d(64)
        self.b1, self.b2, self.b3, self.b4 = (DepthwiseSeparable(64) for _ in range(4))
        self.fc = nn.Linear(64, 12)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(F.pad(x, (1, 1, 4, 5)))))
        return self.fc(global_average(self.b4(self.b3(self.b2(self.b1(x))))))


class Autoencoder(nn.Module):
    WIDTHS = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]

    def __init__(self):
        super().__init__()
        last = len(self.WIDTHS) - 1
        for k, (inner, units) in enumerate(zip(self.WIDTHS, self.WIDTHS[1:]), 1):
            setattr(self, f"fc{k}", nn.Linear(inner, units))
            setattr(self, f"bn{k}", nn.BatchNorm1d(units) if k < last else nn.Identity())

    def forward(self, x):
        last = len(self.WIDTHS) - 1
        for k in range(1, last):
            x = relu(getattr(self, f"bn{k}")(getattr(self, f"fc{k}")(x)))
        return getattr(self, f"fc{last}")(x)


class ResNet18Block(nn.Module):
    def __init__(self, inner, channels):
        super().__init__()
        self.narrows = inner != channels
        self.conv1 = nn.Conv2d(inner, channels, 3, stride=2 if self.narrows else 1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        if self.narrows:
            self.downsample = nn.Conv2d(inner, channels, 1, stride=2, bias=False)
            self.downsample_bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        x = self.downsample_bn(self.downsample(x)) if self.narrows else x
        return relu(y + x)


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for layer, (inner, channels) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
            blocks = nn.Sequential(ResNet18Block(inner, channels), ResNet18Block(channels, channels))
            setattr(self, f"layer{layer}", blocks)
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = F.max_pool2d(relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        return self.fc(global_average(self.layer4(self.layer3(self.layer2(self.layer1(x))))))


def relu(x):
    """In place: no layer before it needs its own output again."""
    return F.relu(x, inplace=True)


def global_average(x):
    """By a window as large as the image: exporters know that as a pooling operation."""
    return F.avg_pool2d(x, x.shape[-2:]).flatten(1)


@torch.no_grad()
def load(net, tensors):
    """Gives a network the exported values; every tensor of the export is used once."""
    values = {name: torch.from_numpy(value) for name, value in tensors.items() if name not in ("input/x", "target")}
    for name, module in net.named_modules():
        part = name + "." if name else ""

        def take(leaf):
            return values.pop(part + leaf)

        match module:
            case FlattenedDense():
                weight = take("weight")
                if not module.channels_last:
                    weight = weight.reshape(*module.image, -1).permute(2, 0, 1, 3).flatten(0, 2)
                module.weight.copy_(weight.T)
                module.bias.copy_(take("bias"))
            case nn.Linear() if part.endswith(".joined."):
                layer = part.removesuffix("joined.")
                if layer + "query" in values:
                    three = [values.pop(layer + which).flatten(1) for which in ("query", "key", "value")]
                    module.weight.copy_(torch.cat(three, 1).T)
                else:
                    two = [values.pop(f"{layer}{which}.weight").flatten(0, 1) for which in ("filter", "gate")]
                    module.weight.copy_(torch.cat(two, 1).T)
                    module.bias.copy_(torch.cat([values.pop(f"{layer}{which}.bias") for which in ("filter", "gate")]))
            case nn.Linear() if part.endswith(".output."):
                module.weight.copy_(values.pop(name).flatten(0, 1).T)
            case nn.Linear():
                module.weight.copy_(take("weight").T)
                if module.bias is not None:
                    module.bias.copy_(take("bias"))
            case nn.Conv2d():
                weight = take("weight")
                weight = weight.permute(3, 2, 0, 1) if module.groups == 1 else weight.permute(2, 0, 1).unsqueeze(1)
                module.weight.copy_(weight)
                if module.bias is not None:
                    module.bias.copy_(take("bias"))
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                module.weight.copy_(take("gain"))
                module.bias.copy_(take("shift"))
                module.running_mean.copy_(take("mean"))
                module.running_var.copy_(take("variance"))
            case nn.LayerNorm():
                module.weight.copy_(take("gain"))
                module.bias.copy_(take("shift"))
            case nn.Embedding():
                module.weight.copy_(values.pop(name))
            case Transformer():
                module.position.copy_(values.pop("position"))
    if values:
        raise ValueError(f"the network has no place for {', '.join(sorted(values))}")
    return net


def for_answers(net):
    """The network without its batch norms: the layers before them take them over, as users and exporters do once."""
    net.eval()
    for module in list(net.modules()):
        parts = list(module.named_children())
        for (name, part), (next_name, norm) in zip(parts, parts[1:]):
            match part, norm:
                case nn.Conv2d(), nn.BatchNorm2d():
                    folded = fusion.fuse_conv_bn_eval(part, norm)
                case nn.Linear(), nn.BatchNorm1d():
                    folded = fusion.fuse_linear_bn_eval(part, norm)
                case _:
                    continue
            setattr(module, name, folded)
            setattr(module, next_name, nn.Identity())
    return net
