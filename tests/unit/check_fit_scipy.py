#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# An independent fit of the same points, by scipy: every value of the analysis must lie within 0.1 of its
# stated sigma. Nothing is shared with the C code but what both must take as given: the points, the
# window of each resonance, which ripple there is and how much the axis scatters. Resonances are looked for anew, and
# fits start from what is seen of them, not from the result. No grouping of points, blur by brute
# force, derivatives by differences.
#
# usage: check_fit_scipy.py TABLE.csv RESULT.json     exit 0: agrees, 1: does not, 77: no scipy
import json
import sys

try:
    import numpy as np
    from scipy.optimize import least_squares
    from scipy.signal import find_peaks, peak_widths
except ImportError as missing:
    print(f"SKIP the fit is not compared with scipy: {missing}")
    sys.exit(77)

WITHIN_SIGMAS = 0.1
BLUR = 9  # points across the aperture
RIPPLE = 7  # parameters of one
PROMINENT_DB = 3


def response(s, centre, half_width, depth, period):
    sine = period / np.pi * np.sin(np.pi * (s - centre) / period)
    return 1 - depth / (1 + (sine / half_width) ** 2)


def blurred(s, p, period, aperture, jitter):
    """Mean over the aperture and over where a logged wavelength may really have been."""
    box = aperture * ((np.arange(BLUR) + 0.5) / BLUR - 0.5) / np.sqrt(1 - 1 / BLUR**2)
    gauss, weights = np.polynomial.hermite_e.hermegauss(3)
    total = np.zeros_like(s)
    for b in box:
        for g, w in zip(gauss, weights / weights.sum()):
            total += w * response(s - b - jitter * g, *p, period)
    return total / BLUR


class Seen:
    """A resonance as the bare points show it: where, how wide, and how far its neighbours are."""

    def __init__(self, wavelength, width, fsr):
        self.wavelength = wavelength
        self.width = width
        self.fsr = fsr


def look(table):
    x, y = table["x"], table["y"]
    at, _ = find_peaks(-10 * np.log10(y), prominence=PROMINENT_DB)
    if len(at) < 2:
        return []
    widths = peak_widths(-y, at)[0] * np.median(np.diff(x))
    # A free spectral range goes with the square of the wavelength; both neighbours tell of it.
    return [Seen(*seen) for seen in zip(x[at], widths, np.gradient(x[at]))]


class Window:
    def __init__(self, table, result, found, seen):
        low, high = found["window_nm"]
        inside = (table["x"] >= low) & (table["x"] < high)
        self.centre = (low + high) / 2
        x = table["x"][inside]
        self.s = (x - self.centre) * self.centre / x
        self.x = x
        self.y = table["y"][inside]
        self.scale = np.median(self.y)
        self.y = self.y / self.scale
        self.u = self.s / ((high - low) / 2)
        # A cavity's phase runs with 1/x where its ripple is even in frequency.
        self.turns = 1550 - 1550**2 / x if table["even_in"] == "frequency" else x - 1550
        self.seen = seen
        self.period = seen.fsr
        self.ripples = [r["period_nm"] for r in result["baseline"]["ripple"]]
        self.aperture = table["aperture_nm"]
        self.jitter = result["axis"]["random_used_pm"] * 1e-3

    def start(self):
        lines = [v for p in self.ripples for v in (1 / p, 0, 0, 0, 0, 0, 0)]
        centre = (self.seen.wavelength - self.centre) * self.centre / self.seen.wavelength
        depth = 1 - np.min(self.y)
        return np.array([centre, self.seen.width / 2, depth, 1, 0, 0, 0] + lines)

    def baseline(self, p):
        value = np.polynomial.polynomial.polyval(self.u, p[3:7])
        for k in range(len(self.ripples)):
            f, c, s, cu, su, c2, s2 = p[7 + RIPPLE * k : 7 + RIPPLE * (k + 1)]
            phase = 2 * np.pi * f * self.turns
            value = value * (
                1
                + (c + cu * self.u) * np.cos(phase)
                + (s + su * self.u) * np.sin(phase)
                + c2 * np.cos(2 * phase)
                + s2 * np.sin(2 * phase)
            )
        return value

    def model(self, p):
        return self.baseline(p) * blurred(self.s, p[:3], self.period, self.aperture, self.jitter)

    def slopes(self, p):
        """First and second derivative of the model along the axis."""
        at = blurred(self.s, p[:3], self.period, self.aperture, self.jitter)
        step = 1e-5
        up = blurred(self.s + step, p[:3], self.period, self.aperture, self.jitter)
        down = blurred(self.s - step, p[:3], self.period, self.aperture, self.jitter)
        base = self.baseline(p)
        first = base * (up - down) / (2 * step) + at * np.gradient(base, self.s)
        return first, base * (up - 2 * at + down) / step**2

    def weights(self, p):
        """The fit's weights: effective variance, softened where the slope changes within a step."""
        first, second = self.slopes(p)
        residual = self.y - self.model(p)
        jitter = self.jitter**2 * first**2
        far = np.abs(self.s - p[0]) > 10 * p[1]
        white = np.mean(residual[far] ** 2 - jitter[far])
        variance = white * self.model(p) ** 2 / np.mean(self.model(p)[far] ** 2) + jitter
        variance += (second * self.jitter**2) ** 2 / 2
        return 1 / (variance + (2 * self.jitter**2 * second) ** 2)

    def solve(self, p, free, weight):
        """Least squares over some of the parameters."""
        root = np.sqrt(weight)
        whole = p.copy()

        def residuals(q):
            whole[free] = q
            return root * (self.y - self.model(whole))

        whole[free] = least_squares(residuals, p[free], x_scale="jac",
                                    xtol=1e-14, ftol=1e-14, gtol=1e-14).x
        return whole

    def fit(self):
        p = self.start()
        everything = np.ones(len(p), dtype=bool)
        # As long as no ripple is known of, its period means nothing and would run away.
        steady = everything.copy()
        steady[7::RIPPLE] = False
        p = self.solve(p, steady, np.ones_like(self.y) * 1e6)
        for _ in range(8):
            before = p
            p = self.solve(p, everything, self.weights(p))
            if np.allclose(p, before, rtol=1e-9, atol=1e-12):
                break
        return p

    def values(self, p):
        wavelength = self.centre / (1 - p[0] / self.centre)
        half = np.arcsin(np.pi * p[1] / self.period)
        fwhm = 2 * self.period / np.pi * half * (wavelength / self.centre) ** 2 * 1e3
        finesse = (self.period / (np.pi * p[1])) ** 2
        extinction = 10 * np.log10((1 - p[2] / (1 + finesse)) / (1 - p[2]))
        return wavelength, fwhm, extinction


def read_table(path):
    with open(path, encoding="utf-8") as f:
        aperture_nm = float(f.readline().split("=")[1])
        even_in = f.readline().split("=")[1].strip()
        data = np.loadtxt(f, delimiter=",", skiprows=1)
    x, y = data[:, 0], data[:, 1]
    if data.shape[1] > 2:  # the laser's own power, as its monitor saw it
        y = y / data[:, 2]
    return {"x": x, "y": y, "aperture_nm": aperture_nm, "even_in": even_in}


def main():
    table = read_table(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as f:
        result = json.load(f)
    bad = 0
    seen = look(table)
    if len(seen) != len(result["resonances"]):
        print(f"{len(seen)} dips are seen, {len(result['resonances'])} resonances were found")
        return 1
    for found, start in zip(result["resonances"], seen):
        window = Window(table, result, found, start)
        wavelength, fwhm, extinction = window.values(window.fit())
        z = (
            (found["wavelength_nm"] - wavelength) * 1e3 / found["wavelength_random_pm"],
            (found["fwhm_pm"] - fwhm) / found["fwhm_random_pm"],
            (found["extinction_db"] - extinction) / found["extinction_random_db"],
        )
        print(f"{found['wavelength_nm']:.5f} nm  off by", *(f"{v:+.3f}" for v in z), "sigma")
        bad += sum(abs(v) > WITHIN_SIGMAS for v in z)
    if not result["resonances"]:
        print("nothing to compare")
        bad = 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
