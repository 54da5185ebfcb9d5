import { VERSION } from '../../base/build.js';

/** As chronyd's first line names them. */
export const FEATURES = '+CMDMON +REFCLOCK +RTC +PRIVDROP -SCFILTER -SIGND -NTS +SECHASH +IPV6 -DEBUG';

/** The first line of a log. */
export const startLine = (program: string): string => `${program} version ${VERSION} starting (${FEATURES})`;

/** A fatal error that the daemon's log has been told of. `cause`: the error itself. */
export class Told extends Error {
  override name = 'Told';
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
