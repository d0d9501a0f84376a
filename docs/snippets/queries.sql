-- Accuracy against learning rate, of the trials that completed.
SELECT trial, learning_rate, value AS accuracy
FROM "digits-quickstart"
WHERE status = 'completed'
ORDER BY learning_rate;

-- Learning curves of the five best trials.
SELECT rank, trial, epoch, value
FROM curves
WHERE sweep = 'digits-quickstart' AND rank <= 5
ORDER BY rank, epoch;

-- Where trials diverged, and from which learning rate on.
SELECT diverged_place, diverged_kind, count(*) AS trials, min(learning_rate) AS from_learning_rate
FROM "digits-quickstart"
WHERE status = 'diverged'
GROUP BY diverged_place, diverged_kind
ORDER BY trials DESC, diverged_place;

-- The best trial of each sweep.
SELECT sweep, trial, metric, value
FROM leaderboard
WHERE rank = 1
ORDER BY sweep;

-- Minutes spent on each sweep, in training time of its trials.
SELECT sweeps.name AS sweep, count(*) AS trials, sum(trials.seconds) / 60 AS minutes
FROM sweeps JOIN trials ON trials.sweep_id = sweeps.id
GROUP BY sweeps.id, sweeps.name
ORDER BY minutes DESC;
