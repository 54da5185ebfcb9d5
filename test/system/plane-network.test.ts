/** The network under the packet plane: addresses that come and go, links that go down and up, packets for nobody alone. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  addAddress,
  inside,
  ip,
  openStar,
  type Spoke,
  type Star,
  setUpSpoke,
  withoutNamespaces,
} from '../support/netlab.js';

const here = dirname(fileURLToPath(import.meta.url));
const PORT = 123;

const start = (ns: string, script: string, ...args: string[]): ChildProcess => {
  const [command, ...words] = inside(ns, [process.execPath, join(here, script), ...args]);
  return spawn(command!, words, { stdio: ['pipe', 'pipe', 'inherit'] });
};

/** Sockets for NTP that a process sees bound to an IPv4 address, from /proc/net/udp (address and port in hexadecimal). */
const socketsAt = (pid: number, address: string): number => {
  const bytes = address.split('.').map((b) => Number(b).toString(16).padStart(2, '0'));
  const name = ` ${bytes.reverse().join('').toUpperCase()}:${PORT.toString(16).toUpperCase().padStart(4, '0')} `;
  return readFileSync(`/proc/${pid}/net/udp`, 'utf8').split(name).length - 1;
};

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 150 && !holds(); i++) await sleep(20);
  assert.ok(holds(), what);
};

describe('packet plane and its network', () => {
  let star: Star;
  let spoke: Spoke;
  let failure: unknown;
  let server: ChildProcess;
  let client: ChildProcess;
  let lines: AsyncIterator<string>;

  before(async () => {
    try {
      star = openStar(1);
    } catch (error) {
      failure = error;
      return;
    }
    spoke = star.spokes[0]!;
    server = start(spoke.ns, '../bench/server.js', '', String(PORT), '1');
    await once(server.stdout!, 'data');
    client = start(star.hub, '../support/asker.js');
    lines = createInterface({ input: client.stdout! })[Symbol.asyncIterator]();
  });
  after(async () => {
    for (const child of [server, client]) {
      if (child === undefined || child.exitCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
    star?.close();
  });

  const skipped = (t: TestContext): boolean => {
    if (failure !== undefined) withoutNamespaces(t, failure);
    return failure !== undefined;
  };
  /** Who answers a request to an address; undefined: nobody. */
  const ask = async (address: string): Promise<string | undefined> => {
    client.stdin!.write(`${address} ${PORT}\n`);
    const { value } = await lines.next();
    const [from, bytes] = String(value).split(' ');
    if (from === '-') return undefined;
    const mode = Number.parseInt(bytes!.slice(0, 2), 16) & 7;
    assert.equal(mode, 4);
    return from;
  };
  /** Neighbours may have to find each other first. */
  const answers = async (address: string): Promise<void> => {
    let from: string | undefined;
    for (let i = 0; i < 5 && from === undefined; i++) from = await ask(address);
    assert.equal(from, address);
  };

  it('each address has a socket of its own, and each is answered from itself', async (t) => {
    if (skipped(t)) return;
    for (let i = 0; i < 4; i++) {
      await until(`a socket for ${spoke.address4(i)}`, () => socketsAt(server.pid!, spoke.address4(i)) === 1);
      await answers(spoke.address4(i));
      await answers(spoke.address6(i));
    }
    assert.equal(socketsAt(server.pid!, '0.0.0.0'), 1);
  });

  it('an address that is added is served at once and has a socket soon; one that is removed leaves none', async (t) => {
    if (skipped(t)) return;
    const [v4, v6] = ['10.77.1.77', 'fd77:0:0:1::77'];
    for (let round = 0; round < 2; round++) {
      addAddress(spoke, v4);
      addAddress(spoke, v6);
      await answers(v4);
      await answers(v6);
      await until('a socket for the new address', () => socketsAt(server.pid!, v4) === 1);
      await answers(v4);
      await answers(v6);
      ip('-n', spoke.ns, 'addr', 'del', `${v4}/24`, 'dev', spoke.link);
      ip('-n', spoke.ns, 'addr', 'del', `${v6}/64`, 'dev', spoke.link);
      await until('no socket for the address that has gone', () => socketsAt(server.pid!, v4) === 0);
      assert.equal(await ask(v4), undefined);
      await answers(spoke.address4());
      await answers(spoke.address6());
    }
  });

  it('an address of nobody’s interface is served by the socket for any', async (t) => {
    if (skipped(t)) return;
    ip('-n', spoke.ns, 'route', 'add', 'local', '10.99.0.0/16', 'dev', 'lo');
    ip('-n', star.hub, 'route', 'add', '10.99.0.0/16', 'via', spoke.address4());
    await answers('10.99.3.4');
    assert.equal(socketsAt(server.pid!, '10.99.3.4'), 0);
  });

  it('a link that goes down and up again', async (t) => {
    if (skipped(t)) return;
    for (let round = 0; round < 2; round++) {
      ip('-n', spoke.ns, 'link', 'set', spoke.link, 'down');
      assert.equal(await ask(spoke.address4()), undefined);
      ip('-n', spoke.ns, 'link', 'set', spoke.link, 'up');
      setUpSpoke(spoke);
      await answers(spoke.address4(1));
      await answers(spoke.address6(1));
    }
  });

  it('what is sent to everybody is answered by no more than one host, as itself, and what is for a group not at all', async (t) => {
    if (skipped(t)) return;
    const from = await ask('10.77.1.255');
    assert.ok(from === undefined || from === spoke.address4(), `${from}`);
    assert.equal(await ask('224.0.1.1'), undefined);
    await answers(spoke.address4());
  });
});
