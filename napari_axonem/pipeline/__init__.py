"""Training of a chain cut into stages, each on its own device, with weights that may be stale.

Source of the method: Zhang and Abdelrahman, "Pipelined Training with Stale Weights of Deep
Convolutional Neural Networks", arXiv:1912.12675. This package imports torch.
"""
