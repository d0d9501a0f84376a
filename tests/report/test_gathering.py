"""What a report tells, beside figures that are known otherwise."""

import hashlib
from dataclasses import replace

import pytest

import sweep
from sweep.report.content import sentence
from sweep.report.gathering import gather
from sweep.results.sweep import Sweep
from sweep.store import Store
from tests.report.hostile_sweep import FILE, METRIC, OPTIONS, run, value


def quiet(done, total):
    """Nobody is told."""


def section(report, key):
    """A section of a report, also one within another."""
    (found,) = [each for _, each in report.outline() if each.key == key]
    return found


def table(report, key, caption):
    """A table of a section, as a list of rows by column."""
    (found,) = [each for each in section(report, key).tables if each.caption.startswith(caption)]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.fixture(scope="module")
def rates(searched):
    """The rate of each trial."""
    return dict(zip(searched.trials()["trial"], searched.trials()["rate"], strict=True))


def test_the_answer_is_in_three_sentences_with_figures(report, rates):
    number = min((trial for trial in rates if rates[trial] <= 0.85), key=lambda trial: value(rates[trial]))
    diverged = sum(rate > 0.85 for rate in rates.values())
    reached, wrong, matters = report.answer
    assert f"is trial {number}, with a {METRIC} of {value(rates[number]):.4g} at epoch 4 (rate " in reached
    assert reached.startswith(f"The best of {40 - diverged} completed trials")
    assert wrong.startswith(f"{diverged} of 40 trials diverged") and "likelier than not where rate > " in wrong
    assert matters.startswith("What matters most of the parameters is rate, with ") and "another 40 trials" in matters
    assert report.state == f"40 trials: {40 - diverged} completed, {diverged} diverged."


def test_the_question_is_the_space(report):
    rows = {row["parameter"]: row for row in table(report, "question", "What is searched")}
    assert rows["rate"] == {"parameter": "rate", "values": "0 to 1", "drawn": "uniform", "full name": "parameters.rate"}
    assert rows["学習率"]["drawn"] == "uniform in its logarithm"
    assert rows["option"]["values"] == ", ".join(OPTIONS)
    how = {row["what"]: row["value"] for row in table(report, "question", "How")}
    assert how["ranked by"].startswith(f"{METRIC}, less is better") and how["drawn by"].endswith("seed 0")


def test_all_verdicts_are_there_the_failing_first(report, searched):
    items, verdicts = section(report, "verdicts").items, searched.review()
    assert sorted(item.text for item in items) == sorted(verdicts["evidence"])
    marks = "".join(item.mark for item in items)
    assert marks == "".join(sorted(marks, key="!✓–".index))
    failing = set(verdicts.loc[verdicts["passed"].eq(False), "verdict"])
    assert {item.title for item in items if item.mark == "!"} == failing


def test_the_best_the_worst_and_the_diverged_are_listed(report, rates):
    ended = sorted((trial for trial in rates if rates[trial] <= 0.85), key=lambda trial: value(rates[trial]))
    lost = [trial for trial in rates if rates[trial] > 0.85]
    assert [row["trial"] for row in table(report, "trials", "The best")] == [str(trial) for trial in ended[:10]]
    worst = table(report, "trials", "The worst")
    assert [row["trial"] for row in worst] == [str(trial) for trial in ended[:-6:-1]]
    assert worst[0][METRIC] == f"{value(rates[ended[-1]]):.4g}"
    assert [row["trial"] for row in table(report, "trials", "Trials that")] == [str(trial) for trial in lost]
    (cause,) = table(report, "trials", "Why")
    assert (cause["kind"], cause["trials"], cause["in epoch"]) == ("invalid", str(len(lost)), "2")


def test_it_says_how_to_do_it_again(report, searched):
    again = section(report, "again")
    commands, file = (each.text for each in again.texts)
    assert commands.splitlines()[0] == "sweep run hostile.toml" and file == FILE
    facts = {row["what"]: row["value"] for row in table(report, "again", "Versions")}
    assert facts["SHA-256 of the file"] == hashlib.sha256(FILE.encode()).hexdigest()
    assert facts["fingerprint of the experiment"] == searched.record.fingerprint
    assert facts["numpy"] == searched.record.environment["numpy"] and facts["seed of the draws"] == "0"
    (first, *_) = table(report, "again", "Seeds")
    assert first["weights"] == str(searched.trial(int(first["trial"])).seeds.weights)
    assert "--set" not in commands and "sweep pack hostile -o hostile.zip" in commands
    parts = [part.title for part in section(report, "checklist").more]
    assert '"../日本"' in section(report, "checklist").more[0].items[0].text
    assert parts[:2] == ["Hyperparameters", "Runs and seeds"] and "Code" in parts
    assert "trials.csv of the pack" in again.tables[1].note
    assert {item.mark for part in section(report, "checklist").more for item in part.items} == {"✓", "☐"}


def test_of_each_trial_it_is_known_what_a_pointer_shows(report, searched, rates):
    number = next(trial for trial in rates if rates[trial] <= 0.85)
    status, *words = report.marks[str(number)]
    told = dict(zip(report.named, words, strict=True))
    assert status == "completed" and told["rate"] == f"{rates[number]:.4g}"
    assert told[METRIC] == f"{value(rates[number]):.4g}"
    assert len(report.marks) == 40


def test_the_progress_is_told_from_nothing_to_all(report, told):
    assert told[0][0] == 0 and told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_a_sweep_of_which_nothing_has_ended_is_reported(searched):
    store = Store(str(searched.store.database.path))
    record = replace(searched.record, name="waiting")
    queued = [replace(searched_trial(number), number=number) for number in range(3)]
    store.add_sweep(record, queued)
    found = gather(Sweep(store, store.sweep("waiting")), quiet)
    assert found.answer == ("No trial has completed yet, so there is no best one.",)
    assert "3 trials: 3 queued" in found.state and "sweep resume waiting" in found.state
    store.claim(store.sweep("waiting").id, 1, "me:1")
    running = gather(Sweep(store, store.sweep("waiting")), quiet)
    assert "still running: 3 trials have not ended" in running.state


def searched_trial(number):
    """A drawn trial."""
    from sweep.records import Seeds, Trial

    drawn = {"parameters.rate": 0.1 * number, "parameters.学習率": 0.1}
    return Trial(number, drawn, {"parameters": {"rate": 0.1 * number}}, Seeds(number, 1, 2), planned_epochs=4)


def test_a_sweep_whose_trials_all_diverged_is_reported(tmp_path):
    changed = FILE.replace("uniform = [0.0, 1.0]", "uniform = [0.9, 1.0]")
    found = gather(run(tmp_path, file=changed, trials=3), quiet)
    assert found.answer[0] == "No trial has completed, so there is no best one."
    assert found.answer[1].startswith("All of 3 trials diverged")
    assert [each.key for each in found.sections if each.pictures] == ["curves", "parameters"]


def test_trials_that_failed_are_listed_with_their_errors(tmp_path):
    changed = FILE.replace("rate = {", "fails = { choice = [true, false] }\nrate = {")
    results = run(tmp_path, file=changed, trials=8)
    found, trials = gather(results, quiet), results.trials()
    failed = trials[trials["status"] == "failed"]
    rows = table(found, "trials", "Trials that failed")
    assert [row["trial"] for row in rows] == [str(number) for number in failed["trial"]] != []
    assert rows[0]["error"] == "ValueError: no <b>such</b> file"
    assert f"{len(failed)} trials failed" in found.answer[1]


@pytest.mark.parametrize("trials", [1, 2])
def test_one_or_two_trials_are_enough(tmp_path, trials):
    changed = FILE.replace("uniform = [0.0, 1.0]", "uniform = [0.1, 0.2]")
    found = gather(run(tmp_path, file=changed, trials=trials), quiet)
    assert found.answer[0].startswith(f"The best of {trials} completed trial")
    assert section(found, "again").texts[0].text.startswith(f"sweep run hostile.toml --set trials={trials}\n")


def test_with_repeats_the_best_is_a_configuration(tmp_path):
    changed = FILE.replace("trials = 40", "trials = 4\nrepeats = 2").replace("[0.0, 1.0]", "[0.1, 0.8]")
    results = run(tmp_path, file=changed)
    found = gather(results, quiet)
    assert found.answer[0].startswith(f"The best configuration is that of trials {results.best()['trials'][0]}, with")


def test_twins_are_reported_without_verdicts(tmp_path):
    results = run(tmp_path, trials=6)
    from tests.engine_here import training_here

    with training_here():
        sweep.finalists(2, seeds=2, name=results.name, db=str(results.store.database.path))
    twins = gather(Sweep(results.store, results.store.sweep("hostile.finalists")), quiet)
    assert not [each for each in twins.sections if each.key in ("verdicts", "importance", "luck")]
    assert not section(twins, "again").texts[0].text.startswith("sweep run")
    search = gather(results, quiet)
    found = section(search, "finalists")
    assert [row[1] for row in found.tables[0].rows] == [str(number) for number in results.finalists()["trial"]]
    assert "trained again with 2 fresh seeds" in search.answer[0]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("none of 3 trials diverged", "None of 3 trials diverged."),
        ("learning_rate matters", "learning_rate matters."),
        ("cross-validated", "Cross-validated."),
        ("Is it?", "Is it?"),
    ],
)
def test_sentences_begin_with_a_capital_and_end(words, shown):
    assert sentence(words) == shown
