"""The core's random numbers written out plainly, for tests that follow what it draws."""

import math

MASK = (1 << 64) - 1


class _SplitMix:
    def __init__(self, state):
        self.state = state & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)


class RandomSource:
    """xoshiro256++ seeded through SplitMix64."""

    def __init__(self, seed):
        self.seed = seed
        mixer = _SplitMix(seed)
        self.state = [mixer.next() for _ in range(4)]

    def stream(self, index):
        salt = _SplitMix(self.seed ^ 0xD1B54A32D192ED03).next()
        return RandomSource(_SplitMix(salt + index).next())

    def next(self):
        def rotate(x, k):
            return ((x << k) | (x >> (64 - k))) & MASK

        s = self.state
        result = (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def uniform(self, low=0.0, high=1.0):
        return low + (high - low) * ((self.next() >> 11) * 2.0**-53)

    def integer(self, bound):
        """Uniform in 0..<bound; for bounds so small that no draw is ever refused."""
        return (self.next() * bound) >> 64

    def normal(self):
        while True:
            u, v = self.uniform(-1, 1), self.uniform(-1, 1)
            s = u * u + v * v
            if 0 < s < 1:
                return u * math.sqrt(-2 * math.log(s) / s)

    def permutation(self, count):
        order = list(range(count))
        for i in range(count - 1, 0, -1):
            j = self.integer(i + 1)
            order[i], order[j] = order[j], order[i]
        return order
