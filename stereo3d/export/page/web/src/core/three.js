/** three.js as one name, set to show colours as they are stored: the photographs are what they are, nothing is lit. */
import * as THREE from 'three';

THREE.ColorManagement.enabled = false;

export { THREE };
export * from 'three';
