from benchmarks.privacy_truth import BEGIN, DOCS, END, GOAL, as_markdown, figures, made


def test_figures_of_personal_values_reach_their_goals_and_are_those_of_the_document() -> None:
    rows = figures(made())
    for kind in ("id", "mobile", "card"):
        assert rows[kind].written > 1000
        assert rows[kind].precision >= GOAL
        assert rows[kind].recall >= GOAL
    assert DOCS.read_text("utf-8").split(BEGIN)[1].split(END)[0] == as_markdown(rows)


def test_another_set_gives_figures_alike() -> None:
    rows = figures(made(5_000, seed=7))
    assert all(min(rows[kind].precision, rows[kind].recall) >= GOAL for kind in ("id", "mobile", "card"))
