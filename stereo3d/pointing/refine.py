"""The refinement of pointing as one function: frames of one stop in, corrections of the mast's angles out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from stereo3d.frames import Float, RigidTransform
from stereo3d.observation import Observation
from stereo3d.pointing.result import FramePointing, OverlapResidual, Pointing
from stereo3d.pointing.shots import Shot, find_shots, model_error_px, prior_sigma_deg, shot_of
from stereo3d.pointing.solve import Solution, solve
from stereo3d.pointing.ties import Ties, find_ties, joined, some
from stereo3d.pointing.views import View, prepared

Progress = Callable[[str, float], None]
"""Called with the name of the stage that begins and the share of the work done so far (0 to 1)."""

Int = NDArray[np.int64]

_MIN_TIES = 12
_MIN_AGREE = 0.3
_MOST_SIGMAS = 5.0
_LEAST_GAIN = 0.5
"""A correction that leaves more than this share of the telemetry's sigma between neighbours is none."""


def refine_pointing(observations: Sequence[Observation], progress: Progress | None = None) -> Pointing:
    """Correct pan and tilt of the mast for each shot, so that the frames of one stop fit each other.

    Both eyes of a shot, and all tiles of a frame, turn together.  A frame that cannot be tied to others keeps its
    telemetry, with the reason; frames that no tie joins make groups, each held by its own telemetry.

    Raises FrameMismatchError when the frames are of different missions or stops.
    """
    tell = progress or (lambda name, share: None)
    nan = float("nan")
    if not observations:
        return Pointing((), (), nan, nan, (nan, nan, nan), (nan, nan, nan), np.empty((0, 3)), ())
    shots = find_shots(observations)
    prior_rad = float(np.radians(prior_sigma_deg(observations[0])))
    tell("preparing frames", 0.0)
    with ThreadPoolExecutor(max_workers=2) as pool:
        views = list(pool.map(prepared, observations))
        tell("finding ties", 0.3)
        ties = joined(list(pool.map(lambda i: find_ties(views, shots, i, prior_rad), range(len(views)))))
    tell("fitting the mast", 0.9)
    pointing = _fitted(observations, shots, views, ties, prior_rad)
    tell("done", 1.0)
    return pointing


def _fitted(
    observations: Sequence[Observation], shots: tuple[Shot, ...], views: Sequence[View], ties: Ties, prior_rad: float
) -> Pointing:
    """Solve, and again without what the solution shows to be no support, until all of it is."""
    of, common_px = shot_of(shots), model_error_px(observations[0])
    found = _links(ties, of, np.ones(len(ties.track), dtype=bool), len(shots))
    why_not = ["" if s.on_mast else "it is not on the mast" for s in shots]
    while True:
        solution = solve(views, shots, ties, prior_rad, common_px) if len(ties.track) else None
        if solution is None:
            group = np.full(len(shots), -1, dtype=np.int64)
            break
        links = _links(ties, of, solution.agree, len(shots))
        held = (links >= _MIN_TIES) & (links >= _MIN_AGREE * found)
        between = of[ties.reference][ties.track], of[ties.target]
        loose = (between[0] != between[1]) & ~held[between]
        if loose.any():
            ties = some(ties, ~loose, of)
            continue
        group = _groups(held)
        worst = _refused(group, solution, prior_rad)
        if worst is None:
            break
        refused, why = worst
        why_not[refused] = why
        ties = some(ties, (between[0] != refused) & (between[1] != refused), of)
    for k in np.flatnonzero(group < 0):
        most = int(found[k].max(initial=0))
        why_not[k] = why_not[k] or (
            f"only {most} ties with another shot were found or do not agree, {_MIN_TIES} that agree are needed"
            if most
            else "it shares no ties with another shot"
        )
    return _report(observations, shots, ties, solution, group, why_not, prior_rad)


def _links(ties: Ties, of: Int, which: NDArray[np.bool_], shots: int) -> Int:
    """(shots, shots), symmetric: how many of ``which`` ties there are between two shots."""
    out = np.zeros((shots, shots), dtype=np.int64)
    np.add.at(out, (of[ties.reference][ties.track][which], of[ties.target][which]), 1)
    out += out.T
    np.fill_diagonal(out, 0)
    return out


def _groups(held: NDArray[np.bool_]) -> Int:
    """(shots,) the number of the group that ties join each shot with, from 0; -1 for a shot that is alone."""
    _, label = connected_components(csr_array(held), directed=False)
    out = np.full(len(label), -1, dtype=np.int64)
    alone = np.bincount(label)[label] == 1
    out[~alone] = np.unique(label[~alone], return_inverse=True)[1]
    return out


def _refused(group: Int, solution: Solution, prior_rad: float) -> tuple[int, str] | None:
    """The shot that is least to be believed and why; None when all are."""
    relative = _relative_sigma(group, solution.covariance)
    unsure = np.where(group >= 0, relative.max(axis=1), 0.0) / (_LEAST_GAIN * prior_rad)
    far = np.where(group >= 0, np.abs(solution.angles).max(axis=1), 0.0) / (_MOST_SIGMAS * prior_rad)
    worst = int(np.argmax(np.maximum(unsure, far)))
    if max(unsure[worst], far[worst]) <= 1.0:
        return None
    if far[worst] >= unsure[worst]:
        turn = np.degrees(np.abs(solution.angles[worst]).max())
        return worst, (
            f"its ties ask for a turn of {turn:.2f} degrees, more than {_MOST_SIGMAS:.0f} sigma of the telemetry "
            f"({np.degrees(prior_rad):.2f} degrees)"
        )
    sigma = np.degrees(relative[worst].max())
    return worst, f"its ties leave its pointing against its neighbours open by {sigma:.3f} degrees"


def _relative_sigma(group: Int, covariance: Float) -> Float:
    """(shots, 2) rad: one sigma of pan and tilt against the mean of the group; NaN outside groups."""
    count = len(group)
    out = np.full((count, 2), np.nan)
    for g in range(int(group.max(initial=-1)) + 1):
        members = np.flatnonzero(group == g)
        against = np.eye(len(members)) - 1.0 / len(members)
        for k in range(2):
            part = covariance[np.ix_(2 * members + k, 2 * members + k)]
            out[members, k] = np.sqrt(np.diag(against @ part @ against.T))
    return out


def _report(
    observations: Sequence[Observation],
    shots: tuple[Shot, ...],
    ties: Ties,
    solution: Solution | None,
    group: Int,
    why_not: Sequence[str],
    prior_rad: float,
) -> Pointing:
    of = shot_of(shots)
    angles, sigma = np.zeros((len(shots), 2)), np.full((len(shots), 2), prior_rad)
    relative = np.full((len(shots), 2), np.nan)
    links = np.zeros((len(shots), len(shots)), dtype=np.int64)
    overlaps: list[OverlapResidual] = []
    before = after = float("nan")
    rig = rig_sigma = np.full(3, np.nan)
    points = np.empty((0, 3))
    if solution is not None:
        inside = group >= 0
        angles[inside] = solution.angles[inside]
        sigma[inside] = np.sqrt(np.diag(solution.covariance)).reshape(-1, 2)[inside]
        relative = _relative_sigma(group, solution.covariance)
        rig, rig_sigma = np.degrees(solution.rig), np.degrees(solution.rig_sigma)
        points = solution.points[np.unique(ties.track[solution.agree])]
        points = points[np.isfinite(points).all(axis=1)]
        links = _links(ties, of, solution.agree, len(shots))
        a, b = of[ties.reference][ties.track], of[ties.target]
        cross = solution.agree & (a != b)
        before, after = (float(np.median(r[cross])) for r in (solution.before_px, solution.after_px))
        names = [observations[shot.members[0]].product_id for shot in shots]
        for first, second in np.argwhere(np.triu(links) > 0).tolist():
            these = cross & (((a == first) & (b == second)) | ((a == second) & (b == first)))
            overlaps.append(
                OverlapResidual(
                    names[first],
                    names[second],
                    int(these.sum()),
                    float(np.median(solution.before_px[these])),
                    float(np.median(solution.after_px[these])),
                )
            )
    degrees = np.degrees(np.concatenate([angles, sigma, relative], axis=1))
    frames = []
    for i, o in enumerate(observations):
        k = int(of[i])
        pan, tilt, pan_sigma, tilt_sigma, pan_relative, tilt_relative = degrees[k].tolist()
        frames.append(
            FramePointing(
                o.product_id,
                k,
                int(group[k]),
                pan,
                tilt,
                pan_sigma,
                tilt_sigma,
                pan_relative,
                tilt_relative,
                int(links[k].sum()),
                why_not[k],
                RigidTransform(o.frame, o.frame) if why_not[k] else shots[k].turned(o.frame, pan, tilt),
            )
        )
    return Pointing(
        frames=tuple(frames),
        overlaps=tuple(overlaps),
        before_px=before,
        after_px=after,
        rig_deg=_three(rig),
        rig_sigma_deg=_three(rig_sigma),
        points=points,
        notes=_notes(observations, shots, group, why_not),
    )


def _three(values: Float) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _notes(
    observations: Sequence[Observation], shots: Sequence[Shot], group: Int, why_not: Sequence[str]
) -> tuple[str, ...]:
    notes = [
        f"The pointing of {observations[shot.members[0]].product_id} is the telemetry's: {why}."
        for shot, why in zip(shots, why_not, strict=True)
        if why
    ]
    count = int(group.max(initial=-1)) + 1
    if count > 1:
        azimuths = (
            ", ".join(f"{shots[k].azimuth_deg:.0f}" for k in np.flatnonzero(group == g).tolist()) for g in range(count)
        )
        notes.append(
            f"The frames make {count} groups that no tie joins (azimuths {'; '.join(azimuths)} degrees of the rover): "
            "between them the pointing is as good as the telemetry."
        )
    return tuple(notes)
