import { fromUnix } from '../../../base/time.js';
import type { NtpDataReport } from '../../report/reports.js';
import type { Counters } from './counters.js';

/** An association, as far as it is told. */
interface Asked {
  readonly address: string;
  readonly options: { readonly port: number };
  readonly counters: Counters;
}

/** What there is to say of a server that has not answered yet: how often it was asked. */
export const unheardReport = (association: Asked): NtpDataReport => ({
  unheard: true,
  remoteAddress: association.address,
  localAddress: undefined,
  remotePort: association.options.port,
  leap: 0,
  version: 0,
  mode: 'server',
  stratum: 0,
  pollLog2: 0,
  precisionLog2: 0,
  rootDelay: 0,
  rootDispersion: 0,
  refId: 0,
  referenceTime: fromUnix(0),
  offset: 0,
  peerDelay: 0,
  peerDispersion: 0,
  responseTime: 0,
  jitterAsymmetry: 0,
  tests: 0,
  interleaved: false,
  authenticated: false,
  txSource: 'daemon',
  rxSource: 'daemon',
  ...association.counters.report(),
});
