"""Superpixels: pieces of a picture whose pixels are close to each other in place and colour."""

import math

import torch

SIDE = 32
ROUNDS = 8
COMPACTNESS = 0.3  # how many units of colour (0 to 1) weigh as much as the distance between two centres


def superpixels(picture: torch.Tensor, wanted: int) -> torch.Tensor:
    """k-means over place and colour from a grid of centres (SLIC, Achanta et al. 2012): (3, 32, 32) -> ids (32, 32)."""
    spacing = SIDE / round(math.sqrt(wanted))
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    places = torch.stack([rows, columns]).float() * (COMPACTNESS / spacing)
    points = torch.cat([picture.detach(), places]).flatten(1).T  # (1024, 5)
    piece = ((rows / spacing).long() * SIDE + (columns / spacing).long()).flatten()
    for _ in range(ROUNDS):
        _, ids = piece.unique(return_inverse=True)  # a centre without pixels disappears
        piece = torch.cdist(points, centres(points, ids)).argmin(1)
    return piece.unique(return_inverse=True)[1].view(SIDE, SIDE)


def centres(points: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The mean of the points of each piece."""
    sums = torch.zeros(int(ids.max()) + 1, points.shape[1]).index_add_(0, ids, points)
    return sums / ids.bincount()[:, None]
