import { HELP } from './help.js';
import type { Command } from './session.js';

const OURS = `timeballd only:
receiver status             Numbering, latency, satellites and rejects of reference clocks
sources --why               The state of each source in words
stability [-v]              ADEV, TDEV, MTIE, residuals; -v: histograms
bound                       Between which instants true time lies
`;

export const help: Command = async (session) => session.io.out(`${HELP}\n${OURS}`);
