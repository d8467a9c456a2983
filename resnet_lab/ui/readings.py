"""How to read each chart of the Compare page: what is drawn and what to look for, for whoever sees it first."""

# fmt: off
READINGS = {
    "loss": "The loss on the images that the net learns from: the curve that falls lower and sooner is of the net that "
        "is easier to optimise.",
    "train_error": "Errors on the images as they are trained on: a deep net that stays above a shallow one here does "
        "not overfit, it is harder to optimise: the degradation of He et al. 2015.",
    "test_error": "Errors on images that no net was trained on: compare where the curves end, and trust no gap that is "
        "smaller than the one between two seeds.",
    "over_depth": "The loss is behind the last unit, on the right. Where a curve falls towards the left, the gradient "
        "is lost on its way back, and a unit with a hundredth of the gradient of others hardly learns.",
    "over_time": "Look for a band that widens downwards: some units are then left behind by the others.",
    "in_order": "How far the outputs of each layer spread, before any ReLU: where they are small in a residual net, "
        "its branches change the signal only a little.",
    "by_size": "The same, sorted, as in Figure 7 of He et al. 2015: there residual nets have smaller responses than "
        "plain ones, since each of their branches only has to correct what its shortcut brings.",
    "shortcut_share": "How much of each sum came through the shortcut: near 1 the branch changes the signal only a "
        "little, near 0 the shortcut is not heard.",
    "update_ratio": "How far one step moves the weights of each unit, measured by their size: a unit far below the "
        "others hardly learns, one far above them is unsettled.",
    "dead_relus": "A channel that is zero for all images passes on no signal and no gradient: the larger the share, "
        "the narrower the net really is.",
    "gate_openness": "Both gatings of He et al. 2016 multiply the shortcut by 1 − g: near 0 it is open, near 1 it is "
        "shut, to the signal and to the gradient.",
    "cost": "Further down is better, further left is cheaper: a net is worth its cost where no other one lies both "
        "below it and to the left of it.",
    "map": "Each row is a unit, the input at the bottom, and time runs to the right: a row that stays dark is a unit "
        "that hardly any gradient reaches. White lines part the stages, and all maps share one scale.",
    "classes": "Look for classes that are hard for all nets, and for those that only one of them gets wrong.",
    "confusion": "Rows are what an image shows, columns what it was taken for: mistakes are off the diagonal, and a "
        "column that is coloured from top to bottom is a class that the net says too often.",
}
# fmt: on
