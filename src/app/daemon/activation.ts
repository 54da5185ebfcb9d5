/** First descriptor that a service manager passes (sd_listen_fds(3)). */
const FIRST = 3;
const MAX = 64;

/**
 * Sockets that the service manager has bound for us (socket activation: `LISTEN_FDS`, and `LISTEN_PID` where it is set).
 * Programs that we start are not to take them for theirs.
 */
export const inheritedSockets = (env: NodeJS.ProcessEnv = process.env, pid = process.pid): readonly number[] => {
  const { LISTEN_FDS, LISTEN_PID } = env;
  delete env['LISTEN_FDS'];
  delete env['LISTEN_PID'];
  delete env['LISTEN_FDNAMES'];
  const count = /^\d{1,3}$/.test(LISTEN_FDS ?? '') ? Math.min(MAX, Number(LISTEN_FDS)) : 0;
  const ours = LISTEN_PID === undefined || Number(LISTEN_PID) === pid;
  return ours ? Array.from({ length: count }, (_, i) => FIRST + i) : [];
};
