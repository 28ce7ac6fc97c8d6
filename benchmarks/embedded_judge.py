"""What the embedded judge can tell apart: python benchmarks/embedded_judge.py (about a minute).

Forty passages of the shipped table, scored as they were written, under another subtask, and with their words
shuffled. The area under the curve is 1 where every passage as written scores above every damaged one, and
0.5 for a judge that tells nothing.
"""

import asyncio
import random
import statistics
from collections.abc import Sequence

from net4moe.chat import embedded, weights
from net4moe.mixture import ExplicitJudge
from net4moe.study import shipped

NUM_PASSAGES = 40


def area_under_curve(good: Sequence[float], bad: Sequence[float]) -> float:
    """Compute the chance that a good one scores above a bad one, a tie counting one half."""
    wins = sum((one > other) + 0.5 * (one == other) for one in good for other in bad)
    return wins / (len(good) * len(bad))


async def measure() -> None:
    """Score, compare and print."""
    stories = [row for row in shipped.table().rows if row.field != "explanation"]
    rows = stories[:: len(stories) // NUM_PASSAGES][:NUM_PASSAGES]
    shuffle = random.Random(0)
    texts = {
        "as written": [(row.text, row.subtask) for row in rows],
        "off topic": [(row.text, rows[index - 13].subtask) for index, row in enumerate(rows)],
        "word salad": [
            (" ".join(shuffle.sample(words, len(words))), row.subtask)
            for row in rows
            for words in [row.text.split()]
        ],
    }
    file = weights.cached(weights.SMOLLM2) or weights.fetched(weights.SMOLLM2)
    async with embedded.running(file, weights.SMOLLM2.name) as model:
        judge = ExplicitJudge(model)
        print(judge.name)
        scores: dict[str, list[float]] = {}
        for name, pairs in texts.items():
            found = await asyncio.gather(*(judge.score(t, about=a, kind="story") for t, a in pairs))
            scores[name] = [score.value for score in found if score.value is not None]
            mean, deviation = statistics.mean(scores[name]), statistics.stdev(scores[name])
            area = area_under_curve(scores["as written"], scores[name])
            print(f"{name:11} n {len(scores[name])}  mean {mean:.2f}  sd {deviation:.2f}  AUC {area:.2f}")


if __name__ == "__main__":
    asyncio.run(measure())
