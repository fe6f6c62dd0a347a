"""Networks that name pictures: the ones of the paper on pipelined training, as chains."""

from napari_axonem.networks.pictures.layers import cuts_of_layers, weighted_layers
from napari_axonem.networks.pictures.plain import alexnet, lenet5, vgg16
from napari_axonem.networks.pictures.residual import resnet

__all__ = ["alexnet", "cuts_of_layers", "lenet5", "resnet", "vgg16", "weighted_layers"]
