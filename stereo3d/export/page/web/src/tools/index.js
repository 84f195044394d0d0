// The tools, without any window: what the panels call and the tests compare with the Python package.

export { angle, area, azimuthElevation, directionAngles, distance, heightAbovePlane, polylineLength } from './measure.js';
export { planeFit } from './plane.js';
export { FLATTEST, heightSigma, profile, profileCsv } from './profile.js';
export { groundWithin, insidePolygon, pixelAngle, slopeAbout } from './ground.js';
export { angleDifference, covariance, propagate, sigmaAlong } from './sigma.js';
export { apply, applyInverse } from './frames.js';
export { decimals, fixed, lengthText, roundLength, ticks, withSigma } from './format.js';
export { RecordError, cell, cut, fromGeoJson, toCsv, toGeoJson } from './records.js';
