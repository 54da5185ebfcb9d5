import { fromUnix } from '../base/time.js';
import type { FileAccess } from '../conf/files.js';
import { parseConfig } from '../conf/parse.js';
import { type EngineConfig, engineConfig } from '../engine/config.js';
import { KERNEL_ACTUATOR } from './clock.js';

const NO_FILES: FileAccess = { read: () => undefined, list: () => [] };

/** Readings of a small board's clock differ by about this, s. */
const PRECISION = 1e-7;

/** Worlds may be set anywhere in time after this: 2020-01-01. */
const BUILD_DATE = fromUnix(1_577_836_800);

/**
 * What the daemon of a world is configured with, in chrony.conf's own lines. `control` false = `-x`.
 * @throws CodedError ERR_TB_CONFIG
 */
export const worldConfig = (lines: readonly string[], control: boolean): EngineConfig =>
  engineConfig(parseConfig({ lines }, NO_FILES, { chronyNames: false }), {
    precision: PRECISION,
    control: control ? KERNEL_ACTUATOR : undefined,
    buildDate: BUILD_DATE,
    seed: [1, 2, 3, 4, 5, 6, 7, 8],
  });
