"""How the verdicts of the Papers page are made, in words; numbers come from where they are used."""

from collections.abc import Sequence

import streamlit as st

from resnet_lab.comparisons import LAST_STEPS
from resnet_lab.papers.budgets import Budget
from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.statistics import ALPHA, FEWEST_FOR_INTERVAL, POWER, smallest_effect
from resnet_lab.papers.verdicts import FIRST_SEEDS, UNTESTED, Verdict

EARLY = "It shows how training begins and not how good a net becomes, so a verdict here is one on early optimisation."
SMALLER = "It is not the published setting: nets, steps and schedule are smaller, and a verdict here is one on these."
PUBLISHED = "It is the published setting as far as the papers tell it."
SETTINGS = {"minute": EARLY, "quick": SMALLER, "paper": PUBLISHED}  # by recipe


def method(budget: Budget, judged: Sequence[Verdict]) -> None:
    st.markdown(
        f"{SETTINGS[budget.recipe]} Two nets are trained with the same seeds, which give both the same order of "
        "images, and a t-test asks whether their paired differences have the sign that the claim says. What is "
        f"compared, by which number, was fixed before. A verdict needs a p of at most {ALPHA:g} after correction for "
        "every look at the data and for all claims of this budget; else the claim is undecided, which is no verdict. "
        f"Of a claim of one comparison that asks for much: {asked(judged)}."
    )
    with st.expander("How a verdict is made"):
        st.markdown("\n".join(f"- {line}" for line in lines(judged)))


def asked(judged: Sequence[Verdict]) -> str:
    """How large a difference is that would be decided now."""
    level = min(verdict.level for verdict in judged)
    told = [f"{smallest_effect(n, level):.1f} times with {n}" for n in (3, 5, 10, 20)]
    return f"a mean has to be {', '.join(told)} seeds as large as the standard deviation of the differences"


def lines(judged: Sequence[Verdict]) -> list[str]:
    tested = sum(verdict.word != UNTESTED for verdict in judged)
    loss, error = MEASURES["loss"], MEASURES["test_error"]
    return [
        "**Test.** A two-sided t-test of the differences, over the seeds that both nets have been trained with. Where "
        "p is small, the claim is supported if the mean has the sign that it says, else contradicted. The test takes "
        "the differences to be about normal, which a handful of seeds cannot show. The two nets of a pair may have "
        "been trained on different machines or in different precisions: the table at the end names the machines.",
        f"**Training error.** Percent of the images of the last {LAST_STEPS} steps or a few more, cropped and flipped "
        "as they were trained on, with the net in training mode.",
        "**No difference.** Equivalence by two one-sided t-tests: supported where the mean is within a margin fixed "
        f"beforehand, {loss.margin_words} of the training loss or {error.margin_words} of an error; contradicted where "
        "it is outside. “Not higher” asks for one of the two: less above than that margin.",
        "**Several comparisons.** A claim that has more than one needs all of them; one that comes out the other way "
        "contradicts it, corrected for their number.",
        "**Many looks.** Seeds are added until there is a verdict. So p with n seeds is multiplied by n (n − 1): the "
        "shares 1 / (n (n − 1)) of all looks add up to 1. Of a seed that was trained again the newest run counts, and "
        "that look is not corrected for.",
        f"**Many claims.** Holm's correction over the {tested} claims that this budget can test, also those without "
        f"runs: the chance of even one wrong verdict among them is kept at {ALPHA:.0%}, as long as the differences are "
        "about normal; each budget is a family of its own. In simulated studies of the quick budget in which "
        "nothing differs this holds, also if they are looked at after each seed (`python -m benchmarks.error_rates`).",
        f"**Intervals.** Bootstrapped (BCa), nominally 95%, of the mean difference, from {FEWEST_FOR_INTERVAL} seeds "
        "on; below that each difference is told. With few seeds they are too narrow and hold the mean less often "
        "than that, in simulated studies too: verdicts are the t-test's.",
        "**What does not train.** Nothing counts as worse than guessing: a run that diverged, or that ended with more, "
        "counts with an error of 90% and a training loss of ln 10 = 2.30. The responses of one that diverged do not.",
        f"**More seeds.** As many as would decide the weakest comparison of a claim with probability {POWER:.0%}, were "
        f"the truth the mean and the spread that have been measured so far; {FIRST_SEEDS} where there are fewer. From "
        "few seeds that is a rough guess.",
    ]
