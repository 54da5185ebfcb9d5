import { HELP, helpOf } from './help.js';
import type { Command } from './session.js';

const OURS = `timeballd only:
receiver status             Numbering, latency, satellites and rejects of reference clocks
sources --why               The state of each source in words
stability [-v]              ADEV, TDEV, MTIE, residuals; -v: histograms
watch [<seconds>]           Sources, statistics and the server's load, drawn again and again
bound                       Between which instants true time lies
`;

const ourHelpOf = (command: string | undefined): string =>
  OURS.split('\n')
    .filter((line) => command !== undefined && line.split(' ')[0] === command)
    .map((line) => `${line}\n`)
    .join('');

/** `help [COMMAND]`: everything, or what there is to say of one command. */
export const help: Command = async (session, [command]) =>
  session.io.out(helpOf(command) + ourHelpOf(command) || `${HELP}\n${OURS}`);
