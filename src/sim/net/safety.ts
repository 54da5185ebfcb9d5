import type { Seconds } from '../../base/units.js';
import { refIdOfAddress } from '../../core/ntp/client/refid.js';
import type { TrueTime } from '../queue.js';
import type { Watcher, World } from '../world.js';
import { type ServerModel, SimServers } from './servers.js';

/** s for which a server has to be what it is before it counts: a daemon that polls needs several polls to see it. */
const GRACE: Seconds = 300;

/** Does the server take part, as far as anybody can see from outside? */
const answers = (s: ServerModel): boolean =>
  !s.silent && s.kiss === '' && s.leap !== 3 && s.stratum > 0 && s.stratum < 16 && s.path.loss < 1;

/** Is its time further off than it says, and further than the way to it can hide? */
const lies = (s: ServerModel, t: TrueTime): boolean => {
  const { baseUp, baseDown, waitUp, waitDown } = s.path;
  const claimed = s.rootDelay / 2 + s.rootDispersion;
  return Math.abs(s.offset + s.drift * t) > claimed + (baseUp + baseDown + waitUp + waitDown) / 2;
};

interface Life {
  lying: number;
  honest: number;
}

/**
 * Judges whom the clock follows, as its clients see it by the reference id: never a liar while those who tell the truth
 * are more than half of all who answer.
 */
export class SafetyJudge implements Watcher {
  readonly findings: { readonly at: TrueTime; readonly text: string }[] = [];
  /** Seconds for which each server has been what it is. */
  private readonly lives = new Map<ServerModel, Life>();

  second(k: number, world: World): void {
    const { upstream } = world.spec;
    if (!(upstream instanceof SimServers)) return;
    let voters = 0;
    let honest = 0;
    for (const server of upstream.servers) {
      const life = this.live(server, k);
      if (answers(server)) voters++;
      if (life.honest > GRACE) honest++;
    }
    const { state } = world;
    if (state === undefined || state.leap === 3 || honest * 2 <= voters) return;
    const followed = upstream.servers.find((s) => refIdOfAddress(s.address) === state.refId);
    if (followed === undefined || this.lives.get(followed)!.lying <= GRACE) return;
    if (this.findings.length < 1000) {
      this.findings.push({ at: k, text: `follows ${followed.address}, which lies; ${honest} of ${voters} do not` });
    }
  }

  private live(server: ServerModel, t: TrueTime): Life {
    const life = this.lives.get(server) ?? { lying: 0, honest: 0 };
    this.lives.set(server, life);
    const liar = lies(server, t);
    life.lying = liar ? life.lying + 1 : 0;
    life.honest = !liar && answers(server) ? life.honest + 1 : 0;
    return life;
  }
}
