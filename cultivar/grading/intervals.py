"""Confidence intervals: of a rate, of a mean of shares, and of the change of either on the same items.

No interval has width zero where the items happen to agree, which tells little of other items. None narrows where an item
ceases to agree: a share that moves a little moves the ends of its interval a little.
"""

import math
from collections.abc import Sequence

from scipy.special import ndtri, stdtrit

Interval = tuple[float, float]


def wilson(successes: float, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a rate (Wilson 1927); (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    rate = successes / trials
    return score_interval(rate, rate * (1 - rate), trials, normal_quantile(confidence))


def mean_share(shares: Sequence[float], confidence: float = 0.95) -> Interval:
    """Interval of the mean of shares in [0, 1], one an item: Wilson's with the variance that the items have.

    That variance is the sample's, with Student's t in place of z; it is at most what items of 0 and 1 with this mean
    have, so theirs is Wilson's interval. With many items it is Student's; with equal ones z²/(z² + items) wide.
    """
    count = len(shares)
    if count < 2:
        return wilson(math.fsum(shares), count, confidence)
    z, t = normal_quantile(confidence), float(stdtrit(count - 1, 0.5 + confidence / 2))
    mean = math.fsum(shares) / count
    sampled = math.fsum((share - mean) ** 2 for share in shares) / (count - 1)
    return score_interval(mean, min(mean * (1 - mean), sampled * t * t / (z * z)), count, z)


def score_interval(mean: float, variance: float, count: int, z: float) -> Interval:
    """Wilson's interval: z² items more, half of them 0 and half of them 1, and z standard errors to each side."""
    middle = (mean + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(variance / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return min(mean, max(0.0, middle - half)), max(mean, min(1.0, middle + half))


def normal_quantile(confidence: float) -> float:
    """How many standard deviations of a normal distribution to each side hold this share of it."""
    return float(ndtri(0.5 + confidence / 2))


def change(before: Sequence[float], after: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Interval of mean(after) - mean(before), shares in [0, 1] of the same items; None for fewer than two items.

    Shares of 0 and 1 (an item right or wrong): Newcombe's score interval. Others: that of the mean of the items'
    differences, from [-1, 1] brought to [0, 1]. Where nothing changes that is as wide as Newcombe's of items that are all
    right (or all wrong), and wider than Newcombe's of items of both kinds.
    """
    if len(before) < 2:
        return None
    if set(before) | set(after) <= {0.0, 1.0}:
        return newcombe(after, before, confidence)
    low, high = mean_share([(1 + now - was) / 2 for was, now in zip(before, after, strict=True)], confidence)
    return 2 * low - 1, 2 * high - 1


def newcombe(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """Interval of the difference of two paired rates, first minus second (Newcombe 1998b, method 10); shares are 0 or 1."""
    count = len(first)
    one, two = math.fsum(first) / count, math.fsum(second) / count
    (low_1, high_1), (low_2, high_2) = (wilson(rate * count, count, confidence) for rate in (one, two))
    related = 0.0
    if (variances := one * (1 - one) * two * (1 - two)) > 0:
        covariance = math.fsum(a * b for a, b in zip(first, second, strict=True)) / count - one * two
        corrected = max(0.0, covariance - 1 / (2 * count)) if covariance > 0 else covariance
        related = corrected / math.sqrt(variances)

    def distance(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * related * a * b + b * b))

    difference = one - two
    return difference - distance(one - low_1, high_2 - two), difference + distance(high_1 - one, two - low_2)
