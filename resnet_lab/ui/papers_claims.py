"""The claims of the Papers page: each with its verdict by the runs that there are, and the way to more of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from resnet_lab.data import data_is_here
from resnet_lab.estimates import expected_many
from resnet_lab.launches import MAX_RUNS, Sorted, sort_out
from resnet_lab.papers.budgets import BUDGETS, OF_CIFAR_10, Budget
from resnet_lab.papers.claims import TOPICS
from resnet_lab.papers.results import Result, results
from resnet_lab.papers.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, UNTESTED, Verdict, verdicts
from resnet_lab.run_config import RunConfig
from resnet_lab.store import Store
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.claim_charts import claim_charts
from resnet_lab.ui.claim_method import method
from resnet_lab.ui.claim_sources import sources
from resnet_lab.ui.claim_words import (
    expected_words,
    origin_words,
    plan_words,
    result_words,
    scope_words,
    seeds_words,
    verdict_words,
)
from resnet_lab.ui.launching import begin, counted
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.papers import DEVICE, choose, known_words, price_words, say_missing_data
from resnet_lab.ui.shared import Shared

BREAK = "  \n"  # of a line, in Markdown


@dataclass(frozen=True)
class Offer:
    """What can be trained for all open claims: looked up, and its time estimated, once for the page."""

    store: Store
    found: Sorted
    seconds: dict[str, float | None]  # by the key of a new run
    is_ready: bool

    def of(self, configs: Sequence[RunConfig]) -> Sorted:
        keys = {config.key for config in configs}
        return Sorted(
            [config for config in self.found.new if config.key in keys],
            [run for run in self.found.known if run.key in keys],
        )

    def price(self, found: Sorted) -> str:
        return price_words(self.store, [self.seconds[config.key] for config in found.new])


def claims(lab: Shared) -> None:
    found = results(lab.library, lab.histories)
    is_named = st.query_params.get("budget") in OF_CIFAR_10
    name = choose("budget", {name: name for name in OF_CIFAR_10}, OF_CIFAR_10[0] if is_named else usual_budget(found))
    budget = BUDGETS[name]
    judged = verdicts(found, budget)
    st.caption(verbatim(budget.words))
    st.markdown(summary(judged))
    method(budget, judged)
    offered = offer(lab.store, budget, judged)
    if charts := claim_charts(judged, current_theme()):
        show_charts(charts, f"papers_claims_{name}")
    decide_all(offered)
    by_key = {verdict.claim.key: verdict for verdict in judged}
    for topic, members in TOPICS.items():
        st.subheader(topic, anchor=False)
        for claim in members:
            row(by_key[claim.key], offered)
    sources(judged)


def usual_budget(found: Sequence[Result]) -> str:
    """That of most evidence; without any, the smallest on the best images that are here."""
    numbers = {
        name: sum(one.n for each in verdicts(found, BUDGETS[name]) for one in each.comparisons) for name in OF_CIFAR_10
    }
    most = max(numbers, key=numbers.__getitem__)
    return most if numbers[most] else "minute" if data_is_here("cifar10") else "sample"


def summary(judged: Sequence[Verdict]) -> str:
    words = [verdict.word for verdict in judged]
    counts = [f"{words.count(word)} {word}" for word in (SUPPORTED, CONTRADICTED, UNDECIDED)]
    tested = len(words) - words.count(UNTESTED)
    return f"**{counted(tested, 'claim')}** can be tested by this budget: {', '.join(counts)}."


def offer(store: Store, budget: Budget, judged: Sequence[Verdict]) -> Offer:
    configs = list({config.key: config for verdict in judged for config in verdict.missing}.values())
    found, is_ready = sort_out(store, configs), data_is_here(budget.data)
    if configs:
        say_missing_data([budget.data])
    seconds = expected_many(store, found.new, DEVICE)
    keys = [config.key for config in found.new]
    return Offer(store, found, dict(zip(keys, seconds, strict=True)), is_ready)


def decide_all(offered: Offer) -> None:
    """All that is suggested below, in one click."""
    found = offered.found
    if len(found.new) < 2:
        return
    with st.container(key="claims_train_all", horizontal=True, vertical_alignment="center"):
        is_too_much = len(found.new) > MAX_RUNS
        most = f"That is more than the {MAX_RUNS} that can be started together: choose single claims."
        st.markdown(f"What is suggested for all undecided claims: {offered.price(found)} {most if is_too_much else ''}")
        is_disabled = is_too_much or not offered.is_ready
        if st.button(f"Train {counted(len(found.new), 'run')}", key="train_all", disabled=is_disabled):
            begin(offered.store, found, DEVICE)


def row(verdict: Verdict, offered: Offer) -> None:
    claim = verdict.claim
    with st.container(key=f"claim_{claim.key}", border=True):
        said, judged = st.columns([5, 4], gap="large")
        with said:
            st.markdown(f"**{claim.sentence}**")
            expected = expected_words(verdict) if verdict.comparisons else ""
            st.caption(BREAK.join(filter(None, (f"{claim.citation}.", expected, scope_words(verdict), claim.note))))
        with judged:
            st.markdown(f"**{verdict_words(verdict)}**")
            outcome(verdict)
            decide(verdict, offered)


def outcome(verdict: Verdict) -> None:
    if verdict.word == UNTESTED:
        st.caption(verdict.claim.untested)
    if lines := result_words(verdict):
        st.markdown("\n".join(f"- {line}" for line in lines) if len(lines) > 1 else f"{lines[0]}.")
        st.caption(origin_words(verdict))


def decide(verdict: Verdict, offered: Offer) -> None:
    """How many more seeds, what they cost, and the click that trains them."""
    found = offered.of(verdict.missing)
    words = [plan_words(verdict)]
    if found.new:
        words.append(offered.price(found))
    words.append(known_words(found))
    if any(words):
        st.caption(" ".join(filter(None, words)))
    if found.new:
        is_disabled = len(found.new) > MAX_RUNS or not offered.is_ready
        if st.button(f"Train {seeds_words(verdict)}", key=f"train_{verdict.claim.key}", disabled=is_disabled):
            begin(offered.store, found, DEVICE)
